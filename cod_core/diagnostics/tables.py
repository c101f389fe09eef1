"""Many tests in one table: which still hold. Numbers in, numbers out."""

from collections.abc import Sequence

import numpy as np


def holm(p_values: Sequence[float]) -> list[float]:
    """p values adjusted for all tests of a table (Holm 1979), in the order given: below .05 holds for the whole table.

    Raises ValueError where one lies outside [0, 1].
    """
    p = np.asarray(p_values, dtype=np.float64)
    if ((p < 0) | (p > 1)).any() or np.isnan(p).any():
        raise ValueError("p values lie between 0 and 1")
    order = np.argsort(p, kind="stable")
    steps = np.maximum.accumulate(np.minimum(1.0, p[order] * np.arange(len(p), 0, -1)))
    out = np.empty(len(p))
    out[order] = steps
    return out.tolist()
