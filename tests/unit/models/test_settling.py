"""When a training has learnt: arithmetic on losses and counts, without a model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.models import settling
from cod_core.models.learning import Course
from cod_core.models.settling import Bounds, Settling, calibrated, class_weights, clearly_better, cooling_after, hold_out, most_rounds, rate


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
        and Bounds(1000).most == 2750
    )
    assert Bounds(7, rounds=4).most == 28 and Bounds(10, longer=3).most == 360


@pytest.mark.parametrize(
    ("rows", "rounds", "refits"), [(200, 10, True), (399, 10, True), (500, 4, False), (1900, 4, False), (6900, 2, False)]
)
def test_two_labels_take_at_most_half_as_much_again_as_by_the_earlier_rounds(rows, rounds, refits):
    """Rows read in all, the second fit and a quarter of a step for each row looked at included."""
    held = round(min(settling.HELD_OUT, settling.MOST_HELD_OUT / rows) * rows)
    batches = -(-(rows - held) // 32)
    bounds = Bounds(batches, most_rounds=most_rounds(rows, 2, refits))
    read = bounds.most * (rows - held) / batches + bounds.most / bounds.check * held / 3
    again = rows * bounds.most / batches if refits else 0
    assert read + again <= 1.55 * rounds * rows
    assert most_rounds(rows, 20, refits) == 12


def test_more_labels_may_take_more_rounds():
    assert [most_rounds(2000, n, False) for n in (2, 4, 20)] == [2.75, 5.5, 12]


def test_time_that_runs_out_ends_a_training_with_its_cooling():
    """A step of ten seconds, two minutes: nothing but the number of steps ended it before, and the second fit had no bound."""
    now = iter(range(0, 10_000, 10))
    course = Course(Bounds(50), None, 120, lambda: float(next(now)))
    while not course.over:
        course.step(1.0)
    assert 12 <= course.done <= 13 and not course.settled and course.rate(11) < 0.5
    again = iter(range(0, 10_000, 10))
    second = Course(Bounds(100, 1), 80, 120, lambda: float(next(again)))
    while not second.over:
        second.step(1.0)
    assert 12 <= second.done <= 13


def test_the_simpler_model_wins_where_a_dozen_rows_do_not_tell_them_apart():
    """Of 100 rows of twelve intents training all of it did worse than the line (.939 for .944, .936 for .956) and was kept."""
    rng = np.random.default_rng(1)
    classes = np.arange(12)
    line = np.eye(12) * 2
    worse, same = line + rng.normal(0, 1.5, (12, 12)), line + rng.normal(0, 0.05, (12, 12))
    assert not clearly_better(worse, line, classes) and not clearly_better(same, line, classes) and not clearly_better(line, line, classes)
    many = np.arange(400) % 2
    vague, sharp = rng.normal(0, 1, (400, 2)), rng.normal(0, 1, (400, 2)) + 3 * np.eye(2)[many]
    assert clearly_better(sharp, vague, many) and not clearly_better(vague, sharp, many)


def test_a_teacher_that_is_only_less_sure_is_no_worse():
    """Both are compared at the temperature that suits them: a line on few rows is right and says 20 %."""
    rng = np.random.default_rng(0)
    classes = np.arange(200) % 4
    logits = np.eye(4)[classes] * 3 + rng.normal(0, 1, (200, 4))
    assert not clearly_better(logits, logits / 8, classes) and calibrated(logits / 8, classes) < 0.5


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


def test_a_teacher_that_is_too_sure_is_cooled():
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 2, 400)
    right = rng.random(400) < 0.8
    logits = np.zeros((400, 2))
    logits[np.arange(400), np.where(right, classes, 1 - classes)] = 6.0  # says 99.8 %, is right 80 times in 100
    temperature = calibrated(logits, classes)
    assert 6 / temperature == pytest.approx(np.log(0.8 / 0.2), abs=0.3) or temperature == pytest.approx(4, abs=0.01)
    assert calibrated(np.zeros((0, 2)), []) == 1.0


def test_a_few_right_rows_do_not_make_it_certain():
    """Forty of forty right called for 97 % where 92 % were right; ten say less than forty."""
    few, more = (calibrated(np.tile([2.0, 0.0], (n, 1)), np.zeros(n, dtype=int)) for n in (10, 40))
    sure = [1 / (1 + np.exp(-2 / t)) for t in (few, more)]
    assert sure == pytest.approx([11 / 12, 41 / 42], abs=0.01)
