import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.boundary_sets import distance_to_boundary, linear_crossing, linear_surrogate, points_at, set_distance


@st.composite
def heads(draw):
    """Two linear heads on one space and the ends of some pairs: (W_t, b_t, W_s, b_s, x, x', permutation)."""
    classes, d, n = draw(st.integers(2, 5)), draw(st.integers(2, 6)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    w, b = rng.normal(size=(classes, d)), rng.normal(size=classes)
    other = w + 0.4 * rng.normal(size=w.shape), b + 0.4 * rng.normal(size=classes)
    return w, b, *other, rng.normal(size=(n, d)), rng.normal(size=(n, d)), rng.permutation(classes)


def levels(w, b, x, y):
    return [linear_crossing(w @ p + b, w @ q + b) for p, q in zip(x, y)]


@given(heads())
def test_a_linear_head_crosses_exactly_where_its_classes_differ(world):
    w, b, _, _, x, y, _ = world
    for level, p, q in zip(levels(w, b, x, y), x, y):
        assert (level is not None) == ((w @ p + b).argmax() != (w @ q + b).argmax())
        if level is not None:
            assert 0 <= level <= 1
            z = np.sort(w @ (p + level * (q - p)) + b)
            assert z[-1] == pytest.approx(z[-2], abs=1e-9)


def test_two_classes_cross_at_the_ratio_of_margins_and_three_where_the_first_rival_wins():
    assert linear_crossing([3.0, 0.0], [0.0, 1.0]) == pytest.approx(3 / 4)
    assert linear_crossing([3.0, 1.0, 2.0], [0.0, 2.0, 1.0]) == pytest.approx(1 / 2)
    assert linear_crossing([3.0, 0.0], [2.0, 1.0]) is None
    assert linear_crossing([3.0, 0.0], [0.0, 1.0], from_class=1) is None
    assert linear_crossing([0.0, 0.0], [0.0, 1.0]) == 0.0


@given(heads())
def test_set_distances_are_symmetric_zero_on_equal_sets_and_ordered(world):
    *_, x, y, _ = world
    one, other = set_distance(x, y), set_distance(y, x)
    assert (one.hausdorff, one.hd95, one.chamfer) == pytest.approx((other.hausdorff, other.hd95, other.chamfer))
    assert one.chamfer <= one.hausdorff + 1e-12 and one.hd95 <= one.hausdorff + 1e-12
    same = set_distance(x, x[::-1])
    assert same.hausdorff == same.hd95 == same.chamfer == 0


def test_set_distances_by_hand():
    found = set_distance([[0.0], [1.0]], [[0.0], [4.0]])
    assert found.hausdorff == 3 and found.chamfer == pytest.approx((0.5 + 1.5) / 2)
    assert set_distance(np.zeros((0, 2)), [[1.0, 2.0]]) is None


@given(heads())
def test_sampled_crossings_lie_between_the_exact_distance_and_the_greatest_gap(world):
    """distance to the boundary <= distance of the sampled crossings <= greatest gap, where no pair is censored."""
    w, b, v, c, x, y, _ = world
    both = [
        i
        for i, (p, q) in enumerate(zip(x, y))
        if (w @ p + b).argmax() == (v @ p + c).argmax() != (w @ q + b).argmax() == (v @ q + c).argmax()
    ]
    if not both:
        return
    x, y = x[both], y[both]
    l_t, l_s = np.array(levels(w, b, x, y)), np.array(levels(v, c, x, y))
    deltas = np.abs(l_t - l_s) * np.linalg.norm(y - x, axis=1)
    assert (deltas <= np.linalg.norm(y - x, axis=1) + 1e-12).all()
    first, second = points_at(x, y, l_t), points_at(x, y, l_s)
    assert distance_to_boundary(first, v, c).max() <= set_distance(first, second).hausdorff + 1e-9
    assert set_distance(first, second).hausdorff <= deltas.max() + 1e-9


@given(heads())
def test_equal_heads_have_no_distance(world):
    w, b, _, _, x, y, _ = world
    at = levels(w, b, x, y)
    kept = [i for i, level in enumerate(at) if level is not None]
    if kept:
        points = points_at(x[kept], y[kept], [at[i] for i in kept])
        assert distance_to_boundary(points, w, b) == pytest.approx(0, abs=1e-9)
        assert set_distance(points, points).hausdorff == 0


@given(heads())
def test_the_order_of_the_labels_moves_no_boundary(world):
    w, b, _, _, x, y, order = world
    one, other = levels(w, b, x, y), levels(w[order], b[order], x, y)
    assert [v is None for v in one] == [v is None for v in other]
    assert [v for v in one if v is not None] == pytest.approx([v for v in other if v is not None])
    assert distance_to_boundary(x, w, b) == pytest.approx(distance_to_boundary(x, w[order], b[order]))


@given(heads())
def test_no_step_shorter_than_the_distance_changes_the_class(world):
    w, b, _, _, x, y, _ = world
    away = distance_to_boundary(x, w, b)
    step = (y - x) / np.linalg.norm(y - x, axis=1, keepdims=True) * away[:, None] * 0.999
    assert ((x @ w.T + b).argmax(-1) == ((x + step) @ w.T + b).argmax(-1)).all()


def test_a_head_that_cannot_change_its_mind_is_infinitely_far():
    assert np.isinf(distance_to_boundary([[1.0, 2.0]], np.ones((2, 2)), [0.0, 1.0])).all()


def test_a_surrogate_says_how_far_it_may_be_trusted():
    """A surrogate that disagrees with its teacher describes somebody else's boundary."""
    rng = np.random.default_rng(0)
    phi = rng.normal(size=(200, 4))
    z = phi @ rng.normal(size=(3, 4)).T + [0.1, 0.0, -0.1]
    z -= np.log(np.exp(z).sum(-1, keepdims=True))
    weight, bias, agreement = linear_surrogate(phi, z)
    assert agreement > 0.95 and ((phi @ weight.T + bias).argmax(-1) == z.argmax(-1)).mean() > 0.95
    assert linear_surrogate(phi, rng.permutation(z))[2] < 0.7
    with pytest.raises(ValueError):
        linear_surrogate(phi[:3], z[:3])
