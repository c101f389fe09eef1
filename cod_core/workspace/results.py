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

GAP_PAIRS, GAP_SEEDS = 100, 5


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

    def write_report(self, pid: str, run_ids: list[str], left_out: list[str], test, shots: list[int]) -> dict:
        """Compute the effects of one sweep and keep them beside its students; called at the end of a sweep."""
        from cod_core.diagnostics.stats import paired_interval

        chosen = set(run_ids)
        found = [r for r in runs.runs(self.db, pid) if r.config.run_id in chosen]
        measure = "accuracy" if any("accuracy" in r.test for r in found) else "agreement"
        cells = {(r.config.arm, r.config.plotted_k, r.config.seed): r for r in found}
        gold = np.array([self.project(pid).task.labels.index(g) if g else -1 for g in (test.gold or ())], dtype=int)
        effects = []
        for k in sorted({key[1] for key in cells}):
            pairs = [(cells["kd", k, s], cells["cod", k, s]) for a, kk, s in sorted(cells)
                     if a == "kd" and kk == k and ("cod", k, s) in cells]
            if not pairs:
                continue
            key = measure if all(measure in r.test for p in pairs for r in p) else "agreement_unlabelled"
            if not all(key in r.test for p in pairs for r in p):
                continue
            rows = self._row_differences(pid, pairs, gold) if key == "accuracy" else None
            n = int(pairs[0][0].test.get("n_gold" if key == "accuracy" else "n" if key == "agreement" else "n_unlabelled", 0))
            draws = len({p[1].config.data_hash for p in pairs})
            effect = paired_interval([c.test[key] - b.test[key] for b, c in pairs], rows, n, draws)
            effects.append({"k": k, "measure": key, "kd": float(np.mean([b.test[key] for b, _ in pairs])),
                            "cod": float(np.mean([c.test[key] for _, c in pairs])), "n_test": n, **asdict(effect)})
        report = {"made_at": now(), "run_ids": run_ids, "effects": effects, "left_out": left_out, "shots": shots,
                  "state": self._state_mark(pid)}
        self._report_path(pid).write_text(json.dumps(report), encoding="utf-8")
        return report

    def _row_differences(self, pid: str, pairs, gold: np.ndarray) -> np.ndarray | None:
        """(n,) per test row: share of seeds right with cod minus share right with kd; None where not on record."""
        known, total = gold >= 0, None
        for kd, cod in pairs:
            a, b = (self.predicted(pid, r.config.run_id) for r in (kd, cod))
            if a is None or b is None or len(a) != len(gold):
                return None
            difference = (b == gold).astype(float) - (a == gold).astype(float)
            total = difference if total is None else total + difference
        return None if total is None else (total / len(pairs))[known]

    def predicted(self, pid: str, run_id: str) -> np.ndarray | None:
        """(n_test,) class indices that a finished student predicted, None where they are not on record."""
        from safetensors.numpy import load_file

        path = self.settings.folder("students", pid) / f"{run_id}.safetensors"
        return load_file(path)["test_predicted"].astype(int) if path.exists() else None

    def _state_mark(self, pid: str) -> str:
        """Changes whenever the teacher or the kept pairs do."""
        from cod_core.text import short_hash

        project = self.project(pid)
        identity = self._identity(project.teacher, project.task.labels) if project.teacher else ("", "")
        return short_hash(*identity, *sorted(cf.id for cf, _ in self.kept_pairs(pid).values()))

    def results(self, pid: str) -> Results | None:
        """The latest sweep's results, None before the first one. Asks no model."""
        from cod_core.diagnostics.sentence import result_sentence
        from cod_core.diagnostics.stats import Effect

        path = self._report_path(pid)
        if not path.exists():
            return None
        report = json.loads(path.read_text(encoding="utf-8"))
        chosen = set(report["run_ids"])
        found = [r for r in runs.runs(self.db, pid) if r.config.run_id in chosen]
        if not found:
            return None
        first = found[0].test
        fields = ("mean", "low", "high", "p_signflip", "n_seeds", "clear", "caveat")
        sentences = []
        for e in report["effects"]:
            measured = "accuracy" if e["measure"] == "accuracy" else "agreement with the teacher"
            sentences.append(result_sentence(e["k"], e["kd"], e["cod"], Effect(**{f: e[f] for f in fields}), e["n_test"],
                                             measured))
        return Results(found, table_of(found), sentences[-1] if sentences else
                       "There is nothing to compare yet: no number of rows has both kinds of student.",
                       [{**e, "sentence": s} for e, s in zip(report["effects"], sentences)],
                       first.get("teacher_accuracy"), first.get("majority"), report["state"] != self._state_mark(pid),
                       report["left_out"])

    def diagnose(self, pid: str, progress: Progress = silent) -> dict:
        """Margins of originals and counterfactuals, and crossing gaps of KD and CoD students on held-out pairs.

        Held-out pairs: teacher-guided counterfactuals of up to 100 test texts, made for this and never trained
        on. Gaps are divided by the median length of the pairs. Raises NotEnoughData before the first sweep.
        """
        from cod_core.counterfactuals.verify import target_of
        from cod_core.diagnostics import boundary, fidelity

        report_path = self._report_path(pid)
        if not report_path.exists():
            raise NotEnoughData("Distil students first: there is no student to compare with the teacher yet.")
        teacher, encoder, labels = self.teacher(pid), self.encoder(), self.project(pid).task.labels
        kept = list(self.kept_pairs(pid).values())
        sources = [labels.index(check.before.label) for _, check in kept]
        margins = {
            "originals": fidelity.margins([c.before.logprobs for _, c in kept], sources).tolist(),
            "cfes": fidelity.margins([c.after.logprobs for _, c in kept], sources).tolist()} if kept else {
                "originals": [], "cfes": []}
        pairs, propose = [], self.searcher(pid)
        texts = [e for split in ("test", "unlabelled") for e in items.examples(self.db, pid, split=split)][:GAP_PAIRS]
        for done, example in enumerate(texts):
            progress(done, len(texts), "making held-out pairs")
            found = self._held_out(pid, example, propose)
            if found:
                pairs.append((example.text, found))
        if not pairs:
            raise NotEnoughData("No held-out pair could be made: there are no test or unlabelled texts that flip.")
        lengths = np.linalg.norm(encoder.encode([b for _, b in pairs]) - encoder.encode([a for a, _ in pairs]), axis=1)
        paths = [[boundary.text_path(a, b, o) for o in boundary.orders(len(boundary.diff(a, b)))] for a, b in pairs]
        everything = list(dict.fromkeys(t for group in paths for path in group for _, t in path))
        place = {t: i for i, t in enumerate(everything)}
        teacher_rows, phi = teacher.logprobs(everything), encoder.encode(everything)
        unit, report = float(np.median(lengths)), json.loads(report_path.read_text(encoding="utf-8"))
        gaps, censored, k = defaultdict(list), {}, self._diagnosed_k(report)
        for arm in ("kd", "cod"):
            ends = []
            for rows in self._linear_rows(pid, report, arm, k, phi):
                for group, length in zip(paths, lengths):
                    gap = boundary.mean_gap(group, lambda ts: teacher_rows[[place[t] for t in ts]],
                                            lambda ts, rows=rows: rows[[place[t] for t in ts]], length / unit)
                    gaps[arm].append(gap.gap)
                    ends.append(gap.both_ends)
            if ends:
                censored[arm] = 1 - float(np.mean(ends))
        out = {"margins": margins, "gaps": dict(gaps), "censored": censored, "k": k, "n_pairs": len(pairs),
               "state": report["state"], "target_rule": target_of.__doc__}
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

    @staticmethod
    def _diagnosed_k(report: dict) -> int | None:
        ks = [e["k"] for e in report["effects"]]
        return ks[-1] if ks else None

    def _linear_rows(self, pid: str, report: dict, arm: str, k: int | None, phi: np.ndarray):
        """(n, C) log-probabilities of up to five linear students of one arm and k, on given embeddings."""
        from safetensors.numpy import load_file

        from cod_core.distill.linear import linear_logits, log_softmax

        chosen, shown = set(report["run_ids"]), 0
        for run in sorted(runs.runs(self.db, pid), key=lambda r: r.config.seed):
            config = run.config
            if config.run_id not in chosen or config.arm != arm or config.plotted_k != k or config.student != "linear":
                continue
            head = load_file(self.settings.folder("students", pid) / f"{config.run_id}.safetensors")
            yield log_softmax(linear_logits(phi, head["weight"].astype(float), head["bias"].astype(float)))
            shown += 1
            if shown == GAP_SEEDS:
                return

    def diagnostics(self, pid: str) -> dict | None:
        """What diagnose() found last, None before; empty too where the students changed since."""
        path = self._report_path(pid, "diagnostics")
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


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
