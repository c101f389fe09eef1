"""Results: the sentence and the curves of the latest sweep, from what is on record. No model is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cod_core.distill.evaluate import decided_classes, dropped, is_skewed, macro_f1
from cod_core.errors import NotEnoughData
from cod_core.project.curation.pairs import Pairs
from cod_core.project.filing import read_json, write_json
from cod_core.project.place import Place, Room, needs
from cod_core.project.results.sweep import OUTDATED, SweepResults, flat_effect, free_of, headline, table_of, worth_of
from cod_core.project.students.store import StudentStore
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import say
from cod_core.store import corrections, items, runs, text_changes
from cod_core.types import FREE, RunConfig, RunResult, now

if TYPE_CHECKING:
    from cod_core.distill.row_sets import Drawn

COMPARED = {"effects": ("kd", "cod"), "added": ("half", "cod"), "choice": (FREE, "kd"), "free": (FREE, "cod")}
"""Entry of a report -> the two arms whose difference it holds, the second less the first."""
MEASURES = {"accuracy": "test_predicted", "agreement": "test_predicted", "agreement_unlabelled": "unlabelled_predicted"}


class Results(Room):
    """What the counterfactuals bought."""

    def __init__(self, place: Place, teacher: Teacher, pairs: Pairs, store: StudentStore):
        super().__init__(place)
        self.teacher = teacher
        self.pairs = pairs
        self.store = store

    def report_path(self, name: str = "report") -> Path:
        return self.place.folder("students") / f"{name}.json"

    @needs("distil")
    def write_report(
        self,
        run_ids: list[str],
        left_out: list[str],
        shots: list[int],
        only: dict[str, str] | None = None,
        overruled: int = 0,
        without: list[str] | None = None,
    ) -> dict[str, Any]:
        """Compute the effects of one sweep and keep them beside its students; called at the end of a sweep.

        only: the choice among the kept counterfactuals that the sweep was restricted to. overruled: training texts on which a
        person's word stood in the teacher's place. without: labels left out of the comparison.
        """
        report = {
            "made_at": now(),
            "run_ids": run_ids,
            **self._effects(run_ids, without or []),
            "left_out": left_out,
            "shots": shots,
            "state": self.state_mark(),
            "provenance": self.pairs.provenance(only),
            "only": only,
            **({"overruled": overruled} if overruled else {}),
            **({"without": without} if without else {}),
        }
        former = self.report()
        if former and set(former["run_ids"]) != set(run_ids):
            name = "report-" + former["made_at"].replace(":", "")
            write_json(self.report_path(name), former)
        write_json(self.report_path(), report)
        return report

    def _effects(self, run_ids: list[str], without: Sequence[str] = ()) -> dict[str, list[dict[str, Any]]]:
        """{"effects": of cod over kd at every k that has both, "added": of cod over half: the same texts without and with their
        counterfactuals; "choice", "free": of kd and of cod over kd's free draw, where there is one}, each
        [{k, majority, measures, ...}], measured on what the students answered."""
        chosen = set(run_ids)
        found = [r for r in runs.runs(self.db, self.id) if r.config.run_id in chosen]
        cells = {(r.config.arm, r.config.plotted_k, r.config.seed): r for r in found}
        truth = self.truth(without)
        ks = sorted({key[1] for key in cells})
        found_of = {name: [e for k in ks if (e := self._effect(cells, k, arms, truth))] for name, arms in COMPARED.items()}
        return {name: entries for name, entries in found_of.items() if entries or FREE not in COMPARED[name]}

    def _effect(
        self, cells: dict[tuple[str, int, int], RunResult], k: int, arms: tuple[str, str], truth: dict[str, np.ndarray]
    ) -> dict[str, Any] | None:
        """What the second arm has over the first at one k; None where they have no draw in common or nothing can be measured."""
        arm, more = arms
        both = [(cells[arm, k, s], cells[more, k, s]) for a, kk, s in sorted(cells) if a == arm and kk == k and (more, k, s) in cells]
        pairs = [(first.config.run_id, second.config.run_id) for first, second in both]
        same_texts = all(second.config.real_shots == first.config.shots for first, second in both)
        measured = self.paired_measures(pairs, truth) if arm != "half" or same_texts else {}
        if not measured:
            return None
        even = self._by_label(pairs, truth["accuracy"]) if "accuracy" in measured else None
        return {
            "k": k,
            "majority": both[0][0].test.get("majority"),
            "measures": measured,
            **({"macro_f1": even} if even else {}),
            **({"weighted": True} if both[0][1].config.class_weights else {}),
        }

    def _by_label(self, pairs: Sequence[tuple[str, str]], truth: np.ndarray) -> list[float] | None:
        """[macro-F1 of the first students, of the second ones], means over draws, where the test texts are skewed over the labels."""
        judged = truth >= 0
        if not is_skewed(truth[judged], len(self.labels)):
            return None
        sides = [[self.store.answers(run_id) for run_id in side] for side in zip(*pairs)]
        if any(one is None or len(one) != len(judged) for side in sides for one in side):
            return None
        return [float(np.mean([macro_f1(truth[judged], one[judged]) for one in side if one is not None])) for side in sides]

    def truth(self, without: Sequence[str] = ()) -> dict[str, np.ndarray]:
        """measure -> (n,) the class that counts as right on each judged row, -1 where there is none. without: labels left out."""
        labels, teacher = self.labels, self.teacher.classifier()
        test, free = (items.examples(self.db, self.id, split=split) for split in ("test", "unlabelled"))
        found = {
            "accuracy": np.array([labels.index(e.label) if e.label else -1 for e in test], dtype=int),
            "agreement": decided_classes(teacher.logprobs([e.text for e in test]) if test else []),
            "agreement_unlabelled": decided_classes(teacher.logprobs([e.text for e in free]) if free else []),
        }
        out = [labels.index(label) for label in without if label in labels]
        return {name: dropped(classes, out) for name, classes in found.items()} if out else found

    def paired_measures(self, pairs: Sequence[tuple[str, str]], truth: dict[str, np.ndarray]) -> dict[str, dict[str, Any]]:
        """measure -> {before, after, n_rows, overlap, effect} of the second students over the first ones, each pair (run ids) of
        one draw; without the measures for which answers or right answers are not on record.

        overlap: share of their rows that two draws have in common, None where it is not on record: then nothing is clear.
        """
        drawn = self.store.overlap(list(zip(*pairs))) if pairs else None
        measured = {key: self._measure(key, pairs, truth, drawn) for key in MEASURES} if pairs else {}
        return {key: value for key, value in measured.items() if value}

    def _measure(
        self, key: str, pairs: Sequence[tuple[str, str]], truth: dict[str, np.ndarray], drawn: "Drawn | None"
    ) -> dict[str, Any] | None:
        from cod_core.diagnostics.stats import paired_interval, row_differences

        judged = truth[key] >= 0
        if not judged.any():
            return None
        right: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
        for pair in pairs:
            for side, run_id in zip(right, pair):
                answers = self.store.answers(run_id, MEASURES[key])
                if answers is None or len(answers) != len(judged):
                    return None
                side.append((answers == truth[key])[judged])
        rows = row_differences(right[0], right[1])
        distinct, overlap = (drawn.distinct, drawn.overlap) if drawn else (None, None)
        effect = paired_interval(rows.mean(-1), rows, distinct_draws=distinct, overlap=overlap)
        return {
            "before": float(np.mean(right[0])),
            "after": float(np.mean(right[1])),
            "n_rows": int(judged.sum()),
            "overlap": overlap,
            "effect": asdict(effect),
        }

    def paired_students(self, report: dict[str, Any], k: int) -> tuple[list[int], dict[str, list[RunConfig]]]:
        """(seeds, {"kd": configs, "cod": configs}) of the students that both arms have, in one order of seeds."""
        chosen = set(report["run_ids"])
        cells = {
            (r.config.arm, r.config.seed): r.config
            for r in runs.runs(self.db, self.id)
            if r.config.run_id in chosen and r.config.plotted_k == k
        }
        seeds = sorted({s for arm, s in cells if arm == "kd"} & {s for arm, s in cells if arm == "cod"})
        return seeds, {arm: [cells[arm, s] for s in seeds] for arm in ("kd", "cod")}

    def state_mark(self, compared: bool = True) -> str:
        """Changes whenever the teacher, the kept pairs, the numbers of judged texts or a label do. compared: and the labels that are left
        out of the comparison."""
        from cod_core.text import short_hash

        identity = self.teacher.identity() or ("", "")
        judged = items.counts(self.db, self.id).judged
        corrected = corrections.written(self.db, self.id)  # a report of a project without any keeps the mark that it had
        changed = text_changes.written(self.db, self.id)
        kept = sorted(cf.id for cf, _ in self.pairs.kept().values())
        out = (self.row.settings.get("left_out") or []) if compared else []
        since = [*(["corrected", corrected] if corrected else []), *(["changed", changed] if changed else [])]
        return short_hash(*identity, *judged, *kept, *since, *(["without", *out] if out else []))

    def report(self) -> dict[str, Any] | None:
        """The latest sweep's report, None before the first one or where its file cannot be read."""
        return read_json(self.report_path())

    def marker(self, proposals: bool = True) -> str:
        """Changes whenever the results, the decisions, the proposals, their verdicts, the texts, a label or the teacher do: what
        a page's caches go by. proposals: False where new ones and their verdicts do not matter. Asked for with every card, so it reads
        the ends of indices only: 4 ms with 20,000 texts."""
        from sqlalchemy import func, select

        from cod_core.store.schema import counterfactuals, decisions, examples, flip_checks, label_corrections
        from cod_core.store.schema import text_changes as changes

        of_jobs = (counterfactuals.c.position, flip_checks.c.touched) if proposals else ()
        ends = (decisions.c.seq, label_corrections.c.seq, changes.c.seq, *of_jobs)
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

    @needs("distil")
    def renew_report(self, still_current: bool = False) -> None:
        """Compute the latest report anew from the students on record: nothing is trained again.

        What the students were trained on stays as it was reported: a report that was stale is so afterwards, and one that
        does not say on which teacher and pairs it rests counts as stale. still_current: only names changed since, so it is not
        stale now. Raises NotEnoughData where there is none.
        """
        report = self.report()
        if report is None:
            raise NotEnoughData(say("There are no results yet. Distil students first."))
        unsaid: dict[str, Any] = {"left_out": [], "shots": [], "state": "", "provenance": {}, "only": None}
        state = {"state": self.state_mark()} if still_current else {}
        effects = self._effects(report["run_ids"], report.get("without", []))
        write_json(self.report_path(), {**unsaid, **report, **state, "made_at": now(), **effects})

    @needs("import")
    def rename_labels(self, renamed: Mapping[str, str]) -> None:
        """Labels that reports left out, under their new names."""
        for path in self.place.folder("students").glob("report*.json"):
            report = read_json(path)
            if report and not renamed.keys().isdisjoint(report.get("without", [])):
                write_json(path, report | {"without": [renamed.get(label, label) for label in report["without"]]})

    @needs("distil")
    def forget(self) -> None:
        """Take the latest report away: its students answer with labels that the project no longer has."""
        self.report_path().unlink(missing_ok=True)

    def latest(self) -> SweepResults | None:
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
            return SweepResults(
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
        compared = len(self.labels) - len(report.get("without", []))
        effects = [flat_effect(e, real.get(e["k"]), compared) for e in report["effects"]]
        return SweepResults(
            found,
            table_of(found),
            headline(effects),
            effects,
            first.get("teacher_accuracy"),
            first.get("majority"),
            report["state"] != self.state_mark(),
            report["left_out"],
            overruled=report.get("overruled", 0),
            without=report.get("without", []),
            worth=worth_of(report.get("added", [])),
            free=free_of(report, compared),
        )
