"""Rows of a table as sentences, and edited sentences as rows: a template that the person sees and edits.

"The patient is {age} years old. Blood pressure is {pressure}." Knows no model; columns are named in braces.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cod_core.data.reading import Table
from cod_core.errors import BadInput
from cod_core.said import msg, say
from cod_core.text import diff

MADE = "sentence"
_FIELD = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Row:
    """A sentence read back. values: column -> value, of every column whose place was found. outside: words that were
    changed between the columns, which no column holds."""

    values: dict[str, str]
    outside: tuple[str, ...] = ()


def default_template(columns: Sequence[str]) -> str:
    """ "Age is {age}. Blood pressure is {blood_pressure}." for the person to make better."""
    return " ".join(f"{_spoken(c)} is {{{c}}}." for c in columns)


def _spoken(column: str) -> str:
    words = re.sub(r"[_\-]+", " ", column).strip() or column
    return words[:1].upper() + words[1:]


def fields_of(template: str, columns: Sequence[str]) -> list[str]:
    """Columns that the template names, in order. Raises BadInput where one is not there, none is named, or twice."""
    named = [name.strip() for name in _FIELD.findall(template)]
    unknown = [name for name in named if name not in columns]
    if unknown:
        raise BadInput(
            say(
                "The template names columns that are not in the table: {unknown}. Its columns are: {columns}.",
                unknown=", ".join(unknown),
                columns=", ".join(columns),
            )
        )
    if not named:
        raise BadInput(msg("Name at least one column in braces, such as: The patient is {age} years old."))
    if len(set(named)) < len(named):
        raise BadInput(msg("Each column can stand in the template once, so that changes can be led back to it."))
    return named


def to_sentence(template: str, row: Mapping[str, str]) -> str:
    """The template with the row's values. A sentence whose only column is empty is left out."""
    parts = []
    for sentence in re.split(r"(?<=[.!?])\s+", template.strip()):
        named = [name.strip() for name in _FIELD.findall(sentence)]
        if named and not any(row.get(name, "").strip() for name in named):
            continue
        parts.append(_FIELD.sub(lambda m: row.get(m.group(1).strip(), "").strip(), sentence))
    return " ".join(" ".join(parts).split())


def with_sentences(table: Table, template: str) -> Table:
    """The table with one more column, the sentence of each row. Raises BadInput as fields_of does."""
    fields_of(template, table.columns)
    name = MADE if MADE not in table.columns else f"{MADE} (made)"
    rows = [[*row, to_sentence(template, dict(zip(table.columns, row)))] for row in table.rows]
    return replace(table, columns=[*table.columns, name], rows=rows)


def to_row(template: str, original: Mapping[str, str], changed: str) -> Row:
    """The columns' values in a changed sentence. original: the row that the sentence was made from.

    A change inside a column's words becomes that column's value; one between columns is named in `outside`.
    """
    before, places = _with_places(template, original)
    inside = [span for span in places.values()]
    outside = tuple(
        edit.b_text or edit.a_text
        for edit in diff(before, changed)
        if not any(start <= edit.a_start and edit.a_end <= end for start, end in inside)
    )
    moved = _moved(before, changed, places)
    return Row({name: _trimmed(changed[start:end], before[slice(*places[name])]) for name, (start, end) in moved.items()}, outside)


def _trimmed(value: str, was: str) -> str:
    """The value without punctuation of its sentence: a full stop that it began with, or ended with before, is its own."""
    return value if value == was else value.lstrip(" ,;").rstrip(" ,;" if was.endswith(".") else " .,;")


def _moved(before: str, changed: str, places: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Where each column's words stand in the changed sentence, from the edits around and inside them."""
    edits, out = diff(before, changed), {}
    for name, (start, end) in places.items():

        def there(at: int, side: str) -> int:
            shift = 0
            for edit in edits:
                if edit.a_end < at or (edit.a_end == at and (side == "start") and edit.a_start < at):
                    shift = edit.b_end - edit.a_end
                elif edit.a_start <= at <= edit.a_end and edit.a_start < edit.a_end:
                    return edit.b_start if side == "start" else edit.b_end
                elif edit.a_start == edit.a_end == at and side == "end":
                    return edit.b_end
            return at + shift

        out[name] = (there(start, "start"), there(end, "end"))
    return out


def _with_places(template: str, row: Mapping[str, str]) -> tuple[str, dict[str, tuple[int, int]]]:
    """(the sentence, column -> its characters there); columns without a value have no place."""
    sentence, places, end = to_sentence(template, row), {}, 0
    for name in (found.strip() for found in _FIELD.findall(template)):
        value = " ".join(row.get(name, "").split())
        if not value:
            continue
        lead = _lead(template, name)
        anchor = sentence.find(f"{lead}{value}", end)
        start = anchor + len(lead) if anchor >= 0 else sentence.find(value, end)
        if start >= 0:
            places[name] = (start, start + len(value))
            end = start + len(value)
    return sentence, places


def _lead(template: str, name: str) -> str:
    """The words just before a column in its sentence, up to the column before it."""
    head = re.split(r"\{\s*" + re.escape(name) + r"\s*\}", template, maxsplit=1)[0]
    return " ".join(re.split(r"[.!?]\s+|\}", head)[-1].split()) + (" " if head.endswith(" ") else "")
