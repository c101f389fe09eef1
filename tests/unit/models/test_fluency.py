"""Fluency: a ratio above 1 must mean that the change reads worse, and a missing judge must not look like a good one."""

import math

import numpy as np
import pytest

from cod_core.counterfactuals.sources import Fluency
from cod_core.models.fluency import LMFluency, WordPairFluency, ratio

TEXTS = ["the film is good .", "the plot is bad .", "the film is bad .", "a good plot ."]


def test_word_order_counts():
    judge = WordPairFluency(TEXTS)
    good, shuffled, unknown = judge(["the film is good .", "good is film the .", "the film is zebra ."])
    assert good < unknown < shuffled or good < shuffled
    assert isinstance(judge, Fluency) and "no language model" in judge.name


def test_probabilities_after_any_word_sum_to_one():
    """A judge whose numbers are no probabilities would favour whatever its error favours."""
    judge = WordPairFluency(TEXTS)
    words = {w for t in TEXTS for w in t.split()} | {"never seen"}
    for before in ("\x02", "the", "film", "never seen"):
        assert sum(math.exp(judge.logprob(before, w)) for w in words) == pytest.approx(1)


def test_a_text_without_words_is_not_measured():
    assert np.isnan(WordPairFluency(TEXTS)([""])[0])
    with pytest.raises(ValueError, match="without words"):
        WordPairFluency(["", " "])


@pytest.mark.parametrize(
    "before, after, expected", [(2.0, 3.0, 1.5), (None, 3.0, None), (2.0, None, None), (float("nan"), 1.0, None), (0.0, 1.0, None)]
)
def test_ratio_is_none_where_nothing_was_measured(before, after, expected):
    """A silent 1.0 would say 'reads as well as the original'."""
    assert ratio(before, after) == expected


def test_the_language_model_loads_on_the_first_text_only():
    loads = []

    class Model:
        def nll(self, texts):
            return np.array([float(len(t)) for t in texts])

    judge = LMFluency("tiny", lambda: loads.append(1) or Model())
    assert "tiny" in judge.name and not loads
    assert judge(["abc"])[0] == 3 and loads == [1]
