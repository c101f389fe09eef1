"""kill -9 at seeded random moments of everything that writes: what was said to be saved is there, the work begun again ends, and the end is
that of an undisturbed run.

    python -m benchmarks.faults [KIND...] [--kills 10]

A child process does the work on a copy of a small data folder (60 sentences of SST-2 from COD_DATA, the built-in teacher of products) and
prints a line for each thing that it was told is saved. The parent kills it between its first line and its end, as an undisturbed run
took; then it asks SQLite for an integrity check, looks for every line in the store, has the work done again and compares the end.
SQLite, one process. Resumable; leaves benchmarks/results/faults.json, an
entry a kill.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import tasks
from benchmarks.cells import RESULTS

PATH = RESULTS / "faults.json"
ROOT = Path(__file__).parents[1]
MADE = "made.zip"


def _w(home: Path) -> Any:
    from cod_core.workspace import Workspace

    return Workspace(home)


def _project(home: Path) -> Any:
    w = _w(home)
    return w.project(w.projects()[0].id)


def _say(what: object) -> None:
    print(what, flush=True)


# ------------------------------------------------------------ the work, in the child: says what is saved


def do_import(home: Path) -> None:
    from cod_core.__main__ import app

    for row in _w(home).projects():
        if len(_texts(_w(home).project(row.id))) == 60:
            return
    app(["import", str(home / "texts.csv"), "--labels", "negative,positive", "--home", str(home)], standalone_mode=False)


def do_search(home: Path) -> None:
    from cod_core.counterfactuals.options import SearchOptions

    p = _project(home)
    texts = sorted(p.texts.pool().values(), key=lambda e: e.id)[:24]
    p.search.run(texts, 2, lambda done, total, message="": _say(f"text {done}"), SearchOptions())


def do_decisions(home: Path) -> None:
    p = _project(home)
    for i, cfs in sorted(p.pairs.snapshot().by_example.items()):
        if i not in p.pairs.state().outcome:
            p.curation.decide(cfs[0].id, "accepted" if p.pairs.state().checks[cfs[0].id].valid else "rejected", "ann", reasons=())
            _say(f"decided {i}")


def do_distil(home: Path) -> None:
    from cod_core.distill.settings import StudentSettings, SweepPlan

    plan = SweepPlan(StudentSettings("linear"), shots=(8, 16), seeds=20, arms=("kd", "half", "cod"))
    _project(home).students.distil(plan, lambda done, total, message="": _say(f"cell {done}"))


def do_train(home: Path) -> None:
    from cod_core.models.choice import FinetuneOptions

    _project(home).training.finetune(FinetuneOptions(epochs=1), lambda done, total, message="": _say(f"step {done}"))


def do_export(home: Path) -> None:
    for n in range(30):
        _project(home).exports.write(home / MADE)
        _say(f"file {n}")


def do_backup(home: Path) -> None:
    for n in range(10):
        (home / f"{n}.part").write_bytes(_project(home).keeping.backup())
        (home / f"{n}.part").replace(home / MADE)
        _say(f"file {n}")


def do_restore(home: Path) -> None:
    w = _w(home)
    while len(w.projects()) < 6:
        _say(f"project {w.restore((home / 'backup.zip').read_bytes(), fresh=True)}")


def do_migration(home: Path) -> None:
    _say(f"opened {len(_w(home).projects())}")


# ------------------------------------------------------------ what is in the store, whoever wrote it


def _texts(p: Any) -> list[tuple[str, str]]:
    from cod_core.store import items

    return sorted((e.text, str(e.label)) for e in items.examples(p.place.db, p.id))


def proposals(home: Path) -> object:
    p = _project(home)
    snapshot, checks = p.pairs.snapshot(), p.pairs.state().checks
    return sorted((i, cf.text, cf.target, cf.id in checks and checks[cf.id].valid) for i, cfs in snapshot.by_example.items() for cf in cfs)


def decided(home: Path) -> object:
    return sorted((i, d.status, d.annotator) for i, d in _project(home).pairs.state().outcome.items())


def cells(home: Path) -> object:
    from cod_core.store import runs

    p = _project(home)
    return sorted((r.config.run_id, r.test.get("accuracy"), r.dev.get("accuracy")) for r in runs.runs(p.place.db, p.id))


def taught(home: Path) -> object:
    p = _project(home)
    texts = [text for text, _ in _texts(p)[:10]]
    return str(p.teacher.choice()).split(os.sep)[-1], [[round(float(x), 5) for x in row] for row in p.teacher.classifier().logprobs(texts)]


def inside(home: Path) -> object:
    """Names and contents of the file that was written, but for the day on it."""
    with zipfile.ZipFile(io.BytesIO((home / MADE).read_bytes())) as archive:
        assert archive.testzip() is None
        return sorted((i.filename, i.CRC) for i in archive.infolist() if not i.filename.startswith(("manifest", "README", "backup.json")))


def everybody(home: Path) -> object:
    w = _w(home)
    return sorted(hashlib.sha256(json.dumps(_texts(w.project(row.id))).encode()).hexdigest() for row in w.projects())


def tables(home: Path) -> object:
    with sqlite3.connect(home / "cod.db") as c:
        names = [r[0] for r in c.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return [(name, c.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]) for name in names]


# ------------------------------------------------------------ what was said and has to be there


def searched(home: Path, said: list[str]) -> int:
    """Of the texts that were done those without a trace: neither a proposal nor a note that none was found."""
    p = _project(home)
    done = max((int(line.split()[1]) for line in said), default=0)
    traces = len(set(p.pairs.snapshot().by_example) | set(p.draws.failed()))
    return max(0, done - traces)


def trained(home: Path, said: list[str]) -> int:
    done = max((int(line.split()[1]) for line in said), default=0)
    return max(0, done - len(cells(home)))  # type: ignore[arg-type]  # a list


def remembered(home: Path, said: list[str]) -> int:
    return len({line.split()[1] for line in said} - {i for i, *_ in decided(home)})  # type: ignore[attr-defined]  # a list


def written(home: Path, said: list[str]) -> int:
    """A whole file is there once one was said to be written; half of one never is."""
    if (home / MADE).exists():
        inside(home)
    return int(bool(said) and not (home / MADE).exists())


def brought_back(home: Path, said: list[str]) -> int:
    there = {row.id for row in _w(home).projects()}
    return len({line.split()[1] for line in said} - there)


def whole_or_none(home: Path, said: list[str]) -> int:
    w = _w(home)
    return sum(len(_texts(w.project(row.id))) not in (0, 60) for row in w.projects())


def nothing(home: Path, said: list[str]) -> int:
    return 0


@dataclass(frozen=True)
class Kind:
    """base: the prepared folder that it begins with. work: of the child. end: what an undisturbed run leaves. lost: of what was said."""

    base: str
    work: Callable[[Path], None]
    end: Callable[[Path], object]
    lost: Callable[[Path, list[str]], int]


KINDS = {
    "import": Kind("empty", do_import, everybody, whole_or_none),
    "search": Kind("texts", do_search, proposals, searched),
    "decisions": Kind("proposed", do_decisions, decided, remembered),
    "distil": Kind("kept", do_distil, cells, trained),
    "train": Kind("texts", do_train, taught, nothing),
    "export": Kind("kept", do_export, inside, written),
    "backup": Kind("kept", do_backup, inside, written),
    "restore": Kind("backup", do_restore, everybody, brought_back),
    "migration": Kind("old", do_migration, tables, nothing),
}


# ------------------------------------------------------------ the parent


def prepare(folder: Path) -> None:
    """The folders that work begins with: empty, texts, proposed, kept, backup, old."""
    from cod_core.counterfactuals.options import SearchOptions
    from cod_core.models.choice import BuiltinChoice

    empty = folder / "empty"
    empty.mkdir(parents=True)
    films = [e for e in tasks.read("sst2") if e.split == "train"][:400]
    rows = [e for label in ("negative", "positive") for e in [e for e in films if e.label == label][:30]]
    with open(empty / "texts.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("text", "label"), *((e.text, e.label) for e in rows)])
    shutil.copytree(empty, folder / "texts")
    do_import(folder / "texts")
    p = _project(folder / "texts")
    p.teacher.choose(BuiltinChoice("amazon"))
    p.place.db.engine.dispose()
    shutil.copytree(folder / "texts", folder / "proposed")
    p = _project(folder / "proposed")
    p.search.run(list(p.texts.pool().values()), 2, options=SearchOptions())
    p.place.db.engine.dispose()
    shutil.copytree(folder / "proposed", folder / "kept")
    p = _project(folder / "kept")
    p.curation.accept_unattended()
    made = p.keeping.backup()
    p.place.db.engine.dispose()
    shutil.copytree(empty, folder / "backup")
    (folder / "backup" / "backup.zip").write_bytes(made)
    with zipfile.ZipFile(ROOT / "tests" / "fixtures" / "home_before_rooms.zip") as archive:
        archive.extractall(folder / "old")


def begun(kind: str, home: Path) -> "subprocess.Popen[str]":
    env = os.environ | {"COD_HOME": str(home), "COD_READ_PROPOSALS": "0", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "benchmarks.faults", "--child", kind, "--home", str(home)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=env, start_new_session=True)


def sound(home: Path) -> None:
    if (home / "cod.db").exists():
        with sqlite3.connect(home / "cod.db") as c:
            assert c.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def undisturbed(kind: str, home: Path) -> tuple[float, str]:
    """(seconds from the first word to the last line, a digest of the end)."""
    p = begun(kind, home)
    assert p.stdout is not None and p.stdout.readline() == "ready\n"
    start = last = time.monotonic()
    for _ in p.stdout:
        last = time.monotonic()
    assert p.wait() == 0
    return (last if last > start else time.monotonic()) - start, digest(kind, home)


def digest(kind: str, home: Path) -> str:
    return hashlib.sha256(json.dumps(KINDS[kind].end(home), default=str).encode()).hexdigest()


def once(kind: str, home: Path, wait: float, wanted: str) -> dict[str, Any]:
    """One kill, `wait` seconds after the child was ready; what it left and how it ended."""
    p = begun(kind, home)
    assert p.stdout is not None and p.stdout.readline() == "ready\n"
    time.sleep(wait)
    over = p.poll() is not None
    if not over:
        os.kill(p.pid, signal.SIGKILL)
    said = [line for line in p.stdout.read().splitlines() if line and not line.startswith("Project")]
    p.wait()
    sound(home)
    lost = KINDS[kind].lost(home, said)
    again = begun(kind, home)
    again.communicate()
    return {
        "kind": kind,
        "after_s": round(wait, 2),
        "over": over,
        "said": len(said),
        "lost": lost,
        "resumed": again.returncode == 0,
        "same": digest(kind, home) == wanted,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--child", default="")
    parser.add_argument("--home", default="")
    chosen = parser.parse_args()
    if chosen.child:
        _say("ready")
        KINDS[chosen.child].work(Path(chosen.home))
        return
    found = json.loads(PATH.read_text()) if PATH.exists() else []
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        prepare(folder / "base")
        for kind in chosen.kinds:
            base = folder / "base" / KINDS[kind].base
            takes, wanted = undisturbed(kind, Path(shutil.copytree(base, folder / f"{kind}-whole")))
            print(kind, "takes", round(takes, 1), "s", flush=True)
            for n in range(sum(one["kind"] == kind for one in found), chosen.kills):
                home = Path(shutil.copytree(base, folder / f"{kind}-{n}"))
                found.append(once(kind, home, random.Random(f"{kind} {n}").uniform(0, takes), wanted))
                print(found[-1], flush=True)
                PATH.write_text("[\n" + ",\n".join(map(json.dumps, found)) + "\n]\n")
                shutil.rmtree(home)


if __name__ == "__main__":
    main()
