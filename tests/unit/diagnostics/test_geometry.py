import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.geometry import head_angles, normal_angle


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
