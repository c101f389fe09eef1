"""Reading: what a stranger's file may do, and what is said about it."""

import io
import json
import zipfile

import openpyxl
import pytest

from cod_core.data import parsing, reading
from cod_core.data.archives import open_checked_zip
from cod_core.data.tables import read_table
from cod_core.errors import BadInput


def workbook(rows, sheets=1):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for n in range(sheets - 1):
        book.create_sheet(f"more {n}")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_csv_with_quotes_newlines_and_blank_rows_keeps_spreadsheet_numbers():
    """A row number that a spreadsheet does not show sends the person to the wrong row."""
    table = read_table("a.csv", b'text,label\n"one, two\nthree",yes\n\n"say ""hi""",no\n')
    assert table.columns == ["text", "label"] and table.header
    assert table.rows == [["one, two\nthree", "yes"], ['say "hi"', "no"]]
    assert table.row_numbers == [2, 4] and table.problems == []


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_separator_is_found(mark):
    data = "\n".join(mark.join(row) for row in [["text", "label"], ["a fine, day", "x"], ["bad day", "y"]])
    data = data.replace("a fine, day", '"a fine, day"' if mark == "," else "a fine, day")
    assert read_table("a.csv", data.encode()).rows == [["a fine, day", "x"], ["bad day", "y"]]


def test_a_single_column_with_commas_stays_whole():
    table = read_table("a.csv", b"text\nwell, well\nno comma\na, b, c\n")
    assert table.rows == [["well, well"], ["no comma"], ["a, b, c"]]


def test_pasted_sentences_with_commas_are_not_cut_into_columns():
    """The person would see half of each text, and rows refused."""
    table = read_table("pasted.csv", b"Well, it was good\nI hated it, honestly, a lot\nfine\nno, never, not me, no\n")
    assert len(table.columns) == 1 and len(table.rows) == 4


def test_missing_and_surplus_cells():
    table = read_table("a.csv", b"text,label\nonly text\nI liked it, really,yes\ngood,yes,,\n")
    assert table.rows == [["only text", ""], ["good", "yes"]] and table.row_numbers == [2, 4]
    assert [(p.row, p.left_out) for p in table.problems] == [(3, True)] and "3 cells" in table.problems[0].message


def test_no_header_is_noticed_where_labels_repeat():
    """A first row taken for names is a lost example."""
    table = read_table("pasted.csv", b"a lovely film,positive\na dull film,negative\nsuperb,positive\n")
    assert not table.header and table.columns == ["column 1", "column 2"] and len(table.rows) == 3
    assert read_table("a.csv", b"wording,mood\na lovely film,positive\ndull,negative\n").columns == ["wording", "mood"]
    assert read_table("a.csv", b"a,b\nc,d\n", header=False).rows == [["a", "b"], ["c", "d"]]


def test_tsv_with_a_stray_quote_does_not_swallow_rows():
    table = read_table("a.tsv", b'text\tlabel\n"unclosed quote\t1\nnext\t0\nlast\t1\n')
    assert table.rows == [['"unclosed quote', "1"], ["next", "0"], ["last", "1"]]


@pytest.mark.parametrize(("name", "mark"), [("a.tsv", "\t"), ("a.csv", ","), ("a.csv", ";")])
def test_a_file_written_without_quoting_keeps_its_quotation_marks(name, mark):
    """The marks were dropped, and what the teacher judged was another text."""
    rows = [["text", "label"], ['"Amazing" film', "good"], ["dull", "bad"], ['a "big" bore', "bad"]]
    table = read_table(name, "\n".join(mark.join(row) for row in rows).encode())
    assert table.rows == rows[1:] and table.problems == []


def test_a_quotation_mark_that_never_closes_swallows_no_row_in_silence():
    table = read_table("a.csv", b'text,label\n"one, two",x\n"three,y\nfour,x\n')
    assert table.rows == [["one, two", "x"]] and [p.row for p in table.problems] == [3]
    assert "quotation mark" in table.problems[0].message and table.problems[0].left_out
    table = read_table("a.csv", b'text,label\n"one, two",x\n"three,y\nfour,x\n"five",y\nsix,x\n')
    assert table.rows == [["one, two", "x"], ["six", "x"]] and [p.row for p in table.problems] == [3]


def test_quoted_cells_lose_their_marks_where_one_is_badly_written():
    table = read_table("a.csv", b'"text","label"\n"say "no" then","x"\n"nice","y"\n')
    assert table.columns == ["text", "label"] and table.rows[1] == ["nice", "y"]


def test_the_line_that_names_the_separator_to_excel_is_no_row():
    table = read_table("a.csv", b"sep=;\ntext;label\na, b, c;x\nd;y\n")
    assert table.columns == ["text", "label"] and table.rows == [["a, b, c", "x"], ["d", "y"]] and table.row_numbers == [2, 3]


def test_txt_is_one_text_a_line_and_pasted_columns_are_seen():
    assert read_table("pasted.txt", "först\r\n\r\nzweit, ja\n".encode()).rows == [["först"], ["zweit, ja"]]
    table = read_table("pasted.txt", b"text\tlabel\na\tx\nb\ty")
    assert table.columns == ["text", "label"] and len(table.rows) == 2


def test_xlsx_numbers_truth_values_gaps_and_sheets():
    table = read_table("a.xlsx", workbook([["text", "label", "n"], ["good", 1, 2.5], [None], ["bad", 0, True]], sheets=2))
    assert table.rows == [["good", "1", "2.5"], ["bad", "0", "TRUE"]] and table.row_numbers == [2, 4]
    assert table.taken.sheet == "Sheet" and "'Sheet' was read; 'more 0' not" in table.taken.said and table.problems == []


def test_a_carriage_return_in_a_workbook_is_no_word():
    table = read_table("a.xlsx", workbook([["text", "label"], ["one_x000D_\ntwo", "x"], ["three", "y"]]))
    assert table.rows[0] == ["one\r\ntwo", "x"]


def test_jsonl_with_broken_rows_and_nested_values():
    data = b'{"text": "a", "label": 1}\nnot json\n[1]\n\n{"text": "b", "extra": {"x": 2}, "label": null}\n'
    table = read_table("a.jsonl", data)
    assert table.columns == ["text", "label", "extra"]
    assert table.rows == [["a", "1", ""], ["b", "", '{"x": 2}']] and table.row_numbers == [1, 5]
    assert [p.row for p in table.problems] == [2, 3]
    assert read_table("a.json", json.dumps([{"text": "a"}, {"text": "b"}]).encode()).rows == [["a"], ["b"]]
    with pytest.raises(BadInput, match="JSON object"):
        read_table("a.jsonl", b"no\njson")


def test_what_pandas_writes_for_a_missing_value_is_no_text():
    assert read_table("a.jsonl", b'{"text": NaN, "label": "x"}\n{"text": "good", "label": "y"}').rows == [["", "x"], ["good", "y"]]


def test_windows_1252_is_read_and_said():
    table = read_table("a.csv", "text,label\ncafé “ok”,x\nplain,y\n".encode("cp1252"))
    assert table.rows[0][0] == "café “ok”"
    assert [(p.row, p.left_out, p.kind) for p in table.problems] == [(0, False, "encoding")]
    assert "Windows-1252" in table.problems[0].message and table.taken.guessed


def test_one_bad_row_in_a_utf8_file_does_not_turn_the_others_to_mojibake():
    data = "text,label\ncafé,x\n".encode() + b"br\xf6ken,y\n"
    assert read_table("a.csv", data).rows == [["café", "x"], ["br\N{REPLACEMENT CHARACTER}ken", "y"]]


def test_utf16_and_byte_order_marks():
    assert read_table("a.csv", "text,label\ngrün,x\n".encode("utf-16")).rows == [["grün", "x"]]
    assert read_table("a.csv", "\ufefftext,label\na,x\n".encode()).columns == ["text", "label"]


@pytest.mark.parametrize(
    "name, data, words",
    [
        ("a.csv", b"", "empty"),
        ("a.csv", b"text,label\n", "no rows"),
        ("a.pdf", b"x", "CSV"),
        ("a.xls", b"x", "xlsx"),
        ("noending", b"x", "CSV"),
        ("a.xlsx", b"not a zip", "damaged"),
        ("a.xlsx", b"PK\x03\x04broken", "damaged"),
    ],
)
def test_files_that_cannot_be_used_say_why(name, data, words):
    with pytest.raises(BadInput, match=words):
        read_table(name, data)


def test_too_large_too_many_rows_and_columns(monkeypatch):
    monkeypatch.setattr(reading, "MAX_ROWS", 2)
    with pytest.raises(BadInput, match="rows"):
        read_table("a.csv", b"text\n1\n2\n3\n")
    monkeypatch.setattr(reading, "MAX_UPLOAD_BYTES", 10)
    with pytest.raises(BadInput, match="at most"):
        read_table("a.txt", b"x" * 11)
    monkeypatch.undo()
    with pytest.raises(BadInput, match="columns"):
        read_table("a.csv", b",".join([b"a"] * 300) + b"\n" + b",".join([b"b"] * 300))
    many = b"\n".join(b'{"k%d": 1}' % i for i in range(parsing.MAX_COLUMNS + 1))
    with pytest.raises(BadInput, match="columns"):
        read_table("a.jsonl", many)


def test_same_column_names_are_told_apart():
    assert read_table("a.csv", b"text,text,,label\na,b,c,d\n").columns == ["text", "text (2)", "column 3", "label"]


def zipped(*names, size=1, repeat=False):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"0" * size)
    return out.getvalue()


def test_zips_are_refused_before_anything_is_unpacked():
    """A small zip can unpack to gigabytes or write outside its folder."""
    for bad in ("../x", "/etc/x", "a/../../x", "c:\\x", "..\\x"):
        with pytest.raises(BadInput, match="outside"):
            open_checked_zip(zipped(bad), "The file")
    with pytest.raises(BadInput, match="unpack"):
        open_checked_zip(zipped("a", size=5000), "The file", max_unpacked=4000)
    with pytest.raises(BadInput, match="parts"):
        open_checked_zip(zipped("a", "b", "c"), "The file", max_entries=2)
    link = io.BytesIO()
    with zipfile.ZipFile(link, "w") as archive:
        entry = zipfile.ZipInfo("l")
        entry.external_attr = 0o120777 << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(BadInput, match="link"):
        open_checked_zip(link.getvalue(), "The file")
    assert open_checked_zip(zipped("a/b.txt"), "The file").namelist() == ["a/b.txt"]


def test_a_document_type_in_a_workbook_is_refused():
    """Entities expand to gigabytes."""
    with zipfile.ZipFile(io.BytesIO(workbook([["text"], ["a"]]))) as old:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as new:
            for entry in old.infolist():
                body = old.read(entry)
                if entry.filename.endswith("sheet1.xml"):
                    body = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>' + body
                new.writestr(entry, body)
    with pytest.raises(BadInput, match="unsafe"):
        read_table("a.xlsx", out.getvalue())


def test_rows_of_closed_quotation_marks_are_taken_as_they_are():
    assert parsing._quoted('a,"b,c"\nd,e\n', ",") == [(1, ["a", "b,c"]), (2, ["d", "e"])]
    assert parsing._quoted('a,"b" c\n', ",") is None


def test_a_file_written_without_quoting_is_told_by_the_width_of_its_lines():
    assert parsing._unquoted('a,"b" c\nd,e\n', ",") == [(1, ["a", '"b" c']), (2, ["d", "e"])]
    assert parsing._unquoted('a,"b" c\nd\n', ",") is None
    assert parsing._unquoted('"a","b"\nd,e\n', ",") is None, "half of its rows hold quoted cells"


def test_rows_that_others_ran_into_are_problems():
    """A mark that never closes swallows the rest of the file without a word."""
    raw = parsing._run_together('a,b\nc,"d\ne,f\n', ",", lambda cell: None)
    assert raw.rows == [(1, ["a", "b"])] and [number for number, _ in raw.problems] == [2]


def test_a_quotation_over_two_lines_that_is_damaged_between_tabs_tears_no_row():
    """The second half of a text was read as a text of its own, with the first one's label."""
    rows = [f'"Number {i} came late,\nand nobody said why."\tcomplaint\nThanks {i}.\tpraise\n' for i in range(5)]
    whole = "text\tlabel\n" + "".join(rows)
    table = read_table("a.tsv", whole.replace('why."', 'why."1e9', 1).encode())
    assert len(table.rows) == 10 and not [row for row in table.rows if row[0].startswith("and nobody")]


def test_a_damaged_cell_in_a_column_of_0_and_1_is_named_and_the_others_stay_labels():
    """One cell made a plain table of it, whose label was 0 or 1 of another column: complaints became praise."""
    lines = [f"Text {i}.,{i % 2},{1 - i % 2}" for i in range(20)]
    lines[4] = "Text 4.,\ufffd,1"
    table = read_table("a.csv", "\n".join(["text,complaint,praise", *lines]).encode())
    assert table.taken.shape == "one-hot" and table.column("label")[:5] == ["praise", "complaint", "praise", "complaint", ""]
    assert "neither 0 nor 1" in table.gaps["label"][6].why
