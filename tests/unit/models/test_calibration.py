"""Contextual calibration: what the prompt alone prefers is taken out, and nothing else."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.models.calibration import CONTENT_FREE, calibrated, content_free_prior
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.models.llm_teacher import LLMTeacher
from cod_core.types import Prediction, Task
from tests.fakes import Answer, FakeOpenAI

LABELS = ("no", "yes")
SHARES = st.floats(0.01, 0.99)


def prediction(p):
    return Prediction(LABELS, (math.log(1 - p), math.log(p)))


@given(SHARES, SHARES)
def test_a_text_that_says_no_more_than_no_text_is_undecided(p, q):
    assert calibrated(prediction(p), prediction(p).probs).probs == pytest.approx((0.5, 0.5))
    found = calibrated(prediction(q), prediction(p).probs)
    assert sum(found.probs) == pytest.approx(1) and (found.prob("yes") > 0.5) == (q > p) or q == pytest.approx(p)


@given(SHARES)
def test_an_even_prior_changes_nothing(p):
    assert calibrated(prediction(p), (0.5, 0.5)).probs == pytest.approx(prediction(p).probs)


def test_the_prior_is_the_mean_and_wrong_lengths_are_refused():
    assert content_free_prior([prediction(0.2), prediction(0.6)]) == pytest.approx((0.6, 0.4))
    with pytest.raises(ValueError, match="3 priors for 2"):
        calibrated(prediction(0.5), (0.3, 0.3, 0.4))
    with pytest.raises(ValueError, match="content-free"):
        content_free_prior([])


def test_a_biased_teacher_is_set_right_and_asked_for_the_prior_once():
    """A model that says yes to anything at 80 % must not be read as meaning it."""

    def answer(body):
        said = body["messages"][1]["content"]
        p = 0.9 if "lovely" in said else 0.7 if "broke" in said else 0.8
        return Answer("yes", logprobs=[{"yes": math.log(p), "no": math.log(1 - p)}])

    task = Task("Is it praise?", LABELS)
    with FakeOpenAI(answer) as server:
        client = LLMClient(LLMSettings(base_url=server.base_url, model="m"), "none")
        raw, fair = LLMTeacher(client, task, "logprobs"), LLMTeacher(client, task, "logprobs", calibrate=True)
        assert [p.label for p in raw.predict(["It broke.", "A lovely thing."])] == ["yes", "yes"]
        assert [p.label for p in fair.predict(["It broke.", "A lovely thing."])] == ["no", "yes"]
        fair.predict(["It broke again."])
        assert server.calls == 3 + len(CONTENT_FREE) and fair.calibrate
    assert raw.revision != fair.revision and fair.prior == pytest.approx((0.2, 0.8))
