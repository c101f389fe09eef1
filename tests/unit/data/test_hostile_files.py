"""Files made to be expensive: each is refused in a sentence, within seconds, and without the memory that it asks for."""

import io
import json
import resource
import time
import zipfile

import openpyxl
import pytest

from cod_core.data import apart
from cod_core.data.archives import entry_lines, open_checked_zip
from cod_core.data.raw import UNREADABLE
from cod_core.data.tables import Columns, read_table, to_examples
from cod_core.errors import BadInput

SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
STRINGS = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{}</sst>'
STRINGS_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
ROW = '<row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c></row>'


def cell(place: str, text: str = "x") -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def workbook(**parts: str) -> bytes:
    """A workbook whose parts (sheet1, styles, sharedStrings, workbook) are these texts."""
    made, out = io.BytesIO(), io.BytesIO()
    book = openpyxl.Workbook()
    book.active.append(["text"])
    book.save(made)
    with zipfile.ZipFile(made) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part, body = name.rsplit("/", 1)[-1].removesuffix(".xml"), old.read(name).decode()
            if name == "[Content_Types].xml" and "sharedStrings" in parts:
                body = body.replace("</Types>", f'<Override PartName="/xl/sharedStrings.xml" ContentType="{STRINGS_TYPE}"/></Types>')
            new.writestr(name, parts.get(part, body))
        if "sharedStrings" in parts:
            new.writestr("xl/sharedStrings.xml", parts["sharedStrings"])
    return out.getvalue()


def refused(name: str, data: bytes, says: str, seconds: float = 20) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.process_time()
    with pytest.raises(BadInput, match=says):
        read_table(name, data)
    assert time.process_time() - started < seconds
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1.5 * 2**20, "in kB: 1.5 GB"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sheet", "says"),
    [
        (ROW + f'<row r="2000000000">{cell("A2000000000")}</row>', "below 1,048,576"),
        (ROW + f'<row r="2">{cell("XFD2")}</row>', "beyond column 200"),
        (ROW + f'<row r="2">{cell("ZZZ2")}</row>', "beyond column 200|damaged"),
        (ROW + f'<row r="2">{cell("ZZZZZZZZ2")}</row>', "beyond column 200|damaged|too much memory"),
        ("".join(f'<row r="{r}">{cell(f"A{r}")}</row>' for r in range(1, 4_000_000, 1_000_000)), "below 1,048,576"),
        ("<a>" * 200_000, "damaged|too much memory|takes too long"),
        (ROW + '<row r="2"><c r="A2" t="s"><v>99999999</v></c></row>', "damaged"),
        (ROW + f'<row r="2"><c r="A2"><v>{"9" * 5000}</v></c></row>', "damaged"),
    ],
    ids=["row 2,000,000,000", "last column", "beyond it", "far beyond it", "gaps", "nested", "no such text", "long number"],
)
def test_a_sheet_that_names_far_places_is_refused(sheet, says):
    """Prevents (proven): 1 kB with row 2,000,000,000, gaps of a million rows, or a cell in the last column never ended."""
    refused("a.xlsx", workbook(sheet1=SHEET.format(sheet)), says)


@pytest.mark.slow
@pytest.mark.parametrize("part", ["styles", "workbook", "theme1", "core"])
def test_a_part_without_texts_is_bounded(part):
    """Prevents (proven): styles of 150 MB never ended; they are read before the first cell."""
    refused("a.xlsx", workbook(**{part: "<a>" + "<b/>" * 3_000_000 + "</a>"}), "holds no texts")


@pytest.mark.slow
@pytest.mark.parametrize("limit", ["CPU_S", "WALL_S"])
def test_what_takes_too_long_is_killed(monkeypatch, limit):
    """Prevents (proven): shared strings of 150 MB held the server for as long as they liked; now they hold one process, and briefly."""
    monkeypatch.setattr(apart, limit, 3)
    data = workbook(sharedStrings=STRINGS.format("<si><t>a</t></si>" * 8_000_000))
    started = time.monotonic()
    refused("a.xlsx", data, "takes too long")
    assert time.monotonic() - started < 30


@pytest.mark.slow
def test_what_takes_too_much_memory_ends_as_a_sentence(monkeypatch):
    """Prevents: a workbook that becomes gigabytes of objects takes the server's memory with it."""
    deep = "<si>" + "<r><rPr><b/><i/><sz val='1'/></rPr><t>a</t></r>" * 300_000 + "</si>"
    monkeypatch.setattr(apart, "MEMORY_BYTES", 400 * 2**20)
    refused("a.xlsx", workbook(sharedStrings=STRINGS.format(deep)), "too much memory", seconds=30)


def test_a_document_type_behind_a_long_comment_expands_nothing():
    """Prevents: the check of the first bytes is walked around; entities that expand to gigabytes."""
    bomb = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10 if i else "a" * 100}">' for i in range(10))
    head = f"<?xml version='1.0'?><!--{' ' * 5000}--><!DOCTYPE x [{bomb}]>"
    body = SHEET.format(f'<row r="1">{cell("A1", "&a9;")}</row>')
    refused("a.xlsx", workbook(sheet1=head + body), "damaged|too much memory|takes too long|unsafe")


def test_one_long_text_in_every_cell_is_bounded():
    """Prevents: a text is stored once in a workbook and may stand in 200,000 cells."""
    cells = "".join(f'<row r="{r}"><c r="A{r}" t="inlineStr"><is><t>{"a" * 30_000}</t></is></c></row>' for r in range(1, 4000))
    refused("a.xlsx", workbook(sheet1=SHEET.format(cells)), "more than 104,857,600 characters")


def test_the_reading_process_gets_no_key_and_no_address(monkeypatch):
    """Prevents: what a workbook could do to its parser, it could do with the keys in the environment."""
    seen = {}

    def popen(command, **options):
        seen.update(options["env"])
        raise BadInput("not started")

    monkeypatch.setenv("COD_LLM_KEY", "sk-secret")
    monkeypatch.setenv("COD_DATABASE_URL", "postgresql://name:password@host/db")
    monkeypatch.setattr(apart.subprocess, "Popen", popen)
    with pytest.raises(BadInput, match="not started"):
        read_table("a.xlsx", workbook())
    assert "secret" not in repr(seen) and "password" not in repr(seen)


@pytest.mark.slow
@pytest.mark.parametrize("mark", [b",", b"\t", b";"])
def test_a_row_of_millions_of_columns_is_refused_at_once(mark):
    """Prevents (proven): a header of 25 million columns took 44 s."""
    refused("a.tsv" if mark == b"\t" else "a.csv", mark * 25_000_000 + b"\nx", "at most 200 columns", seconds=10)


@pytest.mark.slow
def test_many_short_rows_under_a_wide_header_are_bounded():
    """Prevents: rows are filled up to the header, so 3 MB become 40 million cells; in JSON lines alike."""
    wide = b",".join(b"c%d" % i for i in range(200)) + b"\n"
    refused("a.csv", wide + b"x,y\n" * 150_000, "more than 10,000,000 cells")
    lines = b"".join(b'{"c%d": 1}\n' % (i % 200) for i in range(150_000))
    refused("a.jsonl", lines, "more than 10,000,000 cells")


def test_a_text_of_nothing_but_separators_is_still_a_text():
    """Prevents: the bound on a row's cells refuses what is one cell."""
    table = read_table("a.csv", b'text,label\n"' + b"," * 19_000 + b'",x\n"a, b",y\n')
    assert len(table.rows[0][0]) == 19_000


def test_values_nested_deeply_are_refused_in_a_sentence():
    """Prevents: a bare RecursionError."""
    for depth in (100, 900, 5000, 100_000):
        data = b'{"text": ' + b"[" * depth + b"]" * depth + b', "label": "x"}\n{"text": "a", "label": "y"}'
        try:
            assert read_table("a.jsonl", data).columns == ["text", "label"]
        except BadInput:
            pass


def test_a_line_of_an_archive_is_bounded():
    """Prevents (proven): a line of 500 MB in a backup of half a megabyte became 1.6 GB of memory."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("rows.jsonl", json.dumps({"a": 1}) + "\n" + " " * 60 * 2**20)
    with open_checked_zip(out.getvalue(), "The backup") as archive:
        lines = entry_lines(archive, "rows.jsonl", "The backup")
        assert json.loads(next(lines)) == {"a": 1}
        with pytest.raises(BadInput, match="line of more than 16 MB"):
            next(lines)
        with pytest.raises(BadInput, match="no readable part"):
            next(entry_lines(archive, "other.jsonl", "The backup"))
        assert len(list(entry_lines(archive, "rows.jsonl", "The backup", 2**30))) == 2


HALF = b'{"text": "Text number %d.", "label": "%d", "source": "t\\ud83d", "note": "n\\ud83d", "k\\ud83d": "v"}\n'
TORN = "text,label,source,note\n" + "".join(f"Schöner Text {{0}}{i}.,{i},ä,ä\n" for i in range(4))


@pytest.mark.parametrize("kind", ["jsonl", "zip"])
def test_halves_of_letters_beside_a_text_are_marked(kind):
    """Prevents (proven): a UnicodeEncodeError on import, or, where the column was kept, at each export for good. Programs that cut
    an emoji in two write such JSON; in a zip only the first table's letters were looked at."""
    data = b"".join(HALF % (i, i % 2) for i in range(4))
    if kind == "zip":
        torn = TORN.format(1).encode() + b"Ein Text,1,t\xe4,n\xe4\n"
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("train.csv", TORN.format(0))
            archive.writestr("test.csv", torn)
        data = out.getvalue()
    table = read_table(f"a.{kind}", data)
    found = to_examples(table, Columns("text", "label", "source"), keep=["note"]).examples[-1]
    assert (found.source_id, found.metadata["note"]) == (f"t{UNREADABLE}", f"n{UNREADABLE}")
    assert all(name.encode() for name in table.columns)


@pytest.mark.slow
def test_a_usual_workbook_is_read_quickly():
    """Prevents: a guard that makes everybody wait. 20,000 rows, as a team has them."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for i in range(20_000):
        sheet.append([f"A text of some words, number {i}.", "good" if i % 2 else "bad", i])
    out = io.BytesIO()
    book.save(out)
    started = time.monotonic()
    assert len(read_table("a.xlsx", out.getvalue(), header=False).rows) == 20_000
    assert time.monotonic() - started < 20
