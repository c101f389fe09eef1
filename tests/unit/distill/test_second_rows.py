import pytest

from cod_core.distill.second_rows import Proposals, first_proposals, swapped, tightened, to_all_classes
from cod_core.errors import NotEnoughData
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction

LABELS = ("a", "b", "c")
POOL = {"e": Example("e", "one plain text", "a")}


def cf(id, text, target="b", derived_from=None, kind="llm"):
    return Counterfactual(id, "e", text, "a", target, Origin(kind, "m"), derived_from=derived_from)


def said(label):
    return Prediction(LABELS, tuple(-0.1 if name == label else -3.0 for name in LABELS))


def proposals(*cfs, edits=None, not_valid=()):
    checks = {
        one.id: FlipCheck(
            one.id,
            "t",
            "1",
            said("a"),
            said("a" if one.id in not_valid else one.target),
            one.target,
            (edits or {}).get(one.id, 3),
            0.1,
            1,
            None,
            False,
            "",
        )
        for one in cfs
    }
    return Proposals(cfs, checks)


KEPT = cf("kept", "one fancy text")


def test_the_first_proposal_is_taken_whether_it_flips_or_not_but_no_edit_of_one():
    found = proposals(cf("edit", "x", derived_from="kept"), cf("late", "y"), KEPT, not_valid=("late",))
    assert first_proposals(found, POOL)["e"].id == "late"
    assert first_proposals(found, POOL, "search") == {} and first_proposals(found, {}) == {}


def test_each_further_class_gets_its_best_verified_counterfactual_and_no_judged_text():
    """A text that students are judged on would be trained on."""
    found = proposals(KEPT, cf("c1", "judged", "c"), cf("c2", "long way", "c"), cf("c3", "short way", "c"), edits={"c2": 9, "c3": 1})
    assert [one.id for one in to_all_classes(found, {"e": KEPT}, LABELS, frozenset({"judged"}))["e"]] == ["kept", "c3"]
    assert to_all_classes(proposals(KEPT), {"e": KEPT}, LABELS) == {"e": (KEPT,)}


def test_the_smallest_valid_one_stands_for_the_kept_one_and_nothing_tightened_is_said():
    """The arm would repeat cod under another name."""
    cfs = [KEPT, *(cf(name, f"{name} text", derived_from="kept") for name in ("more", "less", "least", "wrong"))]
    edits = {"kept": 4, "more": 3, "less": 2, "least": 1, "wrong": 0}
    found = proposals(*cfs, edits=edits, not_valid=("wrong",))
    assert tightened(found, {"e": KEPT}, frozenset({"least text"}))["e"].id == "less"
    with pytest.raises(NotEnoughData, match="would repeat 'cod'"):
        tightened(proposals(KEPT), {"e": KEPT})


def test_random_swaps_are_labelled_by_the_teacher():
    class Teacher:
        def predict(self, texts):
            return [said("c") for _ in texts]

    [one] = swapped(Teacher(), POOL, {"e": KEPT, "gone": KEPT}).values()
    assert one.target == "c" and one.text != POOL["e"].text and one.id == "swap-e"
