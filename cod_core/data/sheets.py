"""Excel files to rows of strings: the sheet that holds a table of texts, or the one that the person names.

Read in a process of its own (apart.py), which this file is when run as a program.
"""

import io
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from cod_core.data import apart
from cod_core.data.archives import megabytes, open_checked_zip, read_entry
from cod_core.data.bounds import MAX_CELLS, MAX_COLUMNS, cell_text, too_many, too_many_cells
from cod_core.data.raw import Asked, Raw
from cod_core.errors import BadInput
from cod_core.said import msg, say
from cod_core.settings import MAX_ROWS, MAX_UNPACKED_BYTES

if TYPE_CHECKING:
    from openpyxl.workbook.workbook import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

MAX_PART_BYTES = 8 * 2**20  # of styles, names and the like; texts stand in other parts
MAX_SHEET_ROW = 1_048_576  # Excel's own last row
MAX_CHARACTERS = MAX_UNPACKED_BYTES // 2  # of all cells: a long text is stored once and may stand in every cell
MAX_SHEETS = 50  # that are looked into
_LOOKED_AT = 60  # rows of a sheet by which it is told whether it holds a table
_WHAT = say("The Excel file")
_DAMAGED = msg("The Excel file cannot be read: it is damaged. Open it in Excel, save it again and retry.")


def xlsx_file(data: bytes, asked: Asked = Asked()) -> Raw:
    """Rows of the sheet asked for, else of the first that holds a table of texts; formulas give their values.

    The zip is checked before it is opened. Raises BadInput for what is damaged, unsafe, too wide, too far down, too large or
    too slow, and for a sheet that is not there.
    """
    _check_parts(data)
    rows, end = apart.read_apart("cod_core.data.sheets", data, _WHAT, asked.sheet)
    sheets = tuple(end["sheets"])
    said = say("An Excel workbook; the sheet {sheet!r} was read.", sheet=end["sheet"])
    if len(sheets) > 1:
        others = ", ".join(repr(name) for name in sheets if name != end["sheet"])
        said = say("An Excel workbook. Its sheet {sheet!r} was read; {others} not.", sheet=end["sheet"], others=others[:300])
    return Raw([(int(row["n"]), row["cells"]) for row in rows], sheet=end["sheet"], sheets=sheets, said=said)


def _check_parts(data: bytes) -> None:
    with open_checked_zip(data, _WHAT) as archive:
        for entry in archive.infolist():
            if not entry.filename.lower().endswith((".xml", ".rels")):
                continue
            if entry.file_size > MAX_PART_BYTES and not _holds_texts(entry.filename):
                raise BadInput(
                    say(
                        "{what} has a part {name!r} of {size} that holds no texts; at most {most} are "
                        "accepted. Copy the texts into a new workbook.",
                        what=_WHAT,
                        name=entry.filename[:80],
                        size=megabytes(entry.file_size),
                        most=megabytes(MAX_PART_BYTES),
                    )
                )
            if b"<!DOCTYPE" in read_entry(archive, entry.filename, _WHAT, 4096).replace(b"\0", b"").upper():
                raise BadInput(say("{what} holds a document type definition, which is unsafe. Save it again in Excel.", what=_WHAT))


def _holds_texts(name: str) -> bool:
    return "worksheets/" in name.lower() or name.lower().endswith("sharedstrings.xml")


def _write_rows(data: bytes, arguments: list[str], write: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """Write the rows of one sheet; returns which it was and which there are. Raises BadInput."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    names = [sheet.title for sheet in book.worksheets]
    wanted = arguments[0] if arguments else ""
    if wanted and wanted not in names:
        raise BadInput(
            say("{what} has no sheet {name!r}. Its sheets are: {sheets}.", what=_WHAT, name=wanted[:60], sheets=", ".join(names)[:500])
        )
    sheet: Any = book.worksheets[names.index(wanted)] if wanted else _with_texts(book)
    sheet.reset_dimensions()
    for number, cells in _sheet_rows(sheet):
        write({"n": number, "cells": cells})
    return {"sheet": sheet.title, "sheets": names}


def _with_texts(book: "Workbook") -> Any:
    """The first sheet whose beginning looks like a table of texts, else the fullest. Raises BadInput where all are empty."""
    best, most, refused = None, 0.0, BadInput(msg("The Excel file has no rows."))
    sheet: Any  # read-only sheets have methods that the stubs do not know
    for sheet in book.worksheets[:MAX_SHEETS]:
        sheet.reset_dimensions()
        try:
            rows = [cells for _, (_, cells) in zip(range(_LOOKED_AT), _sheet_rows(sheet))]
        except BadInput as error:
            refused = error
            continue
        worth = _worth(rows)
        if worth > most:
            best, most = sheet, worth
        if worth >= 2:
            break
    if best is None:
        raise refused
    return best


def _worth(rows: list[list[str]]) -> float:
    """2 for a table of texts (three rows and more of two columns, one of them texts), 1 for a list of texts, below for notes."""
    if not rows:
        return 0.0
    full = [row for row in rows if sum(bool(cell.strip()) for cell in row) >= 2]
    texts = sum(max(map(len, row)) >= 15 for row in rows)
    if len(full) >= 3 and 2 * len(full) > len(rows):
        return 2.0 if 2 * texts > len(rows) else 1.5
    return 1.0 if 2 * texts > len(rows) else min(0.9, len(rows) / 100)


def _sheet_rows(sheet: "Worksheet") -> Iterator[tuple[int, list[str]]]:
    count = characters = held = 0
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > MAX_SHEET_ROW:
            raise BadInput(
                say(
                    "{what} has rows below {last:,}, which is Excel's last one: it is damaged. Save it again in Excel.",
                    what=_WHAT,
                    last=MAX_SHEET_ROW,
                )
            )
        if len(cells) > MAX_COLUMNS and any(cell_text(cell) for cell in cells[MAX_COLUMNS:]):
            raise BadInput(
                say(
                    "Row {row:,} of {what} has cells beyond column {last}. Remove the columns not needed.",
                    row=number,
                    what=_WHAT.lower(),
                    last=MAX_COLUMNS,
                )
            )
        texts = [cell_text(cell).replace("_x000D_", "\r") for cell in cells[:MAX_COLUMNS]]  # how Excel writes a carriage return
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            continue
        count, held, characters = count + 1, held + len(texts), characters + sum(map(len, texts))
        if count > MAX_ROWS + 1:
            raise too_many()
        if held > MAX_CELLS:
            raise too_many_cells()
        if characters > MAX_CHARACTERS:
            raise BadInput(
                say(
                    "The texts of {what} are more than {most:,} characters. Split it into smaller files.",
                    what=_WHAT.lower(),
                    most=MAX_CHARACTERS,
                )
            )
        yield number, texts


if __name__ == "__main__":
    apart.serve(_write_rows, _DAMAGED)
