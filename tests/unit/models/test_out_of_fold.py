"""Answers of a simple model on rows that it did not learn from."""

import numpy as np
import pytest

from cod_core.models.out_of_fold import folds_of, out_of_fold


def clouds(n: int, classes: int = 3, seed: int = 0):
    """(phi, classes) of n rows, each near the corner of its class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    return np.eye(classes)[labels] + rng.normal(0, 0.15, (n, classes)), labels


def test_a_wrong_label_among_the_rows_is_named_first():
    """A model that learnt the row agrees with its wrong label: then no wrong training label is ever found."""
    phi, labels = clouds(90)
    wrong = np.array([4, 30, 61])
    noisy = labels.copy()
    noisy[wrong] = (labels[wrong] + 1) % 3
    told = out_of_fold(phi, noisy, 3)
    other = np.where(told.argmax(1) != noisy, told.max(1), -np.inf)
    assert set(np.argsort(-other)[:3]) == set(wrong) and (told.argmax(1)[wrong] == labels[wrong]).all()
    assert told.shape == (90, 3) and np.exp(told).sum(1) == pytest.approx(1, abs=1e-6)


def test_every_class_lies_in_every_fold_as_evenly_as_it_goes():
    """A class that is missing from the rows learnt from gets probability nothing, and each of its rows would look wrong."""
    labels = np.array([0] * 50 + [1] * 7 + [2] * 2)
    own = folds_of(labels)
    counts = np.array([[((own == f) & (labels == c)).sum() for f in range(5)] for c in range(3)])
    assert (counts.max(1) - counts.min(1) <= 1).all() and np.ptp(counts.sum(0)) <= 1
    assert (folds_of(labels) == own).all()


def test_the_only_row_of_a_class_is_not_called_wrong():
    """Nothing can be learnt of its class from the others."""
    phi, labels = clouds(30)
    told = out_of_fold(np.vstack([phi, [[9.0, 9, 9]]]), np.append(labels, 3), 4)
    assert np.allclose(told[-1], -np.log(4)) and (told[:-1].argmax(1) == labels).all()


def test_one_class_alone_says_nothing():
    """The first upload may hold a single label: the page must open all the same."""
    assert np.allclose(out_of_fold(np.ones((6, 2)), np.zeros(6, dtype=int), 2), -np.log(2))
