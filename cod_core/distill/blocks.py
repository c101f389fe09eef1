"""Pieces of a sweep that any process can do: rows, soft labels and judged texts inside, results out. Knows no store.

A block holds all that its students need, so that a worker on another machine reads no database; encoders are loaded
by name where the block is done. Linear blocks carry their embeddings and load no model at all.
"""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np

from cod_core.distill.cells import CellSpec, Done, EvalSet, RowsOf, Training
from cod_core.distill.kinds import kind_of
from cod_core.distill.prior import label_sentences
from cod_core.distill.train import train_cells
from cod_core.models.device import one_thread


@dataclass(frozen=True, eq=False)
class Shared:
    """What the blocks of one sweep have in common. sets: test, dev, unlabelled; teacher: their (n, C) log-probabilities.

    spaces: their (n, d) embeddings for linear and retrieval blocks, None for those trained step by step. micro_batch:
    rows a forward pass at most, 0 for whole minibatches.
    """

    labels: tuple[str, ...]
    sets: tuple[EvalSet, EvalSet, EvalSet]
    teacher: tuple[np.ndarray, np.ndarray, np.ndarray]
    spaces: tuple[np.ndarray, np.ndarray, np.ndarray] | None = None
    micro_batch: int = 0


@dataclass(frozen=True, eq=False)
class Block:
    """Some cells of one sweep. embeddings: (rows, d) of what `_texts` names, in order, or None."""

    cells: tuple[CellSpec, ...]
    shared: Shared
    embeddings: np.ndarray | None = field(default=None, repr=False)

    @property
    def ids(self) -> list[str]:
        return [cell.config.run_id for cell in self.cells]


def cut_blocks(cells: Sequence[CellSpec], shared: Shared, embed: RowsOf | None = None, size: int = 0) -> list[Block]:
    """The cells in blocks of at most `size` students, 0 for what suits their kind.

    embed: texts -> (n, d), for linear and retrieval students.
    """
    out = []
    size = size or (kind_of(cells[0].config).block if cells else 1)
    for start in range(0, len(cells), size):
        part = tuple(cells[start : start + size])
        texts = _texts(part, shared.labels)
        out.append(Block(part, shared, np.asarray(embed(texts), np.float32) if embed else None))
    return out


def do_block(block: Block) -> list[Done]:
    """Train and score every cell of a block; the same numbers in whatever process and company it is done.

    Students trained step by step have one thread each: give blocks to several processes to use several cores.
    """
    shared, solved = block.shared, kind_of(block.cells[0].config).solved
    training = Training(
        shared.labels,
        shared.sets,
        _by_text(shared.sets, shared.teacher, block.cells),
        _embeddings(block) if solved else None,
        micro_batch=shared.micro_batch,
    )
    with nullcontext() if solved else one_thread():
        return [done for batch in train_cells(block.cells, training) for done in batch]


def _by_text(sets: Sequence[EvalSet], values: Sequence[np.ndarray], cells: Sequence[CellSpec]) -> RowsOf:
    """texts -> rows of the matrices that came with the block."""
    table = {text: row for s, matrix in zip(sets, values) for text, row in zip(s.texts, matrix)}
    table |= {row.text: soft for cell in cells if cell.soft is not None for row, soft in zip(cell.rows, cell.soft) if row.text not in table}
    return _looked_up(table, len(next(iter(table.values()), ())))


def _texts(cells: Sequence[CellSpec], labels: Sequence[str]) -> list[str]:
    """What a block of linear students embeds: its rows, and the labels' sentences where a student reads them."""
    anchors = label_sentences(labels) if any(cell.config.label_prior for cell in cells) else []
    return [row.text for cell in cells for row in cell.rows] + anchors


def _embeddings(block: Block) -> RowsOf:
    own, spaces = block.embeddings, block.shared.spaces
    if own is None or spaces is None:
        raise ValueError("a block of linear or retrieval students carries its embeddings: give cut_blocks embed, and Shared spaces")
    table = dict(zip(_texts(block.cells, block.shared.labels), own))
    table |= {text: row for s, matrix in zip(block.shared.sets, spaces) for text, row in zip(s.texts, matrix)}
    return _looked_up(table, own.shape[1])


def _looked_up(table: Mapping[str, np.ndarray], width: int) -> RowsOf:
    return lambda texts: np.array([table[t] for t in texts], dtype=np.float64).reshape(len(texts), width)
