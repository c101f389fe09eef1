"""The way from a text to its counterfactual, edit by edit (path T), on which teacher and student change their minds.

A text path makes the edits of the token diff one after another; both models read the very same texts, so it
serves every pair of models. gaps.py compares two models on such paths; crossings along a straight line in the
encoder's space (path E) and sets of crossings are in boundary_sets.py. Crossings in two models' own embedding
spaces are never compared (docs/method.md section 5).
"""

import random
from collections.abc import Sequence

from cod_core.text import apply_edits, diff

RANDOM_ORDERS = 5


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
