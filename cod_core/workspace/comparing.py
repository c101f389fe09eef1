"""Compare runs: any two groups of finished students side by side, the difference paired by draw and test row.

A side is what one sweep trained for one arm and k; its description says which counterfactuals it learnt from (sources,
prompts, annotators) and how it was trained, so that what differs can be seen.
"""

from collections import Counter
from dataclasses import asdict, dataclass

from cod_core.errors import BadInput
from cod_core.store import runs
from cod_core.types import Counterfactual, RunConfig
from cod_core.workspace.base import Base
from cod_core.workspace.filing import read_json

NOT_SETTINGS = ("seed", "data_hash", "shots")


@dataclass(frozen=True)
class Side:
    """id; about: name -> value in words, the same names on every side; run_ids: seed -> student."""

    id: str
    about: dict[str, str]
    run_ids: dict[int, str]


class Comparing(Base):
    """Two groups of students of one project."""

    def sources(self, pid: str) -> dict[str, dict[str, int]]:
        """What kept counterfactuals can be told apart by: {"source", "prompt", "annotator"} -> value -> pairs."""
        current, out = self._state(pid), {}
        for i, (cf, _) in self.kept_pairs(pid).items():
            for name, value in traits(cf, current.outcome[i].annotator).items():
                out.setdefault(name, Counter())[value] += 1
        return {name: dict(counts.most_common()) for name, counts in out.items()}

    def chosen_pairs(self, pid: str, only: dict[str, str] | None = None) -> dict:
        """kept_pairs, or of these the ones whose traits are those in `only` (see sources)."""
        kept = self.kept_pairs(pid)
        if not only:
            return kept
        current = self._state(pid)
        return {i: pair for i, pair in kept.items() if only.items() <= traits(pair[0], current.outcome[i].annotator).items()}

    def provenance(self, pid: str, only: dict[str, str] | None = None) -> dict[str, str]:
        """Where the kept counterfactuals come from, in words: what a sweep's report remembers."""
        current, counts = self._state(pid), {}
        for i, (cf, _) in self.chosen_pairs(pid, only).items():
            for name, value in traits(cf, current.outcome[i].annotator).items():
                counts.setdefault(name, Counter())[value] += 1
        words = {name: ", ".join(f"{value} ({n})" for value, n in c.most_common(6)) for name, c in counts.items()}
        return {**words, **({"chosen": ", ".join(f"{k}: {v}" for k, v in sorted(only.items()))} if only else {})}

    def sides(self, pid: str) -> list[Side]:
        """Every comparable group, the newest sweep first. Two sweeps that share students share them here too."""
        known = {r.config.run_id: r for r in runs.runs(self.db, pid)}
        out = []
        for report in self.report_history(pid):
            groups: dict[tuple, dict[int, str]] = {}
            for run_id in report["run_ids"]:
                if run_id in known:
                    c = known[run_id].config
                    groups.setdefault((c.arm, c.plotted_k), {})[c.seed] = run_id
            for (arm, k), members in sorted(groups.items(), key=lambda g: (-g[0][1], g[0][0])):
                config = known[next(iter(members.values()))].config
                out.append(Side(f"{report['made_at']}|{arm}|{k}", about(report, config, len(members)), members))
        return out

    def report_history(self, pid: str) -> list[dict]:
        """Every sweep's report, newest first."""
        folder = self.settings.folder("students", pid)
        found = [report for path in folder.glob("report*.json") if (report := read_json(path))]
        return list({r["made_at"]: r for r in sorted(found, key=lambda r: r["made_at"], reverse=True)}.values())

    def compare_sides(self, pid: str, first: str, second: str) -> dict:
        """{"differs": names of `about` that differ, "measures": [{name, first, second, mean, low, high, clear, caveat,
        n_rows}], "draws"} of second - first, paired over the draws that both have and the same judged rows.

        Raises BadInput where a side is unknown or they share no draw.
        """
        known = {side.id: side for side in self.sides(pid)}
        if first not in known or second not in known:
            raise BadInput("One of the two runs is not on record any more. Choose again.")
        a, b = known[first], known[second]
        seeds = sorted(a.run_ids.keys() & b.run_ids.keys())
        if not seeds:
            raise BadInput(
                "The two runs share no draw, so they cannot be compared pair by pair. Distil both with the same number of draws."
            )
        pairs = [(a.run_ids[s], b.run_ids[s]) for s in seeds]
        measures = [
            {"name": name, "first": m["before"], "second": m["after"], **m["effect"]}
            for name, m in self.paired_measures(pid, pairs, self._truth(pid)).items()
        ]
        differs = [n for n in dict.fromkeys([*a.about, *b.about]) if a.about.get(n) != b.about.get(n)]
        return {"differs": differs, "measures": measures, "draws": len(seeds)}


def traits(cf: Counterfactual, annotator: str) -> dict[str, str]:
    """{"source", "prompt", "annotator"} of a kept counterfactual, in words."""
    prompt = " ".join(filter(None, (cf.origin.prompt_id, cf.origin.prompt_version))) or "none"
    return {"source": f"{cf.origin.kind}: {cf.origin.name}", "prompt": prompt, "annotator": annotator}


def about(report: dict, config: RunConfig, draws: int) -> dict[str, str]:
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
