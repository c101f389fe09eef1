import pytest

from cod_core.distill.arms import data_hash, row_count, rows_for
from cod_core.errors import BadInput, NotEnoughData
from cod_core.types import Counterfactual, Example, Origin

ORDER = [f"e{i}" for i in range(8)]
EXAMPLES = {id: Example(id, f"text {id}", "ab"[i % 2]) for i, id in enumerate(ORDER)}
PAIRS = {id: Counterfactual(f"c{id}", id, f"changed {id}", EXAMPLES[id].label, "ba"[i % 2], Origin("search", "s"))
         for i, id in enumerate(ORDER[:4])}


def ids(rows):
    return [row.example_id for row in rows if not row.is_cf]


@pytest.mark.parametrize("arm", ["kd", "half", "cod", "cod_plus"])
def test_an_arm_holds_exactly_the_rows_it_says(arm):
    """C's code silently trains on fewer than k rows where a counterfactual is missing."""
    rows = rows_for(arm, ORDER, 4, EXAMPLES, PAIRS)
    assert len(rows) == row_count(arm, 4)
    assert sum(row.is_cf for row in rows) == {"kd": 0, "half": 0, "cod": 2, "cod_plus": 4}[arm]


def test_draws_are_nested_and_half_is_cods_real_part():
    small, large = (rows_for("kd", ORDER, k, EXAMPLES, PAIRS) for k in (4, 8))
    assert large[:4] == small
    cod = rows_for("cod", ORDER, 8, EXAMPLES, PAIRS)
    assert [row for row in cod if not row.is_cf] == rows_for("half", ORDER, 8, EXAMPLES, PAIRS)
    assert ids(rows_for("cod_plus", ORDER, 4, EXAMPLES, PAIRS)) == ids(small)


def test_pairs_stand_together_with_the_target_as_label():
    """Pairs shuffled apart, or counterfactuals with the original's label, would teach the opposite."""
    rows = rows_for("cod", ORDER, 4, EXAMPLES, PAIRS)
    for original, changed in zip(rows[::2], rows[1::2]):
        assert original.example_id == changed.example_id and changed.is_cf and changed.label != original.label


def test_missing_rows_or_pairs_are_refused_with_their_number():
    with pytest.raises(NotEnoughData, match="16 labelled training texts and there are 8"):
        rows_for("kd", ORDER, 16, EXAMPLES, PAIRS)
    with pytest.raises(NotEnoughData, match="each of 8 texts and 4 of them have none"):
        rows_for("cod_plus", ORDER, 8, EXAMPLES, PAIRS)
    with pytest.raises(BadInput, match="even"):
        rows_for("cod", ORDER, 3, EXAMPLES, PAIRS)
    with pytest.raises(BadInput, match="no arm"):
        rows_for("ted", ORDER, 4, EXAMPLES, PAIRS)
    with pytest.raises(BadInput, match="no label"):
        rows_for("kd", ["x", *ORDER], 4, EXAMPLES | {"x": Example("x", "x")}, PAIRS)


def test_another_soft_label_or_row_makes_another_run():
    """A run id that ignores the teacher's outputs would serve yesterday's student for today's teacher."""
    rows = rows_for("kd", ORDER, 2, EXAMPLES, PAIRS)
    soft = [[-0.1, -2.3], [-2.3, -0.1]]
    base = data_hash(rows, soft)
    assert base == data_hash(rows, [[-0.1 + 1e-9, -2.3], [-2.3, -0.1]])
    assert base != data_hash(rows, [[-0.2, -1.7], [-2.3, -0.1]])
    assert base != data_hash(rows[::-1], soft)
