"""Pieces of a sweep that any process can do: rows, soft labels and judged texts inside, results out. Knows no store.

A block holds all that its students need, so that a worker on another machine reads no database; encoders are loaded
by name where the block is done. Linear blocks carry their embeddings and load no model at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from cod_core.distill.prior import label_sentences
from cod_core.distill.sweep import CellSpec, EvalSet, run_linear_sweep
from cod_core.types import RunResult


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


@dataclass(frozen=True, eq=False)
class Done:
    """A finished cell: its result, what it answered by set name ((n,) class indices), and a linear head."""

    result: RunResult
    told: dict[str, np.ndarray]
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None


def cut_blocks(cells: Sequence[CellSpec], shared: Shared, embed=None, size: int = 20) -> list[Block]:
    """The cells in blocks of at most `size` students. embed: texts -> (n, d), for linear and retrieval students."""
    out = []
    for start in range(0, len(cells), size):
        part = tuple(cells[start : start + size])
        texts = _texts(part, shared.labels)
        out.append(Block(part, shared, np.asarray(embed(texts), np.float32) if embed else None))
    return out


def do_block(block: Block) -> list[Done]:
    """Train and score every cell of a block; the same numbers in whatever process and company it is done.

    Students trained step by step have one thread each: give blocks to several processes to use several cores.
    """
    shared, found = block.shared, []
    teacher = _by_text(shared.sets, shared.teacher, block.cells)
    kind = block.cells[0].config.student.partition(":")[0]
    sets = shared.sets
    if kind == "linear":
        phi = _embeddings(block)

        def keep(batch) -> None:
            for result, weight, bias in batch:
                space = {"test": shared.spaces[0], "unlabelled": shared.spaces[2]}
                found.append(
                    Done(
                        result,
                        {name: _answers(s, weight, bias) for name, s in space.items() if len(s)},
                        weight.astype(np.float32),
                        bias.astype(np.float32),
                    )
                )

        run_linear_sweep(block.cells, shared.labels, phi, teacher, *sets, on_results=keep)
        return found

    def keep_told(batch) -> None:
        for result, logprobs in batch:
            found.append(Done(result, {n: logprobs[n].argmax(-1).astype(np.uint8) for n in ("test", "unlabelled") if len(logprobs[n])}))

    if kind == "retrieval":
        from cod_core.distill.retrieval import run_retrieval_sweep

        run_retrieval_sweep(block.cells, shared.labels, _embeddings(block), teacher, *sets, on_results=keep_told)
    else:
        from cod_core.distill.finetuned import load_encoder
        from cod_core.distill.stepwise import run_stepwise_sweep
        from cod_core.models.device import one_thread

        with one_thread():
            run_stepwise_sweep(
                block.cells,
                shared.labels,
                load_encoder(block.cells[0].config.student),
                teacher,
                *sets,
                on_results=keep_told,
                micro_batch=shared.micro_batch,
            )
    return found


def _answers(space, weight, bias):
    from cod_core.distill.linear import linear_logits

    return linear_logits(np.asarray(space, np.float64), weight, bias).argmax(-1).astype(np.uint8)


def _by_text(sets, values, cells):
    """texts -> rows of the matrices that came with the block."""
    table = {text: row for s, matrix in zip(sets, values) for text, row in zip(s.texts, matrix)}
    table |= {row.text: soft for cell in cells if cell.soft is not None for row, soft in zip(cell.rows, cell.soft) if row.text not in table}
    width = len(next(iter(table.values()), ()))
    return lambda texts: np.array([table[t] for t in texts], dtype=np.float64).reshape(len(texts), width)


def _texts(cells, labels) -> list[str]:
    """What a block of linear students embeds: its rows, and the labels' sentences where a student reads them."""
    anchors = label_sentences(labels) if any(cell.config.label_prior for cell in cells) else []
    return [row.text for cell in cells for row in cell.rows] + anchors


def _embeddings(block: Block):
    table = dict(zip(_texts(block.cells, block.shared.labels), block.embeddings))
    table |= {text: row for s, matrix in zip(block.shared.sets, block.shared.spaces) for text, row in zip(s.texts, matrix)}
    width = block.embeddings.shape[1]
    return lambda wanted: np.array([table[t] for t in wanted], dtype=np.float64).reshape(len(wanted), width)
