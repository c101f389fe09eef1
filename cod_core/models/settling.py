"""When a training has learnt what its texts can teach: pure arithmetic on losses and counts, no model in it.

A fixed number of rounds left classes untouched where there were many of them, and wasted minutes where there were few: 2
rounds over 753 texts of ten intents named 1 of 65 texts of one intent right, 10 rounds all of them.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

HELD_OUT = 0.15  # share of each class that training does not see, where no development texts are given
MOST_HELD_OUT = 400
FEWEST_OF_A_CLASS = 5  # rows of a class below which none of it is held out
FEWEST_TO_HOLD_OUT = 60  # rows in all below which none are: every one is needed to learn from
REFIT_BELOW = 400  # rows below which the held-out ones are worth a second fit on all of them
PATIENCE, GAIN, LEAST_GAIN = 3, 0.01, 0.005  # checks without the loss falling by this share, or these nats, end the steady part
LEARNT = 0.05  # mean training loss (nats) at which texts are learnt, where none are held out
COOLING = 0.25  # of the steps so far: the learning rate falls to nothing over them


@dataclass(frozen=True)
class Bounds:
    """Steps of a training. rounds: None until it has settled, else exactly as many. fewest: that it may take however few the rows;
    a head that starts from the linear solution needs fewer than a fresh one (100 rows of twelve intents: .90 right after 60, .94
    after 40, .93 by the line alone)."""

    batches: int
    rounds: int | None = None
    fewest: int = 30

    @property
    def most(self) -> int:
        """The most steps, cooling included: twelve rounds, but at least `fewest` and at most 600, or three rounds where that is more."""
        if self.rounds is not None:
            return self.rounds * self.batches
        return max(self.fewest, min(12 * self.batches, 600), 3 * self.batches)

    @property
    def check(self) -> int:
        """Half a round, between 10 and 50 steps."""
        return max(10, min(50, math.ceil(self.batches / 2)))

    @property
    def warm(self) -> int:
        """Steps over which the learning rate rises."""
        return max(1, min(self.batches, self.most // 10))


def cooling_after(steps: int) -> int:
    """Steps of the cooling that follows so many steady ones."""
    return max(5, round(COOLING * steps))


def rate(step: int, warm: int, steady: int | None, cooling: int) -> float:
    """Share of the learning rate at a step (from 0): up over `warm`, then 1, then down over `cooling` after `steady` steps.

    steady: None while nobody knows yet when it ends.
    """
    rising = min(1.0, (step + 1) / warm)
    if steady is None or step < steady:
        return rising
    return max(0.0, rising * (1 - (step - steady + 1) / (cooling + 1)))


@dataclass
class Settling:
    """Looks at one loss after another and says when they have settled."""

    losses: list[float] = field(default_factory=list)

    def settled(self, loss: float) -> bool:
        """Whether the last PATIENCE losses are no better than what came before, by more than GAIN of it."""
        self.losses.append(loss)
        if len(self.losses) <= PATIENCE:
            return False
        before, lately = min(self.losses[:-PATIENCE]), min(self.losses[-PATIENCE:])
        return lately > before - max(GAIN * before, LEAST_GAIN)


def hold_out(classes: np.ndarray, n_classes: int, seed: int = 0) -> np.ndarray:
    """Indices of the rows that training does not see, as many of each class in proportion; none where rows are few.

    classes: (n,) of class indices. A class with fewer than FEWEST_OF_A_CLASS rows keeps all of them in training.
    """
    if len(classes) < FEWEST_TO_HOLD_OUT:
        return np.zeros(0, dtype=int)
    rng = np.random.default_rng(seed)
    share = min(HELD_OUT, MOST_HELD_OUT / len(classes))
    chosen: list[int] = []
    for label in range(n_classes):
        rows = np.flatnonzero(classes == label)
        if len(rows) >= FEWEST_OF_A_CLASS:
            chosen += rng.permutation(rows)[: max(1, round(share * len(rows)))].tolist()
    return np.array(sorted(chosen), dtype=int)


def class_weights(classes: np.ndarray, n_classes: int) -> np.ndarray:
    """(C,) weights of the loss: the square root of (n / C) / n_c, so that a class of 12 rows counts beside one of 72.

    The full inverse frequency would shift every probability towards rare classes as far as it lifts their recall.
    """
    counts = np.bincount(classes, minlength=n_classes).astype(float)
    weights: np.ndarray = np.sqrt(counts.sum() / (n_classes * np.maximum(counts, 1.0)))
    return weights


def calibrated(logits: np.ndarray, classes: Sequence[int] | np.ndarray) -> float:
    """The temperature that makes these logits (n, C) likeliest for the classes (n,); 1 where there are none. Guo et al. 2017.

    Between 1 and 4: a handful of held-out rows that are all right would call for no uncertainty at all (300 rows of twenty
    intents: .56 by 40 of them, and 97 % sure where 92 % were right).
    """
    from scipy.optimize import minimize_scalar
    from scipy.special import log_softmax

    if not len(classes):
        return 1.0
    rows = np.arange(len(classes))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logits / math.exp(log_temperature), axis=-1)[rows, np.asarray(classes)].mean())

    return float(math.exp(minimize_scalar(loss, bounds=(0.0, math.log(4)), method="bounded").x))
