"""How faithfully a student follows its teacher on given rows. Arrays in, numbers out; no model."""

import numpy as np

FLOOR = 1e-7


def _clipped(logprobs) -> np.ndarray:
    p = np.clip(np.exp(np.asarray(logprobs, dtype=float)), FLOOR, 1.0)
    return p / p.sum(-1, keepdims=True)


def agreement(teacher, student) -> float:
    """Share of rows on which both predict the same class. teacher, student: (n, C) log-probabilities."""
    return float((np.argmax(teacher, -1) == np.argmax(student, -1)).mean())


def kl(teacher, student) -> float:
    """Mean KL(teacher || student) in nats, probabilities clipped at 1e-7."""
    t, s = _clipped(teacher), _clipped(student)
    return float((t * (np.log(t) - np.log(s))).sum(-1).mean())


def jensen_shannon(teacher, student) -> float:
    """Mean Jensen-Shannon divergence in nats, between 0 and log 2."""
    t, s = _clipped(teacher), _clipped(student)
    m = (t + s) / 2
    return float(((t * np.log(t / m)).sum(-1) / 2 + (s * np.log(s / m)).sum(-1) / 2).mean())


def brier(logprobs, gold) -> float:
    """Mean squared distance of the probabilities to the one-hot gold, between 0 and 2. gold: (n,) indices."""
    p = np.exp(np.asarray(logprobs, dtype=float))
    return float(((p - np.eye(p.shape[1])[np.asarray(gold)]) ** 2).sum(-1).mean())


def nll(logprobs, gold) -> float:
    """Mean negative log-likelihood of the gold class in nats, probabilities clipped at 1e-7."""
    p = _clipped(logprobs)
    return float(-np.log(p[np.arange(len(p)), np.asarray(gold)]).mean())


def ece(logprobs, gold, bins: int = 10, least: int = 200) -> float | None:
    """Expected calibration error with equal-mass bins; None below `least` rows, where it means little."""
    p, gold = np.exp(np.asarray(logprobs, dtype=float)), np.asarray(gold)
    if len(p) < least:
        return None
    sure, right = p.max(-1), p.argmax(-1) == gold
    parts = np.array_split(np.argsort(sure, kind="stable"), bins)
    return float(sum(len(i) * abs(sure[i].mean() - right[i].mean()) for i in parts if len(i)) / len(p))


def margins(logprobs, classes) -> np.ndarray:
    """(n,) log p(class) minus the largest other log-probability: zero on the boundary. classes: (n,) indices."""
    rows, classes = np.asarray(logprobs, dtype=float), np.asarray(classes)
    own = rows[np.arange(len(rows)), classes]
    others = rows.copy()
    others[np.arange(len(rows)), classes] = -np.inf
    return own - others.max(-1)


def pair_scores(teacher_a, teacher_b, student_a, student_b) -> dict[str, float]:
    """On pairs (x, x'): share with the teacher's class at both ends; flip recall P(student flips | teacher flips).

    Each (n, C). flip_recall is nan where the teacher never flips.
    """
    ta, tb, sa, sb = (np.argmax(v, -1) for v in (teacher_a, teacher_b, student_a, student_b))
    flips = ta != tb
    recall = float((sa != sb)[flips].mean()) if flips.any() else float("nan")
    return {"both_ends": float(((ta == sa) & (tb == sb)).mean()), "flip_recall": recall}
