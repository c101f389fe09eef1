"""kill -9 at seeded random moments of everything that writes: what was said to be saved is there, the work begun again ends, and the end is
that of an undisturbed run.

    python -m benchmarks.faults [SCENE...] [--kinds KIND...] [--kills 10]

A child process does the work (faults_work.py) on a copy of a small data folder (60 sentences of SST-2 from COD_DATA, the built-in
teacher of products) and prints a line for each thing that it was told is saved. Something is killed between its first line and its end, as
an undisturbed run took: see SCENES. Then SQLite is asked for an integrity check, every line is looked for in the store, the work is done
again and its end compared. A child that is not killed itself has to end by itself, or to say in a sentence what is wrong.
Resumable; leaves benchmarks/results/faults.json, an entry a kill.
"""

import argparse
import fcntl
import hashlib
import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import make_url

from benchmarks.cells import RESULTS
from benchmarks.faults_places import LoopbackCluster, Server, cluster, helpers_of
from benchmarks.faults_work import KINDS, STAGES, Where, restored

PATH = RESULTS / "faults.json"


class Child:
    """A copy of this process, which has loaded what work needs, that does something in a session of its own. What it says comes line by
    line; `error` is the last line of what it complained of."""

    def __init__(self, act: Callable[[], int], variables: dict[str, str]):
        (out, says), (self._complaints, complains) = os.pipe(), os.pipe()
        self.said, self.error, self._code = list[str](), "", -1
        self.pid = os.fork()
        if self.pid == 0:
            _as_child(act, variables, says, complains)
        os.close(says)
        os.close(complains)
        self.out = os.fdopen(out)
        self.running = True

    def ready(self) -> None:
        assert self.out.readline() == "ready\n"

    def over(self) -> bool:
        if self.running:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            self.running, self._code = pid == 0, os.waitstatus_to_exitcode(status) if pid else self._code
        return not self.running

    def ended(self) -> int:
        """Its exit code, once it has ended."""
        self.said = [line for line in self.out.read().splitlines() if line and not line.startswith("Project")]
        with os.fdopen(self._complaints) as complaints:
            self.error = (complaints.read().strip().splitlines() or [""])[-1]
        while not self.over():
            time.sleep(0.01)
        return self._code


def _as_child(act: Callable[[], int], variables: dict[str, str], says: int, complains: int) -> NoReturn:
    code = 70
    try:
        os.setsid()
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(says, 1)
        os.dup2(complains, 2)
        sys.stdout, sys.stderr = os.fdopen(1, "w", buffering=1), os.fdopen(2, "w", buffering=1)
        for name in ("COD_DATABASE_URL", "COD_SCHEDULER", "COD_WORKERS"):
            os.environ.pop(name, None)
        os.environ.update({"COD_READ_PROPOSALS": "0", "HF_HUB_OFFLINE": "1"} | variables)
        code = act()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code)


@dataclass(frozen=True)
class Scene:
    """What is killed while a kind of work is done. postgres: where it is kept. variables: of the child."""

    kinds: tuple[str, ...]
    kill: Callable[["Stage", Child], None]
    kills: int = 10
    postgres: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    cluster: bool = False


# ------------------------------------------------------------ what is killed


def the_process(stage: "Stage", child: Child) -> None:
    os.kill(child.pid, signal.SIGKILL)


def the_process_and_its_job(stage: "Stage", child: Child) -> None:
    jobs = helpers_of(child.pid, b"cod_core.jobs.worker")
    for pid in (child.pid, *jobs):
        os.kill(pid, signal.SIGKILL)


def a_helper(stage: "Stage", child: Child) -> None:
    until = time.monotonic() + 20
    while not child.over() and time.monotonic() < until:
        if found := helpers_of(child.pid):
            os.kill(found[0], signal.SIGKILL)
            return
        time.sleep(0.02)
    stage.missed = True


def a_dask_worker(stage: "Stage", child: Child) -> None:
    assert stage.cluster is not None
    stage.cluster.processes[1].kill()


def the_scheduler(stage: "Stage", child: Child) -> None:
    assert stage.cluster is not None
    stage.cluster.processes[0].kill()


def the_database(stage: "Stage", child: Child) -> None:
    assert stage.server is not None
    stage.server.stop("immediate")
    stage.down = True


TWO = {"COD_WORKERS": "2"}
SCENES = {
    "sqlite": Scene(tuple(kind for kind in KINDS if kind != "job"), the_process),
    "app": Scene(("job",), the_process, 5),
    "app and worker": Scene(("job",), the_process_and_its_job, 5),
    "helper": Scene(("search", "distil"), a_helper, variables=TWO),
    "dask worker": Scene(("search", "distil"), a_dask_worker, 5, cluster=True),
    "scheduler": Scene(("search", "distil"), the_scheduler, 5, cluster=True),
    "postgresql": Scene(("import", "search", "decisions", "distil", "restore"), the_process, postgres=True),
    "database": Scene(("import", "search", "decisions", "distil", "restore"), the_database, 5, postgres=True),
}


# ------------------------------------------------------------ where it happens


class Stage:
    """The folders and databases that work begins with, copied for each kill. bases: where the folders are prepared, once for all scenes.
    cluster: of the kill under way. missed: nothing was there to kill. down: the database is stopped."""

    def __init__(self, folder: Path, bases: Path, postgres: bool):
        folder.mkdir()
        bases.mkdir(parents=True, exist_ok=True)
        self.folder, self.bases, self.server = folder, bases, Server(folder / "pg") if postgres else None
        self.cluster: LoopbackCluster | None = None
        self.missed = self.down = False
        self._databases: dict[str, str] = {}

    def _prepared(self, name: str) -> Path:
        """The folder of a stage, with SQLite."""
        made = self.bases / name
        with open(self.bases / f"{name}.lock", "w") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if not made.exists():
                part = self.bases / f"{name}.part"
                shutil.rmtree(part, ignore_errors=True)
                before = STAGES[name][0]
                shutil.copytree(self._prepared(before), part) if before else part.mkdir()
                if name == "backup":
                    shutil.copy(self._prepared("kept") / "backup.zip", part)
                assert _done(STAGES[name][1], Where(part)), name
                part.rename(made)
        return made

    def copy(self, base: str, name: str) -> Where:
        """A fresh copy of a stage, in a database of its own."""
        home = self.folder / name
        if self.server is None:
            return Where(Path(shutil.copytree(self._prepared(base), home)))
        shutil.copytree(self._prepared(base), home, ignore=shutil.ignore_patterns("cod.db*"))
        if base not in self._databases:
            at = Where(home, self.server.url(self.server.new()))
            assert _done(restored, at), base
            self._databases[base] = str(make_url(at.url).database)
        return Where(home, self.server.url(self.server.new(self._databases[base])))

    def up(self) -> None:
        """Start what is stopped."""
        if self.down and self.server is not None:
            self.server.start()
        self.missed = self.down = False


def _done(what: Callable[[Where], None], at: Where) -> bool:
    """Whether a child could do this there."""

    def act() -> int:
        what(at)
        return 0

    child = Child(act, at.variables)
    done = child.ended() == 0
    if not done:
        print(child.error, flush=True)
    return done


@contextmanager
def _begun(scene: Scene, stage: Stage, kind: str, at: Where) -> Iterator[Child]:
    if not scene.cluster:
        yield Child(partial(work, kind, at), at.variables | scene.variables)
        return
    with cluster(at.home / f"cluster-{time.monotonic_ns()}") as stage.cluster:
        yield Child(partial(work, kind, at), at.variables | scene.variables | {"COD_SCHEDULER": stage.cluster.address})


def sound(at: Where) -> None:
    if not at.url and (at.home / "cod.db").exists():
        with sqlite3.connect(at.home / "cod.db") as c:
            assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _asked(question: Callable[[], object], at: Where) -> str:
    """What a child finds there. This process opens no database: it could not be copied then."""

    def act() -> int:
        print(f"found {question()}")
        return 0

    child = Child(act, at.variables)
    assert child.ended() == 0, child.error
    return child.said[-1].removeprefix("found ")


def digest(kind: str, at: Where) -> str:
    return _asked(lambda: hashlib.sha256(json.dumps(KINDS[kind].end(at), default=str).encode()).hexdigest(), at)


def undisturbed(scene: Scene, stage: Stage, kind: str, at: Where) -> tuple[float, str]:
    """(seconds from the first word to the last line, a digest of the end)."""
    with _begun(scene, stage, kind, at) as child:
        child.ready()
        start = last = time.monotonic()
        for _ in child.out:
            last = time.monotonic()
        assert child.ended() == 0, child.error
    return (last if last > start else time.monotonic()) - start, digest(kind, at)


def once(place: str, stage: Stage, kind: str, at: Where, wait: float, wanted: str) -> dict[str, Any]:
    """One kill, `wait` seconds after the child was ready; what it left and how it ended."""
    scene = SCENES[place]
    with _begun(scene, stage, kind, at) as child:
        child.ready()
        time.sleep(wait)
        over = child.over()
        if not over:
            scene.kill(stage, child)
        code = child.ended()
        over = over or stage.missed
    stage.up()
    sound(at)
    lost = int(_asked(lambda: KINDS[kind].lost(at, child.said), at))
    with _begun(scene, stage, kind, at) as again:
        resumed = again.ended() == 0
    found = {"place": place, "kind": kind, "after_s": round(wait, 2), "over": over, "said": len(child.said), "lost": lost}
    if scene.kill not in (the_process, the_process_and_its_job):  # the child lives on: it ends, or says why it cannot
        found |= {
            "by_itself": code == 0,
            "told": child.error.removeprefix("Error: ")[:200] if code == 1 else "" if code == 0 else str(code),
        }
    return found | {"resumed": resumed, "same": digest(kind, at) == wanted}


def work(kind: str, at: Where) -> int:
    """In the child: the work, or a sentence on why it could not be done."""
    from cod_core.compute import local
    from cod_core.errors import CodError

    if os.environ.get("COD_WORKERS"):
        local.START_S = 0.0  # so small a piece of work is not worth a process: here it starts one all the same
    print("ready", flush=True)
    try:
        KINDS[kind].work(at)
    except CodError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


def loaded() -> None:
    """Load what work needs, once for all copies of this process: kills fall into the work then, not into its imports."""
    import cod_core.__main__
    import cod_core.commands.import_texts
    import cod_core.counterfactuals.search
    import cod_core.distill.sweep
    import cod_core.models.encoder
    import cod_core.models.teachers
    import cod_core.workspace  # noqa: F401


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scenes", nargs="*", default=list(SCENES))
    parser.add_argument("--kinds", nargs="*")
    parser.add_argument("--kills", type=int)
    parser.add_argument("--bases", help="a folder for what is prepared, used again by the next scene")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that servers are stopped
    loaded()
    for place in chosen.scenes:
        scene = SCENES[place]
        with tempfile.TemporaryDirectory() as made:
            stage = Stage(Path(made) / "stage", Path(chosen.bases or Path(made) / "bases"), scene.postgres)
            try:
                for kind in chosen.kinds or scene.kinds:
                    _measure(place, stage, kind, chosen.kills or scene.kills)
            finally:
                if stage.server is not None:
                    stage.up()
                    stage.server.stop()
    return 0


def _keep(one: dict[str, Any]) -> None:
    """Beside what other scenes, measured at the same time, keep."""
    with open(Path(tempfile.gettempdir()) / "cod-faults.lock", "w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        found = [*(json.loads(PATH.read_text()) if PATH.exists() else []), one]
        PATH.write_text("[\n" + ",\n".join(map(json.dumps, found)) + "\n]\n")


def _measure(place: str, stage: Stage, kind: str, kills: int) -> None:
    base = KINDS[kind].base
    found = json.loads(PATH.read_text()) if PATH.exists() else []
    there = sum((one["place"], one["kind"]) == (place, kind) for one in found)
    if there >= kills:
        return
    takes, wanted = undisturbed(SCENES[place], stage, kind, stage.copy(base, f"{kind}-whole"))
    print(place, kind, "takes", round(takes, 1), "s", flush=True)
    for n in range(there, kills):
        at = stage.copy(base, f"{kind}-{n}")
        seed = f"{kind} {n}" if place == "sqlite" else f"{place} {kind} {n}"
        one = once(place, stage, kind, at, random.Random(seed).uniform(0, takes), wanted)
        print(one, flush=True)
        _keep(one)
        shutil.rmtree(at.home)


if __name__ == "__main__":
    sys.exit(main())
