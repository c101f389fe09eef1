"""Compare runs: any two groups of finished students side by side, the difference paired by draw and test row.

A side is what one sweep trained for one arm and k; its description says which counterfactuals it learnt from (sources,
prompts, annotators) and how it was trained, so that what differs can be seen.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from cod_core.errors import BadInput
from cod_core.project.filing import read_json
from cod_core.project.place import Place, Room
from cod_core.project.results.results import Results
from cod_core.said import say
from cod_core.store import runs
from cod_core.types import RunConfig

NOT_SETTINGS = ("seed", "data_hash", "shots")


@dataclass(frozen=True)
class Side:
    """id; about: name -> value in words, the same names on every side; run_ids: seed -> student."""

    id: str
    about: dict[str, str]
    run_ids: dict[int, str]


@dataclass(frozen=True)
class Difference:
    """Of the second side less the first, paired over `draws` draws. differs: names of `about` that differ. measures: {name,
    first, second, mean, low, high, clear, caveat, n_rows}."""

    differs: list[str]
    measures: list[dict[str, Any]]
    draws: int


def about(report: dict[str, Any], config: RunConfig, draws: int) -> dict[str, str]:
    """A side in words, every setting named."""
    settings = {k: str(v) for k, v in asdict(config).items() if k not in NOT_SETTINGS}
    return {
        "computed": report["made_at"],
        "arm": config.arm,
        "k": str(config.plotted_k),
        "training rows": str(config.shots),
        "draws": str(draws),
        **settings,
        **{f"counterfactuals: {k}": v for k, v in report.get("provenance", {}).items()},
    }


class Comparison(Room):
    """Two groups of students of one project."""

    def __init__(self, place: Place, results: Results):
        super().__init__(place)
        self.results = results

    def sides(self) -> list[Side]:
        """Every comparable group, the newest sweep first. Two sweeps that share students share them here too."""
        known = {r.config.run_id: r for r in runs.runs(self.db, self.id)}
        out = []
        for report in self.history():
            groups: dict[tuple[str, int], dict[int, str]] = {}
            for run_id in report["run_ids"]:
                if run_id in known:
                    c = known[run_id].config
                    groups.setdefault((c.arm, c.plotted_k), {})[c.seed] = run_id
            for (arm, k), members in sorted(groups.items(), key=lambda g: (-g[0][1], g[0][0])):
                config = known[next(iter(members.values()))].config
                out.append(Side(f"{report['made_at']}|{arm}|{k}", about(report, config, len(members)), members))
        return out

    def history(self) -> list[dict[str, Any]]:
        """Every sweep's report, newest first."""
        folder = self.place.folder("students")
        found = [report for path in folder.glob("report*.json") if (report := read_json(path))]
        return list({r["made_at"]: r for r in sorted(found, key=lambda r: r["made_at"], reverse=True)}.values())

    def compare(self, first: str, second: str) -> Difference:
        """Second - first, paired over the draws that both have and the same judged rows.

        Raises BadInput where a side is unknown or they share no draw.
        """
        known = {side.id: side for side in self.sides()}
        if first not in known or second not in known:
            raise BadInput(say("One of the two runs is not on record any more. Choose again."))
        a, b = known[first], known[second]
        seeds = sorted(a.run_ids.keys() & b.run_ids.keys())
        if not seeds:
            raise BadInput(
                say("The two runs share no draw, so they cannot be compared pair by pair. Distil both with the same number of draws.")
            )
        pairs = [(a.run_ids[s], b.run_ids[s]) for s in seeds]
        left_out = {report["made_at"]: report.get("without", []) for report in self.history()}
        outs = [set(left_out.get(side.about["computed"], [])) for side in (a, b)]
        if outs[0] == outs[1]:  # else the marks differ by the labels
            self._need_same_texts(pairs)
        truth = self.results.truth(sorted(outs[0] | outs[1]))
        measures = [
            {"name": name, "first": m["before"], "second": m["after"], **m["effect"]}
            for name, m in self.results.paired_measures(pairs, truth).items()
        ]
        differs = [n for n in dict.fromkeys([*a.about, *b.about]) if a.about.get(n) != b.about.get(n)]
        return Difference(differs, measures, len(seeds))

    def _need_same_texts(self, pairs: Sequence[tuple[str, str]]) -> None:
        """Raises BadInput where students were judged on other texts than those they are compared with."""
        marks = {r.config.run_id: r.judged for r in runs.runs(self.db, self.id)}
        if any(marks[one] and marks[other] and marks[one] != marks[other] for one, other in pairs):
            raise BadInput(say("The two runs were judged on other texts or labels, so they cannot be compared. Distil both again."))
