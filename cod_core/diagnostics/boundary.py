"""Where a classifier changes its mind between a text and its counterfactual: crossings and gaps.

The text path (T) of METHOD.md section 5 is common to every model: the token edits between x and x' are made
one after another; position l = edits done / m. Knows classifiers only as rows of log-probabilities.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cod_core.text import apply_edits, diff


@dataclass(frozen=True)
class Gap:
    """One held-out pair. gap: |l_t - l_s| * length, or the full length where censored (the student does not
    have the teacher's class at both ends). length: ||phi(x') - phi(x)||. both_ends: not censored."""

    gap: float
    length: float
    both_ends: bool


def text_path(a: str, b: str, order: Sequence[int] | None = None) -> list[tuple[float, str]]:
    """(l, text) from a (l = 0) to b (l = 1), one token edit at a time. order: of the edits, left to right if None."""
    edits = diff(a, b)
    order = list(order) if order is not None else list(range(len(edits)))
    if not edits:
        return [(0.0, a), (1.0, b)]
    steps, chosen = [(0.0, a)], set()
    for done, index in enumerate(order, 1):
        chosen.add(index)
        steps.append((done / len(edits), apply_edits(a, b, edits, chosen)))
    return steps


def orders(m: int, draws: int = 5, seed: int = 0) -> list[list[int]]:
    """Left to right, and `draws` random orders where there is more than one edit."""
    rng = random.Random(seed)
    found = [list(range(m))]
    if m > 1:
        found += [rng.sample(range(m), m) for _ in range(draws)]
    return found


def crossing(levels: Sequence[float], logprobs, from_class: int) -> float | None:
    """Least l at which the class stops being from_class, the margin interpolated inside the bracket.

    levels: (n,) rising from 0 to 1. logprobs: (n, C). None where the class never changes or differs at l = 0.
    """
    rows = np.asarray(logprobs, dtype=float)
    margins = rows[:, from_class] - np.delete(rows, from_class, axis=1).max(axis=1)
    if margins[0] < 0:
        return None
    below = np.flatnonzero(margins < 0)
    if below.size == 0:
        return None
    j = int(below[0])
    m0, m1 = margins[j - 1], margins[j]
    return float(levels[j - 1] + (levels[j] - levels[j - 1]) * m0 / (m0 - m1))


def linear_crossing(z0, z1, from_class: int) -> float | None:
    """Least l in (0, 1) at which a linear head leaves from_class on the straight line between two embeddings.

    z0, z1: (C,) logits at x and x'; every difference of logits is linear in l. None where it never does.
    """
    z0, z1 = np.asarray(z0, dtype=float), np.asarray(z1, dtype=float)
    d0, d1 = z0[from_class] - np.delete(z0, from_class), z1[from_class] - np.delete(z1, from_class)
    found = [a / (a - b) for a, b in zip(d0, d1) if a > 0 > b]
    return float(min(found)) if found and (d0 >= 0).all() else None


def crossing_gap(levels, teacher_rows, student_rows, length: float) -> Gap:
    """The distance between the two models' crossings on one path, in the space where `length` was measured.

    teacher_rows, student_rows: (n, C) log-probabilities along the same texts.
    """
    t, s = np.asarray(teacher_rows), np.asarray(student_rows)
    start, same = int(t[0].argmax()), t[0].argmax() == s[0].argmax() and t[-1].argmax() == s[-1].argmax()
    l_t, l_s = crossing(levels, t, start), crossing(levels, s, start)
    if not same or l_t is None or l_s is None:
        return Gap(float(length), float(length), False)
    return Gap(abs(l_t - l_s) * float(length), float(length), True)


def mean_gap(paths: Sequence[list[tuple[float, str]]], teacher: Callable, student: Callable, length: float) -> Gap:
    """The mean gap of one pair over several orders of its edits; censoring is decided by the common ends."""
    found = []
    for path in paths:
        texts = [text for _, text in path]
        found.append(crossing_gap([at for at, _ in path], teacher(texts), student(texts), length))
    return Gap(float(np.mean([g.gap for g in found])), float(length), found[0].both_ends)


def hausdorff(a, b) -> dict[str, float]:
    """Sampled Hausdorff distance, its 95th percentile and the Chamfer mean of two point sets, as estimates.

    a: (n, d), b: (m, d), neither empty. Symmetric in a and b. Raises ValueError for an empty set.
    """
    from scipy.spatial.distance import cdist

    a, b = np.atleast_2d(np.asarray(a, float)), np.atleast_2d(np.asarray(b, float))
    if a.size == 0 or b.size == 0:
        raise ValueError("both point sets need at least one point")
    distances = cdist(a, b)
    near_a, near_b = distances.min(axis=1), distances.min(axis=0)
    return {"hausdorff": float(max(near_a.max(), near_b.max())),
            "hd95": float(max(np.percentile(near_a, 95), np.percentile(near_b, 95))),
            "chamfer": float((near_a.mean() + near_b.mean()) / 2)}
