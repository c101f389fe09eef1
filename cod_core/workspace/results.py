"""Results: the sentence, the curves, the boundary diagnostics, from what is on record."""

import json
from collections import defaultdict
from dataclasses import asdict, dataclass

import numpy as np

from cod_core.errors import NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.store import items, runs
from cod_core.types import RunResult, now
from cod_core.workspace.base import Base

GAP_PAIRS, GAP_SEEDS = 60, 5
MEASURES = {"accuracy": "test_predicted", "agreement": "test_predicted", "agreement_unlabelled": "unlabelled_predicted"}
NOTHING = "There is nothing to compare yet: no number of rows has both kinds of student."


@dataclass(frozen=True)
class Results:
    """table: one row an (arm, k). effects: one a k, of cod over kd. stale: teacher or decisions changed since."""

    runs: list[RunResult]
    table: list[dict]
    sentence: str
    effects: list[dict]
    teacher_accuracy: float | None
    majority: float | None
    stale: bool
    messages: list[str]


class ResultsView(Base):
    """What the counterfactuals bought."""

    def _report_path(self, pid: str, name: str = "report"):
        return self.settings.folder("students", pid) / f"{name}.json"

    def write_report(self, pid: str, run_ids: list[str], left_out: list[str], shots: list[int]) -> dict:
        """Compute the effects of one sweep and keep them beside its students; called at the end of a sweep."""
        chosen = set(run_ids)
        found = [r for r in runs.runs(self.db, pid) if r.config.run_id in chosen]
        cells = {(r.config.arm, r.config.plotted_k, r.config.seed): r for r in found}
        truth, pool = self._truth(pid), len(self.pool(pid))
        effects = []
        for k in sorted({key[1] for key in cells}):
            pairs = [(cells["kd", k, s], cells["cod", k, s]) for a, kk, s in sorted(cells)
                     if a == "kd" and kk == k and ("cod", k, s) in cells]
            measured = {key: self._measure(pid, key, pairs, truth, k / max(1, pool)) for key in MEASURES} if pairs else {}
            measured = {key: value for key, value in measured.items() if value}
            if measured:
                effects.append({"k": k, "majority": pairs[0][0].test.get("majority"), "measures": measured})
        report = {"made_at": now(), "run_ids": run_ids, "effects": effects, "left_out": left_out, "shots": shots,
                  "state": self._state_mark(pid)}
        self._report_path(pid).write_text(json.dumps(report), encoding="utf-8")
        return report

    def _truth(self, pid: str) -> dict[str, np.ndarray]:
        """measure -> (n,) the class that counts as right on each judged row, -1 where there is none."""
        labels, teacher = self.project(pid).task.labels, self.teacher(pid)
        test, free = (items.examples(self.db, pid, split=split) for split in ("test", "unlabelled"))
        return {"accuracy": np.array([labels.index(e.label) if e.label else -1 for e in test], dtype=int),
                "agreement": teacher.logprobs([e.text for e in test]).argmax(-1) if test else np.zeros(0, int),
                "agreement_unlabelled": teacher.logprobs([e.text for e in free]).argmax(-1) if free else np.zeros(0, int)}

    def _measure(self, pid: str, key: str, pairs, truth: dict[str, np.ndarray], overlap: float) -> dict | None:
        """{before, after, n_rows, effect} of one measure over the paired draws; None where it was not measured."""
        from cod_core.diagnostics.stats import paired_interval, row_differences

        known = truth[key] >= 0
        if not known.any():
            return None
        right = {0: [], 1: []}
        for pair in pairs:
            for side, run in enumerate(pair):
                told = self.predicted(pid, run.config.run_id, MEASURES[key])
                if told is None or len(told) != len(known):
                    return None
                right[side].append((told == truth[key])[known])
        rows = row_differences(right[0], right[1])
        draws = len({cod.config.data_hash for _, cod in pairs})
        effect = paired_interval(rows.mean(-1), rows, distinct_draws=draws, overlap=overlap)
        return {"before": float(np.mean(right[0])), "after": float(np.mean(right[1])), "n_rows": int(known.sum()),
                "effect": asdict(effect)}

    def predicted(self, pid: str, run_id: str, key: str = "test_predicted") -> np.ndarray | None:
        """(n,) class indices that a finished student predicted, None where they are not on record."""
        from safetensors.numpy import load_file

        path = self.settings.folder("students", pid) / f"{run_id}.safetensors"
        found = load_file(path) if path.exists() else {}
        return found[key].astype(int) if key in found else None

    def _state_mark(self, pid: str) -> str:
        """Changes whenever the teacher or the kept pairs do."""
        from cod_core.text import short_hash

        project = self.project(pid)
        identity = self._identity(project.teacher, project.task.labels) if project.teacher else ("", "")
        return short_hash(*identity, *sorted(cf.id for cf, _ in self.kept_pairs(pid).values()))

    def results(self, pid: str) -> Results | None:
        """The latest sweep's results, None before the first one. Asks no model."""
        path = self._report_path(pid)
        if not path.exists():
            return None
        report = json.loads(path.read_text(encoding="utf-8"))
        if any("measures" not in e for e in report["effects"]):
            return None  # written by an early version: distil again, finished students are not repeated
        chosen = set(report["run_ids"])
        found = [r for r in runs.runs(self.db, pid) if r.config.run_id in chosen]
        if not found:
            return None
        first = found[0].test
        effects = [flat_effect(e) for e in report["effects"]]
        best = next((e for e in reversed(effects)), None)
        return Results(found, table_of(found), best["sentence"] if best else NOTHING, effects,
                       first.get("teacher_accuracy"), first.get("majority"), report["state"] != self._state_mark(pid),
                       report["left_out"])

    def diagnose(self, pid: str, progress: Progress = silent) -> dict:
        """Margins of originals and counterfactuals, and crossing gaps of KD and CoD students on held-out pairs.

        Held-out pairs: teacher-guided counterfactuals of up to 60 test texts, made for this and never trained
        on. Gaps are divided by the median length of the pairs. Raises NotEnoughData before the first sweep.
        """
        from cod_core.diagnostics import boundary
        from cod_core.diagnostics.margins import margins

        report_path = self._report_path(pid)
        if not report_path.exists():
            raise NotEnoughData("Distil students first: there is no student to compare with the teacher yet.")
        report = json.loads(report_path.read_text(encoding="utf-8"))
        teacher, encoder, labels = self.teacher(pid), self.encoder(), self.project(pid).task.labels
        kept = list(self.kept_pairs(pid).values())
        sources = [labels.index(check.before.label) for _, check in kept]
        shown = {name: margins([getattr(c, name).logprobs for _, c in kept], sources).tolist() if kept else []
                 for name in ("before", "after")}
        pairs, propose = [], self.searcher(pid)
        texts = [e for split in ("test", "unlabelled") for e in items.examples(self.db, pid, split=split)][:GAP_PAIRS]
        for done, example in enumerate(texts):
            progress(done, len(texts), "making held-out pairs")
            found = self._held_out(pid, example, propose)
            if found:
                pairs.append((example.text, found))
        if not pairs:
            raise NotEnoughData("No held-out pair could be made: no test or unlabelled text flips with a few edits.")
        progress(len(texts), len(texts), "comparing the lines")
        a, b = (encoder.encode([pair[i] for pair in pairs]) for i in (0, 1))
        lengths = np.linalg.norm(b - a, axis=1)
        k, unit = (report["effects"][-1]["k"] if report["effects"] else None), float(np.median(lengths))
        gaps, censored = {}, {}
        for arm in ("kd", "cod"):
            students = {str(i): student for i, student in enumerate(self._linear_students(pid, report, arm, k))}
            found = [gap for group in boundary.pair_gaps(pairs, teacher.logprobs, students, lengths).values() for gap in group]
            if found:
                summary = boundary.gap_summary(found, unit)
                gaps[arm], censored[arm] = summary["gaps"], summary["censored_share"]
        out = {"margins": {"originals": shown["before"], "cfes": shown["after"]}, "gaps": gaps, "censored": censored,
               "k": k, "n_pairs": len(pairs), "state": report["state"]}
        self._report_path(pid, "diagnostics").write_text(json.dumps(out), encoding="utf-8")
        return {"n_pairs": len(pairs), "k": k, "censored": censored}

    def _held_out(self, pid: str, example, propose) -> str | None:
        """The text of a counterfactual of a test text, searched once and remembered."""
        from cod_core.store import cache
        from cod_core.text import short_hash

        teacher = self.teacher(pid)
        mark = f"heldout:{short_hash(pid, teacher.id, teacher.revision, example.id)}"
        known = cache.get_reply(self.db, mark)
        if known is None:
            found = propose(example, 1)
            known = {"text": found[0].text if found else None}
            cache.put_reply(self.db, pid, mark, known)
        return known["text"]

    def _linear_students(self, pid: str, report: dict, arm: str, k: int | None):
        """Up to five linear students of one arm and k, as functions texts -> (n, C) log-probabilities."""
        from safetensors.numpy import load_file

        from cod_core.distill.linear import linear_logits, log_softmax

        chosen = set(report["run_ids"])
        fitting = [r.config for r in runs.runs(self.db, pid) if r.config.run_id in chosen and r.config.arm == arm
                   and r.config.plotted_k == k and r.config.student == "linear"]
        for config in sorted(fitting, key=lambda c: c.seed)[:GAP_SEEDS]:
            head = load_file(self.settings.folder("students", pid) / f"{config.run_id}.safetensors")
            yield lambda texts, w=head["weight"].astype(float), b=head["bias"].astype(float), name=config.encoder: (
                log_softmax(linear_logits(self.encoder(name).encode(list(texts)), w, b)))

    def diagnostics(self, pid: str) -> dict | None:
        """What diagnose() found last, None before; empty too where the students changed since."""
        path = self._report_path(pid, "diagnostics")
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def flat_effect(entry: dict) -> dict:
    """One k of a report as {k, measure, kd, cod, n_test, mean, low, high, ..., sentence}: accuracy where it was measured."""
    from cod_core.diagnostics.sentence import Measured, result_sentence
    from cod_core.diagnostics.stats import Effect

    found = {key: (m["before"], m["after"], Effect(**m["effect"]), m["n_rows"]) for key, m in entry["measures"].items()}
    rows_are = {"agreement_unlabelled": "unlabelled texts"}
    agreement = next(((*found[key], rows_are.get(key, "test texts")) for key in ("agreement_unlabelled", "agreement")
                      if key in found), None)
    main = "accuracy" if "accuracy" in found else "agreement_unlabelled" if "agreement_unlabelled" in found else "agreement"
    before, after, effect, n = found[main]
    sentence = result_sentence(
        entry["k"], before, after, effect, n, "accuracy" if main == "accuracy" else "agreement with the teacher",
        agreement=Measured(*agreement) if agreement and main == "accuracy" else None, majority=entry["majority"],
        rows_are=rows_are.get(main, "test texts"))
    return {"k": entry["k"], "measure": main, "kd": before, "cod": after, "n_test": n, **asdict(effect), "sentence": sentence}


def table_of(found: list[RunResult]) -> list[dict]:
    """One row an (arm, k): mean and standard deviation over draws of accuracy, agreement and MCC on the test."""
    groups = defaultdict(list)
    for run in found:
        groups[run.config.arm, run.config.plotted_k].append(run)
    table = []
    for (arm, k), group in sorted(groups.items(), key=lambda item: (item[0][1], item[0][0])):
        row = {"arm": arm, "k": k, "rows": group[0].config.shots, "n_seeds": len(group)}
        for name, key in (("mean", "accuracy"), ("agreement", "agreement"), ("mcc", "mcc"),
                          ("agreement_unlabelled", "agreement_unlabelled")):
            values = [r.test[key] for r in group if key in r.test]
            row[name] = float(np.mean(values)) if values else None
            row["std" if name == "mean" else f"{name}_std"] = float(np.std(values, ddof=1)) if len(values) > 1 else None
        if row["agreement"] is None:
            row["agreement"], row["agreement_std"] = row["agreement_unlabelled"], row["agreement_unlabelled_std"]
        table.append(row)
    return table
