"""Files that commands read: their bytes, what they were taken for, and what is said of it. Knows no project."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cod_core.commands.shell import split
from cod_core.errors import BadInput

if TYPE_CHECKING:
    from cod_core.data.reading import Problem, Table
    from cod_core.data.tables import Columns

SHOWN = 20  # remarks that are printed
PREVIEWS = 6  # encodings whose letters are printed


@dataclass(frozen=True)
class Opened:
    """A file that was read. name: as its format is told. data: its bytes, a folder packed."""

    name: str
    data: bytes
    table: "Table"


def bytes_of(path: Path) -> tuple[str, bytes]:
    """(name, bytes) of a file; of a folder, its files as one zip. Raises BadInput where there is none or it cannot be read."""
    from cod_core.data.packed import pack_folder

    if not path.exists():
        raise BadInput(f"There is no file {path}. Check the name.")
    try:
        if path.is_dir():
            return f"{path.name}.zip", pack_folder(path)
        return path.name, path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}).") from error


def labels_of(labels: str, labels_file: Path | None) -> list[str]:
    """The labels that a person names: a JSON list, names with commas between them, or a file of one a line."""
    import json

    if labels_file is not None:
        try:
            return [line.strip() for line in labels_file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        except (OSError, UnicodeError) as error:
            raise BadInput(f"{labels_file} cannot be read as a list of labels, one a line, in UTF-8.") from error
    if not labels.lstrip().startswith("["):
        return split(labels)
    try:
        found = json.loads(labels)
    except ValueError as error:
        raise BadInput(f'--labels is not a JSON list ({error}). Write it like ["yes, always", "no"].') from error
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise BadInput('--labels must be a list of names, such as ["yes, always", "no"].')
    return [name.strip() for name in found]


def told(opened: Opened, columns: "Columns | None") -> str:
    """What the file was taken for and which columns were read, a line each, with the options that say otherwise."""
    taken = opened.table.taken
    lines = [f"Read as: {taken.said} --format says otherwise."]
    if taken.sheets[1:]:
        lines.append(f"Sheet: {taken.sheet!r} of {', '.join(map(repr, taken.sheets))[:300]}. --sheet takes another.")
    if taken.guessed:
        lines += ["Encoding: a guess. Choose with --encoding the one whose letters look right:", *_letters(opened)]
    if columns is not None:
        roles = {
            "text": columns.text,
            "label": columns.label,
            "row's name": columns.name,
            "split": columns.split,
            "document": columns.source_id,
        }
        named = ", ".join(f"{role} from {column!r}" for role, column in roles.items() if column)
        others = f" Not kept: {', '.join(columns.extras)[:200]} (--keep NAME)." if columns.extras else ""
        lines.append(f"Columns: {named}.{others}")
    return "".join(f"\n  {line}" for line in lines)


def _letters(opened: Opened) -> list[str]:
    """A line of the file with letters beyond ASCII in each encoding that it can be read in, the one that was taken first."""
    from cod_core.data.encodings import OFFERED, letters

    first = opened.table.taken.encoding
    keys = [first, *(key for key in OFFERED if key not in (first, "utf-8", "utf-16"))]
    return [f"  {key}: {lines[0][:90]}" for key, lines in list(letters(opened.data, keys, 1).items())[:PREVIEWS]]


def taken_as_json(opened: Opened, columns: "Columns | None") -> dict[str, Any]:
    """The same for a script."""
    from dataclasses import asdict

    return {**asdict(opened.table.taken), "columns": asdict(columns) if columns is not None else None}


def listed(problems: "Sequence[Problem]") -> str:
    """The remarks on the rows, one a line, each with what mends it; of very many the first."""
    from cod_core.data.remarks import remarks

    found = remarks(problems)
    lines = [f"\n  {remark.said}{f' ({remark.option})' if remark.option else ''}" for remark in found[:SHOWN]]
    more = len(found) - SHOWN
    return "".join(lines) + (f"\n  and {more} more; --json lists them all" if more > 0 else "")


def remarks_as_json(problems: "Sequence[Problem]") -> list[dict[str, Any]]:
    """The same for a script."""
    from cod_core.data.remarks import remarks

    return [
        {"kind": r.kind, "rows": list(r.rows), "messages": list(r.messages), "left_out": r.left_out, "option": r.option}
        for r in remarks(problems)
    ]
