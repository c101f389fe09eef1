"""The formats of uploaded files: a new one is a function that reads its bytes, and a line here.

Knows endings and names; what a format looks like inside is its reader's affair.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cod_core.data import parsing, sheets
from cod_core.data.parsing import Raw


@dataclass(frozen=True)
class Format:
    """name: in messages. title: on screens. endings: of file names, lower case, the usual one first. read: bytes to rows."""

    name: str
    title: str
    endings: tuple[str, ...]
    read: Callable[[bytes], Raw]


FORMATS = (
    Format("CSV", "CSV", ("csv",), parsing.csv_file),
    Format("TSV", "TSV", ("tsv", "tab"), parsing.tsv_file),
    Format("XLSX", "Excel (.xlsx)", ("xlsx",), sheets.xlsx_file),
    Format("JSONL", "JSON lines", ("jsonl", "ndjson", "json"), parsing.jsonl_file),
    Format("TXT", "plain text", ("txt",), parsing.txt_file),
)
ENDINGS = tuple(f.endings[0] for f in FORMATS)
"""The usual ending of each format, for a file chooser; files with the other endings are read too."""


def format_of(ending: str) -> Format | None:
    """The format of files with this ending (in any letter case, without its dot); None if they cannot be read."""
    return next((f for f in FORMATS if ending.lower() in f.endings), None)


def listed(words: Sequence[str]) -> str:
    """'A, B or C'."""
    return " or ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


NAMES = listed([f.name for f in FORMATS])
TITLES = listed([f.title for f in FORMATS])
"""Every format in one phrase: NAMES for messages and commands, TITLES for screens."""
