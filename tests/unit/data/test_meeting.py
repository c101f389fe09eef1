"""Uploads that meet stored texts: what stands on two sides of a split makes every number better than it is."""

from cod_core.data.meeting import beside_stored, meet
from cod_core.types import Example


def text(words: str, split: str = "train", label: str | None = "good", source: str | None = None) -> Example:
    return Example(words, words, None if split == "unlabelled" else label, split, source)


def test_texts_that_meet_nothing_are_new():
    found = [text("a"), text("b", "test"), text("c", "unlabelled")]
    assert meet(found, [text("d")]).new == found and meet(found, []).refused == []


def test_the_same_words_in_other_case_or_spacing_stay_on_one_side():
    stored = [text("A fine film"), text("seen", "test"), text("free", "unlabelled")]
    met = meet([text("a FINE  film", "test"), text("A FINE FILM"), text("SEEN"), text("Free"), text("FINE A FILM", "unlabelled")], stored)
    assert [at for at, _ in met.refused] == [0, 2, 3] and [e.text for e in met.new] == ["A FINE FILM", "FINE A FILM"]
    (_, test), (_, train), (_, free) = met.refused
    assert "a training text already" in test and "Leave it out" in test
    assert "a test text already" in train and "that text gets this label" in free


def test_texts_of_one_source_stay_on_one_side():
    met = meet(
        [text("b", "test", source="review 7"), text("c", source="review 7"), text("d", "unlabelled", source="review 7")],
        [text("a", source="review 7")],
    )
    assert [e.text for e in met.new] == ["c", "d"]
    assert met.refused[0][0] == 0 and "'review 7'" in met.refused[0][1] and "import it as a training text" in met.refused[0][1]


def test_within_one_file_the_first_row_decides():
    """A file may name its own splits; nobody had looked at them."""
    met = meet([text("one"), text("ONE", "test"), text("two", "test", source="s"), text("three", source="s")], [])
    assert [e.text for e in met.new] == ["one", "two"] and [at for at, _ in met.refused] == [1, 3]


def test_a_text_that_is_there_already_is_refused_with_its_place_and_label():
    stored = [text("a"), text("b"), text("c", "unlabelled")]
    met = meet([text("a"), text("a2"), text("b", label="bad"), text("a", "test"), text("c", "unlabelled")], stored)
    assert [e.text for e in met.new] == ["a2"]
    same, other, moved, free = (why for _, why in met.refused)
    assert same == "This text is in the project already, as a training text." and "labelled 'good'" in other
    assert "one use" in moved and free.endswith("as a text without a label.")


def test_a_text_without_a_label_gets_the_one_that_comes_and_moves():
    known = Example("a", "a", None, "unlabelled", None, {"ward": "1"})
    met = meet([Example("a", "a", "good", "test", None, {"year": "2"})], [known])
    assert met.labelled == [Example("a", "a", "good", "test", None, {"ward": "1", "year": "2"})] and not met.new and not met.refused
    again = meet([text("a", "test"), text("A")], [text("a", "unlabelled")])
    assert [e.text for e in again.labelled] == ["a"] and again.refused[0][0] == 1, "it is a test text from now on"


def test_rows_divided_by_chance_join_the_stored_texts_they_belong_to():
    """Through a third row too: words of a stored text, and the source of that row."""
    stored = [text("seen", "validation"), text("old", source="s")]
    found = [text("SEEN", source="t"), text("other", source="t"), text("next", source="s"), text("alone")]
    divided = [text(e.text, "test", source=e.source_id) for e in found]
    assert [e.split for e in beside_stored(found, divided, stored)] == ["validation", "validation", "train", "test"]
