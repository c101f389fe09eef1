"""Measures, thresholds and the funnel, on proposals whose numbers can be seen."""

import math

import pytest

from cod_core.counterfactuals.edit_types import edit_type
from cod_core.counterfactuals.quality import Quality, Thresholds, diversity, folded, funnel, quality_of, set_quality, verdict, words_put_in
from cod_core.counterfactuals.verify import check
from cod_core.errors import BadInput
from cod_core.types import Counterfactual, Decision, Origin, Prediction

LABELS = ("negative", "positive")


def says(p_positive):
    return Prediction(LABELS, (math.log(1 - p_positive), math.log(p_positive)))


class Teacher:
    id, revision, labels = "t", "1", LABELS

    def chars_read(self, text):
        return len(text)


def made(original, text, p_negative=0.7, **more):
    cf = Counterfactual("c", "e", text, "positive", "negative", Origin("search", "s"))
    verdict_of = check(original, cf, Teacher(), says(0.9), says(1 - p_negative), similarity=more.pop("similarity", 0.9))
    return quality_of(original, cf, verdict_of, **more)


def test_measures_of_one_proposal():
    one = made("A good film with a good cast.", "A bad film with a weak cast.", fluency=1.1)
    assert one.flipped and one.in_band and one.spans == 2 and one.length == 1.0
    assert one.edit_fraction == pytest.approx(2 / 8) and one.edit_type == "lexical" and one.fluency == 1.1


@pytest.mark.parametrize(
    "after,kind",
    [
        ("It is not good.", "negation"),
        ("It is really good.", "insert"),
        ("It good.", "delete"),
        ("It is bad.", "lexical"),
        ("good is It.", "shuffle"),
        ("It is good.", None),
    ],
)
def test_edit_types(after, kind):
    assert edit_type("It is good.", after) == kind


@pytest.mark.parametrize(
    "change,grade,reason",
    [
        ({}, "ok", ""),
        ({"p_negative": 0.3}, "reject", "does not flip"),
        ({"others": {folded("A BAD  film with a good cast.")}}, "reject", "same as another"),
        ({"held_out": {folded("A bad film with a good cast.")}}, "reject", "test set"),
        ({"similarity": 0.2}, "warn", "something else"),
        ({"fluency": 1.6}, "warn", "reads worse"),
    ],
)
def test_thresholds_warn_or_reject_with_a_reason(change, grade, reason):
    """A proposal that is dropped without a reason is a loss that nobody can explain."""
    found = verdict(made("A good film with a good cast.", "A bad film with a good cast.", **change), Thresholds())
    assert found[0] == grade and (reason in "; ".join(found[1]))


def test_limits_can_be_edited_and_nonsense_is_refused():
    loose = Thresholds.of({"edit_fraction_warn": 0.05, "edit_fraction_reject": 0.1, "unknown": 1})
    assert verdict(made("A good film.", "A bad film."), loose)[1] == ("changes too much",)
    with pytest.raises(BadInput, match="ratio"):
        Thresholds.of({"fluency_warn": 0.2})
    with pytest.raises(BadInput, match="between"):
        Thresholds.of({"edit_fraction_warn": -1})


def test_a_set_is_summed_up_over_its_flips():
    found = [made("A good film.", "A bad film.", p) for p in (0.6, 0.9, 0.2)]
    total = set_quality(found)
    assert total.n == 3 and total.flip_rate == pytest.approx(2 / 3) and total.in_band == 0.5
    assert total.p == pytest.approx(0.75) and total.edit_types == {"lexical": 1.0} and total.fluency is None


def test_diversity_tells_one_word_from_many():
    """A search that always says "boring" teaches a student one word."""
    same = [words_put_in("a good film", "a boring film")] * 3
    other = [words_put_in("a good film", f"a {w} film") for w in ("boring", "dull", "awful")]
    assert diversity(same) == 0.0 and diversity(other) == 1.0 and diversity(same[:1]) is None


def test_empty_sets_have_no_numbers():
    total = set_quality([])
    assert total.n == 0 and total.edit_fraction is None and total.flip_rate == 0.0


def test_the_funnel_counts_every_text_and_names_every_loss():
    good = Quality(True, 0.7, 0.1, 1, 0.9, None, 1.0, "lexical", False, False)
    long = Quality(True, 0.7, 0.9, 1, 0.9, None, 1.0, "other", False, False)
    flat = Quality(False, 0.2, 0.1, 1, 0.9, None, 1.0, "lexical", False, False)
    decisions = {"a": Decision("c", "a", "accepted", "me"), "b": Decision("c", "b", "rejected", "me", ("not_fluent",))}
    stages = funnel(
        list("abcdefg"),
        set("abcdef"),
        {"a": good, "b": good, "c": good, "d": long, "e": flat, "f": None},
        decisions,
        Thresholds(),
        {"f": "no answer came"},
    )
    assert [(s.name, s.n) for s in stages] == [("tried", 6), ("proposed", 5), ("flipped", 4), ("small enough", 3), ("accepted", 1)]
    assert stages[0].lost == {"no answer came": 1} and stages[2].lost == {"changes too much": 1}
    assert stages[3].lost == {"rejected: not fluent": 1, "not decided yet": 1}
    for here, following in zip(stages, stages[1:]):
        assert here.n - sum(here.lost.values()) == following.n
