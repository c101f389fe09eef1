"""The work that benchmarks/faults.py kills: what does it, what it leaves undisturbed, and what was said to be saved and has to be there.

Knows no kill. Each piece of work is done in a process of its own, which prints a line for each thing that it was told is saved.
"""

import csv
import hashlib
import io
import json
import os
import sqlite3
import time
import zipfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import tasks
from cod_core.errors import CodError

ROOT = Path(__file__).parents[1]
MADE = "made.zip"


@dataclass(frozen=True)
class Where:
    """A data folder; url: of its database, "" for the SQLite file in it."""

    home: Path
    url: str = ""

    @property
    def variables(self) -> dict[str, str]:
        """What a process that works there has in its environment."""
        return {"COD_HOME": str(self.home)} | ({"COD_DATABASE_URL": self.url} if self.url else {})


def _w(at: Where) -> Any:
    from cod_core.workspace import Workspace

    if not at.url:
        return Workspace(at.home)
    os.environ.update(at.variables)  # an address counts for the folder that the environment names
    return Workspace()


def _project(at: Where) -> Any:
    w = _w(at)
    return w.project(w.projects()[0].id)


def _say(what: object) -> None:
    print(what, flush=True)


# ------------------------------------------------------------ the work: says what is saved


def do_import(at: Where) -> None:
    from cod_core.__main__ import app

    for row in _w(at).projects():
        if len(_texts(_w(at).project(row.id))) == 60:
            return
    home = [] if at.url else ["--home", str(at.home)]
    app(["import", str(at.home / "texts.csv"), "--labels", "negative,positive", *home], standalone_mode=False)


def do_search(at: Where) -> None:
    from cod_core.counterfactuals.options import SearchOptions

    p = _project(at)
    texts = sorted(p.texts.pool().values(), key=lambda e: e.id)[:24]
    p.search.run(texts, 2, lambda done, total, message="": _say(f"text {done}"), SearchOptions())


def do_decisions(at: Where) -> None:
    p = _project(at)
    for i, cfs in sorted(p.pairs.snapshot().by_example.items()):
        if i not in p.pairs.state().outcome:
            p.curation.decide(cfs[0].id, "accepted" if p.pairs.state().checks[cfs[0].id].valid else "rejected", "ann", reasons=())
            _say(f"decided {i}")


def plan() -> Any:
    from cod_core.distill.settings import StudentSettings, SweepPlan

    return SweepPlan(StudentSettings("linear"), shots=(8, 16), seeds=20, arms=("kd", "half", "cod"))


def do_distil(at: Where) -> None:
    _project(at).students.distil(plan(), lambda done, total, message="": _say(f"cell {done}"))


def do_job(at: Where) -> None:
    """The students of do_distil as the app has them trained: by a job, started, followed or resumed."""
    jobs, resumed = _project(at).jobs, False
    if jobs.newest() is None:
        jobs.start("distill", plan())
    while (job := jobs.newest()).state != "done":
        if not job.active:
            if resumed:
                raise CodError(str(job.error))
            jobs.resume(job.id)
            resumed = True
        with suppress(OSError, TypeError):  # a worker gives way to all others, and this machine may be busy for good
            os.setpriority(os.PRIO_PROCESS, job.pid, 0)
        if job.state == "running":
            _say(f"cell {job.done}")
        time.sleep(0.2)


def do_train(at: Where) -> None:
    from cod_core.models.choice import FinetuneOptions

    _project(at).training.finetune(FinetuneOptions(epochs=1), lambda done, total, message="": _say(f"step {done}"))


def do_export(at: Where) -> None:
    for n in range(30):
        _project(at).exports.write(at.home / MADE)
        _say(f"file {n}")


def do_backup(at: Where) -> None:
    for n in range(10):
        (at.home / f"{n}.part").write_bytes(_project(at).keeping.backup())
        (at.home / f"{n}.part").replace(at.home / MADE)
        _say(f"file {n}")


def do_restore(at: Where) -> None:
    w = _w(at)
    while len(w.projects()) < 6:
        _say(f"project {w.restore((at.home / 'backup.zip').read_bytes(), fresh=True)}")


def do_migration(at: Where) -> None:
    _say(f"opened {len(_w(at).projects())}")


# ------------------------------------------------------------ what is in the store, whoever wrote it


def _texts(p: Any) -> list[tuple[str, str]]:
    from cod_core.store import items

    return sorted((e.text, str(e.label)) for e in items.examples(p.place.db, p.id))


def proposals(at: Where) -> object:
    p = _project(at)
    snapshot, checks = p.pairs.snapshot(), p.pairs.state().checks
    return sorted((i, cf.text, cf.target, cf.id in checks and checks[cf.id].valid) for i, cfs in snapshot.by_example.items() for cf in cfs)


def decided(at: Where) -> object:
    return sorted((i, d.status, d.annotator) for i, d in _project(at).pairs.state().outcome.items())


def cells(at: Where) -> object:
    from cod_core.store import runs

    p = _project(at)
    return sorted((r.config.run_id, r.test.get("accuracy"), r.dev.get("accuracy")) for r in runs.runs(p.place.db, p.id))


def taught(at: Where) -> object:
    p = _project(at)
    texts = [text for text, _ in _texts(p)[:10]]
    return str(p.teacher.choice()).split(os.sep)[-1], [[round(float(x), 5) for x in row] for row in p.teacher.classifier().logprobs(texts)]


def inside(at: Where) -> object:
    """Names and contents of the file that was written, but for the day on it."""
    with zipfile.ZipFile(io.BytesIO((at.home / MADE).read_bytes())) as archive:
        assert archive.testzip() is None
        return sorted((i.filename, i.CRC) for i in archive.infolist() if not i.filename.startswith(("manifest", "README", "backup.json")))


def everybody(at: Where) -> object:
    w = _w(at)
    return sorted(hashlib.sha256(json.dumps(_texts(w.project(row.id))).encode()).hexdigest() for row in w.projects())


def tables(at: Where) -> object:
    with sqlite3.connect(at.home / "cod.db") as c:
        names = [r[0] for r in c.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return [(name, c.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in names]


# ------------------------------------------------------------ what was said and has to be there


def searched(at: Where, said: list[str]) -> int:
    """Of the texts that were done those without a trace: neither a proposal nor a note that none was found."""
    p = _project(at)
    done = max((int(line.split()[1]) for line in said), default=0)
    traces = len(set(p.pairs.snapshot().by_example) | set(p.draws.failed()))
    return max(0, done - traces)


def trained(at: Where, said: list[str]) -> int:
    done = max((int(line.split()[1]) for line in said), default=0)
    return max(0, done - len(cells(at)))  # type: ignore[arg-type]  # a list


def remembered(at: Where, said: list[str]) -> int:
    return len({line.split()[1] for line in said} - {i for i, *_ in decided(at)})  # type: ignore[attr-defined]  # a list


def written(at: Where, said: list[str]) -> int:
    """A whole file is there once one was said to be written; half of one never is."""
    if (at.home / MADE).exists():
        inside(at)
    return int(bool(said) and not (at.home / MADE).exists())


def brought_back(at: Where, said: list[str]) -> int:
    there = {row.id for row in _w(at).projects()}
    return len({line.split()[1] for line in said} - there)


def whole_or_none(at: Where, said: list[str]) -> int:
    w = _w(at)
    return sum(len(_texts(w.project(row.id))) not in (0, 60) for row in w.projects())


def nothing(at: Where, said: list[str]) -> int:
    return 0


@dataclass(frozen=True)
class Kind:
    """base: the prepared folder that it begins with. work: of the child. end: what an undisturbed run leaves. lost: of what was said."""

    base: str
    work: Callable[[Where], None]
    end: Callable[[Where], object]
    lost: Callable[[Path, list[str]], int]


KINDS = {
    "import": Kind("empty", do_import, everybody, whole_or_none),
    "search": Kind("texts", do_search, proposals, searched),
    "decisions": Kind("proposed", do_decisions, decided, remembered),
    "distil": Kind("kept", do_distil, cells, trained),
    "job": Kind("kept", do_job, cells, trained),
    "train": Kind("texts", do_train, taught, nothing),
    "export": Kind("kept", do_export, inside, written),
    "backup": Kind("kept", do_backup, inside, written),
    "restore": Kind("backup", do_restore, everybody, brought_back),
    "migration": Kind("old", do_migration, tables, nothing),
}


# ------------------------------------------------------------ what the work begins with


def empty(at: Where) -> None:
    films = [e for e in tasks.read("sst2") if e.split == "train"][:400]
    rows = [e for label in ("negative", "positive") for e in [e for e in films if e.label == label][:30]]
    with open(at.home / "texts.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((e.text, e.label) for e in rows)])


def texts(at: Where) -> None:
    from cod_core.models.choice import BuiltinChoice

    do_import(at)
    _project(at).teacher.choose(BuiltinChoice("amazon"))
    _kept(at)


def proposed(at: Where) -> None:
    from cod_core.counterfactuals.options import SearchOptions

    p = _project(at)
    p.search.run(list(p.texts.pool().values()), 2, options=SearchOptions())
    _kept(at)


def kept(at: Where) -> None:
    _project(at).curation.accept_unattended()
    _kept(at)


def _kept(at: Where) -> None:
    (at.home / "backup.zip").write_bytes(_project(at).keeping.backup())


def old(at: Where) -> None:
    with zipfile.ZipFile(ROOT / "tests" / "fixtures" / "home_before_rooms.zip") as archive:
        archive.extractall(at.home)


def restored(at: Where) -> None:
    """The stage of a folder in a database of its own. What was computed and is no work of anybody's is computed again there."""
    w = _w(at)
    if (at.home / "backup.zip").exists() and not (at.home / "bare").exists():
        w.restore((at.home / "backup.zip").read_bytes())


def bare(at: Where) -> None:
    """Nothing but a backup to restore."""
    (at.home / "bare").touch()


# name -> (the stage that it goes on from, "" for none; what it does)
STAGES: dict[str, tuple[str, Callable[[Where], None]]] = {
    "empty": ("", empty),
    "texts": ("empty", texts),
    "proposed": ("texts", proposed),
    "kept": ("proposed", kept),
    "backup": ("empty", bare),
    "old": ("", old),
}
