"""Sentences that were stored in English, told by their forms; what has none stays as it is."""

import time

import pytest

from ui.curate import edit_notes
from ui.shared import stored


@pytest.fixture(autouse=True)
def in_german(monkeypatch):
    monkeypatch.setenv("COD_LANGUAGE", "de")


@pytest.mark.parametrize(
    ("said", "german"),
    [
        ("training the teacher, round 2 of at most 9", "Runde 2 von höchstens 9"),
        ("waiting for the worker", "wartet"),
        ("3 of 10 requests are answered; host.example has a day for them", "host.example"),
        ("what no version ever said", "what no version ever said"),
        ("training the teacher, round  of at most 9", "training the teacher, round  of at most 9"),
    ],
)
def test_a_message_of_a_job_is_said_in_german_where_its_form_is_known(said, german):
    assert german in stored.spoken(said, stored.DOING)


def test_a_note_keeps_the_words_of_the_text():
    said = edit_notes.spoken("replaced “dull” with “bright”; deleted “very” (41 texts scored)")
    assert "„dull“" in said and "„bright“" in said and "41" in said and "replaced" not in said
    assert edit_notes.spoken("something else entirely") == "something else entirely"


def test_a_hostile_note_takes_no_longer():
    """A note comes from a file that somebody else made: patterns that look back would hang the card."""
    begun = time.perf_counter()
    for note in ("replaced “" * 3000, "(" * 20_000 + " texts scored)", "written by " + "x, told " * 3000):
        edit_notes.spoken(note)
    assert time.perf_counter() - begun < 1
