"""A sweep as work for any process: rows, soft labels and judged texts go out, finished students come back. Knows no store.

What the students of a sweep share (judged texts, the teacher's answers to them, training rows, embeddings) is given once a process; a
part holds some cells, names their rows by number and carries soft labels: kilobytes, where rows and embeddings would be a megabyte. So a
worker on another machine reads no database; encoders that are trained are loaded by name there. Linear parts load no model at all. A
cell's numbers are the same in whatever part it is done.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from cod_core.compute.work import Work
from cod_core.distill.arms import TrainRow
from cod_core.distill.cells import CellSpec, Done, EvalSet, RowsOf, Training, no_lap
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.kinds import LINEAR, StudentKind, kind_of
from cod_core.distill.prior import label_sentences
from cod_core.distill.sweep import check_cells
from cod_core.distill.train import train_cells
from cod_core.progress import Progress, silent
from cod_core.types import Classifier


@dataclass(frozen=True, eq=False)
class Rows:
    """The training rows of all cells of a sweep, each once. texts, embeddings: what linear and retrieval students read of them, the
    labels' sentences included where a student does; (n, d) of texts, in order, or None."""

    each: tuple[TrainRow, ...]
    texts: tuple[str, ...] = ()
    embeddings: np.ndarray | None = field(default=None, repr=False)


@dataclass(frozen=True, eq=False)
class Shared:
    """What the parts of one sweep have in common. rows: of all parts. sets: test, dev, unlabelled; teacher: their (n, C) log-probabilities.

    spaces: their (n, d) embeddings for linear and retrieval students, None for those trained step by step. micro_batch:
    rows a forward pass at most, 0 for whole minibatches. keep: whether students trained step by step come back whole.
    """

    labels: tuple[str, ...]
    rows: Rows
    sets: tuple[EvalSet, EvalSet, EvalSet]
    teacher: tuple[np.ndarray, np.ndarray, np.ndarray]
    spaces: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    micro_batch: int = 0
    keep: bool = False


@dataclass(frozen=True, eq=False)
class Part:
    """Some cells of one sweep, as they travel: without their rows. rows: for each cell the numbers of its rows in Shared.rows."""

    cells: tuple[CellSpec, ...]
    rows: tuple[np.ndarray, ...] = field(repr=False)

    @property
    def ids(self) -> list[str]:
        return [cell.config.run_id for cell in self.cells]

    def whole(self, rows: Rows) -> tuple[CellSpec, ...]:
        """The cells with their rows."""
        return tuple(replace(cell, rows=tuple(rows.each[i] for i in own)) for cell, own in zip(self.cells, self.rows))


@dataclass(frozen=True, eq=False)
class Bench:
    """A process ready for the parts of a sweep. training: what all students share; told: the teacher's answers to the judged texts, by
    text; spaces: embeddings of these and of the training rows."""

    training: Training
    rows: Rows
    told: Mapping[str, np.ndarray]
    spaces: Mapping[str, np.ndarray]
    keep: bool


def cut_parts(cells: Sequence[CellSpec], labels: Sequence[str], embed: RowsOf | None = None, size: int = 0) -> tuple[Rows, list[Part]]:
    """(the rows of all cells, the cells in parts of at most `size` students, 0 for what suits their kind).

    embed: texts -> (n, d), for linear and retrieval students. Raises BadInput for settings that cannot be, and for a label that is none
    of these.
    """
    if cells and kind_of(cells[0].config).name == LINEAR.name:
        check_cells(cells, labels)
    for cell in cells:
        gold_indices([row.label for row in cell.rows], labels, len(cell.rows))
    numbers: dict[TrainRow, int] = {}
    rows = tuple(np.array([numbers.setdefault(row, len(numbers)) for row in cell.rows], np.int32) for cell in cells)
    size = size or (kind_of(cells[0].config).block if cells else 1)
    bare = [replace(cell, rows=()) for cell in cells]
    parts = [Part(tuple(bare[start : start + size]), rows[start : start + size]) for start in range(0, len(cells), size)]
    if embed is None or not cells:
        return Rows(tuple(numbers)), parts
    anchors = label_sentences(labels) if any(cell.config.label_prior for cell in cells) else []
    texts = list(dict.fromkeys([row.text for row in numbers] + anchors))
    return Rows(tuple(numbers), tuple(texts), np.asarray(embed(texts), np.float32)), parts


def bench_of(shared: Shared) -> Bench:
    """A process made ready. For one whose progress is watched see `watched`."""
    training = Training(shared.labels, shared.sets, lambda texts: np.zeros((0, 0)), micro_batch=shared.micro_batch)
    rows = shared.rows
    spaces = {} if rows.embeddings is None else dict(zip(rows.texts, rows.embeddings))
    return Bench(training, rows, _table(shared.sets, shared.teacher), spaces | _table(shared.sets, shared.spaces or ()), shared.keep)


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
    cells = part.whole(bench.rows)
    training = replace(bench.training, teacher_logprobs=_told(bench, cells))
    if kind_of(cells[0].config).solved:
        return _trained(cells, replace(training, embed=_embeddings(bench)))
    if not bench.keep:
        return _trained(cells, training)
    with tempfile.TemporaryDirectory(prefix="cod-student-") as folder:
        done = _trained(cells, replace(training, folder=Path(folder)))
        return [replace(one, result=replace(one.result, path=None), files=_files(one.result.path)) for one in done]


SOLVED = Work[Shared, Bench, Part, list[Done]](bench_of, do_part)
STEPWISE = Work[Shared, Bench, Part, list[Done]](bench_of, do_part, torch=True, gpu=True)


def work_of(kind: StudentKind) -> Work[Shared, Bench, Part, list[Done]]:
    """The work of training students of a kind."""
    return SOLVED if kind.solved else STEPWISE


def _trained(cells: Sequence[CellSpec], training: Training) -> list[Done]:
    return [done for batch in train_cells(cells, training) for done in batch]


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


def _embeddings(bench: Bench) -> RowsOf:
    if bench.rows.embeddings is None:
        raise ValueError("linear and retrieval students read embeddings: give cut_parts embed, and Shared spaces")
    return _looked_up(bench.spaces, {}, bench.rows.embeddings.shape[1])


def _looked_up(table: Mapping[str, np.ndarray], own: Mapping[str, np.ndarray], width: int) -> RowsOf:
    """The rows of one table, or else of the other."""
    return lambda texts: np.array([table[t] if t in table else own[t] for t in texts], dtype=np.float64).reshape(len(texts), width)
