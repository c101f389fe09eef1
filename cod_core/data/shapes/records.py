"""Which tool wrote these records: told by their fields, or named by the person. A new tool is a file beside this and a line here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from cod_core.data.raw import Asked, Raw
from cod_core.data.shapes import argilla, doccano, labelstudio, prodigy
from cod_core.errors import BadInput
from cod_core.said import say

Records = Sequence[tuple[int, dict[str, object]]]


@dataclass(frozen=True)
class RecordShape:
    """key: as a person names it. title: on screens. looks: whether a record is one of these. read: records to rows."""

    key: str
    title: str
    looks: Callable[[Mapping[str, object]], bool]
    read: Callable[[Records, Mapping[str, object]], Raw]


SHAPES = (
    RecordShape("label-studio", "Label Studio", labelstudio.looks, labelstudio.read),
    RecordShape("prodigy", "Prodigy", prodigy.looks, prodigy.read),
    RecordShape("argilla", "Argilla", argilla.looks, argilla.read),
    RecordShape("doccano", say("doccano, or labels in a list"), doccano.looks, doccano.read),
)


def shape_of(records: Records) -> RecordShape | None:
    """The shape that most of the first records have; None for plain records."""
    head = records[:50]
    return next((shape for shape in SHAPES if 2 * sum(shape.looks(record) for _, record in head) > len(head)), None)


def read(records: Records, asked: Asked, about: Mapping[str, object] = {}) -> Raw | None:
    """The rows that the records are in their tool's sense; None where they are plain records, or the person says so.

    Raises BadInput where the person names a shape that no record has.
    """
    named = next((shape for shape in SHAPES if shape.key == asked.format), None)
    if named is not None:
        if not any(named.looks(record) for _, record in records):
            raise BadInput(
                say("No row of the file looks like what {title} writes. Let the app find out, or choose a plain table.", title=named.title)
            )
        return named.read(records, about)
    if asked.format == "table":
        return None
    found = shape_of(records)
    return None if found is None else found.read(records, about)
