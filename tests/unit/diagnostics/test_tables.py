import pytest

from cod_core.diagnostics.tables import holm


def test_holm_by_hand_in_the_order_given():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])


def test_adjusted_values_never_fall_below_and_never_leave_order_or_range():
    p = [0.2, 0.001, 0.5, 0.04, 0.9]
    found = holm(p)
    assert all(a >= b for a, b in zip(found, p)) and max(found) <= 1
    assert sorted(range(5), key=p.__getitem__) == sorted(range(5), key=lambda i: (found[i], p[i]))
    assert holm([]) == [] and holm([0.3]) == [0.3]
    with pytest.raises(ValueError):
        holm([1.2])
