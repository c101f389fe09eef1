"""How cost grows with texts and cells, and how many finished students one process saves.

    python -m benchmarks.scale --parts growth [--works 'import;cells'] [--again]

Every measurement is a process of its own, so that its peak memory is its own. Texts are made by chance from a fixed seed, as in
benchmarks/scale.py; only embeddings and the teacher's answers are of real reviews (the movies sample), and of 2,000 at most, since
100,000 take an hour. Seconds of processor, since the machine is shared; each row is saved as it comes (benchmarks/results/growth.json).
"""

import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import scale
from benchmarks.cells import RESULTS

PATH = RESULTS / "growth.json"
SIZES = (1_000, 10_000, 100_000)
OF_MODELS = (500, 1_000, 2_000)
DATABASES = ("SQLite", "PostgreSQL")
SAVED = 2_000  # students a measurement of saving


def _row(n: int, begun: tuple[float, float], **more: float) -> dict[str, float]:
    clock, processor = begun
    return {
        "n": n,
        "seconds": round(time.perf_counter() - clock, 3),
        "processor_s": round(time.process_time() - processor, 3),
        "peak_mb": scale.peak(),
        **more,
    }


def _begun() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _large(home: str, n: int) -> tuple[Any, Any]:
    """(workspace, a project of n texts with an accepted counterfactual each)."""
    from cod_core.workspace import Workspace

    w = Workspace(home)
    return w, w.project(next(p.id for p in w.projects() if p.name == f"Export {n}"))


def importing(home: str, n: int) -> dict[str, float]:
    found = scale.importing(home, n)
    return {"n": n, **{name: found[name] for name in ("seconds", "processor_s", "peak_mb")}}


def filling(home: str, n: int) -> dict[str, float]:
    """Not measured: the project that the others look at."""
    begun = _begun()
    scale.prepared(home, n)
    return _row(n, begun)


def opening(home: str, n: int) -> dict[str, float]:
    """The first look after a start: every proposal, verdict and decision read."""
    _, project = _large(home, n)
    begun = _begun()
    project.cards.all()
    return _row(n, begun)


def table_page(home: str, n: int) -> dict[str, float]:
    """The median of five next pages of the table, whole page run."""
    os.environ["COD_HOME"] = home
    from ui.frame import state

    state.GUARD_SECONDS = 0.0
    w = state.workspace()
    type(w).warm_teacher = lambda self, pid: None  # loads a model in another thread: not what is timed here
    table = scale.page(next(p.id for p in w.projects() if p.name == f"Export {n}"), "review")
    found = scale.summed([scale.timed(lambda: scale.press(table, "page-on")) for _ in range(5)])
    return {"n": n, "seconds": found["median_s"], "processor_s": found["median_processor_s"], "peak_mb": scale.peak()}


def exporting(home: str, n: int) -> dict[str, float]:
    found = scale.exporting(home, n)
    return {"n": n, **{name: found[name] for name in ("seconds", "processor_s", "peak_mb")}}


def splicing(home: str, n: int) -> dict[str, float]:
    """What splices come from and are judged by: the own texts, at most 3,000 of them, embeddings and answers on record."""
    _, project = _large(home, n)
    project.splicer.embed()(["warm"])
    project.teacher.classifier().logprobs(["warm"])
    begun = _begun()
    own = project.splicer.own()
    return _row(n, begun, pieces=len(own.pieces))


def _by_models(which: int, n: int) -> dict[str, float]:
    from benchmarks.places import models, texts_of
    from cod_core.compute.local import Local

    examples = texts_of(n)
    _, work, given, pieces = models(examples, 512)[which]
    with Local(1) as local:
        list(local.run(work, given, [pieces[0][:8]]))
        kit = work.ready(given)
        begun = _begun()
        list(local.run(work, given, pieces, lambda: kit))
    return _row(len(examples), begun)


def answering(home: str, n: int) -> dict[str, float]:
    return _by_models(0, n)


def embedding(home: str, n: int) -> dict[str, float]:
    return _by_models(1, n)


def cells(home: str, n: int) -> dict[str, float]:
    """Linear students at k = 8: cut into parts and trained in one process, not saved."""
    from benchmarks.places import linear
    from cod_core.compute.local import Local

    begun = _begun()
    _, work, given, pieces = linear(n, rows=8)
    with Local(1) as local:
        for _ in local.run(work, given, pieces):
            pass
    return _row(n, begun)


def saving(home: str, n: int, at_once: int = 20) -> dict[str, float]:
    """The last SAVED of n finished linear students, judged on 2,000 texts: files, then the database."""
    from benchmarks.places import LABELS, linear
    from cod_core.compute.local import Local
    from cod_core.types import Task
    from cod_core.workspace import Workspace

    _, work, given, pieces = linear(20)
    with Local(1) as local:
        [batch] = local.run(work, given, pieces)
    w = Workspace(home)
    store = w.project(w.create_project(f"Saved {n}", Task("Good or bad?", LABELS))).store

    def save(first: int, last: int) -> None:
        for at in range(first, last, at_once):
            named = [replace(d.result, config=replace(d.result.config, seed=at + i)) for i, d in enumerate(batch[:at_once])]
            store.save([replace(done, result=result) for done, result in zip(batch, named)], "mark")

    save(0, n - SAVED)
    begun = _begun()
    save(n - SAVED, n)
    return _row(n, begun, saved=SAVED)


def saving_proposals(home: str, n: int) -> dict[str, float]:
    """n texts' proposals and their checks, as a search saves them: one text after another, a transaction for each kind of row."""
    from cod_core.models.choice import read_choice
    from cod_core.project.teacher.loader import identity
    from cod_core.store import items
    from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, Task, now
    from cod_core.workspace import Workspace

    w, rng = Workspace(home), random.Random(0)
    pid = w.create_project("Proposals", Task("Good or bad?", scale.LABELS))
    teacher, at = identity(read_choice(scale.TEACHER), scale.LABELS), now()
    texts = [Example(f"e{i}", f"{scale.sentence(rng)} {i}", scale.LABELS[i % 2], "train") for i in range(n)]
    items.add_examples(w.db, pid, texts)
    sure = Prediction(scale.LABELS, (-0.1, -2.35))
    begun = _begun()
    for text in texts:
        label, other = scale.LABELS if text.label == scale.LABELS[0] else scale.LABELS[::-1]
        cf = Counterfactual(f"c{text.id}", text.id, f"{text.text} not", label, other, Origin("search", "search", "1"), created_at=at)
        items.add_counterfactuals(w.db, pid, [cf])
        items.add_checks(w.db, pid, [FlipCheck(cf.id, *teacher, sure, sure, other, 1, 0.05, 6, 0.9, False, at)])
    return _row(n, begun, saved=n)


STEPS: dict[str, tuple[tuple[int, ...], Callable[[str, int], dict[str, float]]]] = {
    "import": (SIZES, importing),
    "fill": (SIZES, filling),
    "open": (SIZES, opening),
    "table": (SIZES, table_page),
    "export": (SIZES, exporting),
    "splicing": (SIZES, splicing),
    "answers": (OF_MODELS, answering),
    "embeddings": (OF_MODELS, embedding),
    "cells": (SIZES, cells),
    **{f"saving, {kind}": ((2_000, 10_000), saving) for kind in DATABASES},
    **{f"saving one by one, {kind}": ((2_000,), partial(saving, at_once=1)) for kind in DATABASES},
    **{f"saving proposals, {kind}": ((2_000,), saving_proposals) for kind in DATABASES},
}
"""name -> (sizes, what is measured)."""


@contextmanager
def postgres() -> Iterator[str]:
    """The address of a PostgreSQL of one's own that writes through to the disk, as a real one does."""
    from tests.postgres import binaries

    tools, folder = binaries(), Path(tempfile.mkdtemp(prefix="cod-pg-"))
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    if user:
        shutil.chown(folder, user, user)

    def ran(*command: str) -> None:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=folder, user=user, env={**os.environ, "LC_ALL": "C.UTF-8"})

    ran(f"{tools}/initdb", "-D", f"{folder}/data", "-U", "cod", "--auth=trust", "-E", "UTF8")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder}"
    ran(f"{tools}/pg_ctl", "-D", f"{folder}/data", "-o", options, "-l", f"{folder}/log", "-w", "start")
    try:
        yield f"postgresql://cod@/postgres?host={folder}"
    finally:
        ran(f"{tools}/pg_ctl", "-D", f"{folder}/data", "-m", "fast", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


def known() -> dict[str, list[dict[str, float]]]:
    return json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}


def run(home: str, only: list[str], again: bool) -> None:
    """Every step at every size that is not known yet."""
    for name, (sizes, _) in STEPS.items():
        for n in sizes:
            if (only and name not in only) or (any(row["asked"] == n for row in known().get(name, ())) and not again):
                continue
            with tempfile.TemporaryDirectory() as other:
                row = _measured(name, other if name.startswith(("saving", "import")) else home, n)
            found = known()  # somebody may measure other steps meanwhile
            others = [r for r in found.get(name, ()) if r["asked"] != n]
            found[name] = sorted([*others, {"asked": n} | row], key=lambda r: r["asked"])
            PATH.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            print(name, n, row, flush=True)


def _measured(name: str, home: str, n: int) -> dict[str, Any]:
    if not name.endswith("PostgreSQL"):
        return scale.alone(name, home, n, "--growth")
    with postgres() as address:
        os.environ["COD_DATABASE_URL"] = address
        try:
            return scale.alone(name, home, n, "--growth")
        finally:
            del os.environ["COD_DATABASE_URL"]
