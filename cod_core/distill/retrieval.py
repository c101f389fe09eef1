"""The retrieval baseline: no training, the nearest labelled texts vote. What RAG-like use of the same rows gives.

A row votes for its label with weight exp(SHARPNESS * cosine). Arrays and callables only.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from cod_core.distill.evaluate import gold_indices
from cod_core.distill.linear import log_softmax
from cod_core.distill.sweep import CellSpec, EvalSet, Judge, Lookup, versions_used
from cod_core.progress import Progress, silent
from cod_core.types import RunResult

SHARPNESS = 20.0


def retrieval_logprobs(space, features, hard, classes: int):
    """(m, C) log-probabilities of texts `space` (m, d) by the vote of rows `features` (n, d), all of length 1.

    hard: (n,) class indices of the rows. The weight falls by e for every 1 / SHARPNESS of cosine.
    """
    cosine = np.asarray(space, dtype=np.float64) @ np.asarray(features, dtype=np.float64).T
    votes = np.exp(log_softmax(cosine, 1 / SHARPNESS)) @ np.eye(classes)[np.asarray(hard)]
    return np.log(np.maximum(votes, 1e-12))


def run_retrieval_sweep(
    specs: Sequence[CellSpec],
    labels: Sequence[str],
    embed: Callable,
    teacher_logprobs: Callable,
    test: EvalSet,
    dev: EvalSet = EvalSet(),
    unlabelled: EvalSet = EvalSet(),
    done: Iterable[str] = (),
    on_results: Callable = lambda results: None,
    progress: Progress = silent,
) -> list[RunResult]:
    """Score the vote of every cell's rows not in `done`; arguments as in run_linear_sweep.

    on_results gets [(RunResult, log-probabilities by set name)] after every cell.
    """
    done, results = set(done), []
    todo = [spec for spec in specs if spec.config.run_id not in done]
    if not todo:
        return results
    sets = (test, dev, unlabelled)
    phi = Lookup(embed, [r.text for spec in todo for r in spec.rows] + [t for s in sets for t in s.texts])
    judge = Judge(labels, teacher_logprobs, *sets)
    for spec in todo:
        started = time.perf_counter()
        hard = gold_indices([row.label for row in spec.rows], labels, len(spec.rows))
        rows = phi(row.text for row in spec.rows)
        logprobs = {
            name: retrieval_logprobs(phi(s.texts), rows, hard, len(labels)) if s.texts else np.zeros((0, len(labels)))
            for name, s in judge.sets.items()
        }
        result = RunResult(spec.config, *judge.score(logprobs), time.perf_counter() - started, versions=versions_used("numpy"))
        results.append(result)
        on_results([(result, logprobs)])
        progress(len(results), len(todo), "comparing with the nearest texts")
    return results
