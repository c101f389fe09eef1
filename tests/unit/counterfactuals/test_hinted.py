"""A curator's words in every place of a text, on a teacher that counts words."""

import numpy as np
import pytest

from cod_core.counterfactuals.hinted import kept_spans, phrases_of, tries, with_words
from cod_core.types import Example

LABELS = ("negative", "positive")


def score(texts):
    """Positive as soon as the text says 'fine'."""
    return np.log([[0.1, 0.9] if "fine" in t.lower() else [0.9, 0.1] for t in texts])


def test_hint_is_read_as_phrases():
    assert phrases_of("fine, far too long;; fine\nshort") == ["fine", "far too long", "short"]
    assert phrases_of(" , ") == []


def test_only_texts_that_reach_the_target_come_back_with_the_word_where_it_fits():
    found = with_words(Example("e", "Dull film."), "negative", "positive", ["fine", "bad"], (), score, LABELS, n=9)
    assert found and all("fine" in cf.text.lower() for cf in found)
    assert found[0].note.startswith("replaced") and "Fine film." in [cf.text for cf in found]


@pytest.mark.parametrize("text", ["A dull and very long film.", "Der Film ist sehr langweilig.", "这部电影很无聊。"])
def test_phrases_that_must_stay_are_never_touched(text):
    """'Keep this phrase' that is broken once is not trusted again."""
    keep = text[2:6]
    made = tries(text, ["fine"], [keep])
    assert made and all(keep in one for one, _ in made)
    assert not any(one == text for one, _ in made)


def test_every_occurrence_is_kept():
    assert kept_spans("so so so", ["so"]) == [(0, 2), (3, 5), (6, 8)] and kept_spans("a", [""]) == []


def test_long_texts_stay_within_the_budget():
    assert len(tries("word " * 5000, ["fine", "good"])) <= 600


def test_a_word_put_in_stands_as_its_script_is_written():
    added = {made for made, note in tries("我喜欢它。", ["不"]) if note.startswith("added")}
    assert added == {"不我喜欢它。", "我不喜欢它。", "我喜不欢它。", "我喜欢不它。", "我喜欢它不。"}
    assert "Dull film indeed." in {made for made, _ in tries("Dull film.", ["indeed"])}
