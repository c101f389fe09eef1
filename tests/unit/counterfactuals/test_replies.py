"""Replies of an LLM: what is taken from them, and what is counted as no text."""

import csv
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.counterfactuals.replies import REASONS, parse_reply
from cod_core.errors import BadInput
from cod_core.project.curation.curation import clean
from cod_core.text import tokens

ORIGINAL = "The film is a splendid ride."
WANTED = "The film is a hideous ride."


@pytest.mark.parametrize(
    "reply",
    [
        WANTED,
        f'{{"decisive_words": ["splendid"], "counterfactual": "{WANTED}"}}',
        f'Sure! Here is the JSON:\n```json\n{{"counterfactual": "{WANTED}"}}\n```\nLet me know!',
        f'{{"note": {{"a": 1}}, "text": "{WANTED}"}}',
        f"<new>\n{WANTED}\n</new>",
        f"<think>splendid is positive, so...</think>\n{WANTED}",
        f"Sure, here's the rewritten text:\n\n{WANTED}",
        f'Here is a version that is negative: "{WANTED}"',
        f"Certainly!\n\n{WANTED}\n\nNote: I replaced 'splendid' with 'hideous'.",
        f"Counterfactual: {WANTED}",
        f"**{WANTED}**",
        f"“{WANTED}”",
        f"```\n{WANTED}\n```",
        f"=====TEXT 0a1b2c3d=====\n{WANTED}\n=====TEXT 0a1b2c3d=====",
        f"{WANTED}\n\n(I changed one word.)".replace("(I", "I"),
    ],
)
def test_the_text_is_found_in_every_shape_of_reply(reply):
    """A polite lead kept in the text would be learnt by the student as a mark of the class."""
    assert parse_reply(reply, ORIGINAL).text == WANTED


@pytest.mark.parametrize(
    "reply, refusal, finish, reason",
    [
        ("", None, "stop", "empty"),
        ("  \n ", None, "stop", "empty"),
        ("<think>hm</think>", None, "stop", "empty"),
        ("", None, "length", "cut_off"),
        ('{"counterfactual": "The film is a hid', None, "length", "cut_off"),
        ('{"counterfactual": 3}', None, "stop", "not_parsed"),
        ("{'counterfactual': oops", None, "stop", "not_parsed"),
        ("%%% --- !!!", None, "stop", "not_parsed"),
        ("The film\x00 is", None, "stop", "not_parsed"),
        ("I'm sorry, but I can't help with changing that.", None, "stop", "refusal"),
        ('{"counterfactual": "I cannot assist with this request."}', None, "stop", "refusal"),
        ("As an AI language model, I do not hold opinions.", None, "stop", "refusal"),
        ("", "I can't do that.", "stop", "refusal"),
        ("anything", None, "content_filter", "filter"),
        (ORIGINAL, None, "stop", "unchanged"),
        ("the film is a  splendid ride .", None, "stop", "unchanged"),
        ("x " * 15000, None, "stop", "too_long"),
    ],
)
def test_what_holds_no_text_is_counted_by_its_reason(reply, refusal, finish, reason):
    """The published code trained on refusals with the opposite label."""
    parsed = parse_reply(reply, ORIGINAL, refusal, finish)
    assert (parsed.text, parsed.reason) == (None, reason)
    assert reason in REASONS


def test_a_text_that_looks_like_talk_is_left_whole():
    """Cleaning must not eat an original's own wording."""
    original = 'I\'m sorry, here is my review: "great".\n\nNote: I changed my mind.'
    reply = original.replace("great", "awful")
    assert parse_reply(reply, original).text == reply
    assert parse_reply('"It is bad," she said. "Very."', '"It is good," she said. "Very."').text.startswith('"It')


@given(st.text(max_size=200), st.text(max_size=80))
def test_any_reply_gives_a_text_or_a_reason(reply, original):
    parsed = parse_reply(reply, original)
    assert (parsed.text is None) == (parsed.reason in REASONS)
    assert parsed.text is None or tokens(parsed.text)


def test_recorded_gpt4o_replies_are_read():
    """Replies that their publishers could not parse ('null') are read here; of the rest none is lost or altered."""
    folder = os.environ.get("COD_DATA")
    if not folder:
        pytest.skip("COD_DATA is not set: recorded GPT-4o replies are not at hand")
    read = altered = 0
    for name in ("gpt4o_words_only", "gpt4o_no_spec"):
        with open(Path(folder) / "agnews" / f"{name}.csv", encoding="utf-8", newline="") as file:
            for row in list(csv.DictReader(file))[:250]:
                plain = row["counterfactual_text"] != "null"
                reply = row["counterfactual_text"] if plain else row["noisy_cf"]
                parsed = parse_reply(reply, row["original_text"])
                assert parsed.text is not None and "<new>" not in parsed.text
                read += 1
                altered += plain and parsed.text != reply.strip()
    assert read == 500 and altered <= 2


@pytest.mark.parametrize(
    "reply, expected",
    [
        ("splendid -> hideous", "A hideous film, not bad."),
        ("Splendid -> hideous ; not bad -> bad\nbad: and so on", "A hideous film, bad."),
        ("A splendid film -> a hideous film", "A hideous film, not bad."),
        ("splendid -> hideous ; splendid film -> dull film", "A hideous film, not bad."),
        ("splendid film ->", "A , not bad."),
    ],
)
def test_named_edits_are_made_on_the_text(reply, expected):
    assert parse_reply(reply, "A splendid film, not bad.", shape="edits").text == expected


@pytest.mark.parametrize(
    "reply, reason", [("", "empty"), ("no arrow", "not_parsed"), ("lend -> take", "unchanged"), ("absent -> x", "unchanged")]
)
def test_named_edits_that_change_nothing_are_no_text(reply, reason):
    """'lend' inside 'splendid' is not a word of the text."""
    assert parse_reply(reply, "A splendid film.", shape="edits").reason == reason


def test_accents_written_apart_are_no_change():
    """Every accented word counted as changed, and a text that came back as it was counted as a proposal."""
    original = "Das Café ist schön."
    assert parse_reply(unicodedata.normalize("NFD", original), original).reason == "unchanged"
    assert parse_reply(unicodedata.normalize("NFD", "Das Café war schön."), original).text == "Das Café war schön."
    with pytest.raises(BadInput, match="same as the original"):
        clean(unicodedata.normalize("NFD", original), original)


CHANGED = "The food was awful."


@pytest.mark.parametrize(
    "reply",
    [
        'Draft: {"counterfactual": "The food was bad."}\n</think>\n{"counterfactual": "The food was awful."}',
        "Maybe: The food was bad.</think>The food was awful.",
        "[THINK]The food was bad.[/THINK]The food was awful.",
        "<thought>The food was bad.</thought>The food was awful.",
        '<|channel|>analysis<|message|>{"counterfactual": "The food was bad."}<|end|><|start|>assistant<|channel|>final'
        ' <|constrain|>json<|message|>{"counterfactual": "The food was awful."}<|return|>',
        'analysisWe could say {"counterfactual": "bad"}.assistantfinal{"counterfactual": "The food was awful."}',
        "<|channel>thought\nThe food was bad.<channel|>The food was awful.",
    ],
)
def test_a_draft_among_the_thoughts_is_no_proposal(reply):
    """Prevents (proven): a reply that ends its reasoning with a lone closing tag gave the draft inside it as the proposal."""
    assert parse_reply(reply, "The food was good.").text == CHANGED


@pytest.mark.parametrize("reply", ["<think>The food was awful.", "<|channel|>analysis<|message|>The food was awful.", "x</think>"])
def test_thoughts_that_never_end_are_no_proposal(reply):
    assert parse_reply(reply, "The food was good.", finish_reason="length").reason == "cut_off"


def test_tags_that_the_text_itself_holds_are_kept():
    """Prevents: a text about <think> tags loses its beginning."""
    assert parse_reply("One writes </think> and is glad.", "One writes </think> and is sad.").text == "One writes </think> and is glad."


@pytest.mark.parametrize(
    "reply, text",
    [
        ("{'counterfactual': 'The food was awful.'}", CHANGED),
        ('{"counterfactual": "The food was awful.",}', CHANGED),
        ('{"decisive_words": ["good",], "counterfactual": "The food was awful."}', CHANGED),
        ("```json\n{'decisive_words': ['good'], 'counterfactual': 'The food was awful.',\n}\n```", CHANGED),
        ('{counterfactual: "The food was awful."}', CHANGED),
        ("{“counterfactual”: “The food was awful.”}", CHANGED),
        ("{'counterfactual': 'It wasn't good, it\\'s \"bad\".'}", "It wasn't good, it's \"bad\"."),
        (r'{"counterfactual": "A \"bad\" one\u0021",}', 'A "bad" one!'),
    ],
)
def test_json_that_is_not_quite_json_is_read(reply, text):
    """Prevents: small models that write Python's quotes or a comma too many lose every reply."""
    assert parse_reply(reply, "The food was good.").text == text


def test_json_that_breaks_off_is_not_mended():
    assert parse_reply('{"counterfactual": "The food was', "The food was good.").reason == "not_parsed"


def test_halves_of_letters_are_joined_or_no_text():
    """Half an emoji ended a run in a UnicodeEncodeError when it was stored, and the replies that were paid for with it."""
    assert parse_reply('{"counterfactual": "A nice day \\ud83d"}', "A bad day").reason == "not_parsed"
    assert parse_reply("{'counterfactual': 'A nice day \\ud83d\\ude00'}", "A bad day").text == "A nice day \U0001f600"
