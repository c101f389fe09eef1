"""Whether counterfactuals pay here, asked of the first pairs: half of them with their counterfactuals against as many labelled texts.

Both students learn from the same number of rows, so the question is what a decision brings and what a label would have brought
instead. Judged on development rows by the probability that a student gives the right label: with few rows it tells more than
accuracy does, which only moves where an answer turns. The rule has no number of its own: it warns where counterfactuals do not do
better. How often it was right: docs/experiments/where-they-do-not-help.md. Arrays only.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cod_core.diagnostics.worth import Rows
from cod_core.distill.linear import fit_linear_batch, linear_logits, log_softmax

FIRST, FEWEST_DEV = 20, 30  # pairs and development rows from which on anything is said
MOST_CLASSES = 20  # with more it was never tried
MOST, UNKNOWNS = 64, 400  # rows of a student at most; rows times classes: the students are solved anew after every decision
TASKS, RIGHT = 10, 10  # public tasks on which it was tried, those of which it was right; a test holds them to the page of losses
DRAWS = 20
LEVEL_T = 2.093  # Student's t for 95 % and DRAWS - 1 degrees of freedom

Heads = tuple[np.ndarray, np.ndarray]
Score = Callable[[np.ndarray, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Early:
    """pairs: there are. rows: each student learns from. n_dev: development rows. with_, without: mean probability of the right
    label, of the student of rows / 2 texts and their counterfactuals, of the one of `rows` labelled texts. low, high: 95 %
    interval of the difference, for other pairs, texts and development rows of this kind."""

    pairs: int
    rows: int
    n_dev: int
    with_: float
    without: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        return self.with_ - self.without

    @property
    def warns(self) -> bool:
        """Whether labelled texts teach at least as much."""
        return self.gain <= 0


def enough(pairs: int, n_dev: int, classes: int) -> bool:
    """Whether there is enough to say anything."""
    return pairs >= FIRST and n_dev >= FEWEST_DEV and classes <= MOST_CLASSES


def sureness(logprobs: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """(S, m) the probability of the right label of log-probabilities (S, m, C)."""
    found: np.ndarray = np.exp(logprobs[:, np.arange(len(gold)), gold])
    return found


@dataclass(frozen=True, eq=False)
class Students:
    """Heads W (S, C, d), b (S, C) of each draw: of half of the pairs with their counterfactuals, of as many labelled texts. pairs:
    there are, rows: each student learns from."""

    own: Heads
    free: Heads
    pairs: int
    rows: int


def measured(texts: Rows, counterfactuals: Rows, others: Rows, dev: np.ndarray, gold: np.ndarray) -> Early:
    """The comparison on development rows (m, d) of classes (m,). The rest: see taught, whose ValueError it raises too."""
    return judged(taught(texts, counterfactuals, others), dev, gold)


def taught(texts: Rows, counterfactuals: Rows, others: Rows, draws: int = DRAWS) -> Students:
    """The students of so many draws. texts, counterfactuals: of the pairs, in one order, n >= 4; others: labelled texts to draw from
    instead, those of the pairs may be among them. Raises ValueError where there are too few."""
    n = len(texts.hard)
    half = min(n, len(others.hard), MOST, max(FIRST, UNKNOWNS // texts.soft.shape[1])) // 2
    if half < 2 or len(counterfactuals.hard) != n:
        raise ValueError(f"four pairs and four labelled texts are needed, got {n} and {len(others.hard)}")
    rng = np.random.default_rng(0)
    drawn = [in_turn(texts.hard, rng)[:half] for _ in range(draws)]
    own = _joined(_some(texts, drawn), _some(counterfactuals, drawn))
    free = _some(others, [in_turn(others.hard, rng)[: 2 * half] for _ in range(draws)])
    return Students(_heads(own), _heads(free), n, 2 * half)


def judged(students: Students, dev: np.ndarray, gold: np.ndarray, score: Score = sureness) -> Early:
    """What the students say of development rows (m, d) of classes (m,), m >= 1."""
    with_, without = (score(_told(heads, dev), gold) for heads in (students.own, students.free))
    reach = LEVEL_T * math.sqrt(_variance(with_, without, students.rows / 2 / students.pairs))
    gain = float(with_.mean() - without.mean())
    own, free = float(with_.mean()), float(without.mean())
    return Early(students.pairs, students.rows, len(gold), own, free, gain - reach, gain + reach)


def in_turn(hard: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(n,) all rows in a random order in which the classes take turns. hard: (n,) class indices."""
    order = rng.permutation(len(hard))
    turns = rng.permutation(int(hard.max()) + 1)
    place, seen = np.empty(len(order)), np.zeros(len(turns), dtype=int)
    for at, row in enumerate(order):
        place[at] = seen[hard[row]] * len(turns) + turns[hard[row]]
        seen[hard[row]] += 1
    found: np.ndarray = order[np.argsort(place)]
    return found


def _some(rows: Rows, drawn: list[np.ndarray]) -> Rows:
    """(S, k) rows of each draw."""
    at = np.stack(drawn)
    return Rows(rows.features[at], rows.hard[at], rows.soft[at])


def _joined(first: Rows, second: Rows) -> Rows:
    return Rows(*(np.concatenate([getattr(first, part), getattr(second, part)], axis=1) for part in ("features", "hard", "soft")))


def _heads(rows: Rows) -> Heads:
    return fit_linear_batch(rows.features, np.ones(rows.hard.shape), rows.hard, rows.soft)


def _told(heads: Heads, dev: np.ndarray) -> np.ndarray:
    """(S, m, C) log-probabilities that the students of each draw give."""
    every = np.broadcast_to(np.asarray(dev, dtype=np.float64), (len(heads[0]), *dev.shape))
    return log_softmax(linear_logits(every, *heads))


def _variance(with_: np.ndarray, without: np.ndarray, share: float) -> float:
    """Of the mean difference, development rows and pairs being samples. Draws of pairs share `share` (<= 1/2) of their rows, so their mean
    varies more than they do among each other (stats.widening); draws of labelled texts hardly share any."""
    draws, rows = len(with_), with_.shape[-1]
    of_pairs = float(with_.mean(-1).var(ddof=1)) * (1 / draws + share / (1 - share))
    of_texts = float(without.mean(-1).var(ddof=1)) / draws
    of_rows = float((with_ - without).mean(0).var(ddof=1)) / rows if rows > 1 else 0.0
    return of_pairs + of_texts + of_rows
