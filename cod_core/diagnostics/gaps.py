"""How far students' crossings lie from the teacher's on held-out pairs: arrays for many students at once (path T).

Every text of every path is read once by each model; all students of a sweep are then compared by array operations.
A pair that the teacher does not flip has no crossing and is left out for every student alike. A student that has not
the teacher's class at both ends is censored on that pair and counts with the pair's whole length (docs/method.md section
5). Knows no model: only the rows that models gave.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cod_core.diagnostics.boundary import RANDOM_ORDERS, orders, text_path
from cod_core.diagnostics.boundary_sets import SetDistance, set_distance
from cod_core.diagnostics.margins import margins
from cod_core.text import diff


@dataclass(frozen=True)
class Paths:
    """Text paths of n pairs. texts: all texts, each once. of_pair: a pair -> its paths, the one left to right first,
    each as (levels (L,), places of its texts (L,))."""

    texts: tuple[str, ...]
    of_pair: tuple[tuple[tuple[np.ndarray, np.ndarray], ...], ...]


@dataclass(frozen=True)
class Gaps:
    """S students on the n pairs that the teacher flips.

    gap (S, n): |l_t - l_s| * length, mean over the orders of the edits; left_to_right (S, n): on the first path.
    both_ends (S, n): the student has the teacher's class at x and at x'; elsewhere censored, gap = length.
    teacher_level (n,), student_level (S, n): crossings on the first path, NaN where censored. lengths (n,):
    ||phi(x') - phi(x)||. from_class, to_class (n,): the teacher's. pairs (n,): which pairs these are. changes (S, n):
    how often the student's class changes on the first path; 1 is one clean crossing.
    """

    gap: np.ndarray
    left_to_right: np.ndarray
    both_ends: np.ndarray
    teacher_level: np.ndarray
    student_level: np.ndarray
    lengths: np.ndarray
    from_class: np.ndarray
    to_class: np.ndarray
    pairs: np.ndarray
    changes: np.ndarray


def paths(pairs: Sequence[tuple[str, str]], seed: int = 0, draws: int = RANDOM_ORDERS) -> Paths:
    """The paths of pairs (x, x'): left to right, and up to `draws` random orders where a pair has several edits."""
    place: dict[str, int] = {}
    groups = []
    for i, (a, b) in enumerate(pairs):
        distinct = dict.fromkeys(tuple(order) for order in orders(len(diff(a, b)), draws, seed + i))
        steps = [text_path(a, b, order) for order in distinct]
        groups.append(
            tuple(
                (np.array([level for level, _ in path]), np.array([place.setdefault(text, len(place)) for _, text in path]))
                for path in steps
            )
        )
    return Paths(tuple(place), tuple(groups))


def gaps(found: Paths, teacher_rows: ArrayLike, student_rows: ArrayLike, lengths: ArrayLike) -> Gaps:
    """Gaps of S students. teacher_rows (t, C), student_rows (S, t, C): log-probabilities of found.texts, the same
    label order. lengths: one a pair. Raises ValueError where shapes differ or a length is negative."""
    teacher, students = np.asarray(teacher_rows, dtype=np.float64), np.asarray(student_rows, dtype=np.float64)
    whole = np.asarray(lengths, dtype=np.float64)
    if students.ndim != 3 or students.shape[1:] != teacher.shape or len(teacher) != len(found.texts):
        raise ValueError(f"rows of {len(found.texts)} texts are needed, got {teacher.shape} and {students.shape}")
    if whole.shape != (len(found.of_pair),) or (whole < 0).any():
        raise ValueError(f"a length of at least 0 for each of {len(found.of_pair)} pairs is needed")
    columns = []
    for i, group in enumerate(found.of_pair):
        first, last = group[0][1][0], group[0][1][-1]
        a, b = int(teacher[first].argmax()), int(teacher[last].argmax())
        if a == b:
            continue
        same = (students[:, first].argmax(-1) == a) & (students[:, last].argmax(-1) == b)
        each, t_level, s_level = [], np.nan, np.full(len(students), np.nan)
        for at, (levels, places) in enumerate(group):
            l_t = first_crossing(levels, teacher[None, places], a)[0]
            l_s = first_crossing(levels, students[:, places], a)
            each.append(np.where(same, np.minimum(1.0, np.abs(l_t - l_s)), 1.0) * whole[i])
            if at == 0:
                t_level, s_level = l_t, np.where(same, l_s, np.nan)
        on_first = students[:, group[0][1]].argmax(-1)
        columns.append(
            (np.mean(each, axis=0), each[0], same, t_level, s_level, whole[i], a, b, i, (on_first[:, 1:] != on_first[:, :-1]).sum(-1))
        )
    shape = (len(columns), len(students))

    def many(j: int, kind: type[float | int | bool] = float) -> np.ndarray:
        return np.array([c[j] for c in columns], dtype=kind).reshape(shape).T

    def one(j: int, kind: type[float | int | bool] = float) -> np.ndarray:
        return np.array([c[j] for c in columns], dtype=kind)

    return Gaps(many(0), many(1), many(2, bool), one(3), many(4), one(5), one(6, int), one(7, int), one(8, int), many(9, int))


def first_crossing(levels: ArrayLike, rows: ArrayLike, from_class: int) -> np.ndarray:
    """(S,) level at which each row of readings (S, L, C) first leaves from_class; NaN where it never does or does
    not start there. Between two readings the margin is interpolated linearly."""
    z, at_level = np.asarray(rows, dtype=np.float64), np.asarray(levels, dtype=np.float64)
    count, steps, classes = z.shape
    outside = z.argmax(-1) != from_class
    crosses = outside.any(-1) & ~outside[:, 0]
    at = np.where(crosses, outside.argmax(-1), 1)
    m = margins(z.reshape(-1, classes), from_class).reshape(count, steps)
    every = np.arange(count)
    before, after = m[every, at - 1], m[every, at]
    share = np.where(before > after, before / np.where(before > after, before - after, 1.0), 0.0)
    level = at_level[at - 1] + np.clip(share, 0.0, 1.0) * (at_level[at] - at_level[at - 1])
    return np.where(crosses, level, np.nan)


def crossing_points(found: Paths, pairs: Iterable[int], levels: Iterable[float], phi: ArrayLike) -> np.ndarray:
    """(n, d) points of the encoder's space at `levels` (n,) of the first paths of `pairs` (n,); NaN rows stay NaN.

    phi: (t, d) embeddings of found.texts. A point lies on the straight line between the two texts that bracket it.
    """
    points, out = np.asarray(phi, dtype=np.float64), []
    for pair, level in zip(pairs, levels, strict=True):
        steps, places = found.of_pair[pair][0]
        i = int(np.clip(np.searchsorted(steps, level, "left"), 1, len(steps) - 1)) if np.isfinite(level) else 1
        share = (level - steps[i - 1]) / (steps[i] - steps[i - 1])
        out.append(points[places[i - 1]] + share * (points[places[i]] - points[places[i - 1]]))
    return np.array(out).reshape(len(out), points.shape[1])


def set_distances(found: Paths, gap: Gaps, phi: ArrayLike) -> list[SetDistance | None]:
    """Sampled Hausdorff, HD95 and Chamfer between the teacher's crossings and each student's, in phi; None where a
    student crosses nowhere. Censored pairs have no student's crossing: read beside their share."""
    theirs = crossing_points(found, gap.pairs, gap.teacher_level, phi)
    out = []
    for row in gap.student_level:
        own = crossing_points(found, gap.pairs, row, phi)
        out.append(set_distance(theirs, own[np.isfinite(own).all(-1)]))
    return out


def unit(gap: Gaps) -> float:
    """Median ||phi(x') - phi(x)|| of the pairs, in which gaps are shown; 1 where there are none."""
    middle = float(np.median(gap.lengths)) if len(gap.lengths) else 0.0
    return middle if middle > 0 else 1.0


def by_class_pair(gap: Gaps) -> dict[tuple[int, int], np.ndarray]:
    """(teacher's class at x, at x') -> places of its pairs among the n, for tasks of more than two labels."""
    found: dict[tuple[int, int], list[int]] = {}
    for at, key in enumerate(zip(gap.from_class.tolist(), gap.to_class.tolist())):
        found.setdefault(key, []).append(at)
    return {key: np.array(places) for key, places in sorted(found.items())}
