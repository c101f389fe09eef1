import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, matthews_corrcoef

from cod_core.diagnostics import fidelity as fid
from cod_core.diagnostics.margins import margins, near_boundary


def logprobs(rng, n, classes, spread=3.0):
    z = spread * rng.normal(size=(n, classes))
    return z - np.log(np.exp(z).sum(-1, keepdims=True))


@st.composite
def models(draw):
    """(teacher, student, gold, order): two classifiers on the same rows, and a permutation of the labels."""
    n, classes, seed = draw(st.integers(1, 30)), draw(st.integers(2, 5)), draw(st.integers(0, 9999))
    rng = np.random.default_rng(seed)
    return logprobs(rng, n, classes), logprobs(rng, n, classes), rng.integers(0, classes, n), rng.permutation(classes)


@given(models())
def test_a_student_equal_to_its_teacher_agrees_fully_at_distance_zero(world):
    teacher, _, gold, _ = world
    found = fid.fidelity(teacher, teacher, gold)
    assert found.agreement.value == 1 and found.kl == 0 and found.js == pytest.approx(0, abs=1e-12)
    assert found.student == found.teacher


@given(models())
def test_the_order_of_the_labels_changes_nothing(world):
    """A project that lists its labels the other way round must read the same numbers."""
    teacher, student, gold, order = world
    place = np.argsort(order)
    one, other = fid.fidelity(teacher, student, gold), fid.fidelity(teacher[:, order], student[:, order], place[gold])
    assert one.agreement == other.agreement and (one.kl, one.js) == pytest.approx((other.kl, other.js))
    for a, b in ((one.student, other.student), (one.teacher, other.teacher)):
        assert a.accuracy == b.accuracy
        assert (a.macro_f1, a.mcc, a.brier, a.nll) == pytest.approx((b.macro_f1, b.mcc, b.brier, b.nll))
    assert margins(student, gold) == pytest.approx(margins(student[:, order], place[gold]))


@given(models())
def test_measures_stay_in_their_ranges(world):
    teacher, student, gold, _ = world
    found = fid.fidelity(teacher, student, gold)
    assert 0 <= found.agreement.low <= found.agreement.value <= found.agreement.high <= 1
    assert found.kl >= 0 and 0 <= found.js <= math.log(2)
    assert fid.jensen_shannon(teacher, student) == pytest.approx(fid.jensen_shannon(student, teacher))
    q = found.student
    assert 0 <= q.brier <= 2 and q.nll >= 0 and -1 <= q.mcc <= 1 and 0 <= q.macro_f1 <= 1 and q.ece is None


def test_kl_by_hand_points_from_teacher_to_student_and_is_clipped():
    teacher, student = np.log([[0.8, 0.2]]), np.log([[0.6, 0.4]])
    assert fid.kl(teacher, student)[0] == pytest.approx(0.8 * math.log(0.8 / 0.6) + 0.2 * math.log(0.2 / 0.4))
    sure = np.array([[0.0, -800.0]])
    assert fid.kl(sure, sure[:, ::-1])[0] == pytest.approx(math.log(1e7), rel=1e-3)


def test_quality_by_hand():
    found = fid.quality(np.log([[0.9, 0.1], [0.6, 0.4], [0.3, 0.7]]), [0, 1, 1])
    assert found.accuracy.value == pytest.approx(2 / 3) and found.macro_f1 == pytest.approx(2 / 3)
    assert found.brier == pytest.approx((0.02 + 0.72 + 0.18) / 3) and found.mcc == pytest.approx(0.5)
    assert found.nll == pytest.approx(-(math.log(0.9) + math.log(0.4) + math.log(0.7)) / 3)


@given(models())
def test_f1_and_mcc_are_those_of_scikit_learn(world):
    _, student, gold, _ = world
    found, guess = fid.quality(student, gold), student.argmax(-1)
    assert found.macro_f1 == pytest.approx(f1_score(gold, guess, average="macro", zero_division=0))
    if len({*gold, *guess}) > 1:
        assert found.mcc == pytest.approx(matthews_corrcoef(gold, guess))


def test_rows_without_gold_count_for_agreement_only():
    t = np.log([[0.9, 0.1], [0.2, 0.8]])
    assert fid.fidelity(t, t, [0, -1]).student.accuracy.n == 1
    assert fid.fidelity(t, t).student is None and fid.fidelity(t, t, [-1, -1]).teacher is None


def test_wilson_is_sensible_at_the_ends_and_matches_a_published_value():
    """The plain interval at 10 of 10 has width zero: certainty from ten rows."""
    none, full = fid.wilson(0, 10), fid.wilson(10, 10)
    assert none.low == 0 and none.high == pytest.approx(0.2775, abs=1e-4) and full.low == pytest.approx(1 - none.high)
    assert (fid.wilson(81, 263).low, fid.wilson(81, 263).high) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert fid.wilson(0, 0) == fid.Share(None, None, None, 0)


def test_calibration_error_needs_200_rows_and_finds_overconfidence():
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.5, 1, 2000)
    honest, boastful = rng.random(2000) < sure, rng.random(2000) < sure - 0.2
    assert fid.calibration_error(sure[:199], honest[:199]) == (None, None, None)
    low_error, low, high = fid.calibration_error(sure, honest)
    assert low_error < 0.05 and low <= high
    found, low, high = fid.calibration_error(sure, boastful)
    assert low <= found <= high and found == pytest.approx(0.2, abs=0.04)


def test_calibration_error_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(1)
    sure, right = np.round(rng.uniform(0.5, 1, 300), 1), rng.random(300) < 0.7
    turned = rng.permutation(300)
    one, other = fid.calibration_error(sure, right)[0], fid.calibration_error(sure[turned], right[turned])[0]
    assert one == pytest.approx(other)


def test_unequal_shapes_and_unknown_classes_are_refused():
    t = np.log([[0.9, 0.1]])
    for bad in (
        lambda: fid.agreement(t, np.log([[0.3, 0.3, 0.4]])),
        lambda: fid.fidelity(t[:0], t[:0]),
        lambda: fid.quality(t, [2]),
        lambda: fid.quality(t, [0, 1]),
        lambda: fid.wilson(3, 2),
        lambda: margins(t[0]),
        lambda: margins(np.zeros((2, 1))),
    ):
        with pytest.raises(ValueError):
            bad()


@given(models())
def test_the_margin_of_a_class_is_positive_only_where_it_is_the_answer(world):
    teacher, _, gold, _ = world
    own = margins(teacher, gold)
    assert ((own > 0) == (teacher.argmax(-1) == gold)).all() and (margins(teacher) >= 0).all()


def test_margins_on_the_boundary_are_zero_and_certainty_stays_finite():
    assert margins(np.log([[0.4, 0.4, 0.2]]), 1)[0] == 0
    assert margins(np.log([[0.8, 0.2]]), 0)[0] == pytest.approx(math.log(4))
    assert np.isfinite(margins(np.array([[0.0, -np.inf], [-np.inf, 0.0]]), 0)).all()


def test_near_boundary_counts_p_between_3_and_7_tenths():
    z = np.log([[0.5, 0.5], [0.9, 0.1], [0.31, 0.69], [0.05, 0.95]])
    assert near_boundary(z, 1) == 0.5 and near_boundary(z[:0], 1) == 0


def test_rows_of_equal_confidence_are_one_level_of_sureness():
    """Sorted by right and wrong within a tie, a classifier that is 80 % sure and right on 80 % had an error of .32."""
    right = np.arange(1000) % 5 > 0
    assert fid.calibration_error(np.full(1000, 0.8), right)[0] == pytest.approx(0.0, abs=1e-9)
    assert {round(b.right, 9) for b in fid.reliability(np.full(1000, 0.8), right)} == {0.8}


def test_calibration_against_the_teacher_needs_no_gold_label():
    """A student that is as sure as its teacher is calibrated to it, however wrong both are."""
    rng = np.random.default_rng(0)
    teacher = np.log(rng.dirichlet(np.ones(3), 400))
    assert fid.fidelity(teacher, teacher).to_teacher[0] == pytest.approx(0, abs=1e-12)
    sure = np.log(np.clip(np.eye(3)[teacher.argmax(-1)], 1e-6, 1))
    error, low, high = fid.fidelity(teacher, sure).to_teacher
    assert error == pytest.approx(1 - np.exp(teacher.max(-1)).mean(), abs=1e-3) and low <= error <= high
    assert fid.fidelity(teacher[:50], sure[:50]).to_teacher == (None, None, None)


def test_bins_hold_every_row_once_and_add_up_to_the_error():
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.5, 1, 305)
    right = rng.random(305) < confidence
    bins = fid.reliability(confidence, right)
    assert sum(b.n for b in bins) == 305 and len(bins) == 10
    wanted = sum(b.n * abs(b.confidence - b.right) for b in bins) / 305
    assert fid.calibration_error(confidence, right)[0] == pytest.approx(wanted)
    assert fid.reliability(confidence[:100], right[:100]) == []
