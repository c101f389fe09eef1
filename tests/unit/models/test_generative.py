"""Generator and attribute as one teacher: what is judged is the answer, and each prompt is answered once."""

import math

import numpy as np
import pytest

from cod_core.counterfactuals.moves import Move
from cod_core.models.generative import GenerativeTeacher, answer_key, answer_shift, kept_answers, local_answers
from cod_core.models.local_llm import LocalLLM
from cod_core.types import Classifier, Prediction
from tests.tiny_llm import tiny_llm

LABELS = ("calm", "angry")


class Mood:
    """Angry in proportion to exclamation marks."""

    id, revision, labels = "mood", "1", LABELS

    def predict(self, texts):
        share = [min(0.95, 0.05 + 0.3 * t.count("!")) for t in texts]
        return [Prediction(LABELS, (math.log(1 - p), math.log(p))) for p in share]

    def chars_read(self, text):
        return len(text)


def echo(calls):
    def answer(prompts, sample):
        calls.extend(prompts)
        return [("no! no! no!" if "refuse" in p else "yes") + "!" * sample for p in prompts]

    return answer


def test_the_attribute_of_the_answer_is_the_class_of_the_prompt():
    calls = []
    teacher = GenerativeTeacher(echo(calls), Mood(), "echo", "1")
    found = teacher.predict(["Please help.", "Please refuse.", "Please help."])
    assert [p.label for p in found] == ["calm", "angry", "calm"] and isinstance(teacher, Classifier)
    teacher.predict(["Please refuse."])
    assert calls == ["Please help.", "Please refuse."], "a prompt is answered once"


def test_samples_are_averaged_and_belong_to_the_revision():
    one, two = (GenerativeTeacher(echo([]), Mood(), "echo", "1", samples=n) for n in (1, 2))
    assert two.predict(["x"])[0].prob("angry") == pytest.approx((0.05 + 0.35) / 2)
    assert one.revision != two.revision and two.predict([]) == []
    with pytest.raises(ValueError, match="at least 1"):
        GenerativeTeacher(echo([]), Mood(), "echo", "1", samples=0)


def test_the_search_finds_a_small_edit_of_the_prompt_that_flips_the_answer():
    from cod_core.counterfactuals.search import SearchGenerator
    from cod_core.counterfactuals.trial import Judge
    from cod_core.types import Example

    class Words:
        name, dear = "listed words", False

        def moves(self, context, n):
            return [Move(p, p + 1, new, "replace", self.name) for p in context.places for new in ("refuse", "accept")]

    teacher = GenerativeTeacher(echo([]), Mood(), "echo", "1")
    search = SearchGenerator(Judge(teacher.logprobs), LABELS, [Words()])
    found = search.propose(Example("p", "Kindly help the customer."), "calm", "angry", 2)
    assert found and all("refuse" in cf.text for cf in found)
    assert teacher.predict([found[0].text])[0].label == "angry"


def test_a_local_model_answers_and_its_shift_is_zero_for_the_same_prompt(tmp_path):
    llm = LocalLLM(str(tiny_llm(tmp_path)))
    said = local_answers(llm, max_tokens=5)(["the film is", "a good plot"], 0)
    assert all(said) and said == local_answers(llm, max_tokens=5, batch=1)(["the film is", "a good plot"], 0)
    shift = answer_shift(llm, "the film is", ["the film is", "a bad plot"], said[0])
    assert shift[0] == pytest.approx(0, abs=1e-5) and shift[1] > 0.01
    assert np.isnan(answer_shift(llm, "the film is", ["x"], " ")[0])


def test_an_answer_without_a_word_has_no_attribute():
    """The judge would give the empty text a class, and every edit that silences the model would be a flip."""
    teacher = GenerativeTeacher(
        lambda prompts, s: [" " if s or "mute" in p else "no! no! no!" for p in prompts], Mood(), "m", "1", samples=2
    )
    mute, heard = teacher.read(["mute", "speak"])
    assert not mute.prediction.decided and mute.covered == 0.0
    assert heard.prediction.prob("angry") == pytest.approx(0.95) and heard.covered == 0.5, "of the answer that was given"


def test_answers_are_kept_batch_by_batch_under_how_they_were_asked():
    calls, store, took = [], {}, []

    def put(new, seconds):
        store.update(new)
        took.append((len(new), seconds))

    kept = kept_answers(
        echo(calls), lambda p, s: answer_key("r", p, s, 8, 0.0), lambda keys: {k: store[k] for k in keys if k in store}, put, batch=2
    )
    assert kept(["a", "bb", "a", "ccc"], 0) == ["yes"] * 4 and calls == ["a", "bb", "ccc"]
    assert [n for n, _ in took] == [2, 1] and all(seconds >= 0 for _, seconds in took)
    assert kept(["ccc", "dddd"], 0) and calls[-1] == "dddd" and len(calls) == 4
    assert kept(["a"], 1) == ["yes!"], "another sample is another answer"
    keys = {
        answer_key(*how)
        for how in (
            ("r", "a", 0, 8, 0.0),
            ("q", "a", 0, 8, 0.0),
            ("r", "a", 0, 9, 0.0),
            ("r", "a", 0, 8, 0.7),
            ("r", "a", 1, 8, 0.0),
            ("r", "b", 0, 8, 0.0),
        )
    }
    assert len(keys) == 6 and answer_key("r", "a", 0, 8, 0) in keys


def test_a_model_made_for_conversation_is_asked_through_its_template(tmp_path):
    """Asked to go on from the prompt it would finish the person's sentence instead of answering it."""
    llm = LocalLLM(str(tiny_llm(tmp_path, chat_template="{% for m in messages %}one {{ m.content }} two {% endfor %}")))
    asked, whole = [], llm.complete
    llm.complete = lambda prompts, seeds, tokens, heat, stop: asked.append((prompts, stop)) or whole(prompts, seeds, tokens, heat, stop)
    assert local_answers(llm, 4)(["the film is"], 0) and asked == [(["one the film is two "], ())]
    assert answer_shift(llm, "the film is", ["the film is"], "good plot")[0] == pytest.approx(0, abs=1e-5)
