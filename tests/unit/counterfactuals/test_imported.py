"""Ready counterfactuals from tables: matched by text, every unusable row named."""

import csv
import os
import unicodedata
from pathlib import Path

import pytest

from cod_core.counterfactuals.imported import PairColumns, guess_pair_columns, import_pairs
from cod_core.data.reading import Table, read_table
from cod_core.errors import BadInput
from cod_core.text import short_hash, token_distance
from cod_core.types import Example, Task

TASK = Task("Tone?", ("negative", "positive"))


def example(text, label="positive"):
    return Example(short_hash(text), text, label)


EXAMPLES = [example("A good film."), example("A dull film.", "negative"), example("=good? Yes.")]


def table(columns, *rows):
    return Table(list(columns), [list(row) for row in rows], list(range(2, len(rows) + 2)))


def test_pairs_are_matched_by_text_and_point_at_their_example():
    found = import_pairs(
        table(("Original", "Counterfactual"), ("A good film.", "A bad film."), ("A dull  film.", "A fun film.")),
        EXAMPLES,
        TASK,
        name="mine.csv",
    )
    assert found.problems == [] and [c.text for c in found.counterfactuals] == ["A bad film.", "A fun film."]
    one, two = found.counterfactuals
    assert (one.example_id, one.source, one.target) == (EXAMPLES[0].id, "positive", "negative")
    assert (two.source, two.target) == ("negative", "positive") and one.origin.kind == "import"
    assert one.origin.name == "mine.csv" and len({one.id, two.id}) == 2


def test_every_unusable_row_is_named_with_its_number():
    found = import_pairs(
        table(
            ("original", "counterfactual", "counterfactual_label"),
            ("A good film.", "A bad film.", "Negative"),
            ("A good film.", "", "negative"),
            ("", "x", "negative"),
            ("Unknown.", "x", "negative"),
            ("A good film.", "A good  film.", "negative"),
            ("A good film.", "A x film.", "sad"),
            ("A good film.", "A y film.", "positive"),
            ("A good film.", "A bad film.", "negative"),
            ("A good film.", "null", "negative"),
            ("A good film.", "x" * 20001, "negative"),
            ("A good film.", "a\0b", "negative"),
            ("A good film.", "A b\ufffdd film.", "negative"),
        ),
        EXAMPLES,
        TASK,
    )
    assert len(found.counterfactuals) == 1
    said = {problem.row: problem.message for problem in found.problems}
    for row, words in {
        3: "is empty",
        4: "original is empty",
        5: "not among",
        6: "same as its original",
        7: "'sad'",
        8: "both of class",
        9: "more than once",
        10: "is empty",
        11: "20001",
        12: "NUL",
        13: "bad encoding",
    }.items():
        assert words in said[row]
    assert list(said) == sorted(said)


def test_letters_with_their_accents_apart_are_the_same_letters():
    """A file written on a Mac matched nothing, and where it did, every accented word counted as changed."""
    text = "Das Café ist schön, die Küche süß."
    apart = unicodedata.normalize("NFD", text)
    rows = [(apart, apart.replace("ist", "war"), "negative"), (text, apart.replace("die", "eine"), "negative")]
    found = import_pairs(table(("original", "counterfactual", "counterfactual_label"), *rows), [example(text)], TASK)
    assert found.problems == [] and [token_distance(text, c.text) for c in found.counterfactuals] == [1, 1]


def test_a_label_column_that_repeats_the_gold_label_is_the_originals():
    rows = (("A good film.", "A bad film.", "positive"), ("A dull film.", "A fun film.", "negative"))
    found = import_pairs(table(("original", "counterfactual", "label"), *rows), EXAMPLES, TASK)
    assert [c.target for c in found.counterfactuals] == ["negative", "positive"]
    swapped = (("A good film.", "A bad film.", "negative"), ("A dull film.", "A fun film.", "positive"))
    assert import_pairs(table(("original", "counterfactual", "label"), *swapped), EXAMPLES, TASK).problems == []


def test_the_teachers_class_is_the_source_where_it_is_known():
    """Source is the teacher's class at the text, not the gold label."""
    found = import_pairs(
        table(("original", "counterfactual"), ("A good film.", "A bad film.")), EXAMPLES, TASK, source_of=lambda e: "negative"
    )
    assert (found.counterfactuals[0].source, found.counterfactuals[0].target) == ("negative", "positive")


def test_three_classes_need_a_target():
    task = Task("Tone?", ("negative", "neutral", "positive"))
    pairs = table(("original", "counterfactual"), ("A good film.", "A film."))
    assert "counterfactual_label" in import_pairs(pairs, EXAMPLES, task).problems[0].message
    assert import_pairs(pairs, EXAMPLES, task, target_of=lambda text: "neutral").counterfactuals[0].target == "neutral"


def test_the_apostrophe_of_safe_spreadsheets_is_taken_off_again():
    """pairs.csv puts ' before = + - @; imported back it must match, and the text must not keep it."""
    found = import_pairs(table(("original", "counterfactual"), ("'=good? Yes.", "'=good? No.")), EXAMPLES, TASK)
    assert found.counterfactuals[0].text == "=good? No."

    signs = Task("Tone?", ("-", "+"))
    rows = (("'=good? Yes.", "'=good? No.", "'-"),)
    found = import_pairs(table(("original", "counterfactual", "target"), *rows), [example("=good? Yes.", "+")], signs)
    assert found.problems == [] and found.counterfactuals[0].target == "-"


def test_two_rows_a_pair_by_batch_whichever_comes_first():
    rows = (
        ("Positive", "A good film.", "1"),
        ("Negative", "A bad film.", "1"),
        ("Positive", "A fun film.", "2"),
        ("Negative", "A dull film.", "2"),
        ("Negative", "Alone.", "3"),
    )
    found = import_pairs(table(("Sentiment", "Text", "batch_id"), *rows), EXAMPLES, TASK)
    assert [c.text for c in found.counterfactuals] == ["A bad film.", "A fun film."]
    assert [c.target for c in found.counterfactuals] == ["negative", "positive"]
    assert found.problems[0].row == 6 and "needs exactly 2" in found.problems[0].message


def test_columns_are_guessed_or_asked_for():
    names = ("text", "counterfactual_text", "label")
    assert guess_pair_columns(names) == PairColumns(*names)
    assert guess_pair_columns(["a", "b"]) is None
    with pytest.raises(BadInput, match="Its columns are: a, b"):
        import_pairs(table(("a", "b")), EXAMPLES, TASK)
    with pytest.raises(BadInput, match="no column 'c'"):
        import_pairs(table(("a", "b")), EXAMPLES, TASK, PairColumns("a", "c"))


def _data():
    folder = os.environ.get("COD_DATA")
    if not folder:
        pytest.skip("COD_DATA is not set: published counterfactuals are not at hand")
    return Path(folder)


def test_published_imdb_pairs_written_by_people():
    data = read_table("dev_paired.tsv", (_data() / "imdb_cad" / "dev_paired.tsv").read_bytes())
    text, batch = data.column("Text"), data.column("batch_id")
    first = {b: (t, s.lower()) for t, b, s in reversed(list(zip(text, batch, data.column("Sentiment"), strict=True)))}
    found = import_pairs(data, [example(t.replace("<br />", " "), s) for t, s in first.values()], TASK)
    assert len(found.counterfactuals) == 245 and found.problems == []
    assert all("<br />" not in c.text and c.source != c.target for c in found.counterfactuals)


def test_published_gpt4o_pairs_over_four_classes():
    path = _data() / "agnews" / "gpt4o_no_spec.csv"
    task = Task("About?", ("the world", "sports", "business", "science/tech"))
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    data = read_table(path.name, path.read_bytes())
    found = import_pairs(data, [example(r["original_text"], r["ground_truth"]) for r in rows], task, target_of=lambda text: "sports")
    empty = [p for p in found.problems if p.message == "The counterfactual is empty."]
    assert len(empty) == 14 and len(found.counterfactuals) + len(found.problems) == 500
    assert len(found.counterfactuals) > 290
