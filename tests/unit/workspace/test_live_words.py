"""The reasons that the strip gives for the next text, and the tables of answers: plain functions."""

import math

import numpy as np
import pytest

from cod_core.project.curation.pairs import traits
from cod_core.project.results.influence import agreement_of
from cod_core.project.results.live import why_next
from cod_core.project.results.maps import confusion_shares
from cod_core.types import FlipCheck, Prediction

LABELS = ("bad", "good")


def check(p: float) -> FlipCheck:
    """p: probability of the target, good, after the edit."""
    before, after = (Prediction(LABELS, (math.log(1 - q), math.log(q))) for q in (0.1, p))
    return FlipCheck("c", "t", "r", before, after, "good", 1, 0.1, 1, None, False, "")


def test_a_reason_is_given_only_where_it_is_true():
    """A strip that always says "thin class" would be read once."""
    rank = np.array([1.0, 2.0, 3.0, 4.0])
    assert why_next(4.0, rank, check(0.95), {"bad": 5, "good": 5}, 10) == ["it is unlike the counterfactuals you have kept so far"]
    assert "its flip is a close call" in why_next(1.0, rank, check(0.6), {"bad": 5, "good": 5}, 10)
    thin = why_next(1.0, rank, check(0.95), {"bad": 8, "good": 2}, 10)
    assert thin == ["only 2 of your 10 counterfactuals lead to “good”"]
    assert why_next(1.0, rank, check(0.95), {"bad": 9, "good": 1}, 10) == ["only 1 of your 10 counterfactuals leads to “good”"]
    assert why_next(1.0, rank, check(0.95), {"bad": 4, "good": 0}, 4) == ["none of your 4 counterfactuals leads to “good”"]
    assert "your one counterfactual does not lead to “good”" in why_next(1.0, rank, check(0.95), {"bad": 1, "good": 0}, 1)
    assert not any("only" in r for r in why_next(1.0, rank, check(0.95), {"bad": 103, "good": 97}, 200))
    assert why_next(1.0, rank, check(0.95), {"bad": 0, "good": 0}, 0) == ["it adds most of what is new"]


def test_confusion_is_a_share_of_each_true_class_over_the_draws():
    found = confusion_shares(np.array([0, 0, 1]), np.array([[0, 1, 1], [0, 0, 0]]), 3)
    assert found.tolist() == [[0.75, 0.25, 0], [0.5, 0.5, 0], [0, 0, 0]]


def test_the_check_of_the_estimates_is_relative_to_the_largest_effect():
    found = agreement_of([1.0, -0.5, 0.2], [1.1, -0.4, 0.25])
    assert found.n == 3 and found.spearman == pytest.approx(1) and found.error == pytest.approx(0.1 / 1.1)


def test_traits_name_source_prompt_and_annotator():
    from cod_core.types import Counterfactual, Origin

    cf = Counterfactual("c", "e", "t", "bad", "good", Origin("llm", "model-x", prompt_id="close", prompt_version="1"))
    assert traits(cf, "ann") == {"source": "llm: model-x", "prompt": "close 1", "annotator": "ann"}
