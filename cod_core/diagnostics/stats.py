"""How sure a difference between two arms is. Numbers in, an Effect out; knows no model, no store, no wording.

Arms are compared draw by draw on the same test rows, so two sources of chance remain: which texts were drawn
for training (the seed s), and which texts happen to be in the test set (the row i). With D[s, i] the
difference of the two students of draw s on row i, the estimate is the mean of all D, and its variance is

    V = V_seeds + V_rows - V_both,   never below max(V_seeds, V_rows)
    V_seeds = variance of the S means over rows / S        (t over seeds)
    V_rows  = variance of the n means over draws / n       (resampling of test rows, in closed form)
    V_both  = mean square of D[s, i] - D[s, .] - D[., i] + D[., .] / (S n)

V_both is the noise of single answers, which both other terms contain once; taking it out once makes V unbiased
in the two-way layout (Owen 2007, arXiv:0712.1111). The interval is mean +- t(df) sqrt(V) with Satterthwaite's
df = V^2 / (V_seeds^2 / (S - 1) + V_rows^2 / (n - 1)), kept within [min(S, n) - 1, S + n - 2]. A percentile
bootstrap over 5 seeds covers 83 %, not 95 % (docs/method.md section 6); this covers 95 % in the tests' simulation.

The interval speaks of further draws from the same texts and counterfactuals. Whether other texts and counterfactuals would
show the same is another question: draws that share rows vary less between each other than around what such draws give in
general. With a share w of common rows the variance of the mean of S draws is 1 + (S - 1) w over 1 - w times V_seeds, where
each row contributes its part (an upper bound where rows work together, as in the correction of Nadeau and Bengio 2003 for
resampled training sets). A difference is clear only where an interval widened by that factor excludes 0 too.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from cod_core.said import msg

MIN_ROWS = 100
MAX_P = 0.05
ONE_DRAW = msg("one possible draw")
FEW_ROWS = msg("few test rows")
FEW_DRAWS = msg("few draws")
CHANCE = msg("may be chance")
SHARED = msg("draws share too many of their texts")
FEW_OF_LABELS = msg("fewer than two rows of each label")
UNKNOWN = msg("what the draws share is not on record")
MAX_OVERLAP = 0.5
ROW_VARIANCE_BOUND = 0.5


@dataclass(frozen=True)
class Effect:
    """A paired difference, as a share (0.09 is 9 points). low, high: 95 % interval, None where none can be given.

    p_signflip: two-sided sign-flip test over the draws, 1 where there is one possible draw. clear: may be called
    clear. caveat: why not (one of the constants above), "" where clear. n_rows: test rows behind it.
    """

    mean: float
    low: float | None
    high: float | None
    p_signflip: float
    n_seeds: int
    clear: bool
    caveat: str = ""
    n_rows: int = 0


class _Parts(NamedTuple):
    """What the variance is made of: means over rows (S,), n test rows, V_rows, V_both."""

    means: np.ndarray
    n: int
    v_rows: float
    v_both: float


def paired_interval(
    diffs: ArrayLike,
    row_diffs: ArrayLike | None = None,
    n_test: int | None = None,
    distinct_draws: int | None = None,
    overlap: float | None = 0.0,
    level: float = 0.95,
    min_rows: int = MIN_ROWS,
) -> Effect:
    """The mean difference over draws with the interval of the module's docstring.

    diffs: (S,) differences, one a draw. row_diffs: (S, n) D[s, i] (see row_differences), or (n,) already averaged
    over the draws: V_both is then unknown and stays in, which errs on the wide side. Without them give n_test:
    the variance of a row is then taken as 0.5, what two students with unrelated answers have at most, which is
    wider still. distinct_draws: different sets of training rows among the draws, of the arm that has fewer; 1 where k equals
    all rows. overlap: mean share of common rows of two draws, of the arm where it is larger (distill/row_sets.py); None
    where it is not known. min_rows: test rows from which on a difference may be clear; fewer will do for lengths.
    Never clear: one possible draw, too few test rows, fewer than 6 draws, p >= .05, an interval with 0, draws that share
    more than half of their rows, or so many that the widened interval holds 0, and draws of which that is not known.
    Raises ValueError where diffs is empty or the parts do not fit each other.
    """
    parts = _parts(diffs, row_diffs, n_test)
    means, n, seeds, mean = parts.means, parts.n, len(parts.means), float(parts.means.mean())
    if seeds == 1 or (distinct_draws is not None and distinct_draws <= 1):
        low, high = _around(mean, 0.0, parts._replace(v_both=0.0), 1, level)
        return Effect(mean, low, high, 1.0, seeds, False, ONE_DRAW, n)
    v_seeds, p = float(means.var(ddof=1)) / seeds, sign_flip_p(means)
    low, high = _around(mean, v_seeds, parts, seeds, level)
    caveat = FEW_ROWS if n < min_rows else _chance(seeds, p, low, high)
    if not caveat and overlap is None:
        caveat = UNKNOWN
    elif not caveat and overlap is not None:
        wide = overlap > MAX_OVERLAP or _holds_zero(*_around(mean, v_seeds * widening(seeds, overlap), parts, seeds, level))
        caveat = SHARED if wide else ""
    return Effect(mean, low, high, p, seeds, not caveat, caveat, n)


def _around(mean: float, v_draws: float, parts: _Parts, seeds: int, level: float) -> tuple[float | None, float | None]:
    """The interval with so much variance of the draws; (None, None) where a single row tells nothing of others."""
    if parts.n <= 1:
        return None, None
    total = max(v_draws, parts.v_rows, v_draws + parts.v_rows - parts.v_both)
    half = _t(level, _freedom(total, v_draws, parts.v_rows, seeds, parts.n)) * math.sqrt(total)
    return mean - half, mean + half


def widening(draws: int, overlap: float) -> float:
    """How many times V_seeds the variance of the mean of so many draws is, texts and counterfactuals themselves being a
    sample. overlap: below 1."""
    return (1 + (draws - 1) * overlap) / (1 - overlap)


def row_differences(correct_a: ArrayLike, correct_b: ArrayLike) -> np.ndarray:
    """(S, n) differences b - a from two (S, n) arrays of 0/1 or bool, the same test rows in the same order."""
    a, b = np.asarray(correct_a, dtype=np.float64), np.asarray(correct_b, dtype=np.float64)
    if a.shape != b.shape or a.ndim != 2:
        raise ValueError(f"two (draws, rows) arrays of one shape are needed, got {a.shape} and {b.shape}")
    return b - a


def sign_flip_p(diffs: ArrayLike, flips: int = 100_000) -> float:
    """Two-sided sign-flip test of mean zero: the share of sign patterns with |sum| at least that observed.

    Exact up to 24 values (never below 2 / 2^S: .0625 for 5), else a seeded sample that counts the observed one.
    """
    values = np.asarray(diffs, dtype=np.float64)
    values = values[values != 0]
    if not len(values):
        return 1.0
    edge = abs(values.sum()) - 1e-9 * np.abs(values).sum()
    if len(values) <= 24:
        first, second = (_signed_sums(part) for part in np.array_split(values, 2))
        second.sort()
        above = len(second) - np.searchsorted(second, edge - first, "left")
        below = np.searchsorted(second, -edge - first, "right")
        return float(min(1.0, (above + below).sum() / (len(first) * len(second))))
    rng = np.random.default_rng(0)
    signs = (rng.choice((-1.0, 1.0), (flips // 10, len(values))) for _ in range(10))
    hits = sum(int((np.abs(block @ values) >= edge).sum()) for block in signs)
    return (hits + 1) / (flips + 1)


def _parts(diffs: ArrayLike, row_diffs: ArrayLike | None, n_test: int | None) -> _Parts:
    means = np.asarray(diffs, dtype=np.float64)
    if means.ndim != 1 or not len(means):
        raise ValueError("give the difference of at least one draw")
    if row_diffs is None:
        if not n_test or n_test < 1:
            raise ValueError("give row_diffs, or n_test, the number of test rows behind the differences")
        return _Parts(means, int(n_test), ROW_VARIANCE_BOUND / n_test, 0.0)
    matrix = _fitting(np.asarray(row_diffs, dtype=np.float64), means, n_test)
    n, over_draws = matrix.shape[-1], matrix if matrix.ndim == 1 else matrix.mean(0)
    v_rows = float(over_draws.var(ddof=1)) / n if n > 1 else 0.0
    return _Parts(means, n, v_rows, 0.0 if matrix.ndim == 1 else _v_both(matrix))


def _fitting(matrix: np.ndarray, means: np.ndarray, n_test: int | None) -> np.ndarray:
    """D (S, n) or (n,), once it is sure to be of these draws and of so many test rows. Raises ValueError otherwise."""
    n = matrix.shape[-1] if matrix.ndim in (1, 2) else 0
    if not n or (matrix.ndim == 2 and len(matrix) != len(means)) or n_test not in (None, n):
        raise ValueError(f"row_diffs {matrix.shape} fits neither {len(means)} draws nor n_test = {n_test}")
    if not np.allclose(matrix.mean(-1), means if matrix.ndim == 2 else means.mean(), atol=1e-6):
        raise ValueError("diffs are not the means of row_diffs: the draws or the test rows are not the same")
    return matrix


def _v_both(matrix: np.ndarray) -> float:
    """V_both of D (S, n): the noise of single answers; 0 where one draw or one row cannot tell it from the rest."""
    seeds, n = matrix.shape
    if seeds == 1 or n == 1:
        return 0.0
    rest = matrix - matrix.mean(-1)[:, None] - matrix.mean(0) + matrix.mean()
    return float((rest**2).sum() / ((seeds - 1) * (n - 1)) / (seeds * n))


def _freedom(total: float, v_seeds: float, v_rows: float, seeds: int, n: int) -> float:
    if seeds == 1:
        return n - 1
    below = v_seeds**2 / (seeds - 1) + v_rows**2 / (n - 1)
    wanted = total**2 / below if below > 0 else seeds - 1
    return min(max(wanted, min(seeds, n) - 1), seeds + n - 2)


def _chance(seeds: int, p: float, low: float | None, high: float | None) -> str:
    if _holds_zero(low, high):
        return CHANCE
    if 2 / 2**seeds >= MAX_P:
        return FEW_DRAWS
    return CHANCE if p >= MAX_P else ""


def _holds_zero(low: float | None, high: float | None) -> bool:
    return low is None or high is None or low <= 0 <= high


def _signed_sums(values: np.ndarray) -> np.ndarray:
    sums = np.zeros(1)
    for value in values:
        sums = np.concatenate([sums + value, sums - value])
    return sums


def _t(level: float, df: float) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + level) / 2, df))
