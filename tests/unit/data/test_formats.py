"""One registry of upload formats: what screens offer, messages name and the reader reads is the same list."""

import pytest

from cod_core.data import formats
from cod_core.data.formats import ENDINGS, FORMATS, KEYS, NAMES, TITLES, choices_for, format_of, listed
from cod_core.data.raw import Asked
from cod_core.data.reading import read_table
from cod_core.errors import BadInput


def test_no_ending_belongs_to_two_formats():
    endings = [ending for f in FORMATS for ending in f.endings]
    assert len(set(endings)) == len(endings) and all(ending == ending.lower() for ending in endings)


def test_every_ending_finds_its_format_in_any_letter_case():
    assert all(format_of(ending.upper()) is f for f in FORMATS for ending in f.endings)
    assert format_of("xls") is None and format_of("") is None


def test_what_is_offered_and_named():
    assert {"csv", "tsv", "xlsx", "jsonl", "json", "txt", "parquet", "arrow", "gz", "zip"} <= set(ENDINGS)
    assert NAMES == "CSV, TSV, XLSX, JSON, TXT, Parquet, Arrow or a zip or .gz of one" and "Excel (.xlsx)" in TITLES
    assert listed(["A"]) == "A" and listed(["A", "B"]) == "A or B"


def test_what_a_person_may_say_is_what_can_be_read():
    """A key that the picker offers and no reader knows would read the file as something else."""
    for f in FORMATS:
        assert set(choices_for(f.key)) <= set(KEYS)
    with pytest.raises(BadInput, match="no format 'word'"):
        read_table("a.csv", b"text\nx", asked=Asked(format="word"))


def test_a_new_format_is_one_line(monkeypatch):
    more = formats.Format("LINES", "lines", ("lst",), lambda data, asked: formats.Raw([(1, ["a text"])], names=["text"]))
    with pytest.raises(BadInput, match="TXT"):
        read_table("a.lst", b"x")
    monkeypatch.setattr(formats, "FORMATS", (*FORMATS, more))
    assert read_table("a.lst", b"x").rows == [["a text"]]
