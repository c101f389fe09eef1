"""Tables of docs/scale.md. Built from places.json, growth.json, rates.json and simulate.json of benchmarks/results; benchmarks/tables.py
puts them into the page."""

from collections.abc import Callable, Mapping
from statistics import median
from typing import Any

from benchmarks.cells import Lines, head, part, read, row

PAGE = "../scale.md"
_PLACES = ("2 processes", "Dask, 1 worker", "Dask, 2 workers", "Dask, 4 workers")
QUIET = 0.05  # share of the machine's cores that others took
_GROWN = {
    "import": "import of a CSV, checked, split, stored",
    "open": "first look after a start (a proposal a text)",
    "table": "next page of the table, whole page",
    "export": "export of the bundle, every text a pair",
    "splicing": "what splices come from, answers and embeddings on record",
    "cells": "linear students at k = 8 (cells), not saved",
}
_MODELS = {"answers": "the built-in teacher's answers", "embeddings": "embeddings"}
_JOBS = {"linear": "480,000 linear students", "fine-tuned": "480,000 fine-tuned students", "search": "search for 4 M texts"}


def _hours(x: float) -> str:
    return f"{x:,.0f}" if x >= 10 else f"{x:.1f}" if x >= 1 else part(x, 2)


def _percent(x: float) -> str:
    return f"{100 * x:.0f} %" if x >= 0.01 or x == 0 else f"{100 * x:.1f} %"


def _net(found: Mapping[str, Any]) -> float:
    """Processor against one process's, less what idle Dask takes in the same time."""
    pulse = sum(found["pulse"].values())
    return median((run["processor_s"] - pulse * run["clock_s"]) / run["one_processor_s"] for run in found["runs"])


def by_clock(found: Mapping[str, Any]) -> bool:
    """Whether the clock of a row tells something: the measured processes went before all others, or there were none to speak of."""
    return found["first"] or max(run["others"] for run in found["runs"]) < QUIET


def places() -> Lines:
    lines = head("work (pieces, seconds)", "place", "clock", "on free cores", "processor", "less idle Dask", "asking, scheduler, workers")
    for work, rows in read("places")["works"].items():
        for place in _PLACES:
            if place not in rows:
                continue
            found = rows[place]
            name = (
                f"{work} ({found['pieces']}, {min(run['one_processor_s'] for run in found['runs']):.1f})"
                if place == next(iter(rows))
                else ""
            )
            cells = [
                part(found["times"], 2) if by_clock(found) else "",
                part(found["on_free_cores"], 2) if "on_free_cores" in found else "",
            ]
            roles = ", ".join(part(found[role], 2) for role in ("asking", "scheduler", "worker"))
            lines.append(row(name, place, *cells, part(found["processor"], 2), part(_net(found), 2), roles))
    return lines


def starts() -> Lines:
    lines = head("a process beside, until its first piece is done", "clock", "processor")
    for name, called in (("linear", "20 linear students"), ("teacher", "a teacher's answer")):
        found = read("places")["starts"][name]
        lines.append(row(called, f"{found['clock_s']:.1f} s", f"{found['processor_s']:.1f} s"))
    return lines


def calls() -> Lines:
    lines = head("calls in flight at most", "retry-after", "calls a second", "refused")
    for run in read("rates")["runs"]:
        lines.append(row(run["in_flight"], "told" if run["retry_after"] else "not told", f"{run['a_second']:.1f}", run["refused"]))
    return lines


def _seconds(x: float) -> str:
    return f"{x:.0f} s" if x >= 10 else f"{x:.1f} s" if x >= 1 else f"{part(x, 2)} s"


def _by_size(rows: Mapping[str, str]) -> Lines:
    found = read("growth")
    sizes = [one["asked"] for one in found[next(iter(rows))]]
    lines = head("seconds of processor", *(f"{n:,}" for n in sizes), "last step: as many times the work, times the seconds", "most memory")
    for name, called in rows.items():
        steps = found.get(name, [])
        if len(steps) < 2:
            continue
        times = steps[-1]["processor_s"] / steps[-2]["processor_s"]
        grown = f"{steps[-1]['asked'] / steps[-2]['asked']:.0f}, {part(times, 1)}"
        by_size = {one["asked"]: _seconds(one["processor_s"]) for one in steps}
        lines.append(row(called, *(by_size.get(n, "") for n in sizes), grown, f"{steps[-1]['peak_mb']:,} MB"))
    return lines


def growth() -> Lines:
    return _by_size(_GROWN)


def of_models() -> Lines:
    return _by_size(_MODELS)


def saved() -> Lines:
    found = read("growth")
    lines = head("a second of the saving process's processor saves", "SQLite", "PostgreSQL")
    for name, called in (
        ("saving", "linear students, 20 at a time"),
        ("saving one by one", "students, one at a time"),
        ("saving proposals", "texts' proposals with their checks, one text at a time"),
    ):
        last = (found.get(f"{name}, {kind}", [None])[-1] for kind in ("SQLite", "PostgreSQL"))
        lines.append(row(called, *(f"{one['saved'] / one['processor_s']:,.0f}" if one else "" for one in last)))
    return lines


def check() -> Lines:
    lines = head("times as fast as one process: measured / simulated", *_PLACES)
    for work, rows in read("simulate")["check"].items():
        cells = (f"{part(rows[p]['measured'], 2)} / {part(rows[p]['simulated'], 2)}" if p in rows else "" for p in _PLACES)
        lines.append(row(work, *cells))
    return lines


def _told(found: Mapping[str, float]) -> str:
    return f"{_hours(found['hours'])} h, {_percent(found['idle'])}"


def jobs() -> Lines:
    found = read("simulate")["jobs"]
    lines = head("workers", *(_JOBS[name] for name in found))
    for workers in found["linear"]["1"]:
        lines.append(row(f"{int(workers):,}", *(_told(found[name]["1"][workers]) for name in found)))
    return lines


def askers() -> Lines:
    found = {name: by for name, by in read("simulate")["jobs"].items() if len(by) > 1}
    lines = head("workers, processes that ask", *(_JOBS[name] for name in found), "load at most: scheduler, who asks")
    for workers in ("100", "300", "1000"):
        for asking in found["linear"]:
            cells = [by[asking][workers] for by in found.values()]
            load = ", ".join(_percent(max(one[of] for one in cells)) for of in ("scheduler", "asking"))
            lines.append(row(f"{int(workers):,}, {asking}", *map(_told, cells), load))
    return lines


def _killed(found: Mapping[str, Any]) -> str:
    ended = f", {found['given_up']} given up" if found["given_up"] else ""
    return f"{found['longer']:+.1%}, {found['killed']:,} kills{ended}"


def kills() -> Lines:
    found = read("simulate")["kills"]
    lines = head("kills of a worker an hour, 100 workers", *(_JOBS[name] for name in found))
    return lines + [row(rate, *(_killed(by[rate]) for by in found.values())) for rate in found["linear"] if float(rate)]


TABLES: dict[str, tuple[str, Callable[[], Lines]]] = {
    f"scale: {name}": (PAGE, build)
    for name, build in (
        ("places", places),
        ("starts", starts),
        ("calls", calls),
        ("growth", growth),
        ("models", of_models),
        ("saved", saved),
        ("check", check),
        ("jobs", jobs),
        ("processes that ask", askers),
        ("kills", kills),
    )
}
