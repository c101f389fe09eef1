"""Verdicts: what counts as a flip, and the order in which proposals are offered."""

import math
from dataclasses import replace

from cod_core.counterfactuals.verify import first_offer, target_of, verify
from cod_core.types import Counterfactual, Origin, Prediction


class Teacher:
    """Handed its answers: text -> probability of 'b'."""

    id, revision, labels = "fake", "1", ("a", "b")

    def __init__(self, answers):
        self.answers = answers

    def predict(self, texts):
        return [Prediction(self.labels, (math.log(1 - self.answers[t]), math.log(self.answers[t]))) for t in texts]

    def chars_read(self, text):
        return 10


def cf(text, target="b", note=""):
    return Counterfactual(text, "e", text, "a", target, Origin("human", "x"), note=note)


def test_a_flip_to_the_target_is_valid_and_measured_on_the_exact_text():
    found = verify([("one two three", cf("one two four"))], Teacher({"one two three": 0.1, "one two four": 0.8}))[0]
    assert found.flipped and found.reached_target and found.valid
    assert (found.token_edits, found.char_edits, round(found.edit_fraction, 3)) == (1, 5, 0.333)
    assert found.truncated  # only 10 characters are read


def test_no_flip_is_never_valid():
    """A text that stays in its class must not be trained on as a counterfactual."""
    assert not verify([("x", cf("y"))], Teacher({"x": 0.1, "y": 0.4}))[0].valid


def test_a_text_that_was_in_the_target_class_already_does_not_flip():
    assert not verify([("x", cf("y"))], Teacher({"x": 0.9, "y": 0.95}))[0].valid


def test_the_likeliest_other_class_is_the_target():
    assert target_of(Prediction(("a", "b", "c"), (math.log(0.6), math.log(0.1), math.log(0.3)))) == "c"


def test_offers_flips_first_then_fewest_edits_then_the_clearest():
    teacher = Teacher({"u v w": 0.1, "u v x": 0.7, "u v y": 0.9, "u z y": 0.99, "u v q": 0.3, "u v": 0.95})
    texts = ["u v q", "u z y", "u v x", "u v y"]
    proposals = [cf(t) for t in texts] + [cf("u v", note="deleted “w”")]
    checks = {c.counterfactual_id: c for c in verify([("u v w", p) for p in proposals], teacher)}
    assert [p.text for p in first_offer(proposals, checks)] == ["u v y", "u v x", "u v", "u z y", "u v q"]


def test_only_texts_that_lost_words_and_nothing_else_come_last_among_equals():
    """A note begins with the first edit of the text; one that also replaced a word is no fragment."""
    teacher = Teacher({"u v w x": 0.1, "a": 0.9, "b": 0.8, "c": 0.99, "d": 0.98})
    notes = {
        "a": "deleted “u”; replaced “w” with “good” (9 texts scored)",
        "b": "4 replaced, 1 left out (9 texts scored)",
        "c": "deleted “u”; deleted “v” (9 texts scored)",
        "d": "4 left out (9 texts scored)",
    }
    proposals = [cf(t, note=note) for t, note in notes.items()]
    checks = {c.counterfactual_id: replace(c, token_edits=4) for c in verify([("u v w x", p) for p in proposals], teacher)}
    assert [p.text for p in first_offer(proposals, checks)] == ["a", "b", "c", "d"]
