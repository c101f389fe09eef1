import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.text import (
    apply_edits,
    char_distance,
    diff,
    edit_fraction,
    folded,
    short_hash,
    text_hash,
    token_distance,
    token_spans,
    tokens,
)

WORDS = st.sampled_from(["good", "bad", "film", "A", "Über", "straße", "не", "42", "好", "电", ",", ".", "(", "!"])
TEXTS = st.lists(st.tuples(WORDS, st.sampled_from(["", " ", " ", "\n", "  "])), max_size=9).map(
    lambda parts: "".join(word + gap for word, gap in parts)
)
ANYTHING = st.text(max_size=40)


@pytest.mark.parametrize(
    "text, wanted",
    [
        ("It isn't good, really.", ["It", "isn't", "good", ",", "really", "."]),
        ("It isn’t the dogs' bowl", ["It", "isn’t", "the", "dogs", "'", "bowl"]),
        ("well-made", ["well-made"]),
        ("„Schöne Grüße“, sagte sie.", ["„", "Schöne", "Grüße", "“", ",", "sagte", "sie", "."]),
        ("这部电影真好。", ["这", "部", "电", "影", "真", "好", "。"]),
        ("映画がすき", ["映", "画", "が", "す", "き"]),
        ("한국어 영화", ["한국어", "영화"]),
        ("iPhone很好用", ["iPhone", "很", "好", "用"]),
        ("ถ้า", ["ถ้", "า"]),
        ("cafe\u0301 ok", ["cafe\u0301", "ok"]),
        ("हिन्दी में", ["हिन्दी", "में"]),
        ("so 😀!", ["so", "😀", "!"]),
        ("", []),
        (" \t\n", []),
    ],
)
def test_tokens_are_words_punctuation_and_single_characters_where_no_spaces_are_written(text, wanted):
    """A Chinese sentence as one token would make every edit fraction 1."""
    assert tokens(text) == wanted


@given(ANYTHING)
def test_tokens_cover_everything_but_spaces(text):
    """An edit of a character that no token covers would go unseen."""
    covered = {i for start, end in token_spans(text) for i in range(start, end)}
    assert all(text[i].isspace() or text[i] in "\x1c\x1d\x1e\x1f" for i in set(range(len(text))) - covered)
    assert all(start < end for start, end in token_spans(text))


@given(ANYTHING, ANYTHING)
def test_edits_point_at_their_texts_in_order_and_never_touch(a, b):
    edits = diff(a, b)
    for edit in edits:
        assert a[edit.a_start : edit.a_end] == edit.a_text and b[edit.b_start : edit.b_end] == edit.b_text
        assert (edit.op == "insert") == (not edit.a_text) and (edit.op == "delete") == (not edit.b_text)
    for left, right in zip(edits, edits[1:]):
        assert left.a_end <= right.a_start and left.b_end <= right.b_start
    assert bool(edits) == (tokens(a) != tokens(b))


@given(ANYTHING, ANYTHING)
def test_all_edits_give_the_second_text_and_none_the_first_to_the_last_space(a, b):
    """The ends of a text path are the very texts that the teacher was asked about."""
    edits = diff(a, b)
    assert apply_edits(a, b, edits, set()) == a
    if edits:
        assert apply_edits(a, b, edits, set(range(len(edits)))) == b


@given(TEXTS, TEXTS, st.data())
def test_some_edits_change_exactly_the_tokens_they_name(a, b, data):
    """Two words glued together ('xzy') are a text that nobody wrote, and the teacher's answer to it means nothing."""
    edits = diff(a, b)
    chosen = data.draw(st.sets(st.integers(0, len(edits) - 1))) if edits else set()
    wanted, at = [], 0
    for index, edit in enumerate(edits):
        wanted += tokens(a[at : edit.a_start]) + tokens(edit.b_text if index in chosen else edit.a_text)
        at = edit.a_end
    mixed = apply_edits(a, b, edits, chosen)
    wanted += tokens(a[at:])
    assert "".join(tokens(mixed)) == "".join(wanted)
    if all(gap for text in (a, b) for gap in _gaps(text)):
        assert tokens(mixed) == wanted
        if "  " not in a + b:
            assert "  " not in mixed


def _gaps(text):
    spans = token_spans(text)
    return [text[left[1] : right[0]] for left, right in zip(spans, spans[1:])]


@pytest.mark.parametrize(
    "a, b, chosen, wanted",
    [
        ("not good , at all", "good , at", {0}, "good , at all"),
        ("not good , at all", "good , at", {1}, "not good , at"),
        ("p x.y", "q x z y", {1}, "p x z y"),
        ("Good film (yes)", "Good film yes", {0}, "Good film yes)"),
        ("nice film, dull end", "A nice film, a great end", {0}, "A nice film, dull end"),
        ("nice film, dull end", "A nice film, a great end", {1}, "nice film, a great end"),
        ("It isn't good, I didn't laugh", "It is good, I did laugh", {0}, "It is good, I didn't laugh"),
        ("It isn’t good, I didn’t laugh", "It is good, I did laugh", {1}, "It isn’t good, I did laugh"),
        ("Das ist schön.", "Das ist nicht schön, leider.", {0}, "Das ist nicht schön."),
        ("Das ist schön.", "Das ist nicht schön, leider.", {1}, "Das ist schön, leider."),
        ("„Schöne Grüße“ an Jürgen", "„Üble Grüße“ an Käthe", {0}, "„Üble Grüße“ an Jürgen"),
        ("我喜欢这部电影,真好", "我讨厌这部电影,真差劲", {0}, "我讨厌这部电影,真好"),
        ("我喜欢这部电影,真好", "我不喜欢这部电影,真不好", {1}, "我喜欢这部电影,真不好"),
        ("すごく良い映画でした。", "悪い映画でしたね。", {1}, "すごく良い映画でしたね。"),
        ("a\nb", "a\nc b d", {0}, "a\nc b"),
    ],
)
def test_one_edit_of_two_is_spaced_as_a_person_would_write_it(a, b, chosen, wanted):
    assert len(diff(a, b)) == 2
    assert apply_edits(a, b, diff(a, b), chosen) == wanted


def test_an_edit_that_does_not_exist_is_refused():
    with pytest.raises(IndexError):
        apply_edits("good film", "bad film", diff("good film", "bad film"), {1})


@given(ANYTHING, ANYTHING)
def test_distances_are_symmetric_and_zero_only_for_equal_tokens(a, b):
    assert token_distance(a, b) == token_distance(b, a)
    assert (token_distance(a, b) == 0) == (tokens(a) == tokens(b))
    assert (char_distance(a, b) == 0) == (a == b)


def test_edit_fraction_counts_tokens_of_the_original():
    assert edit_fraction("a good film .", "a bad film .") == 0.25
    assert edit_fraction("很好看", "不好看") == pytest.approx(1 / 3)
    assert edit_fraction("", "new words") == 2


def test_hashes_tell_texts_apart_and_take_lone_surrogates():
    """An upload with broken Unicode must not stop the cache."""
    assert text_hash("a") != text_hash("a ") and len(text_hash("\ud800")) == 64
    assert short_hash("a", "b") != short_hash("ab") and len(short_hash(1, None)) == 16


def test_accents_written_apart_make_no_other_text():
    """A test text typed with them apart was taken for new words, and a label in a file for none of the project's."""
    assert folded("Scho\u0308n  IST es") == folded("schön ist es") != folded("schon ist es")
