"""Candidate sources on vocabularies that are handed to them."""

import numpy as np
import pytest

from cod_core.counterfactuals.corpus import ClassWords, Plausibility, WordPairs, content_words
from cod_core.counterfactuals.languages import ENGLISH, GERMAN, language_of, usual_language
from cod_core.counterfactuals.neighbours import EmbeddingNeighbours
from cod_core.counterfactuals.search import context_of


class Encoder:
    """Words with vectors; a mark before whole words as sentence-piece vocabularies have it, or none."""

    def __init__(self, vectors, mark=""):
        import torch

        self._table = torch.nn.Embedding.from_pretrained(torch.tensor(list(vectors.values()), dtype=torch.float32))
        self._vocabulary = {mark + word: i for i, word in enumerate(vectors)}
        mark_ = mark

        class Tokenizer:
            def get_vocab(inner):
                return self._vocabulary

            def __call__(inner, text, add_special_tokens=False):
                return {"input_ids": [self._vocabulary[mark_ + w] for w in text.split() if mark_ + w in self._vocabulary]}

        self.tokenizer = Tokenizer()
        self.model = self

    def get_input_embeddings(self):
        return self._table


def test_neighbours_are_of_the_same_form_and_keep_capitals():
    near = EmbeddingNeighbours(Encoder({"good": [1, 0], "bad": [0.9, 0.1], "badly": [0.95, 0.05], "table": [0, 1]}))
    found = near.moves(context_of("Good food here", "positive", "negative"), 3)
    assert [m.new for m in found if m.start == 0] == ["Bad"]


def test_a_multilingual_vocabulary_serves_german():
    """English dictionaries know no German word: form checks would leave nothing."""
    near = EmbeddingNeighbours(Encoder({"gut": [1, 0], "schlecht": [0.9, 0.1], "tisch": [0, 1]}, mark="▁"))
    found = near.moves(context_of("Das Essen ist gut", "positive", "negative"), 1)
    assert [m.new for m in found if m.start == 3] == ["schlecht"]


def test_a_vocabulary_of_another_language_serves_with_the_words_of_the_texts():
    """German notes were offered English words: Kalium became potassium."""
    near = EmbeddingNeighbours(Encoder({"kalium": [1, 0], "potassium": [0.99, 0.01], "natrium": [0.8, 0.2], "fieber": [0, 1]}))
    note, own = "Das Kalium ist erhöht", frozenset({"kalium", "natrium", "fieber"})
    assert [m.new for m in near.moves(context_of(note, "a", "b"), 1) if m.start == 1] == ["Potassium"]
    found = near.moves(context_of(note, "a", "b", own_words=own), 2)
    assert [m.new for m in found if m.start == 1] == ["Natrium", "Fieber"]


def test_a_short_note_is_in_the_language_of_the_texts_around_it():
    notes = ["Der Patient ist wach und klagt nicht.", "Das Kind hat Fieber seit gestern.", "Sturz, Platzwunde Stirn"]
    assert usual_language(notes) is GERMAN and language_of(notes[2]) is ENGLISH
    assert context_of(notes[2], "a", "b", usual=usual_language(notes)).language is GERMAN
    assert usual_language(["The film is good.", "Great film"]) is None and usual_language(["Great film"]) is None


@pytest.fixture
def class_words():
    texts = ["a great story", "a great cast", "great fun and a lovely story", "a dull story", "a dull cast", "dull and a boring plot"]
    return ClassWords(texts, ["good"] * 3 + ["bad"] * 3, ("bad", "good"))


def test_words_of_a_class_are_those_that_others_do_not_use(class_words):
    assert class_words.of_class("good")[0][0] == "great" and class_words.of_class("bad")[0][0] == "dull"
    assert "story" not in [w for w, _ in class_words.of_class("bad")][:1]


def test_words_that_the_teacher_does_not_ascribe_to_the_class_are_left_out():
    """Counts can mislead: "story" may happen to stand in good texts only."""

    def score(texts):
        return np.log([[0.1, 0.9] if t.lower() == "great" else [0.9, 0.1] for t in texts])

    words = ClassWords(["great story", "dull plot"], ["good", "bad"], ("bad", "good"), score)
    assert [w for w, _ in words.of_class("good")][:1] == ["great"]


def test_class_words_replace_their_own_kind_only(class_words):
    found = class_words.moves(context_of("a great story", "good", "bad"), 5)
    assert {m.new for m in found if m.start == 1 and m.kind == "replace"} >= {"dull"}
    assert all(m.source == "words of the target class" for m in found)
    assert not [m for m in found if m.start == 2 and m.kind == "replace" and m.new == "dull"], "an adjective for a noun"


def test_chinese_class_words_may_be_two_characters_long():
    words = ClassWords(["电影好看", "音乐好看", "电影难看", "音乐难看"], ["good", "good", "bad", "bad"], ("bad", "good"))
    found = words.moves(context_of("电影好看", "good", "bad"), 5)
    assert any("难" in m.new for m in found)


def test_plausible_moves_are_those_seen_beside_their_neighbours():
    from cod_core.counterfactuals.moves import Move

    near = EmbeddingNeighbours(Encoder({"great": [1, 0], "dull": [0.9, 0.1], "green": [0.9, 0.1]}))
    fit = Plausibility(WordPairs(["a dull story", "a dull cast", "green grass"]), near)
    values = fit(context_of("a great story", "good", "bad"), [Move(1, 2, "dull", "replace"), Move(1, 2, "green", "replace")])
    assert values[0] > values[1]


def test_content_words_leave_out_short_ones_function_words_and_signs():
    """A full stop or an article that counted for a class would be put into every text."""
    assert content_words(["The", "Film", "is", "ok", ".", "2001"], ENGLISH.function_words) == {"film"}
    assert content_words(["电", "影"], frozenset()) == {"电", "影", "电影"}
