from dataclasses import replace

import pytest

from cod_core.distill.arms import data_hash, row_count, rows_for
from cod_core.errors import BadInput, NotEnoughData
from cod_core.types import Counterfactual, Example, Origin, RunConfig

ORDER = [f"e{i}" for i in range(8)]
EXAMPLES = {id: Example(id, f"text {id}", "ab"[i % 2]) for i, id in enumerate(ORDER)}
PAIRS = {
    id: Counterfactual(f"c{id}", id, f"changed {id}", EXAMPLES[id].label, "ba"[i % 2], Origin("search", "s"))
    for i, id in enumerate(ORDER[:4])
}


def ids(rows):
    return [row.example_id for row in rows if not row.is_cf]


@pytest.mark.parametrize("arm", ["kd", "kd_free", "half", "cod", "cod_plus"])
def test_an_arm_holds_exactly_the_rows_it_says(arm):
    """C's code silently trains on fewer than k rows where a counterfactual is missing."""
    rows = rows_for(arm, ORDER, 4, EXAMPLES, PAIRS)
    assert len(rows) == row_count(arm, 4)
    assert sum(row.is_cf for row in rows) == {"kd": 0, "kd_free": 0, "half": 0, "cod": 2, "cod_plus": 4}[arm]


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


def test_a_smaller_share_of_counterfactuals_keeps_k_and_takes_the_first_rows():
    rows = rows_for("cod", ORDER, 8, EXAMPLES, PAIRS, cf_share=0.25)
    assert len(rows) == 8 and sum(row.is_cf for row in rows) == 2 and ids(rows) == ORDER[:6]
    with pytest.raises(BadInput, match="half of the rows"):
        rows_for("cod", ORDER, 8, EXAMPLES, PAIRS, cf_share=0.75)
    with pytest.raises(NotEnoughData, match="not one counterfactual"):  # kd's rows would be reported as cod's
        rows_for("cod", ORDER, 2, EXAMPLES, PAIRS, cf_share=0.125)


@pytest.mark.parametrize("arm", ["swap", "unverified", "tightened"])
def test_control_arms_differ_from_cod_in_their_second_rows_only(arm):
    others = {id: Counterfactual(f"o{id}", id, f"other {id}", cf.source, cf.source, Origin("search", "s")) for id, cf in PAIRS.items()}
    rows, cod = (rows_for(a, ORDER, 8, EXAMPLES, p) for a, p in ((arm, others), ("cod", PAIRS)))
    assert [r for r in rows if not r.is_cf] == [r for r in cod if not r.is_cf]
    assert [r.text for r in rows if r.is_cf] == [f"other {id}" for id in ORDER[:4]]


def test_settings_added_later_do_not_rename_students_already_made():
    """A changed id would orphan every finished student of an existing project."""
    base = RunConfig("kd", "cod", 16, 3, "linear", "all-MiniLM-L6-v2", "t", "r", "d")
    assert base.run_id == "4660e03d2b117ac6"
    assert replace(base, cf_share=0.25).run_id != base.run_id != replace(base, soft_labels="random").run_id
    assert base.real_shots == 8 and replace(base, cf_share=0.25).real_shots == 12


def test_with_all_classes_each_text_brings_one_counterfactual_a_class():
    """k = k/C + (C - 1)k/C: real rows must not be counted on top of k."""
    labels = ("a", "b", "c")
    texts = {str(i): Example(str(i), f"text {i}", labels[i % 3]) for i in range(6)}

    def cf(id, target):
        return Counterfactual(f"{id}{target}", id, f"{id} as {target}", texts[id].label, target, Origin("search", "s"))

    sets = {i: tuple(cf(i, x) for x in labels if x != texts[i].label) for i in texts}
    rows = rows_for("cod_all", list(texts), 9, texts, sets)
    assert [r.is_cf for r in rows] == [False, True, True] * 3
    assert sorted(r.label for r in rows) == sorted(labels * 3), "every class as often"
    assert len(rows_for("cod_all", list(texts), 8, texts, sets)) == 8
    with pytest.raises(NotEnoughData):
        rows_for("cod_all", list(texts), 30, texts, sets)
    with pytest.raises(NotEnoughData, match="other labels"):
        rows_for("cod_all", list(texts), 9, texts, {})
