"""Which rows the student to take home learns from: values alone."""

import pytest

from cod_core.distill.take_home import Ingredient, Made, TakeHome, best_of, everything, softened
from cod_core.errors import BadInput
from cod_core.types import Counterfactual, Decision, Example, FlipCheck, Origin, Prediction

LABELS = ("Fall", "No harm")
ORIGIN = Origin("search", "search")


def text(i: str, label: str | None = "Fall", split: str = "train") -> Example:
    return Example(i, f"Text {i}.", label, split)


def check(cf: str, flips: bool) -> FlipCheck:
    before, after = (Prediction(LABELS, (-0.1, -2.3)), Prediction(LABELS, (-2.3, -0.1) if flips else (-0.1, -2.3)))
    return FlipCheck(cf, "t", "r", before, after, "No harm", 1, 0.1, 3, 0.9, False, "")


def of(decisions: dict[str, Decision], flips: dict[str, bool], judged=(), unlabelled=()):
    pool = {i: text(i) for i in ("a", "b", "c", "d")}
    cfs = {f"c-{i}": Counterfactual(f"c-{i}", i, f"Turned {i}.", "Fall", "No harm", ORIGIN) for i in decisions}
    return everything(pool, decisions, cfs, {f"c-{i}": check(f"c-{i}", yes) for i, yes in flips.items()}, unlabelled, judged)


def kept(i: str, status: str = "accepted", why: str | None = None) -> Decision:
    return Decision(f"c-{i}", i, status, "ann", override_reason=why)


def test_everything_is_learnt_from_and_nothing_twice():
    found = of(
        {"a": kept("a"), "b": kept("b", "rejected"), "c": kept("c", "edited", "I know better"), "d": kept("d")},
        {"a": True, "b": True, "c": False, "d": True},
        judged={"turned d."},
        unlabelled=[(text("u", None), "No harm"), (Example("v", "TEXT a.", None), "Fall")],
    )
    counts = {name: [row.example_id for row in rows] for name, rows in found.rows.items()}
    assert counts == {"texts": ["a", "b", "c", "d"], "pairs": ["a"], "override": ["c"], "unlabelled": ["u"]}
    assert [r.example_id for r in found.upto("override")] == ["a", "b", "c", "d", "a", "c"]


def test_a_pair_kept_against_the_teacher_carries_the_experts_word():
    """Its soft label would say the teacher's class, twenty times as loud as hers."""
    found = of({"c": kept("c", "edited", "I know better")}, {"c": False})
    assert found.rows["override"][0].label == "No harm" and softened(found, LABELS)["Turned c."] == 1


def test_an_accepted_pair_that_no_longer_flips_is_not_an_override():
    """Nobody said that the new teacher is wrong: it was accepted under another one."""
    assert not of({"a": kept("a")}, {"a": False}).rows["override"]


def test_a_test_text_is_never_learnt_from():
    assert not of({}, {}, judged={"text a.", "text b.", "text c.", "text d."}).rows["texts"]


def test_the_quickest_of_equal_students_is_chosen():
    assert best_of({"linear": 0.8, "contrastive": 0.8, "finetuned": 0.7}) == "linear"


def test_what_was_made_is_read_back_as_it_was():
    made = Made("r", "2026", "linear", (Ingredient("texts", 84, 0.7), Ingredient("pairs", 1, None)), 12, {"accuracy": 0.8}, "s")
    assert Made.of(made.to_json(), stale=False) == made
    assert made.trained_on == "84 labelled texts, 1 accepted counterfactual"


@pytest.mark.parametrize("words", ["1 counterfactual that you kept against the teacher", "1 text without a label, labelled by the teacher"])
def test_one_of_a_kind_is_said_in_the_singular(words):
    assert words in {Ingredient(name, 1).words for name in ("override", "unlabelled")}


def test_an_unknown_kind_is_refused_by_name():
    with pytest.raises(BadInput, match="forest"):
        TakeHome("forest")
    with pytest.raises(BadInput, match="seeds"):
        TakeHome.of({"seeds": 3})
