"""Results: the sentence and the curves of the latest sweep, from what is on record. No model is asked."""

from collections import defaultdict
from dataclasses import asdict, dataclass, replace

import numpy as np

from cod_core.distill.evaluate import decided_classes
from cod_core.errors import NotEnoughData
from cod_core.project.curation.pairs import Pairs
from cod_core.project.filing import read_json, write_json
from cod_core.project.place import Place, Room
from cod_core.project.students.store import StudentStore
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import items, runs
from cod_core.types import RunResult, now

MEASURES = {"accuracy": "test_predicted", "agreement": "test_predicted", "agreement_unlabelled": "unlabelled_predicted"}


OUTDATED = "These results were written by an earlier version of the app. Compute them again; no student is trained anew."


NOTHING = "There is nothing to compare yet: no number of rows has both kinds of student."


@dataclass(frozen=True)
class Results:
    """table: one row an (arm, k). effects: one a k, of cod over kd. stale: teacher or decisions changed since.
    outdated: an earlier version of the app wrote the report; there are no effects in it."""

    runs: list[RunResult]
    table: list[dict]
    sentence: str
    effects: list[dict]
    teacher_accuracy: float | None
    majority: float | None
    stale: bool
    messages: list[str]
    outdated: bool = False


def headline(effects: list[dict]) -> str:
    """The sentence of the largest k whose draws have at least half of their rows to themselves, of the largest where none has.

    The largest k that a project allows takes more than half of its pairs, so its draws can never say what others would show.
    Chosen by the rows alone: what the students answered has no part in it.
    """
    from cod_core.diagnostics.stats import MAX_OVERLAP

    own = [e for e in effects if e["overlap"] is not None and e["overlap"] <= MAX_OVERLAP]
    return (own or effects)[-1]["sentence"] if effects else NOTHING


def flat_effect(entry: dict, real: int | None) -> dict:
    """One k of a report as {k, measure, kd, cod, n_test, mean, low, high, ..., sentence}: accuracy where it was measured.

    real: texts among the k rows of its CoD students.
    """
    from cod_core.diagnostics.sentence import Measured, result_sentence

    found = {key: (m["before"], m["after"], effect_of(m), m["n_rows"]) for key, m in entry["measures"].items()}
    rows_are = {"agreement_unlabelled": "unlabelled texts"}
    agreement = next(
        ((*found[key], rows_are.get(key, "test texts")) for key in ("agreement_unlabelled", "agreement") if key in found), None
    )
    main = "accuracy" if "accuracy" in found else "agreement_unlabelled" if "agreement_unlabelled" in found else "agreement"
    before, after, effect, n = found[main]
    sentence = result_sentence(
        entry["k"],
        before,
        after,
        effect,
        n,
        "accuracy" if main == "accuracy" else "agreement with the teacher",
        agreement=Measured(*agreement) if agreement and main == "accuracy" else None,
        majority=entry["majority"],
        rows_are=rows_are.get(main, "test texts"),
        real=real,
    )
    return {
        "k": entry["k"],
        "measure": main,
        "kd": before,
        "cod": after,
        "n_test": n,
        **asdict(effect),
        "overlap": entry["measures"][main].get("overlap"),
        "sentence": sentence,
    }


def effect_of(measured: dict):
    """The Effect of one measure of a report. One written before it was looked at which rows the draws share is never clear."""
    from cod_core.diagnostics.stats import UNKNOWN, Effect

    effect = Effect(**measured["effect"])
    return replace(effect, clear=False, caveat=UNKNOWN) if effect.clear and "overlap" not in measured else effect


def table_of(found: list[RunResult]) -> list[dict]:
    """One row an (arm, k): mean and standard deviation over draws of accuracy, agreement and MCC on the test."""
    groups = defaultdict(list)
    for run in found:
        groups[run.config.arm, run.config.plotted_k].append(run)
    table = []
    for (arm, k), group in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        row = {"arm": arm, "k": k, "rows": group[0].config.shots, "n_seeds": len(group)}
        for name, key in (
            ("mean", "accuracy"),
            ("agreement", "agreement"),
            ("mcc", "mcc"),
            ("agreement_unlabelled", "agreement_unlabelled"),
        ):
            values = [r.test[key] for r in group if key in r.test]
            row[name] = float(np.mean(values)) if values else None
            row["std" if name == "mean" else f"{name}_std"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
        if row["agreement"] is None:
            row["agreement"], row["agreement_std"] = row["agreement_unlabelled"], row["agreement_unlabelled_std"]
        table.append(row)
    return table


class ResultsRoom(Room):
    """What the counterfactuals bought."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, store: StudentStore):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.store = store

    def report_path(self, name: str = "report"):
        return self.place.folder("students") / f"{name}.json"

    def write_report(self, run_ids: list[str], left_out: list[str], shots: list[int], only: dict[str, str] | None = None) -> dict:
        """Compute the effects of one sweep and keep them beside its students; called at the end of a sweep.

        only: the choice among the kept counterfactuals that the sweep was restricted to.
        """
        report = {
            "made_at": now(),
            "run_ids": run_ids,
            "effects": self._effects(run_ids),
            "left_out": left_out,
            "shots": shots,
            "state": self.state_mark(),
            "provenance": self.pairs.provenance(only),
            "only": only,
        }
        former = self.report()
        if former and set(former["run_ids"]) != set(run_ids):
            name = "report-" + former["made_at"].replace(":", "")
            write_json(self.report_path(name), former)
        write_json(self.report_path(), report)
        return report

    def _effects(self, run_ids: list[str]) -> list[dict]:
        """[{k, majority, measures}] of cod over kd at every k that has both, measured on what the students answered."""
        chosen = set(run_ids)
        found = [r for r in runs.runs(self.db, self.id) if r.config.run_id in chosen]
        cells = {(r.config.arm, r.config.plotted_k, r.config.seed): r for r in found}
        truth, effects = self.truth(), []
        for k in sorted({key[1] for key in cells}):
            both = [
                (cells["kd", k, s], cells["cod", k, s]) for a, kk, s in sorted(cells) if a == "kd" and kk == k and ("cod", k, s) in cells
            ]
            measured = self.paired_measures([(kd.config.run_id, cod.config.run_id) for kd, cod in both], truth)
            if measured:
                effects.append({"k": k, "majority": both[0][0].test.get("majority"), "measures": measured})
        return effects

    def truth(self) -> dict[str, np.ndarray]:
        """measure -> (n,) the class that counts as right on each judged row, -1 where there is none."""
        labels, teacher = self.labels, self.teacher.classifier()
        test, free = (items.examples(self.db, self.id, split=split) for split in ("test", "unlabelled"))
        return {
            "accuracy": np.array([labels.index(e.label) if e.label else -1 for e in test], dtype=int),
            "agreement": decided_classes(teacher.logprobs([e.text for e in test]) if test else []),
            "agreement_unlabelled": decided_classes(teacher.logprobs([e.text for e in free]) if free else []),
        }

    def paired_measures(self, pairs: list[tuple[str, str]], truth: dict[str, np.ndarray]) -> dict[str, dict]:
        """measure -> {before, after, n_rows, overlap, effect} of the second students over the first ones, each pair (run ids) of
        one draw; without the measures for which answers or right answers are not on record.

        overlap: share of their rows that two draws have in common, None where it is not on record: then nothing is clear.
        """
        drawn = self.store.overlap(list(zip(*pairs))) if pairs else None
        measured = {key: self._measure(key, pairs, truth, drawn) for key in MEASURES} if pairs else {}
        return {key: value for key, value in measured.items() if value}

    def _measure(self, key: str, pairs, truth: dict[str, np.ndarray], drawn) -> dict | None:
        from cod_core.diagnostics.stats import paired_interval, row_differences

        known = truth[key] >= 0
        if not known.any():
            return None
        right = {0: [], 1: []}
        for pair in pairs:
            for side, run_id in enumerate(pair):
                told = self.store.answers(run_id, MEASURES[key])
                if told is None or len(told) != len(known):
                    return None
                right[side].append((told == truth[key])[known])
        rows = row_differences(right[0], right[1])
        distinct, overlap = (drawn.distinct, drawn.overlap) if drawn else (None, None)
        effect = paired_interval(rows.mean(-1), rows, distinct_draws=distinct, overlap=overlap)
        return {
            "before": float(np.mean(right[0])),
            "after": float(np.mean(right[1])),
            "n_rows": int(known.sum()),
            "overlap": overlap,
            "effect": asdict(effect),
        }

    def paired_students(self, report: dict, k: int):
        """(seeds, {"kd": configs, "cod": configs}) of the students that both arms have, in one order of seeds."""
        chosen = set(report["run_ids"])
        cells = {
            (r.config.arm, r.config.seed): r.config
            for r in runs.runs(self.db, self.id)
            if r.config.run_id in chosen and r.config.plotted_k == k
        }
        seeds = sorted({s for arm, s in cells if arm == "kd"} & {s for arm, s in cells if arm == "cod"})
        return seeds, {arm: [cells[arm, s] for s in seeds] for arm in ("kd", "cod")}

    def state_mark(self) -> str:
        """Changes whenever the teacher, the kept pairs or the numbers of judged texts do."""
        from cod_core.text import short_hash

        identity = self.teacher.identity() or ("", "")
        judged = sorted((split, str(label), n) for (split, label), n in items.count_examples(self.db, self.id).items() if split != "train")
        return short_hash(*identity, *judged, *sorted(cf.id for cf, _ in self.pairs.kept().values()))

    def report(self) -> dict | None:
        """The latest sweep's report, None before the first one or where its file cannot be read."""
        return read_json(self.report_path())

    def marker(self) -> str:
        """Changes whenever the results, the decisions, the proposals, their verdicts, the texts or the teacher do: what a
        page's caches go by. Asked for with every card, so it reads the ends of indices only: 4 ms with 20,000 texts."""
        from sqlalchemy import func, select

        from cod_core.store.schema import counterfactuals, decisions, examples, flip_checks

        ends = (decisions.c.seq, counterfactuals.c.position, flip_checks.c.touched)
        with self.db.read() as c:
            last = [c.execute(select(func.max(end)).where(end.table.c.project_id == self.id)).scalar() for end in ends]
            texts = c.execute(
                select(examples.c.split, func.count())
                .where(examples.c.project_id == self.id)
                .group_by(examples.c.split)
                .order_by(examples.c.split)
            ).all()
        identity = self.teacher.identity() or ("", "")
        report = self.report_path()
        parts = (report.stat().st_mtime_ns if report.exists() else None, *last, *(n for row in texts for n in row), *identity)
        return ":".join(map(str, parts))

    def renew_report(self) -> None:
        """Compute the latest report anew from the students on record: nothing is trained again.

        What the students were trained on stays as it was reported: a report that was stale is so afterwards, and one that
        does not say on which teacher and pairs it rests counts as stale. Raises NotEnoughData where there is none.
        """
        report = self.report()
        if report is None:
            raise NotEnoughData("There are no results yet. Distil students first.")
        unsaid = {"left_out": [], "shots": [], "state": "", "provenance": {}, "only": None}
        write_json(self.report_path(), {**unsaid, **report, "made_at": now(), "effects": self._effects(report["run_ids"])})

    def latest(self) -> Results | None:
        """The latest sweep's results, None before the first one. Asks no model.

        A report of an earlier version comes back with outdated set and OUTDATED as its sentence: see renew_report.
        """
        report = self.report()
        if report is None:
            return None
        chosen = set(report["run_ids"])
        found = [r for r in runs.runs(self.db, self.id) if r.config.run_id in chosen]
        if not found:
            return None
        first = found[0].test
        if any("measures" not in e for e in report["effects"]) or "state" not in report:
            return Results(
                found,
                table_of(found),
                OUTDATED,
                [],
                first.get("teacher_accuracy"),
                first.get("majority"),
                True,
                report.get("left_out", []),
                outdated=True,
            )
        real = {r.config.plotted_k: r.config.real_shots for r in found if r.config.arm == "cod"}
        effects = [flat_effect(e, real.get(e["k"])) for e in report["effects"]]
        return Results(
            found,
            table_of(found),
            headline(effects),
            effects,
            first.get("teacher_accuracy"),
            first.get("majority"),
            report["state"] != self.state_mark(),
            report["left_out"],
        )
