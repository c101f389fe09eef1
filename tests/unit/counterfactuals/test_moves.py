"""Moves as values: rendering keeps spaces, articles and capitals, in scripts with and without spaces."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.counterfactuals.moves import Move, compatible, describe, render, rendered, told
from cod_core.text import token_spans, tokens


def made(text, *moves, english=True):
    return render(text, token_spans(text), [Move(*m) for m in moves], english)


@pytest.mark.parametrize(
    "text,move,expected",
    [
        ("An enjoyable film.", (1, 2, "boring", "replace"), "A boring film."),
        ("Enjoyable film.", (0, 1, "", "delete"), "Film."),
        ("a good film", (1, 2, "", "delete"), "a film"),
        ("so good, really", (1, 2, "", "delete"), "so, really"),
        ("a film.", (1, 2, "opera", "replace"), "an opera."),
        ("a film.", (1, 1, "awful", "insert"), "an awful film."),
        ("the film.", (2, 2, "tonight", "insert"), "the film tonight."),
        ("the film", (2, 2, "tonight", "insert"), "the film tonight"),
        ("the film", (0, 0, "sadly", "insert"), "sadly the film"),
        ("the long good film", (1, 3, "bad", "replace"), "the bad film"),
    ],
)
def test_render_keeps_spaces_articles_and_capitals(text, move, expected):
    assert made(text, move) == expected


def test_moves_at_several_places_join():
    assert (
        made("A great film with an able cast", (1, 2, "awful", "replace"), (5, 6, "weak", "replace"), (7, 7, "today", "insert"))
        == "An awful film with a weak cast today"
    )


def test_scripts_without_spaces_get_none():
    """A blank put into Chinese would be an edit that nobody asked for."""
    assert made("这部电影很好。", (5, 6, "差", "replace"), english=False) == "这部电影很差。"
    assert made("这部电影好。", (4, 4, "不", "insert"), english=False) == "这部电影不好。"


def test_german_an_is_no_article():
    assert made("Es lag an guten Leuten.", (3, 4, "schlechten", "replace"), english=False) == "Es lag an schlechten Leuten."


def test_touching_moves_are_told_apart():
    word, before, phrase = Move(1, 2, "x", "replace"), Move(1, 1, "y", "insert"), Move(0, 2, "z", "replace")
    assert not compatible([word], phrase) and not compatible([word], before)
    assert compatible([word], Move(2, 3, "x", "replace"))


def test_notes_say_what_was_done():
    text = "not a good film"
    spans = token_spans(text)
    said = [
        describe(text, spans, m)
        for m in (Move(2, 3, "bad", "replace"), Move(2, 3, "", "delete"), Move(0, 1, "", "affirm"), Move(4, 4, "tonight", "insert"))
    ]
    assert said == ["replaced “good” with “bad”", "deleted “good”", "took out the negation", "added “tonight”"]


@given(st.lists(st.sampled_from(["good", "a", "film", ",", "the"]), min_size=1, max_size=8), st.data())
def test_a_replacement_changes_its_token_and_articles_only(parts, data):
    text = " ".join(parts)
    at = data.draw(st.integers(0, len(parts) - 1))
    after = tokens(made(text, (at, at + 1, "opera", "replace")))
    assert len(after) == len(parts)
    assert [i for i, (x, y) in enumerate(zip(parts, after)) if x != y and x not in ("a", "an")] in ([at], [])
    assert after[at].lower() == "opera"


@given(st.lists(st.sampled_from(["good", "a", "film", ",", "the"]), min_size=2, max_size=8), st.data())
def test_untouched_tokens_are_found_again_in_the_new_text(parts, data):
    """A gradient taken at the new text is read at these places; a shifted one would rank moves by other words."""
    text = " ".join(parts)
    spans, at = token_spans(text), data.draw(st.integers(0, len(parts) - 1))
    new, kind = data.draw(st.sampled_from([("opera", "replace"), ("", "delete")]))
    after, places = rendered(text, spans, [Move(at, at + 1, new, kind)])
    for position, (start, end) in places.items():
        assert after[start:end] == text[slice(*spans[position])]


def test_many_edits_are_told_in_numbers():
    """Fourteen sentences of what changed stood above the change itself."""
    text = "the long good old film was so dull today"
    spans = token_spans(text)
    few = [Move(1, 2, "short", "replace"), Move(2, 3, "", "delete")]
    assert told(text, spans, few) == "replaced “long” with “short”; deleted “good”"
    more = [*few, Move(3, 4, "new", "replace"), Move(8, 8, "very", "insert"), Move(6, 7, "", "delete")]
    assert told(text, spans, more) == "2 replaced, 1 added, 2 left out"
