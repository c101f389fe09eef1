"""Which k are offered, and which of them are drawn evenly: numbers alone."""

from hypothesis import given
from hypothesis import strategies as st

from cod_core.distill.shots import drawn_evenly, evenly, least, offered


def test_thirty_accepted_pairs_are_used_as_thirty():
    """The ladder stopped at 32 rows, so 14 of 30 pairs were thrown away."""
    assert offered(2, even=30, pairs=30, pool=84) == [8, 16, 32, 60]


def test_skewed_pairs_are_compared_beyond_the_thinnest_label():
    """20, 12 and 2 pairs allowed 8 rows, and 2 of a label none at all of what was curated."""
    assert offered(3, even=6, pairs=34, pool=84) == [8, 16, 32, 64, 68]


def test_k_is_counted_per_label_where_there_are_many():
    """ "16 rows" of 12 labels is no comparison."""
    assert offered(12, even=24, pairs=30, pool=210) == [24, 48, 60]
    assert evenly(12, even=24, pool=210) == [24, 48]


def test_a_label_without_a_pair_leaves_nothing_to_compare():
    assert offered(3, even=0, pairs=20, pool=84) == []


def test_a_handful_of_pairs_keeps_the_smallest_comparison():
    assert offered(2, even=2, pairs=2, pool=6) == [4] and offered(2, even=2, pairs=3, pool=40) == [4, 6]


def test_all_pairs_are_drawn_apart_so_that_no_other_draw_changes():
    assert drawn_evenly([8, 16, 32, 60], 2, even=30, pairs=30) == [8, 16, 32]
    assert drawn_evenly([60], 2, even=30, pairs=30) == [60], "alone it is the balanced draw that it always was"
    assert drawn_evenly([8, 16, 64], 3, even=6, pairs=34) == [8]


@given(st.integers(2, 30), st.integers(0, 60), st.integers(0, 60), st.integers(0, 500))
def test_no_k_below_two_rows_of_each_label_is_ever_offered(labels, a, b, pool):
    even, pairs = sorted((labels * (a // labels), b + a))
    assert all(least(labels) <= k and k // 2 <= pairs for k in offered(labels, even, pairs, pool))
