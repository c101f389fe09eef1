"""The retrieval baseline: no training, the nearest labelled texts vote. What RAG-like use of the same rows gives.

A row votes for its label with weight exp(SHARPNESS * cosine). Arrays and callables only.
"""

import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from cod_core.distill.cells import CellSpec, Done, Judge, Lookup, Training, answers, versions_used
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.linear import log_softmax
from cod_core.distill.weights import row_weights
from cod_core.said import msg
from cod_core.types import RunResult

SHARPNESS = 20.0


def retrieval_logprobs(
    space: ArrayLike, features: ArrayLike, hard: ArrayLike, classes: int, weights: ArrayLike | None = None
) -> np.ndarray:
    """(m, C) log-probabilities of texts `space` (m, d) by the vote of rows `features` (n, d), all of length 1.

    hard: (n,) class indices of the rows. weights: (n,) how much each row's vote counts, None: the same.
    The weight falls by e for every 1 / SHARPNESS of cosine.
    """
    cosine = np.asarray(space, dtype=np.float64) @ np.asarray(features, dtype=np.float64).T
    ballots = np.eye(classes)[np.asarray(hard)]
    if weights is not None:
        ballots = ballots * np.asarray(weights, dtype=np.float64)[:, None]
    votes = np.exp(log_softmax(cosine, 1 / SHARPNESS)) @ ballots
    out: np.ndarray = np.log(np.maximum(votes, 1e-12))
    return out


def retrieval_batches(cells: Sequence[CellSpec], training: Training) -> Iterator[list[Done]]:
    """The vote of every cell's rows scored, one at a time. Raises BadInput for an unknown label."""
    if not cells:
        return
    labels, texts = training.labels, [row.text for cell in cells for row in cell.rows]
    phi = Lookup(training.embedding(), texts + [t for s in training.sets for t in s.texts])
    judge = training.once("judge", lambda: Judge(labels, training.teacher_logprobs, *training.sets))
    for finished, cell in enumerate(cells):
        started = time.perf_counter()
        hard = gold_indices([row.label for row in cell.rows], labels, len(cell.rows))
        rows = phi(row.text for row in cell.rows)
        weights = row_weights(cell.config, cell.rows) if cell.config.class_weights else None
        logprobs = {
            name: retrieval_logprobs(phi(s.texts), rows, hard, len(labels), weights) if s.texts else np.zeros((0, len(labels)))
            for name, s in judge.sets.items()
        }
        result = RunResult(cell.config, *judge.score(logprobs), time.perf_counter() - started, versions=versions_used("numpy"))
        yield [Done(result, answers(logprobs), logprobs=logprobs)]
        training.progress(finished + 1, len(cells), msg("comparing with the nearest texts"))
