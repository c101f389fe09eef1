"""Filters of a table: every field of a Filter has its condition, and conditions that are not set ask nothing."""

from dataclasses import fields, replace
from types import SimpleNamespace

import pytest

from cod_core.curation import filters
from cod_core.curation.filters import CONDITIONS, Filter, arranged, conditions, matches
from cod_core.types import Counterfactual, Decision, Example, FlipCheck, Origin, Prediction

LABELS = ("good", "bad")
CHECK = FlipCheck("c1", "t", "r", Prediction(LABELS, (-0.1, -2.4)), Prediction(LABELS, (-2.4, -0.1)), "bad", 1, 0.1, 1, None, False, "")
REJECTED = Decision("c1", "e1", "rejected", "ann", ("duplicate",), guideline_version=1, seq=7)


def card(**changes):
    usual = dict(
        example=Example("e1", "A Warm film", "good"),
        offered=Counterfactual("c1", "e1", "A cold film", "good", "bad", Origin("search", "s")),
        check=CHECK,
        decision=REJECTED,
        stale=False,
        disagrees=False,
        second="",
    )
    return SimpleNamespace(**{**usual, **changes})


def test_every_field_of_a_filter_has_a_condition():
    """A field without one would be shown on the screen and filter nothing."""
    assert set(CONDITIONS) == {f.name for f in fields(Filter)}


@pytest.mark.parametrize(
    "passes, fails",
    [
        (Filter(status=("rejected",)), Filter(status=("pending", "accepted"))),
        (Filter(label="good"), Filter(label="bad")),
        (Filter(target="bad"), Filter(target="good")),
        (Filter(source="search"), Filter(source="llm")),
        (Filter(reason="duplicate"), Filter(reason="not_fluent")),
        (Filter(annotator="ann"), Filter(annotator="bob")),
        (Filter(flips=True), Filter(flips=False)),
        (Filter(), Filter(disagrees=True)),
        (Filter(), Filter(second="open")),
        (Filter(before_guideline=2), Filter(before_guideline=1)),
        (Filter(text=" WARM "), Filter(text="lukewarm")),
        (Filter(text="cold"), Filter(text="colder")),
    ],
)
def test_each_condition_alone(passes, fails):
    assert matches(card(), passes) and not matches(card(), fails)


def test_a_card_that_nobody_decided_has_no_reason_and_no_annotator():
    undecided = card(decision=None)
    assert matches(undecided, Filter(status=("pending",)))
    assert not any(matches(undecided, f) for f in (Filter(reason="duplicate"), Filter(annotator="ann"), Filter(before_guideline=9)))


def test_a_stale_verdict_is_no_flip():
    assert matches(card(stale=True), Filter(flips=False)) and matches(card(check=None), Filter(flips=False))


def test_an_empty_filter_asks_nothing_and_keeps_every_card():
    cards = [card(), card(decision=None)]
    assert conditions(Filter()) == [] and arranged(cards, Filter(text="  ")) == cards


@pytest.mark.parametrize("order, first", [("newest", 1), ("status", 2), ("label", 0), ("length", 2)])
def test_orders(order, first):
    cards = [
        card(example=Example("a", "long enough text", "bad")),
        card(decision=replace(REJECTED, seq=9), example=Example("b", "a middling text", "good")),
        card(decision=None, example=Example("c", "short", "worse")),
    ]
    assert arranged(cards, Filter(), order)[0] is cards[first]
    assert arranged(cards, Filter(), order, downwards=True)[-1] is cards[first]
    assert set(filters.ORDERS) >= {order}
