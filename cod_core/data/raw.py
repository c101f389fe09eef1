"""What a reader hands on, and what a person may say about a file before it is read. Plain values; knows no format."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

UNREADABLE = "\N{REPLACEMENT CHARACTER}"
Mend = Callable[[str], str | None]


def nothing_to_mend(cell: str) -> None:
    return None


@dataclass(frozen=True)
class Asked:
    """What the person says of a file; "" where the reader is to find out.

    format: the key of a format or of a shape (formats.KEYS). encoding: a key of encodings.OFFERED. sheet: of a workbook, or
    the part of a zip.
    """

    format: str = ""
    encoding: str = ""
    sheet: str = ""


@dataclass(frozen=True)
class Known:
    """Columns that the format itself tells; "" where it does not. name: what each row is called. labels: columns of labels."""

    text: str = ""
    labels: tuple[str, ...] = ()
    name: str = ""
    split: str = ""


@dataclass(frozen=True)
class Gap:
    """Why a row has no label. kind: a key of remarks.KINDS. why: a sentence."""

    kind: str
    why: str


@dataclass(frozen=True)
class Taken:
    """What a file was taken for. format, shape, encoding: keys, "" where there is none. said: one sentence for the person.

    sheet: the sheet or part that was read. sheets: all there are, where there are several. file: the name of what was read,
    inside a zip or gzip. guessed: whether the encoding is a guess.
    """

    format: str = ""
    shape: str = "table"
    file: str = ""
    said: str = ""
    encoding: str = ""
    guessed: bool = False
    sheet: str = ""
    sheets: tuple[str, ...] = ()


Gaps = Mapping[str, Mapping[int, Gap]]


@dataclass
class Raw:
    """rows: (row number, cells). mend: mends one cell's encoding. names: columns, where the format has them.

    problems: (row number, sentence) of rows that could not be read. note: about the whole file, or ''. gaps: column -> row
    number -> why it has no label there. said: what the file was taken for, '' for a plain table. order: labels in the order
    that the file gives them. guideline, descriptions: of the labels, where the file brings them.
    """

    rows: list[tuple[int, list[str]]]
    mend: Mend = nothing_to_mend
    names: list[str] | None = None
    problems: list[tuple[int, str]] = field(default_factory=list)
    note: str = ""
    gaps: Gaps = field(default_factory=dict)
    known: Known = Known()
    said: str = ""
    format: str = ""
    shape: str = "table"
    encoding: str = ""
    guessed: bool = False
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    guideline: str = ""
    descriptions: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
