"""The formats of uploaded files: a new one is a function that reads its bytes, and a line here.

A format is a kind of file (CSV, parquet); a shape is what a tool writes into one (shapes/). Knows endings and names; what is
inside is the readers' affair.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cod_core.data import columnar, json_rows, packed, parsing, sheets
from cod_core.data.raw import Asked, Raw
from cod_core.data.shapes import grids, records
from cod_core.errors import BadInput
from cod_core.said import say, together


@dataclass(frozen=True)
class Format:
    """name: in messages. title: on screens. endings: of file names, lower case, the usual one first. read: bytes to rows.

    key: as a person names it. letters: whether it is text, whose encoding can be chosen. offers: keys of shapes it may have.
    """

    name: str
    title: str
    endings: tuple[str, ...]
    read: Callable[[bytes, Asked], Raw]
    key: str = ""
    letters: bool = True
    offers: tuple[str, ...] = ()


_OF_GRIDS = tuple(shape.key for shape in grids.SHAPES)
_OF_RECORDS = tuple(shape.key for shape in records.SHAPES)
FORMATS = (
    Format("CSV", "CSV", ("csv",), parsing.csv_file, "csv", offers=_OF_GRIDS),
    Format("TSV", "TSV", ("tsv", "tab"), parsing.tsv_file, "tsv", offers=_OF_GRIDS),
    Format("XLSX", "Excel (.xlsx)", ("xlsx",), sheets.xlsx_file, "xlsx", False, _OF_GRIDS),
    Format("JSON", say("JSON and JSON lines"), ("jsonl", "json", "ndjson"), json_rows.json_file, "json", offers=(*_OF_RECORDS, *_OF_GRIDS)),
    Format("TXT", say("plain text"), ("txt",), parsing.txt_file, "txt", offers=("lines", "fasttext")),
    Format("fastText", "fastText", ("ft", "fasttext"), parsing.fasttext_file, "fasttext"),
    Format("Parquet", "Parquet", ("parquet", "pq"), columnar.parquet_file, "parquet", False, (*_OF_RECORDS, *_OF_GRIDS)),
    Format("Arrow", "Arrow", ("arrow", "feather"), columnar.arrow_file, "arrow", False, (*_OF_RECORDS, *_OF_GRIDS)),
    Format("text lines", say("one text a line"), ("lines",), parsing.text_lines, "lines"),
)
PACKED = ("gz", "zip")
ENDINGS = (*(ending for f in FORMATS for ending in f.endings), *PACKED)
"""The endings of all files that are read, for a file chooser."""

SHAPES = {"table": say("a plain table: columns as they stand"), **{s.key: s.title for s in records.SHAPES}, **grids.titles()}
"""What a tool may have written into a table: key -> title."""

KEYS = (*(f.key for f in FORMATS), "dataset", *SHAPES)
"""Everything that a person may say a file is."""


def format_of(ending: str) -> Format | None:
    """The format of files with this ending (in any letter case, without its dot); None if they cannot be read."""
    return next((f for f in FORMATS if ending.lower() in f.endings), None)


def listed(words: Sequence[str]) -> str:
    """'A, B or C'."""
    *others, last = words
    return say("{others} or {last}", others=together(others, ", "), last=last) if others else last


def _offered() -> tuple[Format, ...]:
    return tuple(f for f in FORMATS if f.key not in ("lines", "fasttext"))


NAMES = listed([*(f.name for f in _offered()), say("a zip or .gz of one")])
TITLES = listed([*(f.title for f in _offered()), say("a zip or .gz of one")])
"""Every format in one phrase: NAMES for messages and commands, TITLES for screens."""


def ending_of(name: str) -> str:
    """The ending of a file's name in lower case, without its dot; '' where it has none."""
    return name.rsplit(".", 1)[-1].lower() if "." in name else ""


def format_for(name: str, data: bytes, asked: Asked) -> Format:
    """The format that the person names, else that of the ending; JSON under another text's name is JSON.

    Raises BadInput where the ending is unknown and nothing is named.
    """
    if named := next((f for f in FORMATS if f.key == asked.format), None):
        return named
    ending = ending_of(name)
    kind = format_of(ending)
    if kind is None:
        hint = say("In Excel: File, Save As, Excel Workbook (.xlsx).") if ending == "xls" else ""
        raise BadInput(
            together([say("Files ending in .{ending} cannot be read. Use {formats}.", ending=ending or "?", formats=NAMES), hint])
        )
    if kind.key in ("csv", "tsv", "txt") and _is_json(data):
        return next(f for f in FORMATS if f.key == "json")
    return kind


def _is_json(data: bytes) -> bool:
    """Whether the first line of a text file is an object of JSON, or opens a list of them."""
    line = data[: 2**20].lstrip(b"\xef\xbb\xbf \r\n\t").split(b"\n", 1)[0].strip()
    if line in (b"[", b"[{", b"{"):
        return True
    if not line.startswith((b'{"', b'[{"')):
        return False
    try:
        return isinstance(json.loads(line), dict | list)
    except (ValueError, RecursionError):
        return False


def read_as(name: str, data: bytes, asked: Asked) -> Raw:
    """The rows of a file, unpacked where it is packed. Raises BadInput where it cannot be read."""
    ending = ending_of(name)
    if asked.format and asked.format not in KEYS:
        raise BadInput(say("There is no format {format!r}. Use one of: {formats}.", format=asked.format, formats=", ".join(KEYS)))
    if ending == "gz" or data.startswith(b"\x1f\x8b"):
        inner = name[:-3] if ending == "gz" else name
        raw = read_as(inner, packed.gunzip(data), asked)
        raw.said = together([say("A gzip file."), raw.said])
        raw.file = raw.file or inner
        return raw
    if asked.format == "dataset":
        return columnar.dataset_folder(data, asked)
    if ending == "zip" and asked.format != "xlsx":
        endings = (*(e for f in FORMATS for e in f.endings), "gz")
        return packed.zip_file(data, asked, read_as, endings)
    kind = format_for(name, data, asked)
    raw = kind.read(data, asked)
    raw.file, raw.format = raw.file or name, raw.format or kind.key
    raw.said = raw.said or _named(kind.title)
    return raw


def _named(title: str) -> str:
    """What a file of this format is, in a sentence."""
    if title == "plain text":
        return say("A plain text file.")
    name = title.replace(" and JSON lines", "").replace(" (.xlsx)", "")
    return say("An {format} file.", format=name) if name[:1] in "AEIO" else say("A {format} file.", format=name)


def choices_for(format_key: str) -> dict[str, str]:
    """Key -> title of what a person may say that a file of this format is instead; {} where there is no choice."""
    kind = next((f for f in FORMATS if f.key == format_key), None)
    if kind is None:
        return {}
    titles = {**SHAPES, **{f.key: f.title for f in FORMATS}}
    own = [*kind.offers] if kind.key == "txt" else ["table", *kind.offers]
    texts = [f.key for f in FORMATS if f.letters and f.key != kind.key] if kind.letters else []
    return {key: titles[key] for key in dict.fromkeys([*own, *texts])}
