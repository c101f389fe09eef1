import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.diagnostics.boundary import orders, text_path
from cod_core.text import diff

WORDS = st.sampled_from("good bad dull fine film plot a the very not".split())
SENTENCES = st.lists(WORDS, min_size=1, max_size=7).map(" ".join)


@given(SENTENCES, SENTENCES, st.integers(0, 99))
def test_a_text_path_runs_from_one_text_to_the_other_in_equal_steps(a, b, seed):
    m = len(diff(a, b))
    for order in orders(m, 2, seed):
        path = text_path(a, b, order)
        assert path[0] == (0.0, a) and path[-1] == (1.0, b)
        assert np.diff([level for level, _ in path]) == pytest.approx(1 / max(1, m))


def test_each_step_makes_one_edit_more_in_the_order_given():
    a, b = "a good film, a fine plot", "a bad film, a dull plot"
    assert [t for _, t in text_path(a, b)] == [a, "a bad film, a fine plot", b]
    assert text_path(a, b, [1, 0])[1] == (0.5, "a good film, a dull plot")
    for bad in ([0], [0, 0], [0, 1, 2]):
        with pytest.raises(ValueError):
            text_path(a, b, bad)


def test_texts_that_differ_in_spaces_alone_have_one_step():
    assert text_path("a  b", "a b") == [(0.0, "a  b"), (1.0, "a b")]


def test_orders_start_left_to_right_and_random_ones_come_only_where_they_differ():
    assert orders(1) == [[0]] and orders(0) == [[]]
    found = orders(6, 5, 3)
    assert found[0] == list(range(6)) and len(found) == 6 and found == orders(6, 5, 3)
    assert all(sorted(o) == list(range(6)) for o in found)
