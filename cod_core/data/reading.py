"""Files to tables of strings. Knows nothing of labels or tasks.

Nothing in a file is trusted: bytes, rows, columns and unpacked sizes are bounded before they are read, no
cell is dropped or changed silently, and every row that cannot be read is listed with its number. Row
numbers are those a spreadsheet shows: the header is row 1, blank rows count.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from cod_core.data import parsing
from cod_core.data.archives import megabytes
from cod_core.data.encodings import OFFERED, marked
from cod_core.data.formats import read_as
from cod_core.data.raw import Asked, Gap, Gaps, Known, Raw, Taken, nothing_to_mend
from cod_core.data.shapes import grids
from cod_core.errors import BadInput
from cod_core.said import msg, say, together
from cod_core.settings import MAX_ROWS, MAX_UPLOAD_BYTES

_HEADER_WORDS = re.compile(
    r"text|sentence|review|comment|content|document|message|body|tweet|snippet|label|class|category|sentiment|"
    r"target|gold|rating|source|split|original|counterfactual|title|id|batch_id|.*_(?:id|text|label)",
    re.I,
)


@dataclass(frozen=True)
class Problem:
    """row: as a spreadsheet counts (0: the whole file). message: one sentence. left_out: the row is not used.

    kind: a key of remarks.KINDS, which says what mends it; "" for a kind of its own.
    """

    row: int
    message: str
    left_out: bool = True
    kind: str = ""


@dataclass(frozen=True)
class Table:
    """columns: unique names. rows: strings, one a column. row_numbers: one a row. problems: rows not readable.

    header: whether the names came from the file. taken: what the file was taken for. known: columns that the format tells.
    gaps: column -> row number -> why the row has no label there. order: labels as the file orders them. guideline,
    descriptions (label -> words): where the file brings them.
    """

    columns: list[str]
    rows: list[list[str]]
    row_numbers: list[int]
    problems: list[Problem] = field(default_factory=list)
    header: bool = True
    taken: Taken = Taken()
    known: Known = Known()
    gaps: Gaps = field(default_factory=dict)
    order: tuple[str, ...] = ()
    guideline: str = ""
    descriptions: Mapping[str, str] = field(default_factory=dict)

    def column(self, name: str) -> list[str]:
        """The cells of one column. Raises BadInput naming the columns there are."""
        if name not in self.columns:
            raise BadInput(say("There is no column {name!r}. The file has: {columns}.", name=name, columns=", ".join(self.columns)))
        index = self.columns.index(name)
        return [row[index] for row in self.rows]


def read_table(name: str, data: bytes, header: bool | None = None, asked: Asked = Asked()) -> Table:
    """The table in an uploaded file, by the ending of its name and its looks, or as the person asks (see formats.FORMATS).

    header: whether the first row holds names; found out where None. Unreadable rows are in `problems`, all others in `rows`.
    Raises BadInput where the file as a whole cannot be used.
    """
    if len(data) > MAX_UPLOAD_BYTES:
        raise BadInput(
            say(
                "The file is {size}; at most {most} are accepted. Split it into smaller files.",
                size=megabytes(len(data)),
                most=megabytes(MAX_UPLOAD_BYTES),
            )
        )
    if not data.strip():
        raise BadInput(msg("The file is empty. Choose a file with at least one row of text."))
    raw = read_as(name, data, asked)
    table = _shaped(_finish(raw, header), asked)
    if not table.rows and not table.problems:
        raise BadInput(msg("The file has no rows of data below its header."))
    return table


def _shaped(table: Table, asked: Asked) -> Table:
    """The table as the tool that wrote it means it (shapes/grids.py), where it is not told yet."""
    if table.taken.shape != "table":
        return table
    grid = grids.Grid(table.columns, table.row_numbers, table.rows)
    raw = grids.read(grid, asked)
    if raw is None:
        note = grids.yes_no_note(grid)
        return replace(table, problems=[*table.problems, Problem(0, note, False, "yes or no")]) if note else table
    taken = replace(table.taken, shape=raw.shape, said=together([table.taken.said, raw.said]))
    shaped = _finish(raw, None)
    return replace(shaped, taken=taken, problems=[*table.problems, *shaped.problems], header=table.header)


def _finish(raw: Raw, header: bool | None) -> Table:
    """Header found, widths made equal, encodings mended; what cannot be used becomes a problem."""
    problems = [Problem(row, message) for row, message in raw.problems]
    _mend(raw)
    if raw.guessed:
        problems.append(Problem(0, _guess(raw.encoding), False, "encoding"))
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
    _fill(table, names, listed)
    problems.sort(key=lambda p: p.row)
    return _told(table, raw, dict(zip(names, table.columns)))


def _fill(table: Table, names: list[str], listed: list[tuple[int, list[str]]]) -> None:
    """Put the rows into the table, all of one width; those that are too wide become problems."""
    for number, cells in listed:
        while len(cells) > len(names) and not cells[-1].strip():
            cells = cells[:-1]
        if len(cells) > len(names):
            table.problems.append(
                Problem(
                    number,
                    say(
                        "This row has {cells} cells and the table has {columns} columns: a text that holds the separator needs "
                        "double quotes around it.",
                        cells=len(cells),
                        columns=len(names),
                    ),
                    kind="width",
                )
            )
            continue
        table.rows.append(cells + [""] * (len(names) - len(cells)))
        table.row_numbers.append(number)


def _told(table: Table, raw: Raw, now: Mapping[str, str]) -> Table:
    """The table with all that its reader knows. now: name of a column in the file -> in the table."""
    taken = Taken(raw.format, raw.shape, raw.file, raw.said, raw.encoding, raw.guessed, raw.sheet, raw.sheets)
    known = raw.known
    known = Known(
        now.get(known.text, ""), tuple(now[n] for n in known.labels if n in now), now.get(known.name, ""), now.get(known.split, "")
    )
    gaps = {now[column]: rows for column, rows in raw.gaps.items() if column in now}
    return replace(
        table, taken=taken, known=known, gaps=gaps, order=raw.order, guideline=raw.guideline, descriptions=dict(raw.descriptions)
    )


def _guess(encoding: str) -> str:
    known = OFFERED.get(encoding, encoding)
    return say("The file is not UTF-8 and was read as {encoding}. Check that its letters look right.", encoding=known)


def _mend(raw: Raw) -> None:
    """Cells that do not fit the encoding of the file are marked in place, and halves of letters that JSON spells out."""
    mend = marked if raw.mend is nothing_to_mend else raw.mend
    for i, (number, cells) in enumerate(raw.rows):
        mended = [None if cell.isascii() else mend(cell) for cell in cells]
        if any(cell is not None for cell in mended):
            raw.rows[i] = (number, [old if new is None else new for old, new in zip(cells, mended, strict=True)])

    def mended_name(name: str) -> str:
        return mend(name) or name

    raw.names = raw.names and [*map(mended_name, raw.names)]
    raw.gaps = {mended_name(c): {n: Gap(g.kind, mended_name(g.why)) for n, g in rows.items()} for c, rows in raw.gaps.items()}


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
