"""What stands in for the teacher's probabilities in training: themselves, calibrated ones, random ones. Arrays only."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike

from cod_core.distill.cells import RowsOf
from cod_core.distill.linear import log_softmax
from cod_core.errors import NotEnoughData
from cod_core.text import text_hash
from cod_core.types import TIE

SMOOTHED = 0.1  # of a person's word as a soft label: what the other classes share
Soften = Callable[[list[str], int], np.ndarray]
"""(texts, seed) -> (n, C) soft labels to train with."""


def softener(
    kind: str, teacher_logprobs: Callable[[list[str]], np.ndarray], classes: int, dev: Callable[[], tuple[list[str], ArrayLike]]
) -> Soften | None:
    """What gives soft labels where they are not the teacher's own; None where they are. kind: RunConfig.soft_labels.

    dev: (development texts, their class indices), read where the teacher is to be calibrated. Raises NotEnoughData without them.
    """
    if kind == "random":
        return lambda texts, seed: random_logprobs(texts, classes, seed)
    if kind == "scaled":
        texts, gold = dev()
        temperature = calibration_temperature(teacher_logprobs(texts), gold)
        return lambda texts, seed: log_softmax(np.maximum(teacher_logprobs(texts), -700.0), temperature)
    return None


def overruled(teacher_logprobs: RowsOf, right: Mapping[str, int]) -> RowsOf:
    """teacher_logprobs with a person's word where the teacher says another class: 1 - SMOOTHED on theirs, the rest spread evenly.

    right: text -> class index that a person answers for. Without this a student would be taught both: the hard label says the
    one, the soft label, which weighs more, the other.
    """

    def told(texts: list[str]) -> np.ndarray:
        rows = np.array(teacher_logprobs(texts), dtype=np.float64)
        for at in differing(rows, [right.get(text, -1) for text in texts]):
            rows[at] = np.log(SMOOTHED / (rows.shape[1] - 1))
            rows[at, right[texts[at]]] = np.log(1 - SMOOTHED)
        return rows

    return told


def differing(logprobs: ArrayLike, right: Sequence[int]) -> list[int]:
    """Rows of (n, C) log-probabilities that do not name the class in `right`; where that is -1, nobody answered."""
    rows = np.asarray(logprobs, dtype=np.float64)
    return [at for at, wanted in enumerate(right) if wanted >= 0 and (rows[at] >= rows[at, wanted] - TIE).sum() > 1]


def calibration_temperature(logprobs: ArrayLike, gold: ArrayLike) -> float:
    """The T > 0 for which softmax(logprobs / T) has the least mean NLL on these rows (Guo et al. 2017, arXiv:1706.04599).

    logprobs: (n, C). gold: (n,) class indices, -1 where absent. Raises NotEnoughData without labelled rows.
    """
    from scipy.optimize import minimize_scalar

    told, right = np.asarray(logprobs, dtype=np.float64), np.asarray(gold)
    known = right >= 0
    if not known.any():
        raise NotEnoughData("Calibrating the teacher needs labelled development texts, and there are none.")
    rows, wanted = np.maximum(told[known], -700.0), right[known]

    def nll(log_t: float) -> float:
        return -float(log_softmax(rows, np.exp(log_t))[np.arange(len(wanted)), wanted].mean())

    return float(np.exp(minimize_scalar(nll, bounds=(-4.0, 4.0), method="bounded").x))


def random_logprobs(texts: Sequence[str], classes: int, seed: int) -> np.ndarray:
    """(n, C) log-probabilities drawn uniformly from the simplex; a text and a seed give one draw, whatever the order."""
    draws = [np.random.default_rng([seed, int(text_hash(t)[:12], 16)]).dirichlet(np.ones(classes)) for t in texts]
    out: np.ndarray = np.log(np.maximum(np.array(draws).reshape(len(texts), classes), 1e-12))
    return out
