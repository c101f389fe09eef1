"""What a simple model says of rows that it did not learn from. Arrays only; knows no text, no teacher.

A teacher remembers the texts that it was trained on, wrong labels among them: it agrees with both. A linear head that never saw
a row has no such loyalty (Northcutt, Jiang and Chuang 2021, arXiv:1911.00068, name wrong labels from out-of-sample probabilities).
"""

import numpy as np

FOLDS = 5
STRENGTH = 10.0  # of the logistic regression (C), as in finetune.cross_validate
MOST_LEARNT = 4000  # rows that one fold's model learns from: more cost minutes and change little


def folds_of(classes: np.ndarray, folds: int = FOLDS, seed: int = 0) -> np.ndarray:
    """(n,) the fold of each row: drawn at random, the rows of a class as evenly as they go."""
    rng = np.random.default_rng(seed)
    out = np.zeros(len(classes), dtype=int)
    start = 0
    for label in np.unique(classes):
        rows = rng.permutation(np.flatnonzero(classes == label))
        out[rows] = (start + np.arange(len(rows))) % folds
        start += len(rows)
    return out


def out_of_fold(
    phi: np.ndarray, classes: np.ndarray, n_classes: int, folds: int = FOLDS, seed: int = 0, balanced: bool = False
) -> np.ndarray:
    """(n, C) log-probabilities of each row by a logistic regression that learnt from the other folds.

    phi: (n, d) embeddings. classes: (n,) indices below n_classes. balanced: whether each class counts alike.
    Rows of a class with a single row, and all rows where there is one class, get equal probabilities: nothing can be said of them.
    """
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    out = np.full((len(classes), n_classes), -np.log(n_classes))
    own = folds_of(classes, folds, seed)
    rng = np.random.default_rng(seed)
    for fold in range(folds):
        asked, learnt = np.flatnonzero(own == fold), np.flatnonzero(own != fold)
        asked = asked[np.isin(classes[asked], classes[learnt])]
        learnt = rng.permutation(learnt)[:MOST_LEARNT]
        known = np.unique(classes[learnt])
        if not len(asked) or len(known) < 2:
            continue
        with threadpool_limits(1, "blas"):
            fit = LogisticRegression(C=STRENGTH, max_iter=500, class_weight="balanced" if balanced else None).fit(
                phi[learnt], classes[learnt]
            )
        part = np.full((len(asked), n_classes), np.log(1e-12))
        part[:, known] = np.maximum(fit.predict_log_proba(phi[asked]), np.log(1e-12))
        out[asked] = part
    return out
