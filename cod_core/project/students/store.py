"""Students on disk: heads, answers, weights, and the rows that each was trained on, in one folder a project.

Rows are kept so that draws which share rows are not taken for independent ones: one file a project, run id -> row set
(distill/row_sets.py).
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from cod_core.errors import BadInput
from cod_core.project.filing import write_whole
from cod_core.project.models import Models
from cod_core.project.place import Place, Room
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import runs
from cod_core.text import short_hash
from cod_core.types import RunResult

PREDICTED = {"test_predicted": 0, "unlabelled_predicted": 2}  # name in the file -> place among the judged sets


SOLVED = ("linear", "retrieval")  # students that are not trained step by step


def judged_mark(sets: Sequence) -> str:
    """Changes whenever a text or a gold label that students are judged on does."""
    return short_hash(*(part for s in sets for part in ("set", *s.texts, *(s.gold or ()))))


def standing(run: RunResult) -> tuple[int, float, int]:
    """What students are ranked by, best last: rows they learnt from, development rows, the first draw."""
    return run.config.shots, run.dev.get("accuracy", run.dev.get("agreement", 0.0)), -run.config.seed


class StudentStore(Room):
    """Finished students."""

    def __init__(self, place: Place, models: Models, teacher: Teacher):
        super().__init__(place)
        self.models = models
        self.teacher = teacher

    def heads(self, configs) -> tuple[np.ndarray, np.ndarray]:
        """(W (S, C, d), b (S, C)) of linear students."""
        from safetensors.numpy import load_file

        found = [load_file(self.place.folder("students") / f"{c.run_id}.safetensors") for c in configs]
        return tuple(np.stack([f[name] for f in found]).astype(np.float64) for name in ("weight", "bias"))

    def logprobs(self, configs, texts: list[str]) -> np.ndarray:
        """(S, n, C) log-probabilities of finished students on texts; linear ones by one product."""
        from cod_core.distill.linear import linear_logits, log_softmax

        if configs[0].student == "linear":
            phi = self.models.encoder_of(configs[0]).encode(texts).astype(np.float64)
            return log_softmax(linear_logits(phi, *self.heads(configs)))
        from cod_core.models.student import load_student

        folder = self.place.folder("students")
        return np.stack([load_student(folder / c.run_id).logprobs(texts) for c in configs])

    def finished(self, sets: Sequence, kept: bool = False) -> set[str]:
        """Ids of the students on record that were judged on these texts.

        kept: of those trained step by step, only the ones whose weights are there. Students of earlier versions tell
        the number of texts only.
        """
        mark, n = judged_mark(sets), (len(sets[0].texts), len(sets[2].texts))
        return {
            r.config.run_id
            for r in runs.runs(self.db, self.id)
            if (r.judged == mark if r.judged else (r.test.get("n", 0), r.test.get("n_unlabelled", 0)) == n)
            and (not kept or r.path or r.config.student in SOLVED)
        }

    def linear_keeper(self, folder: Path, labels, encoder: str, sets):
        """A function that keeps heads and predictions of a batch, then the results: no result lacks its student."""
        from safetensors.numpy import save_file

        from cod_core.distill.linear import SCALE, linear_logits

        about = {"labels": json.dumps(list(labels)), "encoder": encoder, "scale": str(SCALE)}
        spaces, mark = {}, judged_mark(sets)

        def keep(batch: Sequence[tuple]) -> None:
            if not spaces:
                spaces.update({name: self.models.encoder(encoder).encode(sets[i].texts) for name, i in PREDICTED.items() if sets[i].texts})
            for result, weight, bias in batch:
                told = {name: linear_logits(phi, weight, bias).argmax(-1).astype("uint8") for name, phi in spaces.items()}
                arrays = {"weight": weight.astype("float32"), "bias": bias.astype("float32"), **told}
                write_whole(folder / f"{result.config.run_id}.safetensors", partial(save_file, arrays, metadata=about), sync=False)
            runs.put_runs(self.db, self.id, [replace(r, path=f"{r.config.run_id}.safetensors", judged=mark) for r, _, _ in batch])

        return keep

    def prediction_keeper(self, folder: Path, mark: str):
        """A function that keeps what a student answered, then its result; its weights, if any, are saved already."""
        from safetensors.numpy import save_file

        def keep(batch: Sequence[tuple]) -> None:
            for result, logprobs in batch:
                told = {
                    f"{name}_predicted": logprobs[name].argmax(-1).astype("uint8") for name in ("test", "unlabelled") if len(logprobs[name])
                }
                arrays = told or {"none": np.zeros(1, np.uint8)}
                write_whole(folder / f"{result.config.run_id}.safetensors", partial(save_file, arrays), sync=False)
                runs.put_runs(self.db, self.id, [replace(result, path=result.config.run_id if result.path else None, judged=mark)])

        return keep

    def predicted(self, run_id: str, key: str = "test_predicted") -> np.ndarray | None:
        """(n,) class indices that a finished student predicted, None where they are not on record."""
        from safetensors.numpy import load_file

        path = self.place.folder("students") / f"{run_id}.safetensors"
        found = load_file(path) if path.exists() else {}
        return found[key].astype(int) if key in found else None

    def _rows_path(self):
        return self.place.folder("students") / "rows.safetensors"

    def record_rows(self, cells: Iterable) -> None:
        """Put the rows of these cells on record, whether they are still to be trained or finished already."""
        from safetensors.numpy import save_file

        from cod_core.distill.row_sets import row_set

        known = self._row_sets()
        new = {c.config.run_id: row_set(c.rows) for c in cells if c.config.run_id not in known}
        if new:
            write_whole(self._rows_path(), lambda part: save_file(known | new, part))

    def overlap(self, sides: Sequence[Sequence[str]]):
        """The least varied of groups of students (row_sets.Drawn), each given by its run ids; None where the rows of one of
        them are not on record."""
        from cod_core.distill import row_sets

        known = self._row_sets()
        if any(run_id not in known for side in sides for run_id in side):
            return None
        return row_sets.least_varied([row_sets.drawn([known[run_id] for run_id in side]) for side in sides])

    def _row_sets(self) -> dict:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            return load_file(self._rows_path())
        except (FileNotFoundError, SafetensorError):
            return {}

    def keep_done(self, batch, mark: str) -> None:
        """Answers and heads first, then results: no result lacks what it was computed from."""
        from dataclasses import replace

        from safetensors.numpy import save_file

        from cod_core.distill.linear import SCALE

        folder = Path(self.place.folder("students"))
        for done in batch:
            config = done.result.config
            about = {"labels": json.dumps(list(self.labels)), "encoder": config.encoder, "scale": str(SCALE)}
            arrays = {f"{name}_predicted": told for name, told in done.told.items()}
            arrays |= {} if done.weight is None else {"weight": done.weight, "bias": done.bias}
            write_whole(
                folder / f"{config.run_id}.safetensors",
                partial(save_file, arrays or {"none": np.zeros(1, np.uint8)}, metadata=about),
                sync=False,
            )
        runs.put_runs(
            self.db,
            self.id,
            [replace(d.result, path=f"{d.result.config.run_id}.safetensors" if d.weight is not None else None, judged=mark) for d in batch],
        )

    def present(self) -> list[RunResult]:
        """Finished students of the present teacher, oldest first: those of an earlier one are students of another question."""
        now = self.teacher.identity()
        return [r for r in runs.runs(self.db, self.id) if (r.config.teacher_id, r.config.teacher_revision) == now]

    def kept(self) -> list[RunResult]:
        """Students of the present teacher whose weights are kept: the best draw by development rows of every kind and arm at
        its largest k."""
        best: dict[tuple, RunResult] = {}
        for run in self.present():
            if run.path is None:
                continue
            key = run.config.student, run.config.arm
            if key not in best or standing(run) > standing(best[key]):
                best[key] = run
        return sorted(best.values(), key=lambda r: (r.config.student != "linear", r.config.student, r.config.arm))

    def load(self, run_id: str):
        """A finished student as a classifier, loaded once. Raises BadInput where its weights are not kept."""
        run = next((r for r in runs.runs(self.db, self.id) if r.config.run_id == run_id), None)
        if run is None or run.path is None:
            raise BadInput("This student's weights are not kept (cells of a grid keep numbers only). Distil it again.")
        return self.place.once(("student", run_id), lambda: self._load(run))

    def _load(self, run: RunResult):
        from cod_core.distill.linear import SCALE
        from cod_core.models.student import LinearStudent, load_student

        room = self.place.folder("students")
        if run.config.student != "linear":
            return load_student(room / run.config.run_id)
        from safetensors.numpy import load_file

        head = load_file(room / f"{run.config.run_id}.safetensors")
        return LinearStudent(self.models.encoder_of(run.config), head["weight"], head["bias"], self.labels, SCALE)
