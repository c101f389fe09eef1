import numpy as np
import pytest

from cod_core.diagnostics.two_moons import (
    FACING,
    Moons,
    _gradients,
    _softmax,
    _states,
    boundary_points,
    demonstrate,
    facing_distance,
    nearest_flips,
    two_moons,
)
from cod_core.errors import BadInput

SMALL = Moons(teacher_rows=80, teacher_steps=150, student_steps=150, grid=40)


@pytest.fixture(scope="module")
def shown():
    return demonstrate([0, 1], SMALL)


@pytest.mark.slow
def test_both_students_learn_from_k_rows_and_share_their_originals(shown):
    """k must count the counterfactuals, or the comparison would be of twice as many rows."""
    for one in shown:
        assert len(one.kd.points) == len(one.cod.points) == 20
        assert one.cod.is_cf.sum() == 10 and not one.kd.is_cf.any()
        assert np.array_equal(one.cod.points[:10], one.kd.points[:10])


@pytest.mark.slow
def test_a_counterfactual_has_the_other_class_of_the_teacher(shown):
    for one in shown:
        flips = one.cod.labels[:10] != one.cod.labels[10:]
        assert flips.mean() >= 0.9, "a point beyond the boundary has another class, unless a second boundary is near"


@pytest.mark.slow
def test_distances_and_agreement_belong_to_the_regions_shown(shown):
    for one in shown:
        for student in (one.kd, one.cod):
            assert student.agreement == pytest.approx((student.regions == one.teacher_regions).mean())
            assert 0 <= student.facing <= student.distance.hausdorff + 1e-9


@pytest.mark.slow
def test_a_seed_gives_the_same_draw_alone_and_among_others(shown):
    """Networks that are trained together must not leak into each other."""
    alone = demonstrate([1], SMALL)[0]
    assert np.array_equal(alone.kd.points, shown[1].kd.points)
    assert (alone.kd.regions == shown[1].kd.regions).mean() > 0.99


def test_a_straight_boundary_is_read_where_it_is():
    x, y = np.linspace(-1, 1, 21), np.linspace(0, 2, 11)
    score = np.broadcast_to(x - 0.33, (11, 21))
    found = boundary_points(x, y, np.stack([-score, score], -1))
    assert found[:, 0] == pytest.approx(0.33) and len(found) == 11
    assert len(boundary_points(x, y, np.zeros((11, 21, 2)))) == 0


def test_a_point_is_moved_to_the_nearest_boundary_and_a_little_beyond():
    line = np.column_stack([np.zeros(50), np.linspace(-1, 1, 50)])
    moved = nearest_flips([[0.5, 0.0], [-0.2, 0.3]], line, 0.1)
    assert moved[:, 0] == pytest.approx([-0.05, 0.02]) and np.abs(moved[:, 1] - [0, 0.3]).max() < 0.05


def test_the_region_where_the_moons_face_each_other_has_no_edge():
    """A line that leaves the region is compared with the whole of the other, not with what is left inside."""
    line = np.column_stack([np.linspace(-3, 3, 600), np.full(600, 0.75)])
    assert facing_distance(line, line + [0.0, 0.1], 9.0) == pytest.approx(0.1, abs=1e-6)
    far = np.array([[50.0, 50.0]])
    assert facing_distance(far, far + 1, 9.0) == 0.0 and facing_distance(line, line[:0], 9.0) == 9.0
    assert FACING < 0.5


@pytest.mark.parametrize("soft", [True, False])
def test_the_gradient_is_that_of_the_loss(soft):
    """Backpropagation written by hand is wrong in silence: compare it with differences."""
    rng = np.random.default_rng(0)
    theta = [rng.normal(size=shape) for shape in ((1, 2, 3), (1, 1, 3), (1, 3, 3), (1, 1, 3), (1, 3, 2), (1, 1, 2))]
    x, hard = rng.normal(size=(1, 5, 2)), np.eye(2)[rng.integers(0, 2, (1, 5))]
    told = _softmax(rng.normal(size=(1, 5, 2))) if soft else None
    s = Moons()

    def loss(theta):
        z = _states(theta, x)[-1]
        value = -(hard * np.log(_softmax(z))).sum() / 5
        if soft:
            value -= s.kd_weight * s.temperature**2 * (told * np.log(_softmax(z / s.temperature))).sum() / 5
        return value

    for i, gradient in enumerate(_gradients(theta, x, hard, told, s)):
        place = tuple(rng.integers(0, n) for n in theta[i].shape)
        up, down = [[p.copy() for p in theta] for _ in range(2)]
        up[i][place] += 1e-6
        down[i][place] -= 1e-6
        assert gradient[place] == pytest.approx((loss(up) - loss(down)) / 2e-6, abs=1e-6)


def test_prefixes_of_the_moons_are_balanced_and_odd_k_is_refused():
    points, labels = two_moons(40, 0.0, np.random.default_rng(0))
    assert points.shape == (40, 2) and labels.sum() == 20
    assert np.hypot(*points[labels == 0].T) == pytest.approx(1)
    for k in (3, 5, 2):
        with pytest.raises(BadInput):
            demonstrate([0], Moons(k=k))
    with pytest.raises(BadInput, match="draws"):
        demonstrate([])
