"""Excel files to rows of strings, in a process of their own that can be killed: with limits of time and memory.

An Excel file is a zip of XML that names places: 1 kB of it can ask for two thousand million rows. What reads it holds one core
and as much memory as it likes, so it does so apart from the server, whose sessions go on; whatever it meets there ends as one
sentence. Run as a program, this file reads a workbook from its standard input and writes a line of JSON for each row.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from cod_core.data.archives import megabytes, open_checked_zip
from cod_core.data.parsing import MAX_CELLS, MAX_COLUMNS, Raw, cell_text, too_many, too_many_cells
from cod_core.errors import BadInput
from cod_core.settings import MAX_ROWS, MAX_UNPACKED_BYTES

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

CPU_S, WALL_S, MEMORY_BYTES = 120, 300, 3 * 2**30
MAX_PART_BYTES = 8 * 2**20  # of styles, names and the like; texts stand in other parts
MAX_SHEET_ROW = 1_048_576  # Excel's own last row
MAX_CHARACTERS = MAX_UNPACKED_BYTES // 2  # of all cells: a long text is stored once and may stand in every cell
_WHAT = "The Excel file"
_DAMAGED = f"{_WHAT} cannot be read: it is damaged. Open it in Excel, save it again and retry."
_TOO_MUCH = (
    f"{_WHAT} takes too long to read, or too much memory. Save the sheet with the texts as CSV (in Excel: File, Save As), or split it."
)


def xlsx_file(data: bytes) -> Raw:
    """Rows of the first sheet that has any; the zip is checked before it is opened, formulas give their values.

    Raises BadInput for what is damaged, unsafe, too wide, too far down, too large or too slow.
    """
    _check_parts(data)
    said = _apart(data)
    if not said or "end" not in said[-1]:
        raise BadInput(_TOO_MUCH)
    end = said[-1]["end"]
    if end["error"]:
        raise BadInput(str(end["error"]))
    return Raw([(int(row["n"]), row["cells"]) for row in said[:-1]], note=str(end["note"]))


def _check_parts(data: bytes) -> None:
    with open_checked_zip(data, _WHAT) as archive:
        for entry in archive.infolist():
            if not entry.filename.lower().endswith((".xml", ".rels")):
                continue
            if entry.file_size > MAX_PART_BYTES and not _holds_texts(entry.filename):
                raise BadInput(
                    f"{_WHAT} has a part {entry.filename[:80]!r} of {megabytes(entry.file_size)} that holds no texts; at most "
                    f"{megabytes(MAX_PART_BYTES)} are accepted. Copy the texts into a new workbook."
                )
            with archive.open(entry) as part:
                if b"<!DOCTYPE" in part.read(4096).replace(b"\0", b"").upper():
                    raise BadInput(f"{_WHAT} holds a document type definition, which is unsafe. Save it again in Excel.")


def _holds_texts(name: str) -> bool:
    return "worksheets/" in name.lower() or name.lower().endswith("sharedstrings.xml")


def _apart(data: bytes) -> list[dict[str, Any]]:
    """What the reading process said, a line each. Its last line says how it ended; where there is none it was killed."""
    root = str(Path(__file__).parents[2])
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH", "TMPDIR", "TEMP") if name in os.environ}
    reader = subprocess.Popen(
        [sys.executable, "-m", "cod_core.data.sheets", str(CPU_S), str(MEMORY_BYTES)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=root,
        env={**kept, "PYTHONPATH": root, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    try:
        out, _ = reader.communicate(data, timeout=WALL_S)
    except subprocess.TimeoutExpired:
        return []
    finally:
        reader.kill()
        reader.wait()
    try:
        return [json.loads(line) for line in out.decode("utf-8", "surrogatepass").split("\n") if line]
    except ValueError:  # killed in the middle of a line
        return []


def main() -> None:
    """Read a workbook from standard input and write its rows, as _apart expects them."""
    _limit(*map(int, sys.argv[1:]))
    out = sys.stdout.buffer
    end = {"note": "", "error": ""}
    try:
        end["note"] = _write_rows(sys.stdin.buffer.read(), out)
    except BadInput as error:
        end["error"] = str(error)
    except MemoryError:
        end["error"] = _TOO_MUCH
    except Exception:  # openpyxl raises whatever its parsers meet in a damaged file
        end["error"] = _DAMAGED
    _write(out, {"end": end})
    out.flush()


def _limit(cpu_s: int, memory_bytes: int) -> None:
    """So much time of a processor, so much memory, and no file; where the system cannot (Windows), WALL_S alone holds."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform != "darwin":  # which counts what is shared, too
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _write(out: IO[bytes], line: dict[str, Any]) -> None:
    out.write((json.dumps(line, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))


def _write_rows(data: bytes, out: IO[bytes]) -> str:
    """Write the rows of the first sheet that has any; returns the note. Raises BadInput."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
    for sheet in book.worksheets:
        sheet.reset_dimensions()
        found = False
        for number, cells in _sheet_rows(sheet):
            found = True
            _write(out, {"n": number, "cells": cells})
        if found:
            others = len(book.worksheets) - 1
            return f"Only the sheet {sheet.title!r} was read; {others} more were not." if others else ""
    raise BadInput(f"{_WHAT} has no rows.")


def _sheet_rows(sheet: "Worksheet") -> Iterator[tuple[int, list[str]]]:
    count = characters = held = 0
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        if number > MAX_SHEET_ROW:
            raise BadInput(f"{_WHAT} has rows below {MAX_SHEET_ROW:,}, which is Excel's last one: it is damaged. Save it again in Excel.")
        if len(cells) > MAX_COLUMNS and any(cell_text(cell) for cell in cells[MAX_COLUMNS:]):
            raise BadInput(f"Row {number:,} of {_WHAT.lower()} has cells beyond column {MAX_COLUMNS}. Remove the columns not needed.")
        texts = [cell_text(cell).replace("_x000D_", "\r") for cell in cells[:MAX_COLUMNS]]  # how Excel writes a carriage return
        while texts and not texts[-1]:
            texts.pop()
        if not texts:
            continue
        count, held, characters = count + 1, held + len(texts), characters + sum(map(len, texts))
        if count > MAX_ROWS + 1:
            raise too_many()
        if held > MAX_CELLS:
            raise too_many_cells()
        if characters > MAX_CHARACTERS:
            raise BadInput(f"The texts of {_WHAT.lower()} are more than {MAX_CHARACTERS:,} characters. Split it into smaller files.")
        yield number, texts


if __name__ == "__main__":
    main()
