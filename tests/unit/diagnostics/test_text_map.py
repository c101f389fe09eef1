import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.text_map import content_axis


@given(st.integers(3, 40), st.integers(2, 8), st.integers(0, 999))
def test_the_second_axis_tells_nothing_of_the_margin(n, d, seed):
    """If it did, the boundary would not be a vertical line for the eye."""
    rng = np.random.default_rng(seed)
    phi, margin = rng.normal(size=(n, d)), rng.normal(size=n)
    y = content_axis(phi, margin)(phi, margin)
    assert y @ (margin - margin.mean()) == pytest.approx(0, abs=1e-6) and y.mean() == pytest.approx(0, abs=1e-9)


def test_it_finds_what_else_texts_differ_in():
    rng = np.random.default_rng(0)
    margin, topic = rng.normal(size=300), rng.normal(size=300)
    phi = np.column_stack([margin, 5 * topic, 0.1 * rng.normal(size=300)])
    assert abs(np.corrcoef(content_axis(phi, margin)(phi, margin), topic)[0, 1]) > 0.99


def test_one_text_and_equal_texts_have_a_place_and_none_is_refused():
    assert np.isfinite(content_axis([[1.0, 2.0]], [0.5])([[1.0, 2.0]], [0.5])).all()
    assert np.isfinite(content_axis(np.ones((4, 2)), np.zeros(4))(np.ones((4, 2)), np.zeros(4))).all()
    with pytest.raises(ValueError):
        content_axis(np.zeros((0, 2)), [])
