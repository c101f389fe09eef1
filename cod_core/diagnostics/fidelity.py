"""How closely a student follows its teacher, and how right both are. Arrays in, numbers out; no model.

Log-probabilities are (n, C) float with rows that sum to 1 in probability, columns in the order of the task's
labels; gold is (n,) class indices. Probabilities are clipped at 1e-7 before logs (docs/method.md section 5).
Every number is unchanged when the labels are put in another order.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cod_core.distill.evaluate import decided_classes

FLOOR = 1e-7
ECE_MIN_ROWS = 200
ECE_BINS = 10


@dataclass(frozen=True)
class Share:
    """A share of n rows with its interval, all in [0, 1]; value, low and high are None where n is 0."""

    value: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Quality:
    """One classifier against gold. brier: sum over classes, in [0, 2]. nll: nats. ece: None below 200 rows."""

    accuracy: Share
    macro_f1: float
    mcc: float
    brier: float
    nll: float
    ece: float | None
    ece_low: float | None
    ece_high: float | None


@dataclass(frozen=True)
class Fidelity:
    """A student beside its teacher. kl: mean KL(teacher || student), js: mean Jensen-Shannon, both in nats.

    student, teacher: quality on the rows that carry a gold label, None where no row does. to_teacher: (ECE, low,
    high) of the student's confidence against the teacher's probability of the same class; None below 200 rows.
    """

    agreement: Share
    kl: float
    js: float
    student: Quality | None
    teacher: Quality | None
    to_teacher: tuple[float | None, float | None, float | None] = (None, None, None)


@dataclass(frozen=True)
class Bin:
    """n rows of one calibration bin: mean confidence in the chosen class, and mean share that was right."""

    confidence: float
    right: float
    n: int


def fidelity(
    teacher_logprobs: ArrayLike, student_logprobs: ArrayLike, gold: ArrayLike | None = None, seed: int = 0, resamples: int = 200
) -> Fidelity:
    """Everything of this file on one set of rows. gold: (n,) indices, -1 where absent, or None. resamples: of the
    calibration errors' bootstrap; 0 leaves their intervals out.

    Raises ValueError where shapes differ or there is no row.
    """
    teacher, student = _same(teacher_logprobs, student_logprobs)
    if not len(teacher):
        raise ValueError("fidelity needs at least one row")
    known = np.zeros(len(teacher), bool) if gold is None else np.asarray(gold) >= 0
    judged = {
        name: quality(x[known], np.asarray(gold)[known], seed, resamples) if known.any() else None
        for name, x in (("student", student), ("teacher", teacher))
    }
    return Fidelity(
        agreement=agreement(teacher, student),
        kl=float(kl(teacher, student).mean()),
        js=float(jensen_shannon(teacher, student).mean()),
        **judged,
        to_teacher=calibration_error(*against_teacher(teacher, student), seed, resamples),
    )


def wilson(hits: int, n: int, level: float = 0.95) -> Share:
    """A share with its Wilson score interval (Wilson 1927): sensible at 0, at 1 and for small n."""
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share")
    if n == 0:
        return Share(None, None, None, 0)
    from scipy.stats import norm

    z, p = float(norm.ppf((1 + level) / 2)), hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return Share(p, min(p, max(0.0, middle - half)), max(p, min(1.0, middle + half)), n)


def agreement(teacher_logprobs: ArrayLike, student_logprobs: ArrayLike) -> Share:
    """Share of rows on which both choose the same class, with its Wilson interval; without rows on which the teacher
    has none, since two of its classes lead."""
    teacher, student = _same(teacher_logprobs, student_logprobs)
    wanted = decided_classes(teacher)
    return wilson(int((wanted == student.argmax(-1)).sum()), int((wanted >= 0).sum()))


def kl(teacher_logprobs: ArrayLike, student_logprobs: ArrayLike) -> np.ndarray:
    """(n,) KL(teacher || student) in nats, at least 0; zero where the two are equal."""
    teacher, student = (_clipped(x) for x in _same(teacher_logprobs, student_logprobs))
    divergence: np.ndarray = np.maximum((teacher * (np.log(teacher) - np.log(student))).sum(-1), 0.0)
    return divergence


def jensen_shannon(teacher_logprobs: ArrayLike, student_logprobs: ArrayLike) -> np.ndarray:
    """(n,) Jensen-Shannon divergence in nats, in [0, log 2], symmetric in its two arguments."""
    teacher, student = (_clipped(x) for x in _same(teacher_logprobs, student_logprobs))
    middle = np.log((teacher + student) / 2)
    parts = sum((p * (np.log(p) - middle)).sum(-1) for p in (teacher, student))
    divergence: np.ndarray = np.clip(parts / 2, 0.0, math.log(2))
    return divergence


def quality(logprobs: ArrayLike, gold: ArrayLike, seed: int = 0, resamples: int = 200) -> Quality:
    """One classifier against gold (n,) indices, n >= 1. Macro-F1 is over classes that occur in gold or guess, the
    Matthews coefficient is Gorodkin's (2004) for any number of classes, 0 where undefined."""
    z, wanted = np.asarray(logprobs, dtype=np.float64), np.asarray(gold, dtype=int)
    if wanted.shape != z.shape[:1] or not len(wanted) or wanted.min() < 0 or wanted.max() >= z.shape[1]:
        raise ValueError(f"gold {wanted.shape} does not name a class of each row of {z.shape}")
    guess, probs = z.argmax(-1), np.exp(z)
    truth = np.eye(z.shape[1])[wanted]
    right = guess == wanted
    error, low, high = calibration_error(probs.max(-1), right, seed, resamples)
    return Quality(
        accuracy=wilson(int(right.sum()), len(wanted)),
        **_from_table(wanted, guess, z.shape[1]),
        brier=float(((probs - truth) ** 2).sum(-1).mean()),
        nll=float(-np.log(_clipped(z)[np.arange(len(wanted)), wanted]).mean()),
        ece=error,
        ece_low=low,
        ece_high=high,
    )


def calibration_error(
    confidence: ArrayLike, right: ArrayLike, seed: int = 0, resamples: int = 200
) -> tuple[float | None, float | None, float | None]:
    """(ECE, low, high): expected calibration error in 10 bins of equal mass, with a 95 % bootstrap interval.

    confidence: (n,) probability of the chosen class. right: (n,) bool, or a probability in [0, 1]. Rows of equal
    confidence count with their mean. (None, None, None) below 200 rows, where the bins are too small to mean anything.
    Guo et al. 2017; equal mass after Nixon et al. 2019.
    """
    sure, hits = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    n = len(sure)
    if n < ECE_MIN_ROWS:
        return None, None, None
    if not resamples:
        return _ece(sure, hits), None, None
    rng = np.random.default_rng(seed)
    draws = np.array([_ece(sure[i], hits[i]) for i in rng.integers(0, n, (resamples, n))])
    low, high = np.percentile(draws, [2.5, 97.5])
    return _ece(sure, hits), float(low), float(high)


def against_teacher(teacher_logprobs: ArrayLike, student_logprobs: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(confidence (n,), right (n,)) for calibration against the teacher: the student's probability of the class it
    chooses, and the teacher's of the same class. Equal everywhere where the student is its teacher."""
    teacher, student = _same(teacher_logprobs, student_logprobs)
    chosen = student.argmax(-1)[:, None]
    confidence, right = (np.exp(np.take_along_axis(x, chosen, 1))[:, 0] for x in (student, teacher))
    return confidence, right


def reliability(confidence: ArrayLike, right: ArrayLike) -> list[Bin]:
    """The bins of calibration_error, of equal mass, least confident first; [] below 200 rows."""
    sure = np.asarray(confidence, dtype=np.float64)
    if len(sure) < ECE_MIN_ROWS:
        return []
    hits = _levelled(sure, np.asarray(right, dtype=np.float64))
    return [Bin(float(sure[b].mean()), float(hits[b].mean()), len(b)) for b in _bins(sure)]


def _from_table(gold: np.ndarray, guess: np.ndarray, classes: int) -> dict[str, float]:
    table = np.zeros((classes, classes))
    np.add.at(table, (gold, guess), 1)
    right, truths, guesses, n = table.diagonal(), table.sum(1), table.sum(0), table.sum()
    seen = truths + guesses > 0
    spread = math.sqrt(float((n**2 - (truths**2).sum()) * (n**2 - (guesses**2).sum())))
    return {
        "macro_f1": float((2 * right[seen] / (truths + guesses)[seen]).mean()),
        "mcc": float((n * right.sum() - truths @ guesses) / spread) if spread > 0 else 0.0,
    }


def _ece(confidence: np.ndarray, right: np.ndarray) -> float:
    right = _levelled(confidence, right)
    return float(sum(abs(confidence[b].sum() - right[b].sum()) for b in _bins(confidence)) / len(right))


def _levelled(confidence: np.ndarray, right: np.ndarray) -> np.ndarray:
    """right with its mean in each group of equal confidence, so that it does not matter which bins share such a group."""
    _, group = np.unique(confidence, return_inverse=True)
    return (np.bincount(group, right) / np.bincount(group))[group]


def _bins(confidence: np.ndarray) -> list[np.ndarray]:
    return np.array_split(np.argsort(confidence, kind="stable"), ECE_BINS)


def _clipped(logprobs: np.ndarray) -> np.ndarray:
    probs: np.ndarray = np.clip(np.exp(logprobs), FLOOR, 1.0)
    return probs


def _same(teacher_logprobs: ArrayLike, student_logprobs: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    teacher, student = np.asarray(teacher_logprobs, dtype=np.float64), np.asarray(student_logprobs, dtype=np.float64)
    if teacher.shape != student.shape or teacher.ndim != 2:
        raise ValueError(f"teacher {teacher.shape} and student {student.shape} must be (n, C) and alike")
    return teacher, student
