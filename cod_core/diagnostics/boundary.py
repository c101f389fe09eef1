"""Where teacher and student change their minds on the way from a text to its counterfactual (path T).

A text path makes the edits of the token diff one after another; both models read the very same texts, so it
serves every pair of models. gaps.py compares two models on such paths; crossings along a straight line in the
encoder's space (path E) and sets of crossings are in boundary_sets.py. Crossings in two models' own embedding
spaces are never compared (METHOD.md section 5).
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cod_core.diagnostics.margins import margins
from cod_core.text import apply_edits, diff

RANDOM_ORDERS = 5


@dataclass(frozen=True)
class Crossing:
    """One change of class on a path. level: where, in [0, 1]. from_class, to_class: column indices."""

    level: float
    from_class: int
    to_class: int


def text_path(a: str, b: str, order: Sequence[int] | None = None) -> list[tuple[float, str]]:
    """[(level, text)] from a to b: the edits of diff(a, b) made one after another, level = edits made / all.

    order: the edits' indices in the order in which they are made; left to right where None. Starts with (0, a)
    and ends with (1, b); texts that differ in spaces alone have one step. Raises ValueError where order is not
    a permutation of the edits.
    """
    edits = diff(a, b)
    order = list(range(len(edits)) if order is None else order)
    if sorted(order) != list(range(len(edits))):
        raise ValueError(f"order must name each of {len(edits)} edits once, got {order}")
    if not edits:
        return [(0.0, a), (1.0, b)]
    return [(done / len(edits), apply_edits(a, b, edits, set(order[:done]))) for done in range(len(edits) + 1)]


def orders(m: int, draws: int = RANDOM_ORDERS, seed: int = 0) -> list[list[int]]:
    """Left to right first, then `draws` random orders where there is more than one edit (few edits: some repeat)."""
    rng = random.Random(seed)
    return [list(range(m))] + [rng.sample(range(m), m) for _ in range(draws if m > 1 else 0)]


def crossings(levels: Sequence[float], logprobs) -> list[Crossing]:
    """Every change of class along a path, in order; between two readings the margin is interpolated linearly.

    levels: (L,) rising. logprobs: (L, C). Classes that come and go between two readings are not seen.
    """
    z = np.asarray(logprobs, dtype=np.float64)
    classes = z.argmax(-1)
    found = []
    for i in np.flatnonzero(classes[1:] != classes[:-1]):
        old, new = int(classes[i]), int(classes[i + 1])
        level = _between(levels[i], levels[i + 1], z[i, old] - z[i, new], z[i + 1, old] - z[i + 1, new])
        found.append(Crossing(level, old, new))
    return found


def crossing(levels: Sequence[float], logprobs, from_class: int) -> float | None:
    """Level of the first crossing out of from_class: its margin, interpolated inside the first step that leaves it.

    None where the path never leaves the class or does not start in it. Raises ValueError where levels and
    logprobs (L, C) differ in length.
    """
    m, classes = margins(logprobs, from_class), np.asarray(logprobs).argmax(-1)
    if len(levels) != len(m):
        raise ValueError(f"{len(levels)} levels for {len(m)} readings")
    outside = np.flatnonzero(classes != from_class)
    if not len(outside) or outside[0] == 0:
        return None
    i = int(outside[0])
    return _between(levels[i - 1], levels[i], m[i - 1], m[i])


def _between(low: float, high: float, before: float, after: float) -> float:
    """Where a value that is before >= 0 at low and after <= 0 at high passes zero; low where both are zero."""
    share = before / (before - after) if before > after else 0.0
    return float(low + min(max(share, 0.0), 1.0) * (high - low))
