"""Files to tables of strings. Knows nothing of labels or tasks.

Nothing in a file is trusted: bytes, rows, columns and unpacked sizes are bounded before they are read, no
cell is dropped or changed silently, and every row that cannot be read is listed with its number. Row
numbers are those a spreadsheet shows: the header is row 1, blank rows count.
"""

import re
from dataclasses import dataclass, field

from cod_core.data import parsing
from cod_core.data.archives import megabytes
from cod_core.data.formats import NAMES, format_of
from cod_core.data.parsing import UNREADABLE, Raw
from cod_core.errors import BadInput
from cod_core.settings import MAX_ROWS, MAX_UPLOAD_BYTES

_MAX_ENCODING_NOTES = 20
_HEADER_WORDS = re.compile(
    r"text|sentence|review|comment|content|document|message|body|tweet|snippet|label|class|category|sentiment|"
    r"target|gold|rating|source|split|original|counterfactual|title|id|batch_id|.*_(?:id|text|label)",
    re.I,
)


@dataclass(frozen=True)
class Problem:
    """row: as a spreadsheet counts (0: the whole file). message: one sentence. left_out: the row is not used."""

    row: int
    message: str
    left_out: bool = True


@dataclass(frozen=True)
class Table:
    """columns: unique names. rows: strings, one a column. row_numbers: one a row. problems: rows not readable.

    header: whether the names came from the file.
    """

    columns: list[str]
    rows: list[list[str]]
    row_numbers: list[int]
    problems: list[Problem] = field(default_factory=list)
    header: bool = True

    def column(self, name: str) -> list[str]:
        """The cells of one column. Raises BadInput naming the columns there are."""
        if name not in self.columns:
            raise BadInput(f"There is no column {name!r}. The file has: {', '.join(self.columns)}.")
        index = self.columns.index(name)
        return [row[index] for row in self.rows]


def read_table(name: str, data: bytes, header: bool | None = None) -> Table:
    """The table in an uploaded file, by the ending of its name (see formats.FORMATS).

    header: whether the first row holds names; found out where None. A txt file is one text a line, or a
    tab-separated table where every line has the same number of tabs. Unreadable rows are in `problems`, all
    others in `rows`. Raises BadInput where the file as a whole cannot be used.
    """
    ending = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    kind = format_of(ending)
    if kind is None:
        hint = " In Excel: File, Save As, Excel Workbook (.xlsx)." if ending == "xls" else ""
        raise BadInput(f"Files ending in .{ending or '?'} cannot be read. Use {NAMES}.{hint}")
    if len(data) > MAX_UPLOAD_BYTES:
        raise BadInput(
            f"The file is {megabytes(len(data))}; at most {megabytes(MAX_UPLOAD_BYTES)} are accepted. Split it into smaller files."
        )
    if not data.strip():
        raise BadInput("The file is empty. Choose a file with at least one row of text.")
    table = _finish(kind.read(data), header)
    if not table.rows and not table.problems:
        raise BadInput("The file has no rows of data below its header.")
    return table


def _finish(raw: Raw, header: bool | None) -> Table:
    """Header found, widths made equal, encodings mended; what cannot be used becomes a problem."""
    problems = [Problem(row, message) for row, message in raw.problems] + _mend(raw)
    if raw.note:
        problems.append(Problem(0, raw.note, False))
    listed, names = list(raw.rows), raw.names
    if names is None:
        head = [cells for _, cells in listed[:200]]
        header = _has_header(head) if header is None else header
        names = listed.pop(0)[1] if header and listed else [f"column {i + 1}" for i in range(max(map(len, head), default=1))]
    if len(listed) > MAX_ROWS:
        raise parsing.too_many()
    parsing.check_width(len(names))
    if len(listed) * len(names) > parsing.MAX_CELLS:  # short rows are filled up
        raise parsing.too_many_cells()
    table = Table(_unique(names), [], [], problems, bool(header) and raw.names is None)
    for number, cells in listed:
        while len(cells) > len(names) and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) > len(names):
            problems.append(
                Problem(
                    number,
                    f"This row has {len(cells)} cells and the table has {len(names)} columns: a "
                    "text that holds the separator needs double quotes around it.",
                )
            )
            continue
        table.rows.append(cells + [""] * (len(names) - len(cells)))
        table.row_numbers.append(number)
    problems.sort(key=lambda p: p.row)
    return table


def _mend(raw: Raw) -> list[Problem]:
    """Cells that were not UTF-8 are mended in place; the notes say in which rows."""
    if raw.mend is parsing.nothing_to_mend:
        return []
    windows = []
    for i, (number, cells) in enumerate(raw.rows):
        mended = [raw.mend(cell) for cell in cells]
        if any(cell is not None for cell in mended):
            cells = [old if new is None else new for old, new in zip(cells, mended, strict=True)]
            raw.rows[i] = (number, cells)
            if not any(UNREADABLE in cell for cell in cells):
                windows.append(number)
    raw.names = raw.names and [raw.mend(name) or name for name in raw.names]
    return _windows_notes(windows)


def _windows_notes(numbers: list[int]) -> list[Problem]:
    how = "is not UTF-8 and was read as Windows-1252. Check that its letters look right."
    if len(numbers) > _MAX_ENCODING_NOTES:
        return [Problem(0, f"The file {how}", False)]
    return [Problem(number, f"This row {how}", False) for number in numbers]


def _has_header(rows: list[list[str]]) -> bool:
    """Whether the first row names the columns: a usual name, or short words that no row below repeats."""
    if not rows:
        return False
    first = [cell.strip() for cell in rows[0]]
    if any(_HEADER_WORDS.fullmatch(cell) for cell in first):
        return True
    if len(rows) == 1 or len(set(first)) < len(first) or not all(map(_like_a_name, first)):
        return False
    below = [{row[i].strip() for row in rows[1:] if i < len(row)} for i in range(len(first))]
    return not any(cell in cells for cell, cells in zip(first, below, strict=True))


def _like_a_name(cell: str) -> bool:
    """Whether a cell could name a column: short, of few words, and no number."""
    return 0 < len(cell) <= 30 and len(cell.split()) <= 3 and re.fullmatch(r"[\d.,+-]+", cell) is None


def _unique(names: list[str]) -> list[str]:
    out: list[str] = []
    for index, name in enumerate(names):
        name = " ".join(name.split())[:100] or f"column {index + 1}"
        base, n = name, 2
        while name in out:
            name, n = f"{base} ({n})", n + 1
        out.append(name)
    return out
