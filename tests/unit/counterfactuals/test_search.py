"""Teacher-guided search, with a teacher that is a word list and neighbours that are handed to it."""

import numpy as np
import pytest

from cod_core.counterfactuals import words
from cod_core.counterfactuals.search import SearchGenerator, SearchSettings, _Step, render
from cod_core.text import token_spans
from cod_core.types import Example

LABELS = ("negative", "positive")
WEIGHTS = {"good": 2.0, "great": 2.0, "fine": 1.0, "enjoyable": 2.0, "bad": -2.0, "awful": -2.5, "boring": -2.0,
           "dull": -1.0, "not": -3.0}


def score(texts):
    """Log-probabilities of a bag-of-words teacher."""
    totals = np.array([sum(WEIGHTS.get(w.strip(".,").lower(), 0.0) for w in t.split()) + 0.1 for t in texts])
    logits = np.stack([-totals, totals], axis=1)
    return logits - np.log(np.exp(logits).sum(1, keepdims=True))


class Neighbours:
    """Hands out the words it was given."""

    def __init__(self, table):
        self.table = table

    def nearest(self, word, n):
        return tuple(self.table.get(word.lower(), ()))[:n]


def generator(table, **settings):
    return SearchGenerator(score, LABELS, Neighbours(table), SearchSettings(**settings))


def test_offers_the_single_word_that_flips():
    found = generator({"great": ["awful", "fine"]}).propose(Example("e", "A great film."), "positive", "negative", 4)
    assert found[0].text == "An awful film."
    assert found[0].note == "replaced “great” with “awful”"


def test_every_proposal_flips_the_teacher():
    """An offered text that does not flip would teach the student a wrong label."""
    table = {"good": ["bad"], "enjoyable": ["boring", "dull"]}
    for text in ("A good and enjoyable film.", "Enjoyable.", "It is good."):
        for cf in generator(table).propose(Example("e", text), "positive", "negative", 4):
            assert score([cf.text])[0].argmax() == 0, cf.text


def test_adds_edits_up_where_one_is_not_enough():
    found = generator({"good": ["dull"], "great": ["dull"]}).propose(
        Example("e", "good great story"), "positive", "negative", 2)
    assert found and found[0].text == "dull dull story"


def test_returns_nothing_where_nothing_flips():
    assert generator({"good": ["fine"]}).propose(Example("e", "good good good fine"), "positive", "negative", 3) == []


def test_function_words_and_empty_texts_are_left_alone():
    assert generator({}).propose(Example("e", "the of and"), "positive", "negative", 3) == []
    assert generator({}).propose(Example("e", "..."), "positive", "negative", 3) == []


def test_takes_a_negation_out():
    found = generator({}).propose(Example("e", "This is not good."), "negative", "positive", 3)
    assert found[0].text == "This is good."


@pytest.mark.parametrize("text,position,new,expected", [
    ("An enjoyable film.", 1, "boring", "A boring film."),
    ("Enjoyable film.", 0, "", "Film."),
    ("a good film", 1, "", "a film"),
    ("so good, really", 1, "", "so, really"),
    ("a film.", 1, "opera", "an opera."),
])
def test_render_keeps_spaces_articles_and_capitals(text, position, new, expected):
    assert render(text, token_spans(text), (_Step(position, new, "replace" if new else "delete"),)) == expected


def test_word_forms_must_fit():
    """'falls back' must not become 'autumn back'."""
    assert not words.fits("falls", "autumn")
    assert words.fits("enjoyable", "boring")
    assert words.fits("Zwölf", "anything")


@pytest.mark.parametrize("word,model,expected", [("bad", "Good", "Bad"), ("bad", "GOOD", "BAD"), ("bad", "good", "bad"),
                                                 ("bad", "I", "Bad")])
def test_capitals_follow_the_word_replaced(word, model, expected):
    assert words.like(word, model) == expected


@pytest.mark.parametrize("article,word,expected", [("a", "apple", "an"), ("An", "boring", "A"), ("a", "user", "a"),
                                                   ("A", "honest", "An"), ("the", "apple", "the")])
def test_articles_agree(article, word, expected):
    assert words.article_for(article, word) == expected
