"""Cells and rows of the tables in docs/experiments/: a figure, a difference with its interval, a row, as the pages write them. Pure,
but for reading a result."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
Lines = list[str]
KS = (8, 16, 32)
TASKS = {
    "movies": "movies",
    "tweets": "tweets",
    "amazon": "Amazon",
    "sst2": "SST-2",
    "sst5": "SST-5",
    "clinc20": "clinc20",
    "incidents": "incidents",
}
"""A task's name in a row."""


def read(name: str) -> Any:
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def keep(path: Path, task: str, found: Any) -> None:
    """Put what was found of a task into a result, whole or not at all: another process may be at another task."""
    whole = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    written = path.with_suffix(f".{task}.part")
    written.write_text(json.dumps({**whole, task: found}, indent=1) + "\n", encoding="utf-8")
    written.replace(path)


def part(x: float, digits: int = 3) -> str:
    """.598, and -.004; 1.000 as it is."""
    said = f"{x:.{digits}f}"
    return said.replace("0.", ".", 1) if abs(x) < 1 else said


def gain(x: float) -> str:
    return ("" if part(x).startswith("-") else "+") + part(x)


def spread(mean: float, low: float, high: float, show: Callable[[float], str] = gain) -> str:
    return f"{show(mean)} [{show(low)}, {show(high)}]"


def effect(found: Mapping[str, float]) -> str:
    return spread(found["mean"], found["low"], found["high"])


def whole(x: float) -> str:
    """+0.081, as the older tables have it."""
    return f"{x:+.3f}"


def row(*cells: object) -> str:
    """One line; an empty cell is one blank."""
    return "|" + "".join(f" {cell} |" if str(cell) else " |" for cell in cells)


def head(*cells: str) -> Lines:
    return [row(*cells), "|" + "---|" * len(cells)]


def spaced(cells: Mapping[str, Mapping[str, Any]], key: str, ks: Sequence[int] = KS, of: str = "test_accuracy") -> str:
    """.598 .652 .698"""
    return " ".join(part(cells[key][str(k)][of]) for k in ks if str(k) in cells[key])
