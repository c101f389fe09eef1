"""Paired effects of one arm over another: intervals, tests, and when "clear" may be said. Arrays in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

FEW_TEST_ROWS = 100
EXACT_UP_TO = 14


@dataclass(frozen=True)
class Effect:
    """Mean paired difference with its 95 % interval, in the unit of the differences.

    p_signflip: two-sided sign-flip test over draws. clear: the interval excludes 0, p < .05, at least 100 test
    rows and more than one possible draw. caveat: "", "one possible draw" or "few test rows".
    """

    mean: float
    low: float
    high: float
    p_signflip: float
    n_seeds: int
    clear: bool
    caveat: str = ""


def paired_interval(diffs: Sequence[float], row_diffs: Sequence[float] | None = None, n_test: int | None = None,
                    distinct_draws: int | None = None) -> Effect:
    """The effect from one difference a draw.

    diffs: (S,) paired differences, one a seed. row_diffs: (n,) difference of each test row, averaged over
    seeds. The standard error adds both sources of chance: s^2 / S between draws and v / n between test rows
    (METHOD.md section 6; their interaction is counted in both, so the interval errs on the wide side). The
    quantile is Student's t with S - 1 degrees. distinct_draws: different row sets among the draws; 1 means
    that the data allow one draw only. Raises ValueError where diffs is empty.
    """
    from scipy import stats

    d = np.asarray(diffs, dtype=float)
    if d.size == 0:
        raise ValueError("paired_interval needs at least one difference")
    rows = np.asarray(row_diffs, dtype=float) if row_diffs is not None else None
    n = n_test if n_test is not None else (rows.size if rows is not None else 0)
    one_draw = d.size == 1 or (distinct_draws is not None and distinct_draws <= 1)
    between = 0.0 if one_draw else d.var(ddof=1) / d.size
    within = rows.var(ddof=1) / rows.size if rows is not None and rows.size > 1 else 0.0
    quantile = stats.norm.ppf(0.975) if one_draw else stats.t.ppf(0.975, d.size - 1)
    half = float(quantile * np.sqrt(between + within))
    mean, p = float(d.mean()), sign_flip_p(d)
    caveat = "one possible draw" if one_draw else "few test rows" if n < FEW_TEST_ROWS else ""
    clear = not caveat and p < 0.05 and (mean - half > 0 or mean + half < 0)
    return Effect(mean, mean - half, mean + half, p, int(d.size), clear, caveat)


def sign_flip_p(diffs: Sequence[float], draws: int = 20_000) -> float:
    """Two-sided p of the mean under random signs: exact up to 14 differences, else 20,000 fixed random draws."""
    d = np.asarray(diffs, dtype=float)
    seen = abs(d.mean()) - 1e-12
    if d.size <= EXACT_UP_TO:
        signs = np.array(list(product((-1.0, 1.0), repeat=d.size)))
        return float((np.abs(signs @ d / d.size) >= seen).mean())
    signs = np.random.default_rng(0).choice((-1.0, 1.0), size=(draws, d.size))
    return float((1 + (np.abs(signs @ d / d.size) >= seen).sum()) / (1 + draws))


def wilson_interval(successes: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927). (0, 1) where n is 0."""
    if n == 0:
        return 0.0, 1.0
    share, centre = successes / n, (successes / n + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return float(max(0.0, centre - half)), float(min(1.0, centre + half))
