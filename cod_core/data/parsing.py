"""Bytes of a table in letters to rows of strings: separated by commas, tabs and the like, or one text a line.

Each function gives Raw rows numbered as a spreadsheet shows them (blank rows count and are left out). Knows nothing of headers,
columns or labels.
"""

import csv
import io
import re
from contextlib import suppress
from itertools import pairwise

from cod_core.data.bounds import MAX_CELLS, MAX_COLUMNS, check_width, too_many, too_many_cells
from cod_core.data.encodings import Decoded, decode
from cod_core.data.raw import UNREADABLE, Asked, Known, Mend, Raw
from cod_core.data.shapes.votes import several
from cod_core.errors import BadInput
from cod_core.said import msg, say
from cod_core.settings import MAX_CHARS, MAX_ROWS, MAX_UPLOAD_BYTES

__all__ = [
    "MAX_CELLS",
    "MAX_COLUMNS",
    "UNREADABLE",
    "Raw",
    "check_width",
    "csv_file",
    "text_lines",
    "too_many",
    "too_many_cells",
    "tsv_file",
]

_MOST_PIECES = MAX_COLUMNS + MAX_CHARS  # of one row: a text of nothing but separators, and the other columns
_FASTTEXT = re.compile(r"((?:__label__[^\s,]+[ \t,]+)+)(.*)", re.S)


def _of(raw: Raw, letters: Decoded) -> Raw:
    """The rows, with the encoding that they came in."""
    raw.encoding, raw.guessed = letters.encoding, letters.guessed
    return raw


def csv_file(data: bytes, asked: Asked = Asked()) -> Raw:
    """Rows of a file separated by commas, semicolons, tabs or bars, whichever fits."""
    letters = decode(data, asked.encoding)
    if stated := re.match(r"sep=([,;\t|])\r?\n", letters.text, re.I):  # a line for Excel, which does not show it
        return _of(_delimited(letters.text[stated.end() :], stated[1], letters.mend), letters)
    return _of(_delimited(letters.text, _delimiter(letters.text[:65536]), letters.mend), letters)


def tsv_file(data: bytes, asked: Asked = Asked()) -> Raw:
    """Rows of a file separated by tabs."""
    letters = decode(data, asked.encoding)
    return _of(_delimited(letters.text, "\t", letters.mend), letters)


def txt_file(data: bytes, asked: Asked = Asked()) -> Raw:
    """One text a line; fastText's lines where they begin with labels; a table where every line has the same number of tabs."""
    letters = decode(data, asked.encoding)
    lines = _lines(letters.text)
    if 2 * sum(line.lstrip().startswith("__label__") for _, line in lines) > len(lines):
        return fasttext_file(data, asked)
    if lines and len(tabs := {line.count("\t") for _, line in lines}) == 1 and tabs != {0}:
        return _of(_delimited(letters.text, "\t", letters.mend), letters)
    return text_lines(data, asked)


def text_lines(data: bytes, asked: Asked = Asked()) -> Raw:
    """One text a line, whatever it holds."""
    letters = decode(data, asked.encoding)
    rows = [(number, [line]) for number, line in _lines(letters.text)]
    return _of(Raw(rows, letters.mend, ["text"], said=say("One text a line, without labels.")), letters)


def fasttext_file(data: bytes, asked: Asked = Asked()) -> Raw:
    """fastText's lines: "__label__praise A text." A line may have several labels, which are then named."""
    letters = decode(data, asked.encoding)
    rows: list[tuple[int, list[str]]] = []
    problems: list[tuple[int, str]] = []
    gaps = {}
    for number, line in _lines(letters.text):
        if found := _FASTTEXT.match(line.lstrip()):
            labels = list(dict.fromkeys(re.findall(r"__label__([^\s,]+)", found[1])))
            rows.append((number, [labels[0] if len(labels) == 1 else "", found[2]]))
            if len(labels) > 1:
                gaps[number] = several(labels)
        else:
            problems.append((number, say("This line does not begin with a label, such as __label__praise.")))
    if not rows:
        raise BadInput(msg("No line of the file begins with a label. fastText writes lines such as: __label__praise A fine day."))
    known = Known("text", ("label",))
    said = say("fastText lines, a label before each text.")
    return _of(Raw(rows, letters.mend, ["label", "text"], problems, gaps={"label": gaps}, known=known, said=said), letters)


def _lines(text: str) -> list[tuple[int, str]]:
    """(number, line) of the lines that hold anything. Raises BadInput for too many."""
    lines = [(number, line) for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1) if line.strip()]
    if len(lines) > MAX_ROWS + 2:
        raise too_many()
    return lines


def _delimiter(sample: str) -> str:
    """The separator whose columns come out most alike over the first rows; one that never occurs where none does.

    Commas inside plain texts are no columns: below 60 % of rows of one width, the first row must look like names.
    """
    best, best_score = "\x1f", 0.0
    for mark in ",;\t|":
        reader = csv.reader(io.StringIO(sample, newline=""), delimiter=mark)
        rows = [cells for _, cells in zip(range(50), reader, strict=False) if cells]
        if not rows or len(rows[0]) < 2:
            continue
        widths = [len(cells) for cells in rows]
        commonest = max((w for w in widths if w > 1), key=widths.count)
        score = max(map(widths.count, (widths[0], commonest))) / len(widths)
        names = all(0 < len(cell.split()) <= 2 and len(cell) <= 30 for cell in rows[0])
        if score > best_score + 0.05 and (names or score >= 0.6):
            best, best_score = mark, score
    return best


def _delimited(text: str, mark: str, mend: Mend) -> Raw:
    """Rows between marks. Where quotation marks do not close at the ends of cells the file was written without quoting, if
    its lines are rows then and few cells are quoted; else each row that others may have run into is a problem."""
    csv.field_size_limit(MAX_UPLOAD_BYTES)
    rows = _quoted(text, mark)
    if rows is None:
        rows = _unquoted(text, mark)
    return Raw(rows, mend) if rows is not None else _run_together(text, mark, mend)


NumberedRows = list[tuple[int, list[str]]]


def _quoted(text: str, mark: str) -> NumberedRows | None:
    """The rows if every quotation mark closes at the end of its cell and, between tabs, no row ran into another."""
    with suppress(csv.Error):
        rows = _csv_rows(text, mark, strict=True)
        if mark != "\t" or not any(_ran_into(cells, mark) and _several_rows(cells, mark, len(rows[0][1])) for _, cells in rows):
            return rows
    return None


def _several_rows(cells: list[str], mark: str, width: int) -> bool:
    """Whether the lines of a row are rows of the table themselves: a text that holds the separator and a line break is one row."""
    return sum(line.count(mark) + 1 == width for line in mark.join(cells).split("\n")) > 1


def _unquoted(text: str, mark: str) -> NumberedRows | None:
    """The rows if lines, quotation marks and all, are rows of one width (always between tabs), few cells are quoted, and none is
    that runs over two lines."""
    rows = _csv_rows(text, mark, quotes=False)
    if any(_torn(one, other) for (_, one), (_, other) in pairwise(rows)):
        return None
    quoted = sum(any(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells) for _, cells in rows)
    even = mark in "\t\x1f" or len({len(cells) for _, cells in rows}) == 1
    return rows if even and 2 * quoted < len(rows) else None


def _torn(cells: list[str], below: list[str]) -> bool:
    """Whether the last cell of a line opens a quotation that the first cell of the next line, which is longer, closes."""
    first, last = below[0].rstrip(), cells[-1].lstrip()
    opens = last.startswith('"') and not (len(last) > 1 and last.rstrip().endswith('"'))
    return len(cells) < len(below) and opens and first.endswith('"') and not first.startswith('"')


def _run_together(text: str, mark: str, mend: Mend) -> Raw:
    """The rows that are surely whole; each row that others may have run into is a problem."""
    *rows, (number, last) = _csv_rows(f"{text}\n{_END}", mark)
    if last != [_END]:  # it stands inside quotation marks that never close
        rows.append((number, ["\n" + mark]))
    lost = [number for number, cells in rows if _ran_into(cells, mark)]
    message = say(
        "A quotation mark in this row does not close at the end of its cell, so rows below may have run into it. "
        "Write each quotation mark inside a text twice."
    )
    return Raw([row for row in rows if not _ran_into(row[1], mark)], mend, problems=[(number, message) for number in lost])


_END = "the end"


def _ran_into(cells: list[str], mark: str) -> bool:
    """Whether a cell holds what ends a row and what ends a cell."""
    return any("\n" in cell and mark in cell for cell in cells)


def _csv_rows(text: str, mark: str, strict: bool = False, quotes: bool = True) -> NumberedRows:
    """(number, cells) of the rows that hold anything. Raises BadInput for too many; csv.Error for broken quotes if strict.

    quotes: whether quotation marks hold cells together, or are letters like others.
    """
    rows: NumberedRows = []
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=mark, strict=strict, quoting=csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE
    )
    held = 0
    for number, cells in enumerate(reader, start=1):
        if len(cells) > _MOST_PIECES:
            raise BadInput(
                say(
                    "Row {row:,} of the file has {n:,} cells; at most {most} columns are accepted. Remove those not needed.",
                    row=number,
                    n=len(cells),
                    most=MAX_COLUMNS,
                )
            )
        if any(cell.strip() for cell in cells):
            rows.append((number, cells))
            held += len(cells)
        if len(rows) > MAX_ROWS + 2:
            raise too_many()
        if held > MAX_CELLS:
            raise too_many_cells()
    return rows
