"""Import: a row that vanishes without a word is a row that the person believes to be there."""

import os
from pathlib import Path

import pytest

from cod_core.data.tables import Columns, TableRow, example_of, guess_columns, label_values, read_table, rows_of, to_examples
from cod_core.errors import BadInput
from cod_core.settings import MAX_CHARS
from cod_core.text import short_hash


def table(text):
    return read_table("a.csv", text.encode())


def test_every_problem_row_is_named_at_once_and_the_rest_is_importable():
    source = table(
        "text,label\nfine,yes\n,yes\n" + "x" * (MAX_CHARS + 1) + ",no\nodd,maybe\nfine,yes\nfine,no\n"
        "nul\0here,yes\nbell\x07,no\nnothing,\nbad \N{REPLACEMENT CHARACTER},no\nlast,no\n"
    )
    found = to_examples(source, Columns("text", "label"), {"yes": "praise", "no": "complaint"})
    assert [(e.text, e.label) for e in found.examples] == [("fine", "praise"), ("last", "complaint")]
    said = {p.row: p.message for p in found.problems}
    assert sorted(said) == [3, 4, 5, 6, 7, 8, 9, 10, 11] and found.left_out == 9
    for row, words in {
        3: "empty",
        4: "20,001 characters",
        5: "'maybe'",
        6: "same text as row 2.",
        7: "row 2, there labelled",
        8: "NUL",
        9: "control character",
        10: "no label",
        11: "bad encoding",
    }.items():
        assert words in said[row]
    assert found.label_counts == {"praise": 1, "complaint": 1}


def test_rows_the_reader_refused_are_listed_too():
    found = to_examples(table("text,label\na,b,c\ngood,x\nbad,y\n"), Columns("text", "label"))
    assert [p.row for p in found.problems] == [2] and len(found.examples) == 2


def test_ids_depend_on_the_text_alone():
    """Another id for the same text would put it on both sides of a split."""
    one = to_examples(table("text,label\n  a text ,x\nother,y\n"), Columns("text", "label")).examples
    two = to_examples(table("text\na text\n"), Columns("text"), role="unlabelled").examples
    assert one[0].id == two[0].id == short_hash("a text") and two[0].split == "unlabelled" and two[0].label is None
    decomposed = to_examples(table("text\nCafe\u0301\n"), Columns("text"), role="unlabelled").examples
    assert decomposed[0].text == "Caf\u00e9"


def test_roles_and_split_column():
    source = table("text,label,split\na,x,train\nb,y,dev\nc,x,TEST\nd,y,\ne,x,odd\n")
    found = to_examples(source, guess_columns(source))
    assert [e.split for e in found.examples] == ["train", "validation", "test", "train"] and found.split_given
    assert found.problems[-1].row == 6 and "'odd'" in found.problems[-1].message
    assert {e.split for e in to_examples(source, guess_columns(source), role="test").examples} == {"test"}
    assert not to_examples(table("text,label\na,x\nb,y\n"), Columns("text", "label")).split_given


def test_other_columns_are_kept_only_where_ticked():
    """They may name patients."""
    source = table("text,label,patient,ward\na,x,Smith,3\nb,y,,4\n")
    assert all(e.metadata == {} for e in to_examples(source, guess_columns(source)).examples)
    kept = to_examples(source, guess_columns(source), keep=["patient"]).examples
    assert [e.metadata for e in kept] == [{"patient": "Smith"}, {}]


def test_one_class_only_is_said():
    found = to_examples(table("text,label\na,x\nb,x\n"), Columns("text", "label"))
    assert found.problems[-1].row == 0 and not found.problems[-1].left_out and "two labels" in found.problems[0].message


def test_wrong_columns_and_roles_name_what_there_is():
    source = table("text,label\na,x\n")
    with pytest.raises(BadInput, match="text, label"):
        to_examples(source, Columns("body", "label"))
    with pytest.raises(BadInput, match="holds the labels"):
        to_examples(source, Columns("text"))
    with pytest.raises(BadInput, match="role"):
        to_examples(source, Columns("text", "label"), role="gold")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("id,sentence,label\n1,the first one here,0\n2,another one,1\n3,a third,0\n", ("sentence", "label", None, None, [])),
        ("kind,words\np,what a long day it was\nc,no thanks at all\np,fine by me then\n", ("words", "kind", None, None, [])),
        (
            "review_id,review,rating,set\n7,really long words,1,train\n7,others again,2,test\n8,third one,1,train\n",
            ("review", "rating", "review_id", "set", []),
        ),
        ("text\nonly texts\nand more\n", ("text", None, None, None, [])),
    ],
)
def test_columns_are_guessed_by_name_then_content(text, expected):
    got = guess_columns(table(text))
    assert (got.text, got.label, got.source_id, got.split, got.extras) == expected


@pytest.mark.parametrize(
    ("header", "label"), [("ward,note,type", "type"), ("Ward,Note,Type of event", "Type of event"), ("Ward,Note,Was it", "Was it")]
)
def test_a_ward_is_not_taken_for_the_label(header, label):
    """Prevents: a file of ward notes whose project is about the wards, since "Type" was no known name."""
    rows = [f"{'AB'[i % 2]},{words},{'xyz'[i % 3]}" for i, words in enumerate(["fell out of bed", "was given the wrong pill"] * 6)]
    assert guess_columns(table("\n".join([header, *rows]) + "\n")).label == label


def test_label_values_are_counted_for_naming():
    source = table("text,label\na,1\nb,0\nc, 1\nd,\n")
    assert label_values(source, guess_columns(source)) == {"1": 2, "0": 1}
    assert label_values(source, Columns("text")) == {}


@pytest.mark.skipif("COD_DATA" not in os.environ, reason="set COD_DATA to the folder of real data")
@pytest.mark.parametrize(
    "file, text, label, rows",
    [
        ("sst2/dev.tsv", "sentence", "label", 872),
        ("cola/dev_out_of_domain.tsv", "column 4", "column 2", 516),
        ("imdb_cad/dev_paired.tsv", "Text", "Sentiment", 490),
        ("agnews/gpt4o_words_only.csv", "original_text", "ground_truth", 500),
    ],
)
def test_real_files_are_read_whole(file, text, label, rows):
    """Stray quotes and missing headers of real sets lose rows silently."""
    path = Path(os.environ["COD_DATA"]) / file
    source = read_table(path.name, path.read_bytes())
    got = guess_columns(source)
    assert (got.text, got.label, len(source.rows)) == (text, label, rows) and source.problems == []


def cells(text="a text", label="yes", split="", **more):
    return TableRow(2, text, label, more.get("source", ""), split, more.get("metadata", {}))


def test_cells_are_read_by_role():
    """A test file whose split column says train, or a label in a file without labels, must not be believed."""
    source = table("text,label,split,source,note\n a ,x ,dev,s1, n \nb,y,,,\n")
    columns = Columns("text", "label", "source", "split", ["note"])
    assert rows_of(source, columns, "labelled", ["note"])[0] == TableRow(2, " a ", "x", "s1", "dev", {"note": "n"})
    assert rows_of(source, columns, "labelled", ["note"])[1].metadata == {}
    assert rows_of(source, columns, "test")[0].split == "" and rows_of(source, columns, "unlabelled")[0].label == ""


@pytest.mark.parametrize(
    "row, role, split", [(cells(), "labelled", "train"), (cells(split="Dev"), "labelled", "validation"), (cells(), "test", "test")]
)
def test_a_row_becomes_an_example(row, role, split):
    made = example_of(row, {"yes": "praise"}, role)
    assert (made.text, made.label, made.split, made.source_id) == ("a text", "praise", split, None)


def test_a_row_without_a_label_column_is_unlabelled():
    made = example_of(cells(label="", source="a\x07b", metadata={"k": "c\x07d"}), None, "unlabelled")
    assert (made.label, made.split, made.source_id, made.metadata) == (None, "unlabelled", "a b", {"k": "c d"})


@pytest.mark.parametrize(
    "row, problem", [(cells(""), "empty"), (cells(label=""), "no label"), (cells(label="no"), "'no'"), (cells(split="odd"), "'odd'")]
)
def test_a_row_that_cannot_be_used_says_why(row, problem):
    assert problem in example_of(row, {"yes": "praise"}, "labelled").why
