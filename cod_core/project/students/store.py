"""Students on disk: heads, answers, weights, and the rows that each was trained on, in one folder a project.

The only place that knows how their files are called. Rows are kept so that draws which share rows are not taken for
independent ones: one file a project, run id -> row set (distill/row_sets.py).
"""

import json
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from cod_core.distill import row_sets
from cod_core.distill.cells import CellSpec, Done, EvalSet
from cod_core.distill.kinds import kind_of
from cod_core.distill.linear import linear_logits, log_softmax
from cod_core.errors import BadInput
from cod_core.models.broken import readable
from cod_core.models.decoder import SequenceStudent
from cod_core.models.student import HEAD_SCALE, HeadStudent, LinearStudent, load_student
from cod_core.project.filing import write_whole
from cod_core.project.models import Models
from cod_core.project.place import Place, Room, needs
from cod_core.project.teacher.teacher import Teacher
from cod_core.said import say
from cod_core.store import runs
from cod_core.text import short_hash
from cod_core.types import RunConfig, RunResult


def judged_mark(sets: Sequence[EvalSet]) -> str:
    """Changes whenever a text or a gold label that students are judged on does."""
    left_out = sorted({label for s in sets for label in s.without})
    return short_hash(*(part for s in sets for part in ("set", *s.texts, *(s.gold or ()))), *(["without", *left_out] if left_out else []))


def standing(run: RunResult) -> tuple[int, float, int]:
    """What students are ranked by, best last: rows they learnt from, development rows, the first draw."""
    return run.config.shots, run.dev.get("accuracy", run.dev.get("agreement", 0.0)), -run.config.seed


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """What a student's file holds. Raises ModelUnavailable where it cannot be read."""
    from safetensors.numpy import load_file

    with readable("A student's file", "Distil it again."):
        arrays: dict[str, np.ndarray] = load_file(path)
    return arrays


class StudentStore(Room):
    """Finished students."""

    def __init__(self, place: Place, models: Models, teacher: Teacher):
        super().__init__(place)
        self.models = models
        self.teacher = teacher

    @property
    def folder(self) -> Path:
        """Where the files of all students are; students trained step by step have a folder of their own in it."""
        return self.place.folder("students")

    def path(self, run_id: str) -> Path:
        """The file of a student's answers, and of its head where it is one."""
        return self.folder / f"{run_id}.safetensors"

    def weights(self, run_id: str) -> Path:
        """The folder that a student trained step by step is kept in."""
        return self.folder / run_id

    @needs("distil")
    def save(self, batch: Sequence[Done], mark: str) -> None:
        """Keep finished students, judged on the texts that `mark` stands for: answers and heads first, then results, so that no
        result lacks what it was computed from. Weights that a process elsewhere trained come as files."""
        from safetensors.numpy import save_file

        labels, results = json.dumps(list(self.labels)), []
        for done in batch:
            config = done.result.config
            arrays = {f"{name}_predicted": classes for name, classes in done.told.items()}
            if done.weight is not None and done.bias is not None:
                arrays |= {"weight": done.weight, "bias": done.bias}
            about = {"labels": labels, "encoder": config.encoder, "scale": str(HEAD_SCALE)}
            write = partial(save_file, arrays or {"none": np.zeros(1, np.uint8)}, metadata=about)  # a file needs an array
            write_whole(self.path(config.run_id), write, sync=False)
            if done.files is not None:
                self._put_weights(config.run_id, done.files)
            results.append(replace(done.result, path=self._kept_as(done), judged=mark))
        runs.put_runs(self.db, self.id, results)

    def _kept_as(self, done: Done) -> str | None:
        """RunResult.path: the name of what holds the student's weights, None where they are not kept."""
        run_id = done.result.config.run_id
        if done.weight is not None:
            return self.path(run_id).name
        return self.weights(run_id).name if done.result.path or done.files is not None else None

    def _put_weights(self, run_id: str, files: Mapping[str, bytes]) -> None:
        """A student's own folder, whole or not at all."""
        folder, part = self.weights(run_id), self.folder / f"{run_id}.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        for name, data in files.items():
            (part / Path(name).name).write_bytes(data)  # a name, whatever a worker says
        shutil.rmtree(folder, ignore_errors=True)
        part.rename(folder)

    def heads(self, configs: Sequence[RunConfig]) -> tuple[np.ndarray, np.ndarray]:
        """(W (S, C, d), b (S, C)) of linear students."""
        found = [_arrays(self.path(c.run_id)) for c in configs]
        weight, bias = (np.stack([arrays[name] for arrays in found]).astype(np.float64) for name in ("weight", "bias"))
        return weight, bias

    def head(self, config: RunConfig) -> tuple[np.ndarray, np.ndarray]:
        """(W (C, d), b (C,)) of a linear student in float32, as they are on disk."""
        arrays = _arrays(self.path(config.run_id))
        return arrays["weight"], arrays["bias"]

    def logprobs(self, configs: Sequence[RunConfig], texts: list[str]) -> np.ndarray:
        """(S, n, C) log-probabilities of finished students on texts; linear ones by one product."""
        if kind_of(configs[0]).head:
            phi = self.models.encoder_of(configs[0]).encode(texts).astype(np.float64)
            return log_softmax(linear_logits(phi, *self.heads(configs)))
        return np.stack([load_student(self.weights(c.run_id)).logprobs(texts) for c in configs])

    def answers(self, run_id: str, key: str = "test_predicted") -> np.ndarray | None:
        """(n,) class indices that a finished student predicted, None where they are not on record."""
        path = self.path(run_id)
        arrays = _arrays(path) if path.exists() else {}
        return arrays[key].astype(int) if key in arrays else None

    def finished(self, sets: Sequence[EvalSet], kept: bool = False) -> set[str]:
        """Ids of the students on record that were judged on these texts.

        kept: of those trained step by step, only the ones whose weights are there. Students of earlier versions tell
        the number of texts only.
        """
        mark, n = judged_mark(sets), (len(sets[0].texts), len(sets[2].texts))
        return {
            r.config.run_id
            for r in runs.runs(self.db, self.id)
            if (r.judged == mark if r.judged else (r.test.get("n", 0), r.test.get("n_unlabelled", 0)) == n)
            and (not kept or r.path or kind_of(r.config).solved)
        }

    def with_weights(self, ids: Iterable[str]) -> list[RunResult]:
        """Those of these students whose own folder is there."""
        wanted = set(ids)
        found = [r for r in runs.runs(self.db, self.id) if r.config.run_id in wanted and r.path]
        return [r for r in found if self.weights(r.config.run_id).is_dir()]

    @needs("distil")
    def record_rows(self, cells: Iterable[CellSpec]) -> None:
        """Put the rows of these cells on record, whether they are still to be trained or finished already."""
        from safetensors.numpy import save_file

        known = self._row_sets()
        new = {c.config.run_id: row_sets.row_set(c.rows) for c in cells if c.config.run_id not in known}
        if new:
            write_whole(self._rows_path(), lambda part: save_file(known | new, part))

    def overlap(self, sides: Sequence[Sequence[str]]) -> row_sets.Drawn | None:
        """The least varied of groups of students, each given by its run ids; None where the rows of one of them are not on
        record."""
        known = self._row_sets()
        if any(run_id not in known for side in sides for run_id in side):
            return None
        return row_sets.least_varied([row_sets.drawn([known[run_id] for run_id in side]) for side in sides])

    def _rows_path(self) -> Path:
        return self.folder / "rows.safetensors"

    def _row_sets(self) -> dict[str, np.ndarray]:
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            found: dict[str, np.ndarray] = load_file(self._rows_path())
        except (FileNotFoundError, SafetensorError):
            return {}
        return found

    def present(self) -> list[RunResult]:
        """Finished students of the present teacher, oldest first: those of an earlier one are students of another question."""
        now = self.teacher.identity()
        return [r for r in runs.runs(self.db, self.id) if (r.config.teacher_id, r.config.teacher_revision) == now]

    def kept(self) -> list[RunResult]:
        """Students of the present teacher whose weights are kept: the best draw by development rows of every kind and arm at
        its largest k."""
        best: dict[tuple[str, str], RunResult] = {}
        for run in self.present():
            if run.path is None:
                continue
            key = run.config.student, run.config.arm
            if key not in best or standing(run) > standing(best[key]):
                best[key] = run
        return sorted(best.values(), key=lambda r: (not kind_of(r.config).head, r.config.student, r.config.arm))

    def load(self, run_id: str) -> HeadStudent | SequenceStudent:
        """A finished student as a classifier, loaded once. Raises BadInput where its weights are not kept."""
        run = next((r for r in runs.runs(self.db, self.id) if r.config.run_id == run_id), None)
        if run is None or run.path is None:
            raise BadInput(say("This student's weights are not kept (cells of a grid keep numbers only). Distil it again."))
        config = run.config
        return self.place.once(("student", run_id), lambda: self._load(config))

    def _load(self, config: RunConfig) -> HeadStudent | SequenceStudent:
        if not kind_of(config).head:
            return load_student(self.weights(config.run_id))
        encoder = self.models.encoder_of(config)
        return LinearStudent(encoder, *self.head(config), self.labels, HEAD_SCALE)
