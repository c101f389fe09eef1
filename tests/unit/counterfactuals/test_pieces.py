"""Pieces of a text: what is never taken apart, and what is edited whole."""

import pytest

from cod_core.counterfactuals.corpus import ClassWords
from cod_core.counterfactuals.moves import Move
from cod_core.counterfactuals.pieces import GUARDED, pieces_of, plain_tokens, torn
from cod_core.counterfactuals.search import context_of, touches_frozen


@pytest.mark.parametrize(
    "text,kind,piece",
    [
        ("later &lt;#&gt; mins", GUARDED, "&lt;#&gt;"),
        ("you &amp; me", GUARDED, "&amp;"),
        ("it&#39;s late", GUARDED, "&#39;"),
        ("hello @user, hi", GUARDED, "@user"),
        ("Dear [NAME], hi", GUARDED, "[NAME]"),
        ("Dear {{first name}}, hi", GUARDED, "{{first name}}"),
        ("one <br /> two", GUARDED, "<br />"),
        ("XXXX charged me", GUARDED, "XXXX"),
        ("a £1,000 prize", "price", "£1,000"),
        ("for 20 EUR only", "price", "20 EUR"),
        ("call 0906-170 1461 now", "number", "0906-170 1461"),
        ("Temp 39.8 today", "number", "39.8"),
        ("claim KL341 now", "code", "KL341"),
        ("at 12:30 sharp", "time", "12:30"),
        ("see www.a-b.co.uk/x.", "link", "www.a-b.co.uk/x"),
        ("mail a.b@c.de now", "link", "a.b@c.de"),
        ("92% of it", "percent", "92%"),
        ("great :) thanks", "smiley", ":)"),
    ],
)
def test_what_is_one_thing_is_found_whole(text, kind, piece):
    assert [(p.kind, p.text) for p in pieces_of(text)] == [(kind, piece)]


@pytest.mark.parametrize("text", ["a 90-minute film", "not [sure] (yet)]", "R&B and A&E", "5 < 7"[:2], "well; good.", "e.g. this", "#tag"])
def test_words_and_signs_are_no_pieces(text):
    assert all(p.kind == "number" for p in pieces_of(text) if p.text != "[sure]")


def test_no_word_of_a_piece_may_be_edited():
    """ "&lt;" became "&lieutenant;", and "@user" another user."""
    context = context_of("Hello @user I am late &lt;#&gt; see KL341", "a", "b")
    assert [context.word(p) for p in context.places] == ["Hello", "late", "see"]
    lt = next(i for i in range(len(context.spans)) if context.word(i) == "lt")
    assert touches_frozen(context, Move(lt, lt + 1, "lieutenant", "replace"))
    assert touches_frozen(context, Move(lt, lt, "very", "insert")), "nothing is put inside an entity either"
    assert not touches_frozen(context, Move(lt - 1, lt - 1, "very", "insert"))


def test_an_edit_takes_a_shaped_piece_whole_or_not_at_all():
    pieces = pieces_of("Temp 39.8 today")
    assert torn(pieces, 1, 2) and not torn(pieces, 1, 4) and not torn(pieces, 0, 4) and torn(pieces, 2, 2)


def test_names_of_entities_are_no_words_of_a_class():
    """Words that stand in entities and placeholders were put into other texts."""
    found = ClassWords(["call &lt;name&gt; gladly &amp; soon"] * 3, ["a"] * 3, ["a", "b"])
    assert "gladly" in found.words and not {"lt", "gt", "amp"} & found.words
    assert plain_tokens("call &amp; 0906123 now") == ["call", "now"]
