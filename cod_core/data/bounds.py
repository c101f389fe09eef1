"""How many rows, columns and cells are read of one file, and what is said beyond. Cells of any kind as text."""

import json

from cod_core.errors import BadInput
from cod_core.said import say
from cod_core.settings import MAX_ROWS

MAX_COLUMNS = 200
MAX_CELLS = 10_000_000


def cell_text(value: object) -> str:
    """A spreadsheet or JSON value as text: 1.0 is '1', a truth value TRUE or FALSE, nothing ''.

    Raises RecursionError for a value that is nested too deeply.
    """
    if value is None or value != value:  # NaN, as pandas writes what is missing
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def too_many() -> BadInput:
    """The error for a file with more rows than are accepted."""
    return BadInput(say("The file has more than {most:,} rows. Split it into smaller files.", most=MAX_ROWS))


def too_many_cells() -> BadInput:
    """The error for a file with more cells than are accepted."""
    return BadInput(
        say("The file has more than {most:,} cells. Remove the columns not needed, or split it into smaller files.", most=MAX_CELLS)
    )


def check_width(columns: int) -> None:
    """Raises BadInput for more columns than are accepted."""
    if columns > MAX_COLUMNS:
        raise BadInput(
            say("The file has {n:,} columns; at most {most} are accepted. Remove those not needed.", n=columns, most=MAX_COLUMNS)
        )
