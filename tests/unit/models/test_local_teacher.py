"""A local language model as teacher: exact label probabilities, all tokens of a label counted."""

import math

import numpy as np
import pytest

from cod_core.errors import BadInput
from cod_core.models.local_llm import LocalLLM
from cod_core.models.local_teacher import LocalTeacher
from cod_core.types import Classifier, Task
from tests.tiny_llm import tiny_llm

TEXTS = ["the film is good .", "the plot is bad ."]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return LocalLLM(str(tiny_llm(tmp_path_factory.mktemp("tiny"))))


@pytest.mark.parametrize("labels", [("good", "bad"), ("a good film", "bad"), ("good film", "good plot")])
def test_probabilities_are_those_of_whole_label_words(tiny, labels):
    """Labels that share their first word would get the same probability from the first token."""
    teacher = LocalTeacher(tiny, Task("film", labels))
    for text, reading in zip(TEXTS, teacher.read(TEXTS)):
        rows = tiny.continuation_nll([(teacher.prompt(text), f" {label}") for label in labels])
        shares = np.exp([-row.sum() for row in rows])
        assert reading.prediction.probs == pytest.approx(shares / shares.sum(), rel=1e-3)
        assert reading.covered == pytest.approx(shares.sum(), rel=1e-3) and 0 < reading.covered < 1


def test_a_text_is_judged_alike_in_any_batch(tiny):
    teacher = LocalTeacher(tiny, Task("film", ("good", "bad")))
    long = "one two three four five six seven the film is bad ."
    together, alone = teacher.predict([TEXTS[0], long])[0], teacher.predict([TEXTS[0]])[0]
    assert together.logprobs == pytest.approx(alone.logprobs, rel=1e-4) and isinstance(teacher, Classifier)


@pytest.mark.parametrize("labels", [("good", "bad"), ("a good film", "bad")])
def test_a_text_that_does_not_fit_is_refused(tiny, labels):
    """Cut before its label words, it was a tie of which all was said to be covered."""
    with pytest.raises(BadInput, match="reads 512"):
        LocalTeacher(tiny, Task("film", labels)).read(["good film " * 300])


def test_calibration_divides_by_what_no_text_gives(tiny):
    raw = LocalTeacher(tiny, Task("film", ("good", "bad")))
    fair = LocalTeacher(tiny, Task("film", ("good", "bad")), calibrate=True)
    p, q = raw.predict(TEXTS[:1])[0], fair.predict(TEXTS[:1])[0]
    odds = (p.logprobs[0] - p.logprobs[1]) - math.log(fair.prior[0] / fair.prior[1])
    assert q.logprobs[0] - q.logprobs[1] == pytest.approx(odds, rel=1e-4)
    assert raw.revision != fair.revision and sum(fair.prior) == pytest.approx(1)
