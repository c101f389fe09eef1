"""A sweep as work for any process: rows, soft labels and judged texts go out, finished students come back. Knows no store.

What the students of a sweep share (judged texts, the teacher's answers to them, their embeddings) is given once a process; a part holds
some cells and what only they need. So a worker on another machine reads no database; encoders that are trained are loaded by name
there. Linear parts carry their embeddings and load no model at all. A cell's numbers are the same in whatever part it is done.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from cod_core.compute.work import Work
from cod_core.distill.cells import CellSpec, Done, EvalSet, RowsOf, Training, no_lap
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.kinds import LINEAR, StudentKind, kind_of
from cod_core.distill.prior import label_sentences
from cod_core.distill.sweep import check_cells
from cod_core.distill.train import train_cells
from cod_core.progress import Progress, silent
from cod_core.types import Classifier


@dataclass(frozen=True, eq=False)
class Shared:
    """What the parts of one sweep have in common. sets: test, dev, unlabelled; teacher: their (n, C) log-probabilities.

    spaces: their (n, d) embeddings for linear and retrieval students, None for those trained step by step. micro_batch:
    rows a forward pass at most, 0 for whole minibatches. keep: whether students trained step by step come back whole.
    """

    labels: tuple[str, ...]
    sets: tuple[EvalSet, EvalSet, EvalSet]
    teacher: tuple[np.ndarray, np.ndarray, np.ndarray]
    spaces: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    micro_batch: int = 0
    keep: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """Some cells of one sweep. embeddings: (rows, d) of what `_texts` names, in order, or None."""

    cells: tuple[CellSpec, ...]
    embeddings: np.ndarray | None = field(default=None, repr=False)

    @property
    def ids(self) -> list[str]:
        return [cell.config.run_id for cell in self.cells]


@dataclass(frozen=True, eq=False)
class Bench:
    """A process ready for the parts of a sweep. training: what all students share; told, spaces: rows of the judged texts, by text."""

    training: Training
    told: Mapping[str, np.ndarray]
    spaces: Mapping[str, np.ndarray]
    keep: bool


def cut_parts(cells: Sequence[CellSpec], labels: Sequence[str], embed: RowsOf | None = None, size: int = 0) -> list[Part]:
    """The cells in parts of at most `size` students, 0 for what suits their kind.

    embed: texts -> (n, d), for linear and retrieval students. Raises BadInput for settings that cannot be, and for a label that is none
    of these.
    """
    if cells and kind_of(cells[0].config).name == LINEAR.name:
        check_cells(cells, labels)
    for cell in cells:
        gold_indices([row.label for row in cell.rows], labels, len(cell.rows))
    out = []
    size = size or (kind_of(cells[0].config).block if cells else 1)
    for start in range(0, len(cells), size):
        part = tuple(cells[start : start + size])
        out.append(Part(part, np.asarray(embed(_texts(part, labels)), np.float32) if embed else None))
    return out


def bench_of(shared: Shared) -> Bench:
    """A process made ready. For one whose progress is watched see `watched`."""
    training = Training(shared.labels, shared.sets, lambda texts: np.zeros((0, 0)), micro_batch=shared.micro_batch)
    return Bench(training, _table(shared.sets, shared.teacher), _table(shared.sets, shared.spaces or ()), shared.keep)


def watched(
    shared: Shared, progress: Progress = silent, lap: Callable[[], float | None] = no_lap, layer_teacher: Classifier | None = None
) -> Bench:
    """This process made ready: progress of the part in hand, electricity, and the teacher itself for layer methods.

    progress is not told of the last student of a part, so that a cancel there loses nothing finished.
    """

    def but_the_last(done: int, total: int, message: str = "") -> None:
        if done < total:
            progress(done, total, message)

    bench = bench_of(shared)
    return replace(bench, training=replace(bench.training, progress=but_the_last, lap=lap, layer_teacher=layer_teacher))


def do_part(bench: Bench, part: Part) -> list[Done]:
    """Train and score every cell of a part; the same numbers in whatever process and company it is done."""
    training = replace(bench.training, teacher_logprobs=_told(bench, part.cells))
    if kind_of(part.cells[0].config).solved:
        return _trained(part, replace(training, embed=_embeddings(bench, part)))
    if not bench.keep:
        return _trained(part, training)
    with tempfile.TemporaryDirectory(prefix="cod-student-") as folder:
        done = _trained(part, replace(training, folder=Path(folder)))
        return [replace(one, result=replace(one.result, path=None), files=_files(one.result.path)) for one in done]


SOLVED = Work[Shared, Bench, Part, list[Done]](bench_of, do_part)
STEPWISE = Work[Shared, Bench, Part, list[Done]](bench_of, do_part, torch=True, gpu=True)


def work_of(kind: StudentKind) -> Work[Shared, Bench, Part, list[Done]]:
    """The work of training students of a kind."""
    return SOLVED if kind.solved else STEPWISE


def _trained(part: Part, training: Training) -> list[Done]:
    return [done for batch in train_cells(part.cells, training) for done in batch]


def _files(folder: str | None) -> dict[str, bytes] | None:
    return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir()) if path.is_file()} if folder else None


def _table(sets: Sequence[EvalSet], matrices: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """text -> its row of the matrices that came along."""
    return {text: row for s, matrix in zip(sets, matrices) for text, row in zip(s.texts, matrix)}


def _told(bench: Bench, cells: Sequence[CellSpec]) -> RowsOf:
    """texts -> the teacher's answers: to judged texts as given, to the rows of these cells as they carry them."""
    own = {
        row.text: soft for cell in cells if cell.soft is not None for row, soft in zip(cell.rows, cell.soft) if row.text not in bench.told
    }
    return _looked_up(bench.told, own, len(bench.training.labels))


def _texts(cells: Sequence[CellSpec], labels: Sequence[str]) -> list[str]:
    """What a part of linear students embeds: its rows, and the labels' sentences where a student reads them."""
    anchors = label_sentences(labels) if any(cell.config.label_prior for cell in cells) else []
    return [row.text for cell in cells for row in cell.rows] + anchors


def _embeddings(bench: Bench, part: Part) -> RowsOf:
    if part.embeddings is None:
        raise ValueError("a part of linear or retrieval students carries its embeddings: give cut_parts embed, and Shared spaces")
    own = dict(zip(_texts(part.cells, bench.training.labels), part.embeddings))
    return _looked_up(bench.spaces, own, part.embeddings.shape[1])


def _looked_up(table: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], width: int) -> RowsOf:
    """The rows of one table, or else of the other."""
    return lambda texts: np.array([table[t] if t in table else own[t] for t in texts], dtype=np.float64).reshape(len(texts), width)
