"""Whether counterfactuals pay, on arrays: turned ones do, mislabelled ones do not, and the interval holds what is so."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.early import FIRST, MOST, UNKNOWNS, enough, in_turn, judged, measured, taught
from cod_core.diagnostics.worth import Rows

SIDES = 24


def texts(rng: np.random.Generator, n: int, own: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """(features of n texts: their class in one direction, a topic in the others; their classes)."""
    hard = np.arange(n) % 2
    x = rng.normal(size=(n, SIDES))
    x[:, 0] = (2 * hard - 1) * abs(rng.normal(own, 0.4, n))
    return x, hard


def rows(x: np.ndarray, hard: np.ndarray) -> Rows:
    soft = np.log(np.where(np.eye(2, dtype=bool)[hard], 0.95, 0.05))
    return Rows(x / np.linalg.norm(x, axis=1, keepdims=True), hard, soft)


def world(seed: int, helps: bool, n: int = FIRST, dev: int = 200):
    """Pairs whose counterfactual turns the class and keeps the topic; where they do not help, one that only claims to."""
    rng = np.random.default_rng(seed)
    x, hard = texts(rng, n)
    turned = x * np.array([-1.0 if helps else 1.0] + [1.0] * (SIDES - 1))
    gold, truth = texts(rng, dev)
    return rows(x, hard), rows(turned, 1 - hard), rows(*texts(rng, 200)), rows(gold, truth).features, truth


@pytest.mark.parametrize("seed", range(5))
def test_it_warns_where_counterfactuals_only_claim_to_flip_and_not_where_they_do(seed):
    good, bad = (measured(*world(seed, helps)) for helps in (True, False))
    assert good.gain > 0.02 and not good.warns and bad.gain < -0.02 and bad.warns
    assert good.low < good.gain < good.high and (good.rows, good.pairs, good.n_dev) == (FIRST, FIRST, 200)


def test_the_interval_holds_what_other_pairs_of_the_kind_bring():
    """Draws of half of the same pairs vary less than draws of other pairs do: an interval that forgets it is too narrow."""
    found = [measured(*world(seed, True, dev=600)) for seed in range(60)]
    wide = [judged(taught(*world(seed, True)[:3]), *world(900, True, dev=3000)[3:]).gain for seed in range(60)]
    so = float(np.mean(wide))
    assert sum(one.low <= so <= one.high for one in found) >= 52
    assert float(np.mean([one.high - one.low for one in found])) < 0.1


def test_as_many_labelled_texts_are_drawn_from_elsewhere():
    """Held against the texts of the pairs alone it would not say what a person could have labelled instead."""
    own, flips, others, dev, gold = world(1, True)
    blind = Rows(others.features, others.hard, np.log(np.full((200, 2), 0.5)))
    told = measured(own, flips, Rows(others.features, 1 - others.hard, others.soft[:, ::-1]), dev, gold)
    assert told.without < measured(own, flips, blind, dev, gold).without < measured(own, flips, others, dev, gold).without
    assert told.with_ == measured(own, flips, others, dev, gold).with_


def test_the_same_texts_give_the_same_figures():
    assert measured(*world(2, True)) == measured(*world(2, True))


@pytest.mark.parametrize(("n", "classes", "expected"), [(21, 2, 20), (100, 2, MOST), (100, 20, UNKNOWNS // 20)])
def test_a_student_learns_from_so_many_rows_at_most(n, classes, expected):
    """Solved anew after every decision: with twenty labels and 64 rows that took seconds."""
    rng, hard = np.random.default_rng(0), np.arange(n) % classes
    x = rows(rng.normal(size=(n, SIDES)), hard % 2).features
    some = Rows(x, hard, np.log(np.where(np.eye(classes, dtype=bool)[hard], 0.9, 0.1 / (classes - 1))))
    assert taught(some, Rows(x, (hard + 1) % classes, some.soft), some, draws=2).rows == expected


def test_too_few_pairs_are_refused():
    own, flips, others, *_ = world(0, True, n=2)
    with pytest.raises(ValueError, match="four pairs"):
        taught(own, flips, others)


@pytest.mark.parametrize(
    ("pairs", "n_dev", "classes", "said"),
    [(20, 30, 2, True), (19, 400, 2, False), (20, 29, 2, False), (20, 30, 20, True), (90, 400, 21, False)],
)
def test_nothing_is_said_of_too_little_or_of_what_was_never_tried(pairs, n_dev, classes, said):
    assert enough(pairs, n_dev, classes) == said


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40), st.integers(0, 99))
def test_classes_take_turns(hard, seed):
    order = in_turn(np.array(hard), np.random.default_rng(seed))
    assert sorted(order.tolist()) == list(range(len(hard)))
    for k in range(1, len(hard) + 1):
        drawn = np.bincount(np.array(hard)[order[:k]], minlength=5)
        left = np.bincount(hard, minlength=5) - drawn
        assert drawn.max() - min((n for n, more in zip(drawn, left) if more), default=drawn.max()) <= 1
