"""Judges of proposals: each of them can refuse, none is asked in vain, and the trial of sources counts in plain numbers."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from cod_core.counterfactuals.competing import TRIAL, Tally, chosen
from cod_core.counterfactuals.grading import Draft, Grade, Judges, Limits, without_new
from cod_core.counterfactuals.independent import OwnTexts

LABELS = ("bad", "good")


def embed(texts):
    """Unit rows: how often a text says bad and good."""
    rows = np.array([[1e-3 + t.split().count("bad"), 1e-3 + t.split().count("good"), 0.5] for t in texts])
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def score(texts):
    counts = np.array([[t.split().count(x) for x in LABELS] for t in texts], dtype=float) * 4
    return counts - np.log(np.exp(counts).sum(1, keepdims=True))


@dataclass
class Read:
    text: str
    closing: float = 0.0

    @property
    def mean(self):
        return 3.0 if "xx" in self.text else 1.0

    @property
    def whole(self):
        return self.mean * len(self.text.split())

    def between(self, start, end):
        return 0.0


class Reader:
    def __init__(self):
        self.seen = []

    def read(self, text):
        return Read(text)

    def changed(self, original, texts):
        self.seen += texts
        return [Read(t) for t in texts]


OWN = OwnTexts(embed(["a bad film", "a bad plot", "bad bad", "a good film", "a good plot", "good good"]), np.array([0, 0, 0, 1, 1, 1]), 2)


def judges(reader=None):
    return Judges(score, embed, OWN, LABELS, reader)


def test_what_all_judges_accept_comes_first_and_the_unreadable_is_refused():
    reader = Reader()
    graded = judges(reader).grade(
        "a bad film", "bad", [Draft("a xx good film", "good"), Draft("a good film", "good"), Draft("a film", "good")]
    )
    assert [g.draft.text for g in graded if g.acceptable(Limits())] == ["a good film"]
    assert "a film" not in reader.seen, "what does not flip is not read"


def test_a_text_that_is_much_less_likely_as_a_whole_is_refused():
    """The mean of a longer text hid a joint that nobody would write: "what do my credit card's apr is"."""
    kept = Grade(Draft("a good film", "good"), 0.9, 0.9, True, 0.3, excess=0.1, whole=1.9)
    assert kept.acceptable(Limits()) and not replace(kept, whole=2.1).acceptable(Limits())
    assert replace(kept, whole=2.1, draft=replace(kept.draft, own=True)).acceptable(Limits()), "whole sentences that the person wrote"


def test_a_text_that_still_says_its_old_class_is_refused():
    """The teacher flips at "bad but good good", and a person does not."""
    graded = judges(Reader()).grade("this was bad film", "bad", [Draft("this was bad film good good", "good")])
    assert graded and not any(g.acceptable(Limits()) for g in graded)


def test_without_a_reader_only_short_changes_that_surely_fit_are_accepted():
    short = judges().grade("one two three a bad film", "bad", [Draft("one two three a good film", "good", 1.0)])
    long = judges().grade("one two a bad film", "bad", [Draft("good day in good town", "good", 1.0)])
    assert [g.acceptable(Limits()) for g in short] == [True] and not any(g.acceptable(Limits()) for g in long)


def test_the_original_is_no_neighbour_of_its_change():
    """A training text that stays the nearest of all would refuse every small change of itself."""
    own = OwnTexts(embed(["bad", "bad film", "good", "good film"]), np.array([0, 0, 1, 1]), 2)
    phi = embed(["bad good"])
    assert own(phi, embed(["bad"])[0]).near[0, 0] < own(phi).near[0, 0] + 1e-9
    assert own(phi).line.sum() == pytest.approx(1)


def test_what_is_left_without_the_new_words():
    assert without_new("my card was stolen", "my card was declined today") == "my card was"


def test_sources_compete_on_the_first_texts_and_the_better_one_is_chosen():
    tally = {"words": Tally(), "splices": Tally()}
    for n in range(TRIAL):
        assert chosen(tally) is None
        tally = {"words": tally["words"].plus(0.1 if n < 2 else None, 1.0), "splices": tally["splices"].plus(0.4, 3.0)}
    assert chosen(tally) == "splices" and tally["words"].offered == 2
    same = {source: Tally(TRIAL, 4, 0.8, 8.0) for source in tally}
    assert chosen(same) == "words"


def test_a_source_with_one_large_good_change_beats_one_with_none():
    """The mean size of the few changes was taken from the share of all texts: one offer of half the words lost to nothing at all."""
    assert chosen({"words": Tally(TRIAL, 0, 0.0, 4.0), "splices": Tally(TRIAL, 1, 0.54, 12.0)}) == "splices"
