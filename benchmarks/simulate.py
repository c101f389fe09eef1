"""The whole job of docs/scale.md on 1 to 1,000 workers, simulated with rates that were measured.

    python -m benchmarks.simulate

Rates come from benchmarks/results: places.json (seconds of each piece, what asking, scheduler and workers take beside them), growth.json
(students and proposals that one process saves), speed_students.json (a fine-tuned student). First the simulation is held against the
runs of places.json: it gets the seconds of processor of one process and of Dask with one worker, and has to tell how many times as fast 2
processes and 1, 2 and 4 workers were by the clock. Each worker of the large job has a core of its own, as have scheduler and who asks;
the network is taken to carry what they send. Planning a task is not in it. Writes benchmarks/results/simulate.json. The loop itself
is benchmarks/events.py.
"""

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import median
from typing import Any

from benchmarks.cells import RESULTS, read
from benchmarks.events import Costs, Outcome, beside, cluster
from benchmarks.scale_tables import by_clock

PATH = RESULTS / "simulate.json"
TASKS = 1_000
WORKERS = (1, 2, 4, 10, 30, 100, 300, 1_000)
ASKERS = (1, 10)
KILLS = (0.0, 0.1, 1.0, 6.0, 60.0)  # of a worker, an hour
BATCH = 20  # linear students a part
PER_TASK = {"linear": 480 // BATCH, "fine-tuned": 480, "search": 4_000}
SAMPLED = {"linear": 20, "fine-tuned": 4, "search": 1}  # tasks that are simulated; the job is so many times as long
PLACES = ("2 processes", "Dask, 1 worker", "Dask, 2 workers", "Dask, 4 workers")


def costs_of(work: str, places: Mapping[str, Any]) -> Costs:
    """What Dask takes beside the pieces: of the runs with one worker, less what it takes while nothing is done; where there are none, of
    those of the teacher's answers, whose pieces are of the same length."""
    rows, one = places["works"].get(work, {}), median(places["pieces"][work]["each_s"])
    row = rows.get("Dask, 1 worker") or places["works"]["teacher's answers"]["Dask, 1 worker"]
    n = row["pieces"]

    def a_piece(role: str, less: float = 0.0) -> float:
        return max(
            0.0, median((run[role] - row["pulse"][role] * run["clock_s"] - less * run["one_processor_s"]) / n for run in row["runs"])
        )

    asking, scheduler = a_piece("asking"), a_piece("scheduler")
    return Costs(
        ask=asking / 2,
        fetch=asking / 2,
        plan=scheduler / 2,
        note=scheduler / 2,
        worker=min(one, a_piece("worker", 1.0)),
        kit=places["pieces"][work]["kit_s"],
    )


def beat_s(places: Mapping[str, Any]) -> float:
    """Seconds of the scheduler's processor that one sign of life of a worker takes: what four workers take more than one does, at two
    signs a second each."""
    found = [
        rows["Dask, 4 workers"]["pulse"]["scheduler"] - rows["Dask, 1 worker"]["pulse"]["scheduler"]
        for rows in places["works"].values()
        if {"Dask, 1 worker", "Dask, 4 workers"} <= set(rows)
    ]
    return max(0.0, median(found)) / 3 / 2


def pulse(workers: int, beat: float) -> float:
    """The share of the scheduler's second that a worker takes, at Dask's own intervals."""
    from distributed.scheduler import heartbeat_interval

    return beat / heartbeat_interval(workers)


def checked(places: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """How many times as fast as one process each place was, measured and simulated: by the clock where nobody was in the way of the
    measured processes, else on free cores, a core a process."""
    cores, beat = places["cores"], beat_s(places)
    out: dict[str, dict[str, dict[str, float]]] = {}
    for work, rows in places["works"].items():
        pieces = places["pieces"][work]["each_s"]
        costs = replace(costs_of(work, places), kit=0.0)  # every process had its models before the clock started
        for place in PLACES:
            if place not in rows:
                continue
            first = by_clock(rows[place])
            if place == "2 processes":
                here = Costs(worker=max(0.0, rows[place]["processor"] - 1) * sum(pieces) / len(pieces))
                clock = beside(pieces, 2, cores, here)
            else:
                n = int(place.split()[1])
                clock = cluster([pieces], n, replace(costs, pulse=pulse(n, beat)), cores=cores if first else 0).clock
            times, measured = sum(pieces) / clock, rows[place]["times" if first else "on_free_cores"]
            out.setdefault(work, {})[place] = {
                "measured": measured,
                "simulated": round(times, 2),
                "error": round(times / measured - 1, 3),
                "by_clock": first,
            }
    return out


def jobs(places: Mapping[str, Any], growth: Mapping[str, Any]) -> dict[str, tuple[list[float], Costs]]:
    """name -> (seconds of a piece, as they are drawn from, what comes beside)."""
    finetuned = read("speed_students")["finetuned"]["ours_s_a_cell"]
    start = places["starts"]

    def saved(name: str) -> float:
        """Seconds of processor that the largest run took to save one."""
        return growth[name][-1]["processor_s"] / growth[name][-1]["saved"]

    linear, search = (costs_of(name, places) for name in ("linear students", "search"))
    return {
        "linear": (
            places["pieces"]["linear students"]["each_s"],
            replace(linear, save=BATCH * saved("saving, SQLite"), back=start["linear"]["clock_s"]),
        ),
        "fine-tuned": (
            [finetuned],
            replace(
                linear, kit=places["pieces"]["search"]["kit_s"], save=saved("saving one by one, SQLite"), back=start["teacher"]["clock_s"]
            ),
        ),
        "search": (
            places["pieces"]["search"]["each_s"],
            replace(search, save=saved("saving proposals, SQLite"), back=start["teacher"]["clock_s"]),
        ),
    }


def drawn(name: str, pieces: Sequence[float], askers: int) -> list[list[float]]:
    """The tasks that are simulated: a few for each process that asks."""
    rng, tasks = random.Random(0), max(SAMPLED[name], askers)
    return [rng.choices(pieces, k=PER_TASK[name]) for _ in range(tasks)]


def told(out: Outcome, workers: int, askers: int, tasks: int) -> dict[str, float]:
    clock = out.clock
    return {
        "hours": round(clock * TASKS / tasks / 3600, 2),
        "idle": round(out.idle(workers), 3),
        "scheduler": round(out.scheduler / clock, 3),
        "asking": round(out.asking / clock / askers, 3),
    }


def main() -> None:
    places, growth = read("places"), read("growth")
    beat = beat_s(places)
    check = checked(places)
    errors = [row["error"] for rows in check.values() for row in rows.values()]
    out: dict[str, Any] = {
        "check": check,
        "worst_error": max(map(abs, errors)),
        "median_error": round(median(map(abs, errors)), 3),
        "beat_s": round(beat, 6),
        "costs": {},
        "jobs": {},
        "kills": {},
    }
    for name, (pieces, costs) in jobs(places, growth).items():
        out["costs"][name] = {key: round(value, 5) for key, value in vars(costs).items()} | {"piece": round(sum(pieces) / len(pieces), 4)}
        for askers in ASKERS:
            tasks = drawn(name, pieces, askers)
            for workers in WORKERS:
                if askers == 1 or workers >= 100 and name != "search":
                    found = cluster(tasks, workers, replace(costs, pulse=pulse(workers, beat)), askers=askers)
                    out["jobs"].setdefault(name, {}).setdefault(str(askers), {})[str(workers)] = told(found, workers, askers, len(tasks))
        tasks, quiet = drawn(name, pieces, 1), 0.0
        for kills in KILLS:
            found = cluster(tasks, 100, replace(costs, pulse=pulse(100, beat)), kills=kills)
            quiet = quiet or found.clock
            out["kills"].setdefault(name, {})[str(kills)] = {
                "longer": round(found.clock / quiet - 1, 4),
                "killed": found.killed,
                "again": round(found.lost / sum(map(len, tasks)), 5),
                "given_up": found.given_up,
            }
        print(name, json.dumps(out["jobs"][name]), flush=True)
        PATH.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(check), out["worst_error"])


if __name__ == "__main__":
    main()
