import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.boundary_sets import distance_to_boundary
from cod_core.diagnostics.geometry import head_angles, linearised_distance, normal_angle


@given(st.integers(2, 5), st.integers(1, 6), st.integers(0, 999))
def test_the_step_is_the_exact_distance_for_a_linear_head(classes, d, seed):
    rng = np.random.default_rng(seed)
    w, b, x = rng.normal(size=(classes, d)), rng.normal(size=classes), rng.normal(size=(7, d))
    steps = linearised_distance(x @ w.T + b, np.broadcast_to(w, (7, classes, d)))
    assert steps == pytest.approx(distance_to_boundary(x, w, b))


def test_a_circle_by_hand():
    """Inside r = 1 the score x^2 + y^2 - 1 against 0 has gradient 2r: the step from r = .5 is .75 / 1."""
    point = np.array([[0.5, 0.0]])
    scores = np.array([[0.0, 0.5**2 - 1]])
    gradients = np.array([[[0.0, 0.0], [1.0, 0.0]]])
    assert linearised_distance(scores, gradients) == pytest.approx([0.75])
    assert np.linalg.norm(point) + 0.75 > 1


def test_a_class_that_nothing_rivals_is_infinitely_far():
    assert np.isinf(linearised_distance([[1.0, 0.0]], np.ones((1, 2, 3)))).all()
    with pytest.raises(ValueError):
        linearised_distance([[1.0, 0.0]], np.ones((1, 3, 3)))


def test_angles_by_hand():
    assert normal_angle([[1, 0], [1, 0], [1, 1]], [[2, 0], [0, 3], [-1, -1]]) == pytest.approx([0, 90, 180], abs=1e-5)
    assert np.isnan(normal_angle([0, 0], [1, 0])).all()


@given(st.integers(2, 4), st.integers(2, 5), st.integers(0, 99))
def test_a_head_runs_like_itself_whatever_its_scale_and_label_order(classes, d, seed):
    w = np.random.default_rng(seed).normal(size=(classes, d))
    assert list(head_angles(w, 3 * w).values()) == pytest.approx([0] * (classes * (classes - 1) // 2), abs=1e-4)
    v = np.random.default_rng(seed + 1).normal(size=(classes, d))
    one, order = head_angles(w, v), np.arange(classes)[::-1]
    other = head_angles(w[order], v[order])
    assert sorted(one.values()) == pytest.approx(sorted(other.values()))
