"""When a training has learnt: arithmetic on losses and counts, without a model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.models import settling
from cod_core.models.settling import Bounds, Settling, calibrated, class_weights, cooling_after, hold_out, rate


def test_it_has_settled_once_three_looks_bring_nothing():
    looks = Settling()
    assert [looks.settled(x) for x in (1.0, 0.6, 0.4, 0.401, 0.399, 0.402)] == [False, False, False, False, False, True]


def test_a_loss_that_still_falls_has_not_settled():
    """Stopped by the number of rows alone, ten intents were left with one of them never named."""
    looks = Settling()
    assert not any(looks.settled(0.97**n) for n in range(40))


def test_the_steps_are_bounded_whatever_the_loss_says():
    assert (
        Bounds(1).most == 30
        and Bounds(1, fewest=60).most == 60
        and Bounds(10).most == 120
        and Bounds(53).most == 600
        and Bounds(1000).most == 3000
    )
    assert Bounds(7, rounds=4).most == 28


@given(st.integers(1, 200), st.integers(1, 50), st.integers(0, 400))
def test_the_rate_rises_stays_and_falls_to_nothing(warm, steps, steady):
    cooling = cooling_after(steady)
    rates = [rate(at, warm, steady, cooling) for at in range(steady + cooling)]
    assert all(0 <= x <= 1 for x in rates) and rates[-1] < 0.5
    assert rate(steps, warm, None, 0) == min(1.0, (steps + 1) / warm)


def test_some_of_each_class_is_held_out_and_a_tiny_class_keeps_all_it_has():
    classes = np.array([0] * 100 + [1] * 30 + [2] * 4)
    held = hold_out(classes, 3)
    assert np.bincount(classes[held], minlength=3).tolist() == [15, 4, 0]
    assert (hold_out(classes, 3) == held).all() and len(hold_out(classes[:59], 3)) == 0


def test_of_many_rows_no_more_are_held_out_than_are_needed():
    held = hold_out(np.arange(20_000) % 2, 2)
    assert len(held) == settling.MOST_HELD_OUT


def test_a_rare_class_counts_more_and_equal_classes_count_alike():
    assert class_weights(np.array([0, 1] * 50), 2) == pytest.approx([1, 1])
    weights = class_weights(np.array([0] * 72 + [1] * 36 + [2] * 12), 3)
    assert weights[2] / weights[0] == pytest.approx(6**0.5)


def test_a_teacher_that_is_too_sure_is_cooled_and_a_few_right_rows_do_not_make_it_surer():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 2, 400)
    right = rng.random(400) < 0.8
    logits = np.zeros((400, 2))
    logits[np.arange(400), np.where(right, classes, 1 - classes)] = 6.0  # says 99.8 %, is right 80 times in 100
    temperature = calibrated(logits, classes)
    assert 6 / temperature == pytest.approx(np.log(0.8 / 0.2), abs=0.3) or temperature == pytest.approx(4, abs=0.01)
    assert calibrated(logits[right][:5], classes[right][:5]) == pytest.approx(1, abs=1e-3) and calibrated(np.zeros((0, 2)), []) == 1.0
