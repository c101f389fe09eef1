"""Tables of the blind readings. Built from benchmarks/results/blind_reading.json; benchmarks/tables.py puts them into the page."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.cells import Lines, head, part, read, row
from cod_core.diagnostics.fidelity import wilson

_READ = {"clinc20": "clinc20, 20 intents", "incidents": "incidents, 3 classes", "sst2": "SST-2", "sst5": "SST-5"} | {
    "agnews": "AG News, 4 topics",
    "imdb": "IMDB, 60 to 400 words",
}
_BLIND = ("task", "earlier: accepted of offered", "judged: accepted of offered", "texts with an offer, earlier / judged")


def _read(task: str, found: Mapping[str, Any]) -> Lines:
    """A task's cells: accepted of offered by arm with Wilson's interval, texts with an offer."""
    marks = {arm: [m["accepted"] for m in found["marks"] if m["arm"] == arm] for arm in ("old", "new")}
    cells = [
        f"{sum(m)} of {len(m)}" + (f" ({part(share.low, 2)} to {part(share.high, 2)})" if m else "")
        for m in marks.values()
        for share in [wilson(sum(m), len(m))]
    ]
    return [_READ[task], *cells, f"{len(marks['old'])} / {len(marks['new'])} of {found['texts']}"]


def read_blind() -> Lines:
    rows = [row(*_read(task, found)) for task, found in read("blind_reading")["tasks"].items()]
    return [*head(*_BLIND), *rows, row("AG News, 4 topics", "not read", "no offer", "not run / 0 of 30")]


def read_again(name: str, *tasks: str) -> Callable[[], Lines]:
    def lines() -> Lines:
        found = read("blind_reading")[name]["tasks"]
        took = {task: f"{found[task]['cpu']['new'] / found[task]['texts']:.1f} s a text" for task in tasks}
        return [*head(*_BLIND, "processor, judged"), *(row(*_read(task, found[task]), took[task]) for task in tasks)]

    return lines
