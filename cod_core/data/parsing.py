"""Bytes of a file to rows of strings, one function a format. Knows nothing of headers, columns or labels.

Each function gives Raw rows numbered as a spreadsheet shows them (blank rows count and are left out).
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from cod_core.errors import BadInput
from cod_core.settings import MAX_CHARS, MAX_ROWS, MAX_UPLOAD_BYTES

MAX_COLUMNS = 200
MAX_CELLS = 10_000_000
_MOST_PIECES = MAX_COLUMNS + MAX_CHARS  # of one row: a text of nothing but separators, and the other columns
UNREADABLE = "\N{REPLACEMENT CHARACTER}"
Mend = Callable[[str], str | None]


def nothing_to_mend(cell: str) -> None:
    return None


@dataclass
class Raw:
    """rows: (row number, cells). mend: mends one cell's encoding. names: columns, where the format has them.

    problems: (row number, sentence) of rows that could not be read. note: about the whole file, or ''.
    """

    rows: list[tuple[int, list[str]]]
    mend: Mend = nothing_to_mend
    names: list[str] | None = None
    problems: list[tuple[int, str]] = field(default_factory=list)
    note: str = ""


def decode(data: bytes) -> tuple[str, Callable[[str], str | None]]:
    """The text of a file and a function that mends one cell, or gives None where it was fine.

    UTF-8 first (UTF-16 where the file says so). Bytes that are not UTF-8 are kept as surrogates; the mending
    function reads them as Windows-1252 where the whole file looks like that, else as unreadable marks.
    """
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        text = data.decode("utf-16", "replace")
    else:
        text = data.decode("utf-8-sig", "surrogateescape")
    if re.search("[\ud800-\udfff]", text) is None:
        return text, nothing_to_mend
    mixed = re.search("[\x80-\ud7ff\ue000-\U0010ffff]", text) is not None

    def mend(cell: str) -> str | None:
        if re.search("[\ud800-\udfff]", cell) is None:
            return None
        cell = re.sub("[\ud800-\udc7f\udd00-\udfff]", UNREADABLE, cell)
        if mixed or UNREADABLE in cell:
            return re.sub("[\udc80-\udcff]+", UNREADABLE, cell)
        return cell.encode("utf-8", "surrogateescape").decode("cp1252", "replace")

    return text, mend


def csv_file(data: bytes) -> Raw:
    """Rows of a file separated by commas, semicolons, tabs or bars, whichever fits."""
    text, mend = decode(data)
    if stated := re.match(r"sep=([,;\t|])\r?\n", text, re.I):  # a line for Excel, which does not show it
        return _delimited(text[stated.end() :], stated[1], mend)
    return _delimited(text, _delimiter(text[:65536]), mend)


def tsv_file(data: bytes) -> Raw:
    """Rows of a file separated by tabs."""
    text, mend = decode(data)
    return _delimited(text, "\t", mend)


def txt_file(data: bytes) -> Raw:
    """One text a line; a table where every line has the same number of tabs."""
    text, mend = decode(data)
    lines = re.split(r"\r\n|\r|\n", text)
    tabs = {line.count("\t") for line in lines if line.strip()}
    if len(tabs) == 1 and tabs != {0}:
        return _delimited(text, "\t", mend)
    return Raw([(number, [line]) for number, line in enumerate(lines, start=1) if line.strip()], mend, ["text"])


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
        if mark != "\t" or not any(_ran_into(cells, mark) for _, cells in rows):
            return rows
    return None


def _unquoted(text: str, mark: str) -> NumberedRows | None:
    """The rows if lines, quotation marks and all, are rows of one width (always between tabs) and few cells are quoted."""
    rows = _csv_rows(text, mark, quotes=False)
    quoted = sum(any(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells) for _, cells in rows)
    even = mark in "\t\x1f" or len({len(cells) for _, cells in rows}) == 1
    return rows if even and 2 * quoted < len(rows) else None


def _run_together(text: str, mark: str, mend: Mend) -> Raw:
    """The rows that are surely whole; each row that others may have run into is a problem."""
    *rows, (number, last) = _csv_rows(f"{text}\n{_END}", mark)
    if last != [_END]:  # it stands inside quotation marks that never close
        rows.append((number, ["\n" + mark]))
    lost = [number for number, cells in rows if _ran_into(cells, mark)]
    message = (
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
                f"Row {number:,} of the file has {len(cells):,} cells; at most {MAX_COLUMNS} columns are accepted. Remove those not needed."
            )
        if any(cell.strip() for cell in cells):
            rows.append((number, cells))
            held += len(cells)
        if len(rows) > MAX_ROWS + 2:
            raise too_many()
        if held > MAX_CELLS:
            raise too_many_cells()
    return rows


def cell_text(value: object) -> str:
    """A spreadsheet or JSON value as text: 1.0 is '1', a truth value TRUE or FALSE, nothing ''."""
    if value is None or value != value:  # NaN, as pandas writes what is missing
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def jsonl_file(data: bytes) -> Raw:
    """One JSON object a line, or one list of objects; columns in the order in which they first occur."""
    text, mend = decode(data)
    problems: list[tuple[int, str]] = []
    objects: list[tuple[int, dict[str, object]]] = []
    for number, value in _json_values(text):
        if isinstance(value, dict):
            objects.append((number, value))
        elif value is _BROKEN:
            problems.append((number, "This row is not valid JSON; one object in braces a line is expected."))
        else:
            problems.append((number, 'This row is not an object with named fields, like {"text": "..."}.'))
        if len(objects) + len(problems) > MAX_ROWS:
            raise too_many()
    if not objects:
        raise BadInput(
            'No row of the file is a JSON object. One object in braces a line is expected, like {"text": "...", "label": "..."}.'
        )
    names = list(dict.fromkeys(key for _, value in objects for key in value))
    check_width(len(names))
    if len(objects) * len(names) > MAX_CELLS:
        raise too_many_cells()
    try:
        return Raw([(number, [cell_text(value.get(key)) for key in names]) for number, value in objects], mend, names, problems)
    except RecursionError:
        raise BadInput(
            "The file holds values that are nested too deeply to be read as cells. Keep texts and labels as plain fields."
        ) from None


_BROKEN = object()


def _json_values(text: str) -> Iterator[tuple[int, object]]:
    if text.lstrip().startswith("["):
        try:
            whole = json.loads(text)
        except (ValueError, RecursionError):
            whole = None
        if isinstance(whole, list):
            yield from enumerate(whole, start=1)
            return
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError):
                yield number, _BROKEN


def too_many() -> BadInput:
    """The error for a file with more rows than are accepted."""
    return BadInput(f"The file has more than {MAX_ROWS:,} rows. Split it into smaller files.")


def too_many_cells() -> BadInput:
    """The error for a file with more cells than are accepted."""
    return BadInput(f"The file has more than {MAX_CELLS:,} cells. Remove the columns not needed, or split it into smaller files.")


def check_width(columns: int) -> None:
    """Raises BadInput for more columns than are accepted."""
    if columns > MAX_COLUMNS:
        raise BadInput(f"The file has {columns:,} columns; at most {MAX_COLUMNS} are accepted. Remove those not needed.")
