from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.distill.arms import TrainRow
from cod_core.distill.row_sets import Drawn, drawn, least_varied, row_set


def rows(*ids, is_cf=False):
    return [TrainRow(f"text {i}", "good", str(i), is_cf) for i in ids]


def test_a_set_in_another_order_is_the_same_set_and_a_counterfactual_is_another_row():
    """data_hash told twenty orders of one set apart, and the page called them twenty draws."""
    assert np.array_equal(row_set(rows(1, 2, 3)), row_set(rows(3, 1, 2)))
    assert not np.array_equal(row_set(rows(1, 2)), row_set(rows(1, 2, is_cf=True)))
    assert drawn([row_set(rows(1, 2)), row_set(rows(2, 1)), row_set(rows(2, 1))]) == Drawn(1, 1.0)


@given(st.lists(st.sets(st.integers(0, 9), min_size=4, max_size=4), min_size=2, max_size=8))
def test_the_overlap_is_the_mean_share_of_common_rows(sets):
    found = drawn([row_set(rows(*ids)) for ids in sets])
    assert found.distinct == len({frozenset(ids) for ids in sets})
    assert found.overlap == pytest.approx(np.mean([len(a & b) / 4 for a, b in combinations(sets, 2)]))


def test_one_draw_shares_all_with_itself_and_none_is_refused():
    assert drawn([row_set(rows(1, 2))]) == Drawn(1, 1.0)
    with pytest.raises(ValueError):
        drawn([])


def test_a_difference_is_as_sure_as_the_arm_that_varies_least():
    assert least_varied([Drawn(20, 0.1), Drawn(1, 1.0)]) == Drawn(1, 1.0)
    assert least_varied([Drawn(20, 0.3), Drawn(18, 0.2)]) == Drawn(18, 0.3)
