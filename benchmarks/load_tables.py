"""The tables of ten people at once, from load.json."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.cells import Lines, head, part, read, row

_WAYS = {"movies": "movies sample", "movies, read": "movies sample, ten seconds on the page", "own": "2,000 own texts"}
_CODE = {
    "now": "now",
    "snapshot": "the strip made anew with every proposal",
    "without": "no worker waits",
    "collecting": "all garbage collected after each run",
    "before": "before",
}


def _waits(found: Mapping[str, float]) -> str:
    return " / ".join(f"{found[key]:.2f}" for key in ("median", "p95", "worst")) if found["n"] else ""


def _megabytes(each: Sequence[int]) -> str:
    return " + ".join(map(str, each))


def _where(one: Mapping[str, Any]) -> str:
    servers = "" if one["servers"] == 1 else f", {one['servers']} servers"
    return (
        {"sqlite": "SQLite", "postgres": "PostgreSQL"}[one["database"]]
        + servers
        + ("" if one["projects"] == "shared" else ", own projects")
    )


def at_once() -> Lines:
    """A row a run: waits, what is lost, processor and memory."""
    lines = head(
        "people, think",
        "where, app",
        "decisions, lost",
        "press to next card, s: median / 95 % / worst",
        "last key to verdict, s",
        "server: processor a decision, share of a core",
        "browsers, others: cores",
        "server memory, MB: before, all open, end",
    )
    order = sorted(read("load")["people"], key=lambda one: (one["code"], one["servers"], one["database"], -one["think"], one["people"]))
    for one in order:
        memory = one["memory_mb"]
        lines.append(
            row(
                f"{one['people']}, {one['think']:.0f} s",
                f"{_where(one)}, {_CODE[one['code']]}",
                f"{one['decisions']}, {one['lost'] + one['twice']}",
                _waits(one["card"]),
                _waits(one["verdict"]),
                f"{part(one['server_s_a_decision'], 2)} s, {part(one['server_share'], 2)}",
                f"{part(one['browser_share'], 2)}, {'not told' if one['others_share'] is None else part(one['others_share'], 2)}",
                ", ".join(_megabytes(memory[key]) for key in ("before", "open", "end")),
            )
        )
    return lines


def first() -> Lines:
    """A row a way: seconds to the first proposal, run by run."""
    lines = head("texts", "app", "press to the first proposal on the page, s", "to its card on Curate, s", "progress then")
    found = read("load")["first"]
    for way, name in _WAYS.items():
        for code, said in _CODE.items():
            runs = [one for one in found if one["way"] == way and one["code"] == code]
            if runs:
                seconds = ([f"{one[key]:.1f}" for one in runs] for key in ("shown", "card"))
                lines.append(row(name, said, *(", ".join(each) for each in seconds), runs[0]["progress"].split(" · ")[1]))
    return lines
