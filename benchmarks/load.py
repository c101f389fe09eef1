"""Ten people at once: how long a decision takes in ten real browsers on one server or two, and whether any is lost.

    python -m benchmarks.load [--people 1,3,5,10] [--think 3,0] [--cards 50] [--servers 1] [--database sqlite] [--projects shared]
    python -m benchmarks.load --parts first [--times 3]        # benchmarks/first_proposal.py

Starts the app, opens one Chromium with a context a person on the Curate page of one shared project (or on one each, --projects own),
and lets everybody decide at once while a job searches counterfactuals of other texts of the first project. Texts: SST-2 from COD_DATA;
the proposals and their verdicts are made up, the verdict on what a person types is the movies teacher's. Every decision that a browser
saw answered with the next card is looked for in the store. Processor and memory are those of the processes, as the system counts them.
Resumable: a run that is in benchmarks/results/load.json is not made again (--again makes it).
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

from benchmarks import first_proposal, load_people, scale, tasks
from benchmarks.cells import RESULTS
from benchmarks.load_people import Person
from tests.e2e.studio import App

PATH = RESULTS / "load.json"
LABELS = ("negative", "positive")
PROPOSED, OTHERS, DEVELOPMENT = 700, 500, 300
"""Texts with two proposals each that people decide on; texts that the job searches; texts that the strip measures on."""


@dataclass(frozen=True)
class Setup:
    """One run. think: mean seconds from a card to the press. code: which version of the app, where it is not this one."""

    people: int
    think: float
    cards: int
    servers: int
    database: str
    projects: str
    code: str = "now"


# ------------------------------------------------------------ what people work on


def fill(w: Any, name: str) -> tuple[str, dict[str, str]]:
    """(a project with texts, proposals, verdicts; text -> the label that its proposals aim at)."""
    from cod_core.models.choice import read_choice
    from cod_core.project.teacher.loader import identity
    from cod_core.store import items, projects
    from cod_core.text import char_distance, edit_fraction, token_distance
    from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, Task, now

    rng = random.Random(0)
    read = [e for e in tasks.read("sst2") if 6 <= len(e.text.split()) <= 30]
    rng.shuffle(read)
    train, held = [e for e in read if e.split == "train"], [e for e in read if e.split == "validation"]
    texts = [Example(f"{i:04d}", e.text, e.label, "train") for i, e in enumerate(train[: PROPOSED + OTHERS])]
    texts += [Example(f"dev{i:03d}", e.text, e.label, "validation") for i, e in enumerate(held[:DEVELOPMENT])]
    pid = w.create_project(name, Task("Does the writer like the film?", LABELS))
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "movies"})
    teacher, at = identity(read_choice({"kind": "builtin", "name": "movies"}), LABELS), now()
    items.add_examples(w.db, pid, texts)
    sure = {LABELS[0]: Prediction(LABELS, (-0.1, -2.35)), LABELS[1]: Prediction(LABELS, (-1.9, -0.16))}
    cfs = [
        Counterfactual(
            f"c{e.id}-{j}", e.id, said, str(e.label), _other(e), Origin("search", "search", "1"), note="2 replaced", created_at=at
        )
        for e in texts[:PROPOSED]
        for j, said in enumerate((_changed(e.text, "hardly", rng), _changed(e.text, "truly", rng)))
    ]
    items.add_counterfactuals(w.db, pid, cfs)
    proposed = {cf.example_id for cf in cfs}
    of = {e.id: e.text for e in texts}
    items.add_checks(
        w.db,
        pid,
        [
            FlipCheck(
                cf.id,
                *teacher,
                sure[cf.source],
                sure[cf.target],
                cf.target,
                token_distance(of[cf.example_id], cf.text),
                edit_fraction(of[cf.example_id], cf.text),
                char_distance(of[cf.example_id], cf.text),
                0.9,
                False,
                at,
            )
            for cf in cfs
        ],
    )
    scale.on_record(w, pid, teacher, [e for e in texts if e.id in proposed or e.split == "validation"], sure)
    return pid, {cf.example_id: cf.target for cf in cfs}


def _other(e: Any) -> str:
    return LABELS[1 - LABELS.index(e.label)]


def _changed(text: str, word: str, rng: random.Random) -> str:
    words = text.split()
    words[rng.randrange(len(words))] = word
    return " ".join(words)


# ------------------------------------------------------------ servers, and what they use


@contextlib.contextmanager
def place(setup: Setup) -> Iterator[tuple[Any, list[App]]]:
    """(the library on a fresh data folder, app servers on it)."""
    from cod_core.workspace import Workspace

    with tempfile.TemporaryDirectory() as made:
        os.environ["COD_HOME"] = str(Path(made) / "home")
        os.environ.pop("COD_DATABASE_URL", None)
        if setup.database == "postgres":
            from tests import postgres

            os.environ["COD_DATABASE_URL"] = postgres.new_database()
        w = Workspace()
        apps = [App(Path(made) / f"home{n}", COD_HOME=os.environ["COD_HOME"]) for n in range(setup.servers)]
        try:
            yield w, [app.start() for app in apps]
        finally:
            for app in apps:
                app.stop()
            w.db.engine.dispose()


def processor(processes: Sequence[psutil.Process]) -> float:
    """Seconds of processor so far of these processes and of those that they started and still have."""
    every = {p.pid: p for root in processes for p in [root, *root.children(recursive=True)]}
    spent = 0.0
    for p in every.values():
        with contextlib.suppress(psutil.NoSuchProcess):
            spent += sum(p.cpu_times()[:2])
    return spent


def busy() -> float:
    """Seconds of processor that the whole machine has worked, whoever for."""
    told = psutil.cpu_times()
    return float(sum(told[:4])) - told.idle + getattr(told, "irq", 0.0) + getattr(told, "softirq", 0.0)


def memory(servers: Sequence[psutil.Process]) -> list[int]:
    """Resident MB of each server."""
    return [round(p.memory_info().rss / 2**20) for p in servers]


# ------------------------------------------------------------ one run


async def run(setup: Setup, most_s: float) -> dict[str, Any]:
    from cod_core.counterfactuals.options import GenerateRequest, SearchOptions

    with place(setup) as (w, apps):
        filled = [fill(w, f"Films {n}") for n in range(1 if setup.projects == "shared" else setup.people)]
        targets, pids = filled[0][1], [pid for pid, _ in filled]
        servers = [psutil.Process(app._process.pid) for app in apps]
        async with load_people.chromium() as browser:
            browsers = [p for p in psutil.Process().children() if p.pid not in {s.pid for s in servers}]
            for app in apps:  # somebody was here before: the teacher is loaded, the first card was drawn
                first = await load_people.open_card(browser, app.url, pids[0], "first")
                await load_people.work(first, load_people.EVERY_EDIT, 1, targets, random.Random(0))
                await first.tab.context.close()
            before = memory(servers)
            people = [
                await load_people.open_card(browser, apps[n % len(apps)].url, pids[n % len(pids)], f"person{n}")
                for n in range(setup.people)
            ]
            opened = memory(servers)
            jobs = w.project(pids[0]).jobs
            job = jobs.start("generate", GenerateRequest(PROPOSED + OTHERS, search=SearchOptions(by="anything", missing=True)))
            while jobs.newest().state != "running":
                await asyncio.sleep(0.5)
            begun, spent, theirs, machine = time.monotonic(), processor_alone(servers), processor(browsers), busy()
            own = processor([psutil.Process()])
            rngs = [random.Random(n) for n in range(setup.people)]
            await asyncio.gather(
                *(load_people.work(p, setup.cards, setup.think, targets, rng, most_s) for p, rng in zip(people, rngs, strict=True))
            )
            seconds = time.monotonic() - begun
            spent, theirs = processor_alone(servers) - spent, processor(browsers) - theirs
            others = busy() - machine - (processor([psutil.Process()]) - own)
            ended, state, done = memory(servers), jobs.newest().state, jobs.newest().done
            jobs.cancel(job)
        bugs = [line for app in apps for line in app.bugs()]
        print(*bugs, sep="\n", flush=True)
        found = lost_and_twice([w.project(pid) for pid in pids], people)
        while jobs.newest().active:
            await asyncio.sleep(0.5)
    decisions = sum(len(person.decided) for person in people)
    return asdict(setup) | {
        "decisions": decisions,
        "seconds": round(seconds, 1),
        "card": quantiles([s for person in people for s in person.cards]),
        "verdict": quantiles([s for person in people for s in person.verdicts]),
        "unanswered": sum(person.unanswered for person in people),
        **found,
        "server_s_a_decision": round(spent / decisions, 3),
        "server_share": round(spent / seconds / setup.servers, 2),
        "browser_share": round(theirs / seconds, 2),
        "others_share": round(others / seconds, 2),
        "memory_mb": {"before": before, "open": opened, "end": ended},
        "job": {"state": state, "texts": done},
        "bugs": len(bugs),
    }


def processor_alone(servers: Sequence[psutil.Process]) -> float:
    """Seconds of processor of the servers, without the jobs' processes."""
    return sum(sum(p.cpu_times()[:2]) for p in servers)


def lost_and_twice(projects: Sequence[Any], people: Sequence[Person]) -> dict[str, int]:
    """Of the texts on which browsers saw a decision answered: on how many the store has none of that person, and on how many more than
    one; and decided texts that no browser saw. Not by status: of several presses on a slow page the first may have counted."""
    stored = Counter(
        (d.annotator, d.example_id) for p in projects for log in p.pairs.snapshot().logs.values() for d in log if d.annotator != "first"
    )
    seen = {(person.name, text) for person in people for text, _ in person.decided}
    return {
        "lost": len(seen - set(stored)),
        "twice": sum(n > 1 for what, n in stored.items() if what in seen),
        "unseen": len(set(stored) - seen),
    }


def quantiles(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile, worst, how many."""
    if not seconds:
        return {"n": 0}
    ordered = sorted(seconds)
    at95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {"median": round(statistics.median(ordered), 3), "p95": round(at95, 3), "worst": round(ordered[-1], 3), "n": len(ordered)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", default="1,3,5,10")
    parser.add_argument("--think", default="3,0")
    parser.add_argument("--cards", type=int, default=50)
    parser.add_argument("--servers", type=int, choices=(1, 2), default=1)
    parser.add_argument("--database", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--projects", choices=("shared", "own"), default="shared")
    parser.add_argument("--parts", default="people", help="people, first, or both with a comma")
    parser.add_argument("--times", type=int, default=3, help="of the first proposal")
    parser.add_argument("--code", default="now", help="what the version is called, where it is not this one")
    parser.add_argument("--most", type=float, default=3600, help="seconds of deciding, after which nobody begins another card")
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--into", type=Path, default=PATH)
    chosen = parser.parse_args()
    if "people" in chosen.parts:
        for think in map(float, chosen.think.split(",")):
            for people in map(int, chosen.people.split(",")):
                setup = Setup(people, think, chosen.cards, chosen.servers, chosen.database, chosen.projects, chosen.code)
                keep(chosen.into, "people", asdict(setup), 1, chosen.again, lambda setup=setup: asyncio.run(run(setup, chosen.most)))
    if "first" in chosen.parts:
        for way in first_proposal.WAYS:
            for _ in range(chosen.times):
                asked = {"way": way, "code": chosen.code}
                keep(chosen.into, "first", asked, chosen.times, False, lambda way=way: {"code": chosen.code, **first_proposal.once(way)})


def keep(path: Path, part: str, asked: dict[str, Any], times: int, again: bool, make: Callable[[], dict[str, Any]]) -> None:
    """Make a run and keep it, unless as many of what is asked for are there. again: in the place of those."""
    kept = json.loads(path.read_text()) if path.exists() else {}
    same = [one for one in kept.get(part, []) if asked.items() <= one.items()]
    if len(same) >= times and not again:
        return
    made = make()
    print(json.dumps(made), flush=True)
    kept = json.loads(path.read_text()) if path.exists() else {}
    stay = [one for one in kept.get(part, []) if not (again and one in same)]
    path.write_text(json.dumps(kept | {part: [*stay, made]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
