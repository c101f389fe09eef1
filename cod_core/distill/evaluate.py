"""Metrics of one finished student on one set of rows. Arrays in, a dictionary of numbers out; no model.

Accuracy never stands alone: beside it stand agreement with the teacher, the Matthews coefficient and the
majority-class line (docs/method.md).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from cod_core.errors import BadInput
from cod_core.types import TIE

FLOOR = 1e-7


def gold_indices(gold: Sequence[str | None] | None, labels: Sequence[str], n: int) -> np.ndarray:
    """(n,) class indices, -1 where the gold label is absent. Raises BadInput naming an unknown label."""
    if gold is None:
        return np.full(n, -1)
    place = {label: i for i, label in enumerate(labels)}
    unknown = sorted({g for g in gold if g is not None and g not in place})
    if unknown:
        raise BadInput(f"Unknown label {', '.join(unknown)}: the project's labels are {', '.join(labels)}.")
    return np.array([-1 if g is None else place[g] for g in gold], dtype=int)


def decided_classes(logprobs: ArrayLike) -> np.ndarray:
    """(n,) class indices of (n, C) log-probabilities, -1 where two classes lead: a tie is no class."""
    rows = np.asarray(logprobs, dtype=np.float64)
    if not len(rows):
        return np.zeros(0, dtype=int)
    second, first = np.sort(rows, axis=-1)[:, -2:].T
    return np.where(first - second > TIE, rows.argmax(-1), -1)


def dropped(classes: np.ndarray, without: ArrayLike) -> np.ndarray:
    """(n,) class indices with -1 in the place of those in `without`."""
    return np.where(np.isin(classes, np.asarray(without, dtype=int)), -1, classes)


def metrics(student_logprobs: ArrayLike, teacher_logprobs: ArrayLike, gold: ArrayLike, without: ArrayLike = ()) -> dict[str, float]:
    """n, kl, agreement, and where gold labels exist n_gold, accuracy, mcc, majority, teacher_accuracy.

    student_logprobs, teacher_logprobs: (n, C). gold: (n,) class indices, -1 where absent. without: classes that are not judged:
    rows on which the teacher says one of them count as undecided. Rows on which the teacher
    is undecided have no part in agreement and teacher_accuracy. kl is the mean KL(teacher || student) in nats with
    probabilities clipped at 1e-7. Empty where n is 0. Raises ValueError where the shapes differ.
    """
    student, teacher, right = np.asarray(student_logprobs), np.asarray(teacher_logprobs), np.asarray(gold)
    if student.shape != teacher.shape or right.shape != student.shape[:1]:
        raise ValueError(f"shapes differ: student {student.shape}, teacher {teacher.shape}, gold {right.shape}")
    n, classes = student.shape
    if n == 0:
        return {}
    guess, wanted = student.argmax(-1), dropped(decided_classes(teacher), without)
    log_t, log_s = (np.log(np.clip(np.exp(x), FLOOR, 1.0)) for x in (teacher, student))
    out = {"n": float(n), "kl": float((np.exp(log_t) * (log_t - log_s)).sum(-1).mean())}
    decided, known = wanted >= 0, right >= 0
    if decided.any():
        out["agreement"] = float((guess == wanted)[decided].mean())
    if known.any():
        truth = right[known]
        out |= {
            "n_gold": float(len(truth)),
            "accuracy": float((guess[known] == truth).mean()),
            "mcc": mcc(truth, guess[known], classes),
            "majority": float(np.bincount(truth, minlength=classes).max() / len(truth)),
        }
    if (both := known & decided).any():
        out["teacher_accuracy"] = float((wanted == right)[both].mean())
    return out


SKEWED = 1.5  # times its fair share that the commonest label of a test may have before accuracy alone misleads


def is_skewed(truth: np.ndarray, classes: int) -> bool:
    """Whether one label is so common among class indices (n,) that accuracy has to be read beside macro-F1."""
    return bool(len(truth)) and np.bincount(truth).max() / len(truth) > SKEWED / classes


def macro_f1(truth: np.ndarray, guess: np.ndarray) -> float:
    """Mean F1 over the labels that occur in `truth` or `guess`, both (n,) class indices, n >= 1: every label counts the same."""
    size = int(max(truth.max(), guess.max())) + 1
    right, truths, guesses = (np.bincount(x, minlength=size) for x in (truth[truth == guess], truth, guess))
    seen = (truths + guesses) > 0
    return float((2 * right[seen] / (truths + guesses)[seen]).mean())


def mcc(truth: np.ndarray, guess: np.ndarray, classes: int) -> float:
    """Matthews correlation coefficient for any number of classes (Gorodkin 2004); 0 where undefined."""
    table = np.zeros((classes, classes))
    np.add.at(table, (truth, guess), 1)
    rows, columns, total = table.sum(1), table.sum(0), table.sum()
    below = np.sqrt((total**2 - (rows**2).sum()) * (total**2 - (columns**2).sum()))
    return float((np.trace(table) * total - rows @ columns) / below) if below > 0 else 0.0
