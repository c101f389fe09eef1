"""Files beside the students: written whole or not at all, and absent where they cannot be read."""

import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any


def write_whole(path: Path, write: Callable[[Path], object], sync: bool = True) -> None:
    """Let `write` fill a file beside `path`, then put it in the place of `path` in one step.

    A process killed halfway leaves what was there before; so does a `write` that raises. sync: a power cut does, too, for some
    milliseconds a file.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        write(beside)
        if sync:
            with open(beside, "rb") as file:
                os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Keep a dictionary as JSON."""
    write_whole(path, lambda part: part.write_text(json.dumps(value), encoding="utf-8"))


def read_json(path: Path) -> dict[str, Any] | None:
    """The dictionary kept at `path`; None where there is none, or only a torn one (a full disk, a power cut)."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None
    return kept if isinstance(kept, dict) else None
