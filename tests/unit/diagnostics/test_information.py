import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.information import compare, fisher_matrix, gains, information, reduction


@st.composite
def rows(draw):
    """(features (n, r), probabilities (n, C), generator)."""
    n, r, classes = draw(st.integers(1, 20)), draw(st.integers(1, 5)), draw(st.integers(2, 4))
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    return rng.normal(size=(n, r)), rng.dirichlet(np.ones(classes), n), rng


@given(rows())
def test_the_matrix_is_the_sum_of_the_definition(world):
    features, probs, _ = world
    if probs.shape[1] == 2:
        wanted = sum(p[0] * p[1] * np.outer([*z, 1], [*z, 1]) for z, p in zip(features, probs))
    else:
        wanted = sum(np.kron(np.diag(p) - np.outer(p, p), np.outer([*z, 1], [*z, 1])) for z, p in zip(features, probs))
    assert fisher_matrix(features, probs) == pytest.approx(wanted)


@given(rows())
def test_the_order_of_labels_and_rows_changes_nothing(world):
    features, probs, rng = world
    one, labels, order = information(features, probs, 0.5), rng.permutation(probs.shape[1]), rng.permutation(len(probs))
    other = information(features[order], probs[order][:, labels], 0.5)
    assert (one.log_det, one.trace_inverse) == pytest.approx((other.log_det, other.trace_inverse))


@given(rows())
def test_one_row_more_never_takes_information_away(world):
    features, probs, _ = world
    less, more = information(features[:-1], probs[:-1], 1.0), information(features, probs, 1.0)
    assert more.log_det >= less.log_det - 1e-9 and more.trace_inverse <= less.trace_inverse + 1e-9


def test_certain_rows_tell_nothing():
    found = information([[1.0, 2.0]], [[1.0, 0.0]], 2.0)
    assert found.log_det == pytest.approx(3 * np.log(2)) and found.trace_inverse == pytest.approx(1.5)


def test_counterfactuals_near_the_line_inform_more_than_confident_mirror_images():
    """docs/method.md section 4: best at |logit| near 1.54, good on the line, no better than real rows when mirrored."""
    rng = np.random.default_rng(0)
    w = np.array([8.0, 0, 0, 0, 0])
    real = rng.normal(size=(2000, 5))

    def trace(x):
        p = 1 / (1 + np.exp(-x @ w))
        return information(x, np.column_stack([1 - p, p]), 1e-6).trace_inverse

    def moved_to(logit):
        half = real[:1000].copy()
        half[:, 0] = -np.sign(half[:, 0]) * logit / 8.0
        return trace(np.vstack([real[:1000], half]))

    mirrored = real[:1000].copy()
    mirrored[:, 0] *= -1
    assert moved_to(1.54) < moved_to(0.0) and moved_to(1.54) < 0.8 * trace(real)
    assert trace(np.vstack([real[:1000], mirrored])) > 0.95 * trace(real)


def test_the_reduction_has_at_most_k_minus_1_dimensions_and_keeps_the_widest():
    rng = np.random.default_rng(1)
    phi = rng.normal(size=(100, 50)) * np.linspace(5, 0.1, 50)
    assert reduction(phi, 8)(phi).shape == (100, 7) and reduction(phi, 512)(phi).shape == (100, 32)
    assert reduction(phi[:3], 64)(phi).shape == (100, 2)
    narrow = reduction(phi, 8)(phi)
    assert narrow.mean(0) == pytest.approx(0, abs=1e-9) and (np.diff(narrow.var(0)) <= 1e-9).all()
    assert reduction(np.ones((5, 3)), 4)(np.ones((2, 3))).shape == (2, 0)


def test_the_two_sets_are_compared_in_one_space_at_equal_k():
    rng = np.random.default_rng(2)
    phi, half = rng.normal(size=(60, 10)), np.full((8, 2), 0.5)
    found = compare(phi, phi[:8], half, phi[8:16], half, 2.0)
    assert found["real"].dimensions == found["pairs"].dimensions == 7 and found["real"].rows == 8
    with pytest.raises(ValueError):
        compare(phi, phi[:8], half, phi[8:12], half[:4], 2.0)


def test_nonsense_is_refused():
    for bad in (
        lambda: information([[1.0]], [[0.5, 0.5]], 0.0),
        lambda: fisher_matrix([[1.0]], [[0.5, 0.6]]),
        lambda: fisher_matrix([[1.0]], [[1.0]]),
        lambda: fisher_matrix([[1.0], [2.0]], [[0.5, 0.5]]),
        lambda: reduction([[1.0, 2.0]], 4),
        lambda: reduction(np.eye(3), 1),
    ):
        with pytest.raises(ValueError):
            bad()


@given(rows())
def test_the_gain_of_a_row_is_what_adding_it_gives(world):
    """The order in which an expert is shown texts rests on this number."""
    features, probs, rng = world
    new, told = rng.normal(size=(3, features.shape[1])), rng.dirichlet(np.ones(probs.shape[1]), 3)
    before = information(features, probs, 0.5).log_det
    wanted = [information(np.vstack([features, z]), np.vstack([probs, p]), 0.5).log_det - before for z, p in zip(new, told)]
    assert gains(features, probs, new, told, 0.5) == pytest.approx(wanted, abs=1e-8)
    alone = gains(features[:0], probs[:0], new, told, 0.5)
    assert (alone >= 0).all() and (alone + 1e-9 >= gains(features, probs, new, told, 0.5)).all(), "returns diminish"


def test_the_least_eigenvalue_names_the_direction_known_least():
    features = np.array([[1.0, 0.0], [-1.0, 0.0], [2.0, 0.0]])
    half = np.full((3, 2), 0.5)
    assert information(features, half, 1.0).least == pytest.approx(0.0)
    spread = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    assert information(spread, np.full((4, 2), 0.5), 1.0).least == pytest.approx(0.5)
