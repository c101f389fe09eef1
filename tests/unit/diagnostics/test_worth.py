import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr

from cod_core.diagnostics.worth import Objective, Rows, fit, nll, retrained, worths


def world(n=24, d=12, classes=2, seed=0, dev=80):
    """Unit-length features with a direction a class, rows and development rows."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(classes, d))
    hard, gold = rng.integers(0, classes, n), rng.integers(0, classes, dev)
    hard[:classes] = np.arange(classes)
    x, y = (c + 1.5 * rng.normal(size=(len(c), d)) for c in (centres[hard], centres[gold]))
    x, y = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (x, y))
    z = 3 * x @ centres.T
    return Rows(x, hard, z - np.log(np.exp(z).sum(-1, keepdims=True))), y, gold


@settings(max_examples=12, deadline=None)
@given(st.integers(2, 4), st.integers(0, 999), st.integers(16, 40), st.integers(3, 30))
def test_the_closed_form_is_what_retraining_gives(classes, seed, n, d):
    """An estimate that nobody checked would rank an expert's work by noise."""
    rows, dev, gold = world(n, d, classes, seed)
    which = np.arange(12)
    quick, slow = worths(rows, which, dev, gold), retrained(rows, which, dev, gold)
    assert np.abs(quick - slow).max() <= 0.1 * np.abs(slow).max() + 1e-9


def test_it_ranks_rows_as_retraining_does():
    rows, dev, gold = world(60, 20, 2, 3)
    quick, slow = worths(rows, range(50), dev, gold), retrained(rows, range(50), dev, gold)
    assert spearmanr(quick, slow)[0] >= 0.99


def test_a_row_with_the_wrong_label_is_worth_less_than_nothing():
    rows, dev, gold = world(30, 10, 2, 1)
    clear = int(np.abs(rows.soft[:, 0] - rows.soft[:, 1]).argmax())
    hard, soft = rows.hard.copy(), rows.soft.copy()
    hard[clear], soft[clear] = 1 - hard[clear], soft[clear, ::-1]
    found = worths(Rows(rows.features, hard, soft), range(30), dev, gold)
    assert found[clear] < 0 and found[clear] == found.min()


def test_hard_labels_alone_and_other_settings_are_followed():
    rows, dev, gold = world(20, 8, 3, 2)
    others = Objective(kd_weight=0.0), Objective(temperature=4.0, kd_weight=2.0, l2=0.5), Objective(scale=4.0)
    for objective in others:
        quick, slow = (f(rows, [0, 7], dev, gold, objective) for f in (worths, retrained))
        assert quick == pytest.approx(slow, abs=0.1 * np.abs(slow).max())


def test_leaving_out_is_training_on_the_rest():
    rows, dev, gold = world(10, 5)
    rest = Rows(rows.features[1:], rows.hard[1:], rows.soft[1:])
    assert nll(*fit(rows, left_out=[0]), dev, gold) == pytest.approx(nll(*fit(rest), dev, gold))


def test_nothing_to_judge_by_is_refused():
    rows, dev, gold = world(10, 5)
    with pytest.raises(ValueError):
        worths(rows, [0], dev[:0], gold[:0])
