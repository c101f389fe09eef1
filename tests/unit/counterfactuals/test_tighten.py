"""Tightening, with teachers that are sums over words: the answers can be worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cod_core.counterfactuals.tighten import tighten
from cod_core.errors import BadInput
from cod_core.text import apply_edits, diff, edit_fraction


def teacher(weights, bias=0.5):
    """Log-probabilities of (negative, positive); words pull by their weight."""

    def score(texts):
        totals = np.array([sum(weights.get(w, 0.0) for w in t.split()) + bias for t in texts])
        logits = np.stack([-totals / 2, totals / 2], axis=1)
        return logits - np.log(np.exp(logits).sum(1, keepdims=True))

    return score


def test_edits_that_the_flip_does_not_need_are_reverted():
    original, edited = "a good old story with good music and light", "a bad old tale with poor music and shade"
    score = teacher({"good": 1.0, "bad": -3.0, "poor": -0.5})
    found = tighten(original, edited, 0, score)
    assert found.text == "a bad old story with good music and light"
    assert (found.kept, found.spans) == (1, 4) and found.fraction < found.fraction_before


def test_the_bracket_is_one_edit_wide():
    """Between its two texts the teacher changes its mind: the nearest known point to the boundary."""
    score = teacher({"good": 1.0, "bad": -1.0})
    found = tighten("good x good y good", "bad x bad y bad", 0, score)
    assert score([found.last_flip])[0].argmax() == 0 and score([found.first_not])[0].argmax() == 1
    assert len(diff(found.last_flip, found.first_not)) == 1


def test_a_smaller_subset_is_found_where_greed_stops_too_early():
    """Greedy reverting can end at two edits where another single one is enough."""
    original = "p a q b r c"
    score = teacher({"A1": -1.5, "B1": -1.5, "C1": -2.9, "a": 1.0, "b": 1.0, "c": 1.0}, bias=-0.4)
    found = tighten(original, "p A1 q B1 r C1 C2", 0, score)
    assert score([found.text])[0].argmax() == 0
    assert edit_fraction(original, found.text) <= 2 / 6


def test_a_chosen_confidence_is_met_where_a_subset_has_it():
    weights = {"good": 1.0, "bad": -1.0, "awful": -3.0}
    original, edited = "good x good y good z good", "bad x awful y bad z bad"
    found = tighten(original, edited, 0, teacher(weights, 0.9), band=(0.5, 0.8))
    assert found.in_band and 0.5 <= found.p <= 0.8
    assert tighten(original, edited, 0, teacher(weights, 0.9)).in_band is None


def test_texts_that_cannot_be_tightened_are_refused_in_words():
    score = teacher({"bad": -3.0})
    with pytest.raises(BadInput, match="does not change"):
        tighten("a good film", "a fine film", 0, score)
    with pytest.raises(BadInput, match="same words"):
        tighten("a good film", "a good  film", 0, score)


def test_never_more_than_the_budget_is_asked():
    seen = []
    score = teacher({f"b{i}": -0.2 for i in range(30)}, bias=2.0)
    tighten(
        " ".join(f"a{i} x" for i in range(30)),
        " ".join(f"b{i} x" for i in range(30)),
        0,
        lambda texts: (seen.extend(texts), score(texts))[1],
        budget=50,
    )
    assert len(seen) <= 50


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-3, 3).map(lambda v: round(v, 2)), min_size=1, max_size=9), st.floats(-3, 3))
def test_the_result_flips_and_is_one_minimal(weights, bias):
    """The promise of the module: what is offered flips, and no single edit of it can be taken back."""
    original = " ".join(f"a{i} x" for i in range(len(weights)))
    edited = " ".join(f"b{i} x" for i in range(len(weights)))
    score = teacher({f"b{i}": w for i, w in enumerate(weights)}, bias)
    if score([edited])[0].argmax() == 1 or score([edited])[0][0] == score([edited])[0][1]:
        return
    found = tighten(original, edited, 0, score)
    assert score([found.text])[0].argmax() == 0
    left = diff(original, found.text)
    for i in range(len(left)):
        fewer = apply_edits(original, found.text, left, set(range(len(left))) - {i})
        assert fewer == original or score([fewer])[0][0] <= score([fewer])[0][1]
