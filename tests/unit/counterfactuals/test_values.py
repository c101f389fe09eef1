"""Numbers, codes and links as edits: which shapes may change is decided by the labelled texts."""

import numpy as np
import pytest

from cod_core.counterfactuals.moves import render
from cod_core.counterfactuals.search import SearchGenerator, context_of
from cod_core.counterfactuals.trial import Judge, SearchSettings
from cod_core.counterfactuals.values import Values
from cod_core.types import Example

LABELS = ("ham", "spam")
HAM = [f"See you at the station, {name} says hi." for name in "Ann Bob Cid Dan Eve Fay Gus Hal Ina Jon".split()]
SPAM = [
    f"You have won a prize. Call 09{n}61701 now. Quote {code}."
    for n, code in zip(range(100, 110), "AB1 CD2 EF3 GH4 IJ5 KL6 MN7 OP8 QR9 ST0".split())
]


@pytest.fixture(scope="module")
def values():
    return Values([*HAM, *SPAM], ["ham"] * 10 + ["spam"] * 10, LABELS)


def made(values, text, source, target, n=4):
    context = context_of(text, source, target)
    return {(m.kind, render(text, context.spans, [m], context.english)) for m in values.moves(context, n)}


def test_a_clause_with_a_number_of_the_target_is_put_in_whole(values):
    found = made(values, "See you at the station tonight.", "ham", "spam")
    assert ("insert", "See you at the station tonight. Call 0910061701 now.") in found
    assert ("insert", "Quote AB1. See you at the station tonight.") in found
    assert all(kind == "insert" for kind, _ in found)


def test_a_number_goes_with_its_clause_where_the_other_class_has_none(values):
    found = made(values, "You have won a prize. Call 0910061701 now.", "spam", "ham")
    assert ("delete", "You have won a prize.") in found


def test_a_value_takes_the_place_of_one_beside_the_same_words():
    """Fever or not lies in the number: 39.8 beside "Temp" becomes a number that stood beside "Temp", not a dose."""
    ill = [f"Temp {38.5 + i / 10:.1f} today, gave 500 mg." for i in range(10)]
    well = [f"Temp {36.2 + i / 10:.1f} today, gave 100 mg." for i in range(10)]
    found = made(Values([*ill, *well], ["ill"] * 10 + ["well"] * 10, ("ill", "well")), "Temp 39.8 today.", "ill", "well", n=3)
    assert {text for kind, text in found if kind == "replace"} <= {f"Temp {36.2 + i / 10:.1f} today." for i in range(10)} and found


def test_numbers_that_say_nothing_of_the_class_stay():
    """A film's length has nothing to do with whether it is liked; to change it fools the teacher at best."""
    good, bad = ([f"A {w} film of {90 + i} minutes." for i in range(10)] for w in ("fine", "dull"))
    both = Values([*good, *bad], ["good"] * 10 + ["bad"] * 10, ("good", "bad"))
    assert not made(both, "A fine film of 95 minutes.", "good", "bad")


def test_the_search_flips_by_them_and_names_the_source(values):
    def score(texts):
        logits = np.array([[0.0, 3.0 if "Call 09" in text else -3.0] for text in texts])
        return logits - np.log(np.exp(logits).sum(1, keepdims=True))

    search = SearchGenerator(Judge(score), LABELS, [values], SearchSettings(max_fraction=0.6))
    found = search.propose(Example("e", "See you at the station &lt;#&gt; tonight."), "ham", "spam", 2)
    assert "Call 09" in found[0].text and "&lt;#&gt;" in found[0].text and "numbers, codes and links" in found[0].origin.name
    back = search.propose(Example("f", "You have won a prize. Call 0910061701 now."), "spam", "ham", 2)
    assert back and "Call" not in back[0].text
