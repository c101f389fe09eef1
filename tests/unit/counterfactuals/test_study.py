"""The prompt study: a prompt is judged with its failures, and none is recommended that flips nothing."""

import math

import pytest

from cod_core.counterfactuals.study import PromptResult, Tried, best, summarise
from cod_core.types import FlipCheck, Prediction


def check(flips: bool, edit: float, similarity: float | None = 0.9) -> FlipCheck:
    before, after = (Prediction(("a", "b"), (math.log(p), math.log(1 - p))) for p in (0.9, 0.1 if flips else 0.8))
    return FlipCheck("c", "t", "1", before, after, "b", 1, edit, 1, similarity, False, "")


def test_a_prompt_is_judged_with_its_failures():
    tried = [
        Tried([check(True, 0.1), check(False, 0.5)], {"empty": 1}, 10, 5, 0.01),
        Tried([check(True, 0.6)], {}, 10, 5, 0.01),
        Tried([check(False, 0.2)]),
        Tried((), answered=False),
    ]
    tried[2] = Tried([check(False, 0.2)], {"refusal": 1}, 10, 5, 0.01)
    found = summarise("base", "Base", tried)
    assert (found.texts, found.replies, found.unanswered) == (4, 6, 1)
    assert found.flipped == pytest.approx(2 / 4) and found.usable == pytest.approx(1 / 4)
    assert found.reply_flips == pytest.approx(2 / 6) and found.edit_fraction == pytest.approx(0.35)
    assert found.lost == {"empty": 1, "refusal": 1} and found.tokens_in == 30 and found.cost_usd == pytest.approx(0.03)


def test_a_price_that_is_not_known_is_not_zero():
    assert summarise("x", "X", [Tried([check(True, 0.1)], cost_usd=None)]).cost_usd is None
    assert summarise("x", "X", []).edit_fraction is None


def result(name, usable, flipped, edit=0.2, tokens=100):
    return PromptResult(name, name, 4, 4, flipped, usable, flipped, edit, 0.9, tokens, 0, None)


def test_small_flips_decide_then_flips_then_size_then_cost():
    assert best([result("many large", 0.2, 1.0), result("small", 0.5, 0.5)]).template == "small"
    assert best([result("a", 0.5, 0.6), result("b", 0.5, 0.7)]).template == "b"
    assert best([result("a", 0.5, 0.5, 0.3), result("b", 0.5, 0.5, 0.1)]).template == "b"
    assert best([result("a", 0.5, 0.5, tokens=200), result("b", 0.5, 0.5, tokens=50)]).template == "b"


def test_no_prompt_is_recommended_that_flips_nothing():
    assert best([result("a", 0.0, 0.0, None)]) is None and best([]) is None


def test_a_text_counts_by_its_offered_proposal_and_as_usable_by_any_small_one():
    """A large flip offered first had hidden whether a small one was among the others."""
    large_first = Tried([check(True, 0.6), check(True, 0.1)])
    assert large_first.flips and large_first.flips_by_a_small_edit
    assert not Tried([check(False, 0.1), check(True, 0.6)]).flips and not Tried(()).flips
    assert not Tried([check(True, 0.6), check(False, 0.1)]).flips_by_a_small_edit
