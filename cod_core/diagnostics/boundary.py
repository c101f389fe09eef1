"""Where teacher and student change their minds on the way from a text to its counterfactual (path T).

A text path makes the edits of the token diff one after another; both models read the very same texts, so it
serves every pair of models. Knows models only as functions texts -> (n, C) log-probabilities. Crossings along
a straight line in the encoder's space (path E) and sets of crossings are in boundary_sets.py. Crossings in two
models' own embedding spaces are never compared (METHOD.md section 5).
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

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


@dataclass(frozen=True)
class Gap:
    """How far the student's first crossing lies from the teacher's on one pair, in the unit of `length`.

    gap: |l_t - l_s| * length, mean over the orders of the edits that were followed. left_to_right: the first of
    them. length: ||phi(x') - phi(x)||. both_ends: the student has the teacher's class at x and at x'; where it has
    not, the pair is censored: there is no crossing to compare, and both gaps are the whole length, never left out.
    levels: (teacher's, student's or None) on the first path. from_class, to_class: the teacher's. pair: its index.
    """

    gap: float
    length: float
    both_ends: bool
    left_to_right: float
    levels: tuple[float | None, float | None] = (None, None)
    from_class: int = 0
    to_class: int = 1
    pair: int = 0


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


def crossing_gap(levels: Sequence[float], teacher_rows, student_rows, length: float, pair: int = 0) -> Gap:
    """The gap on one path. teacher_rows, student_rows: (L, C) log-probabilities along the same texts.

    Raises ValueError for a negative length. A pair that the teacher itself does not flip counts as censored; leave
    such pairs out beforehand, for every student alike (pair_gaps does).
    """
    if length < 0:
        raise ValueError(f"a length is at least 0, got {length}")
    t, s = np.asarray(teacher_rows, dtype=np.float64), np.asarray(student_rows, dtype=np.float64)
    source, target = int(t[0].argmax()), int(t[-1].argmax())
    same = source != target and s[0].argmax() == source and s[-1].argmax() == target
    l_t, l_s = crossing(levels, t, source), crossing(levels, s, source) if same else None
    gap = min(1.0, abs(l_t - l_s)) * float(length) if same else float(length)
    return Gap(gap, float(length), bool(same), gap, (l_t, l_s), source, target, pair)


def mean_gap(paths: Sequence[list[tuple[float, str]]], teacher: Callable, student: Callable, length: float,
             pair: int = 0) -> Gap:
    """The gap of one pair, mean over several orders of its edits; paths[0] is the one left to right.

    teacher, student: texts -> (n, C) log-probabilities. All paths share their ends, so all or none is censored.
    """
    found = []
    for path in paths:
        texts = [text for _, text in path]
        found.append(crossing_gap([level for level, _ in path], teacher(texts), student(texts), length, pair))
    if not found[0].both_ends:
        return found[0]
    return replace(found[0], gap=min(float(np.mean([g.gap for g in found])), float(length)))


def pair_gaps(
    pairs: Sequence[tuple[str, str]], teacher: Callable, students: Mapping[str, Callable], lengths: Sequence[float],
    seed: int = 0, draws: int = RANDOM_ORDERS,
) -> dict[str, list[Gap]]:
    """Gaps of every student on the same held-out pairs (x, x').

    teacher, students: texts -> (n, C) log-probabilities, the same label order; each is asked once, for all texts.
    lengths: (n,) of the pairs, in one space for all. A pair that the teacher does not flip has no crossing and is
    left out for every student alike; Gap.pair tells which are in.
    """
    if len(lengths) != len(pairs):
        raise ValueError(f"{len(pairs)} pairs with {len(lengths)} lengths")
    paths = [[text_path(x, y, order) for order in orders(len(diff(x, y)), draws, seed + i)]
             for i, (x, y) in enumerate(pairs)]
    texts = list(dict.fromkeys(text for group in paths for path in group for _, text in path))
    if not texts:
        return {name: [] for name in students}
    asked_teacher = _reader(teacher, texts)
    ends = [asked_teacher(pair).argmax(-1) for pair in pairs]
    kept = [i for i, (source, target) in enumerate(ends) if source != target]
    out = {}
    for name, student in students.items():
        asked = _reader(student, texts)
        out[name] = [mean_gap(paths[i], asked_teacher, asked, float(lengths[i]), i) for i in kept]
    return out


def median_length(gaps: Sequence[Gap]) -> float:
    """Median ||phi(x') - phi(x)|| of the pairs, the unit in which gaps are shown; 1 where there are none."""
    middle = float(np.median([gap.length for gap in gaps])) if gaps else 0.0
    return middle if middle > 0 else 1.0


def gap_summary(gaps: Sequence[Gap], unit: float | None = None) -> dict:
    """Plain values for plots and files: n, pairs, gaps and left_to_right (in units), censored flags and share,
    median, mean. unit: median_length(gaps) where None; give the same to every arm.
    """
    unit = unit or median_length(gaps)
    values, flags = [g.gap / unit for g in gaps], [not g.both_ends for g in gaps]
    return {
        "n": len(gaps), "pairs": [g.pair for g in gaps], "gaps": values,
        "left_to_right": [g.left_to_right / unit for g in gaps],
        "censored": flags, "censored_share": float(np.mean(flags)) if gaps else None,
        "median": float(np.median(values)) if gaps else None, "mean": float(np.mean(values)) if gaps else None,
    }


def by_class_pair(gaps: Sequence[Gap]) -> dict[tuple[int, int], list[Gap]]:
    """The gaps of each (teacher's class at x, teacher's class at x'), for tasks of more than two labels."""
    out: dict[tuple[int, int], list[Gap]] = {}
    for gap in gaps:
        out.setdefault((gap.from_class, gap.to_class), []).append(gap)
    return out


def _reader(model: Callable, texts: Sequence[str]) -> Callable:
    """The model's rows by text, all texts asked at once."""
    rows, place = np.asarray(model(list(texts)), dtype=np.float64), {text: i for i, text in enumerate(texts)}
    return lambda wanted: rows[[place[text] for text in wanted]]


def _between(low: float, high: float, before: float, after: float) -> float:
    """Where a value that is before >= 0 at low and after <= 0 at high passes zero; low where both are zero."""
    share = before / (before - after) if before > after else 0.0
    return float(low + min(max(share, 0.0), 1.0) * (high - low))
