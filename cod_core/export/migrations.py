"""Records of earlier formats brought to the present one, so that a bundle once exported opens forever.

A change of the record (record.py) takes four things in one commit: the field and the new SCHEMA_VERSION, a step here that
says what older records hold in its place, docs/record.md, and a bundle of the new format beside the old ones in
tests/unit/export/data. Knows rows as they lie in the file; no zip, no manifest.
"""

import copy
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cod_core.errors import BadInput
from cod_core.export.record import SCHEMA_VERSION


@dataclass(frozen=True)
class Step:
    """to: the version after it. change: gives a row of the version before as one of `to`; it may change the row it is given."""

    to: str
    change: Callable[[dict[str, Any]], dict[str, Any]]


STEPS: dict[str, Step] = {}
"""Version -> the step out of it. The first one will read: "cod-cfe/1.0": Step("cod-cfe/1.1", _with_the_new_column)."""


def migrate(record: Mapping[str, Any], steps: Mapping[str, Step] = STEPS) -> dict[str, Any]:
    """The record in the present format, step by step from its own `schema_version`; the one given is left as it is.

    A record of the present or of an unknown version comes back unchanged: whoever validates it refuses the latter. Raises
    ValueError where the record lacks what its version has.
    """
    row = copy.deepcopy(dict(record))
    while isinstance(version := row.get("schema_version"), str) and version in steps:
        step = steps[version]
        try:
            row = {**step.change(row), "schema_version": step.to}
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError(f"not a record of format {version!r}") from error
    return row


def check_version(said: object, steps: Mapping[str, Step] = STEPS) -> None:
    """Nothing for a version that this app reads: the present one, or one with a step out of it. Raises BadInput for others."""
    if isinstance(said, str) and (said == SCHEMA_VERSION or said in steps):
        return
    if _number(said) > _number(SCHEMA_VERSION):
        raise BadInput(
            f"The bundle was made with a newer version of this app: it has format {said!r}, and this app reads up to "
            f"{SCHEMA_VERSION!r}. Update the app, then open the bundle again."
        )
    raise BadInput(f"The bundle has format {said!r}; this app reads {SCHEMA_VERSION!r}.")


def _number(version: object) -> tuple[int, int]:
    """(1, 0) of "cod-cfe/1.0"; (0, 0) of what is no version."""
    found = re.fullmatch(r"cod-cfe/([0-9]{1,4})(?:[.]([0-9]{1,4}))?", version) if isinstance(version, str) else None
    return (int(found[1]), int(found[2] or 0)) if found else (0, 0)
