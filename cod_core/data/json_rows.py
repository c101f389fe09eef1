"""JSON in the shapes that tables come in, to numbered records: lines, one list, a list under a name, columns, pandas' forms."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cod_core.data.bounds import MAX_CELLS, cell_text, check_width, too_many, too_many_cells
from cod_core.data.encodings import decode
from cod_core.data.raw import Asked, Raw
from cod_core.data.shapes import records as shapes
from cod_core.errors import BadInput
from cod_core.said import msg, say, together
from cod_core.settings import MAX_ROWS

Record = dict[str, object]
_BROKEN = object()
_TWICE = "\0twice"
_EXPECTED = say('One object in braces a line is expected, like {"text": "...", "label": "..."}, or one list of such objects.')
_DEEP = msg("The file holds values that are nested too deeply to be read as cells. Keep texts and labels as plain fields.")


def json_file(data: bytes, asked: Asked = Asked()) -> Raw:
    """Rows of JSON lines or of one JSON value, as the tool that wrote them means them (shapes/records.py)."""
    letters = decode(data, asked.encoding)
    whole = _whole(letters.text)
    about: Mapping[str, object] = {}
    if whole is None:
        values: Iterator[tuple[int, object]] = _lines(letters.text)
    else:
        values, about = _of_whole(whole)
    try:
        raw = of_values(values, asked, about, _cut_off(letters.text) if whole is None else "")
    except RecursionError:
        raise BadInput(_DEEP) from None
    raw.mend, raw.encoding, raw.guessed = letters.mend, letters.encoding, letters.guessed
    return raw


def of_values(values: Iterator[tuple[int, object]], asked: Asked, about: Mapping[str, object] = {}, why_none: str = "") -> Raw:
    """Rows of numbered values, those that are no objects named. about: what stands beside the rows in the file."""
    problems: list[tuple[int, str]] = []
    records: list[tuple[int, Record]] = []
    for number, value in values:
        if isinstance(value, dict) and _TWICE in value:
            problems.append(
                (number, say("This row names the field {field!r} twice, so what it holds is unclear.", field=str(value[_TWICE])[:60]))
            )
        elif isinstance(value, dict):
            records.append((number, value))
        elif value is _BROKEN:
            problems.append((number, say("This row is not valid JSON; one object in braces a line is expected.")))
        else:
            problems.append((number, say('This row is not an object with named fields, like {"text": "..."}.')))
        if len(records) + len(problems) > MAX_ROWS:
            raise too_many()
    if not records:
        raise BadInput(why_none or together([say("No row of the file is a JSON object."), _EXPECTED]))
    raw = shapes.read(records, asked, about) or plain(records)
    raw.problems = [*problems, *raw.problems]
    return raw


def plain(records: list[tuple[int, Record]]) -> Raw:
    """Records as rows; columns in the order in which they first occur."""
    names = list(dict.fromkeys(key for _, value in records for key in value))
    check_width(len(names))
    if len(records) * len(names) > MAX_CELLS:
        raise too_many_cells()
    rows = [(number, [cell_text(value.get(key)) for key in names]) for number, value in records]
    return Raw(rows, names=names)


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object; one that names a field twice says so."""
    made = dict(pairs)
    if len(made) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                made[_TWICE] = key
                break
            seen.add(key)
    return made


def _load(text: str) -> object:
    return json.loads(text, object_pairs_hook=_pairs)


def _whole(text: str) -> object:
    """The one JSON value that the text is; None where it is none, or several lines of them."""
    if text.lstrip()[:1] not in ("[", "{"):
        return None
    try:
        return _load(text)
    except (ValueError, RecursionError):
        return None


def _lines(text: str) -> Iterator[tuple[int, object]]:
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        if line.strip():
            try:
                yield number, _load(line)
            except (ValueError, RecursionError):
                yield number, _BROKEN


def _cut_off(text: str) -> str:
    """What to say of a file that begins as one JSON value and is none."""
    if not re.match(r"\s*(\[|\{\s*[\r\n])", text):
        return ""
    try:
        _load(text)
    except ValueError as error:
        at = re.search(r"line (\d+) column (\d+)", str(error))
        if at is None:
            return say("The file is JSON that breaks off or is damaged. Export it again, whole.")
        return say(
            "The file is JSON that breaks off or is damaged at line {line}, character {place}. Export it again, whole.",
            line=at[1],
            place=at[2],
        )
    except RecursionError:
        return _DEEP
    return ""


_ROWS = ("data", "rows", "records", "examples", "items", "results")
_OF_A_RECORD = ("text", "fields", "inputs", "data")


def _of_whole(value: object) -> tuple[Iterator[tuple[int, object]], Mapping[str, object]]:
    """(numbered values, what stands beside them) of one JSON value. Raises BadInput for an object that holds no table."""
    if isinstance(value, list):
        with_names = len(value) > 1 and all(isinstance(row, list) for row in value)  # a first row of names, then rows
        return _numbered(_from_rows(value[0], value[1:]) if with_names else value), {}
    if not isinstance(value, dict):
        raise BadInput(together([say("The file holds one JSON value that is no table."), _EXPECTED]))
    if isinstance(value.get("columns"), list) and isinstance(value.get("data"), list):  # pandas, orient="split"
        return _numbered(_from_rows(value["columns"], value["data"])), {}
    key = _key_of_rows(value)
    if key is not None:
        return _numbered([_inner(row) for row in value[key]]), {k: v for k, v in value.items() if k != key}
    return _numbered(_from_columns(value)), {}


def _key_of_rows(value: dict[str, object]) -> str | None:
    """Under which name an object holds a list of rows; None where it is a record itself, or columns. Raises BadInput for several."""
    lists = [key for key, rows in value.items() if isinstance(rows, list) and rows and all(isinstance(row, dict) for row in rows)]
    if wanted := [key for key in _ROWS if key in lists]:
        return wanted[0]
    if not lists or any(name in value for name in _OF_A_RECORD):
        return None
    if len(lists) > 1:
        raise BadInput(
            say(
                "The file holds several lists of rows ({lists}). Save the one with the texts alone.",
                lists=", ".join(map(repr, lists))[:200],
            )
        )
    return lists[0]


def _numbered(values: list[Any]) -> Iterator[tuple[int, object]]:
    return iter(enumerate(values, start=1))


def _inner(row: dict[str, object]) -> object:
    """The row itself where it stands inside another object, as the hub's viewer sends it."""
    return row["row"] if set(row) >= {"row_idx", "row"} and isinstance(row["row"], dict) else row


def _from_rows(names: object, rows: list[Any]) -> list[object]:
    """Lists of cells under these names; a row that is no list of that length stays as it came, and is named later."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return [names, *rows]
    return [dict(zip(names, row)) if isinstance(row, list) and len(row) == len(names) else row for row in rows]


def _from_columns(value: dict[str, object]) -> list[object]:
    """One object: columns as lists or as objects by row, rows by name, or a single row."""
    lists = [v for v in value.values() if isinstance(v, list)]
    rows = [v for v in value.values() if isinstance(v, dict)]
    if lists and len(lists) == len(value):
        return _of_lists(list(value), lists)
    if 2 <= len(rows) == len(value):
        return _of_objects(list(value), rows)
    return [value]


def _of_lists(names: list[str], lists: list[list[object]]) -> list[object]:
    """Rows of columns that are lists. Raises BadInput where they differ in length."""
    if len({len(v) for v in lists}) > 1:
        sizes = ", ".join(f"{name!r} {len(v)}" for name, v in zip(names, lists))
        raise BadInput(
            say("The columns of the file have different lengths ({sizes}), so rows cannot be told. Export it again.", sizes=sizes[:300])
        )
    return [dict(zip(names, cells)) for cells in zip(*lists)]


def _of_objects(names: list[str], rows: list[dict[str, object]]) -> list[object]:
    """Rows of pandas' orient="index" (numbered rows) and orient="columns" (columns of numbered cells)."""
    if all(name.isdecimal() for name in names):
        return list(rows)
    if all(set(row) == set(rows[0]) for row in rows):
        return [{name: row[at] for name, row in zip(names, rows)} for at in rows[0]]
    return [dict(zip(names, rows))]
