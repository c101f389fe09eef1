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
FEWEST_LOOKED_AT = 100  # development texts that are looked at, where there are so many
FEWEST_OF_A_CLASS = 5  # rows of a class below which none of it is held out
FEWEST_TO_HOLD_OUT = 60  # rows in all below which none are: every one is needed to learn from
REFIT_BELOW = 400  # rows below which the held-out ones are worth a second fit on all of them
PATIENCE, GAIN, LEAST_GAIN = 3, 0.01, 0.005  # checks without the loss falling by this share, or these nats, end the steady part
MOST_ROUNDS, MANY_STEPS = 12.0, 600  # of a training; steps from which on rounds are bounded as for two labels
LEARNT = 0.05  # mean training loss (nats) at which texts are learnt, where none are held out
LEAST_TEMPERATURE, MOST_TEMPERATURE = 0.02, 4.0
COOLING = 0.25  # of the steps so far: the learning rate falls to nothing over them


OF_FEW, OF_SOME, OF_MANY = 7.5, 5.5, 2.75  # rounds for two labels: that are fitted twice, of fewer than SOME_ROWS rows, of more
SOME_ROWS = 2000


def most_rounds(rows: int, n_classes: int, refits: bool) -> float:
    """Rounds that a training may take: what two labels took by the earlier rule and half as much again, the looks and the second
    fit included; more in proportion for more labels, up to MOST_ROUNDS. refits: whether a second fit on all rows follows."""
    if rows < REFIT_BELOW and not refits:
        return MOST_ROUNDS
    two = OF_FEW if refits else OF_SOME if rows < SOME_ROWS else OF_MANY
    return min(MOST_ROUNDS, two * n_classes / 2)


@dataclass(frozen=True)
class Bounds:
    """Steps of a training. rounds: None until it has settled, else exactly as many. fewest: that it may take however few the rows;
    a head that starts from the linear solution needs fewer than a fresh one (100 rows of twelve intents: .90 right after 60, .94
    after 40, .93 by the line alone). most_rounds: as most_rounds gives them. longer: times so many, where somebody gives it more time."""

    batches: int
    rounds: int | None = None
    fewest: int = 30
    most_rounds: float = MOST_ROUNDS
    longer: float = 1.0

    @property
    def most(self) -> int:
        """The most steps, cooling included: of the rounds no more than MANY_STEPS, or than two labels take; at least `fewest`."""
        if self.rounds is not None:
            return self.rounds * self.batches
        usual = min(self.most_rounds * self.batches, max(MANY_STEPS, OF_MANY * self.batches))
        return max(self.fewest, math.ceil(self.longer * usual))

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


def looked_at(development: int, rows: int) -> int:
    """How many development texts are looked at: a look at more than a fifth of the rows would cost more than it tells."""
    return min(development, MOST_HELD_OUT, max(FEWEST_LOOKED_AT, rows // 5))


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

    The n rows are not taken as certain: each counts for its class with (n + 1) / (n + 2) only, as in Platt 1999. A handful that
    are all right would call for no uncertainty at all (300 rows of twenty intents: a temperature of .56 by 40 of them, and 97 %
    sure where 92 % were right). Between .02 and 4.
    """
    from scipy.optimize import minimize_scalar

    if not len(classes):
        return 1.0
    lowest, highest = math.log(LEAST_TEMPERATURE), math.log(MOST_TEMPERATURE)
    return float(
        math.exp(minimize_scalar(lambda t: losses(logits, classes, math.exp(t)).mean(), bounds=(lowest, highest), method="bounded").x)
    )


def losses(logits: np.ndarray, classes: Sequence[int] | np.ndarray, temperature: float) -> np.ndarray:
    """(n,) cross-entropy in nats of logits (n, C) at a temperature against the classes (n,), smoothed as `calibrated` says."""
    from scipy.special import log_softmax

    n, n_classes = logits.shape
    told = log_softmax(logits / temperature, axis=-1)
    own = told[np.arange(n), np.asarray(classes, dtype=int)]
    others = (told.sum(-1) - own) / max(1, n_classes - 1)
    found: np.ndarray = -((n + 1) * own + others) / (n + 2)
    return found


def clearly_better(new: np.ndarray, old: np.ndarray, classes: np.ndarray) -> bool:
    """Whether logits `new` (n, C) fit the classes (n,) better than `old` by more than a standard error, each at its own temperature.

    The simpler of two models wins unless that is so (Breiman et al. 1984): of 100 rows of twelve intents a dozen are held out.
    """
    gain = losses(old, classes, calibrated(old, classes)) - losses(new, classes, calibrated(new, classes))
    return bool(gain.mean() > gain.std() / math.sqrt(len(gain)))
