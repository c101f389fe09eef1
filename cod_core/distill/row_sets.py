"""How many different sets of training rows the draws of an arm have, and how much these share. Rows in, numbers out.

Twenty seeds are twenty draws only where there is something to draw from: the rows that have a counterfactual come first, so an
arm draws from the accepted pairs and not from all texts, and the same set in another order is the same set.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cod_core.distill.arms import TrainRow
from cod_core.text import short_hash


@dataclass(frozen=True)
class Drawn:
    """distinct: different row sets among the draws. overlap: share of its rows that a draw has in common with another one,
    mean over all pairs of draws; 1 where there is one draw."""

    distinct: int
    overlap: float


def row_set(rows: Sequence[TrainRow]) -> np.ndarray:
    """(n,) sorted numbers of 32 bits that stand for the rows, whatever their order and soft labels."""
    return np.array(sorted({int(short_hash(r.example_id, r.is_cf, r.label)[:8], 16) for r in rows}), dtype=np.uint32)


def drawn(sets: Sequence[np.ndarray]) -> Drawn:
    """Of the row sets of one arm's draws. Raises ValueError where there are none."""
    if not sets:
        raise ValueError("give the rows of at least one draw")
    distinct, draws = len({rows.tobytes() for rows in sets}), len(sets)
    counts = np.unique(np.concatenate(list(sets)), return_counts=True)[1].astype(float)
    if draws == 1:
        return Drawn(1, 1.0)
    return Drawn(distinct, float((counts * (counts - 1)).sum() / ((draws - 1) * counts.sum())))


def least_varied(arms: Sequence[Drawn]) -> Drawn:
    """What may be said of a difference of two arms: the fewer row sets, the larger overlap."""
    return Drawn(min(a.distinct for a in arms), max(a.overlap for a in arms))
