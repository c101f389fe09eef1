"""Language models as candidate sources of the search: words that fit, from one pass or one call."""

import json

import pytest

from cod_core.counterfactuals.llm_sources import ChatWords, LocalWords, read_words
from cod_core.counterfactuals.moves import Move
from cod_core.counterfactuals.sources import CandidateSource, SearchContext
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.text import token_spans
from tests.fakes import FakeOpenAI

TEXT = "A splendid film."


def context(text=TEXT, places=(1,)):
    return SearchContext(
        text, token_spans(text), "positive", "negative", places, labels=("negative", "positive"), task="What does the writer think?"
    )


class Model:
    """Likely next tokens, handed in for the prompt that names each class."""

    def __init__(self, told):
        self.told, self.tokenizer = told, self
        self.words = list(dict.fromkeys(w for row in told.values() for w in row))

    def decode(self, ids):
        return self.words[ids[0]]

    def convert_ids_to_tokens(self, token):
        return self.words[token].replace(" ", "▁")

    def next_words(self, prompt, text, at):
        label = "negative" if '"negative"' in prompt else "positive"
        return [{self.words.index(w): v for w, v in self.told[label].items()} for _ in at]


def test_words_that_the_target_class_makes_likelier_come_first():
    told = {"negative": {" good": -1.0, " hideous": -3.0, " dull": -3.5}, "positive": {" good": -0.5, " hideous": -9.0, " dull": -5.0}}
    source = LocalWords("tiny", lambda: Model(told))
    found = source.moves(context(), 2)
    assert isinstance(source, CandidateSource) and source.dear
    assert [m.new for m in found] == ["hideous", "dull"] and found[0] == Move(1, 2, "hideous", "replace", source.name)


def test_pieces_function_words_and_the_word_itself_are_left_out():
    told = {
        "negative": {"ful": -0.1, " the": -0.2, " splendid": -0.3, " of": -0.4, " ab": -0.5, " poor": -2.0, " 12": -0.1},
        "positive": {" poor": -3.0},
    }
    assert [m.new for m in LocalWords("tiny", lambda: Model(told)).moves(context(), 5)] == ["poor"]


def test_a_chat_model_is_asked_once_a_text():
    with FakeOpenAI(json.dumps({"splendid": ["hideous", "Splendid", 5, " dull  one "]})) as server:
        client = LLMClient(LLMSettings(base_url=server.base_url, model="m"), "none")
        source = ChatWords(client)
        first, again = source.moves(context(), 4), source.moves(context(), 4)
    assert [m.new for m in first] == ["hideous", "dull one"] == [m.new for m in again] and server.calls == 1
    assert server.requests[0]["response_format"] == {"type": "json_object"} and TEXT in server.requests[0]["messages"][1]["content"]
    assert source.moves(context(places=()), 4) == []


@pytest.mark.parametrize(
    "content, expected",
    [('Sure: {"A": ["b"]} done', {"a": ("b",)}), ("", {}), ("{", {}), ('["a"]', {}), ('{"a": "b"}', {}), ("{" * 2000, {})],
)
def test_replies_that_hold_no_words(content, expected):
    assert read_words(content) == expected
