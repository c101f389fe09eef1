"""A task's texts, its teacher's answers and its counterfactuals as arrays: what the second volume of the experiments measures on.

    python -m benchmarks.held TASK... --home FOLDER [--pairs 64] [--minutes 5]

The teacher of a file's task learns from SEEN of its training texts (clinc5: half of them); rows are drawn, and counterfactuals
searched, among others that it never saw. The samples have their built-in teachers and clinc20 the one of all its training texts:
these did see them. The 120 incident notes have no splits of their own: a few for each part. clinc5 is clinc20 cut to five intents
about bills and balances. Counterfactuals are the app's own search (AG News: the recorded GPT-4o ones), accepted unattended; what
there is after so many minutes is what there is. Resumable; the arrays are kept in the data folder, never committed.
"""

import argparse
import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import tasks
from benchmarks.cells import keep
from benchmarks.paper import until
from cod_core.counterfactuals.options import SearchOptions
from cod_core.errors import Cancelled, CodError
from cod_core.models.choice import FinetunedChoice, FinetuneOptions
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.store import items
from cod_core.types import Example, Task
from cod_core.workspace import Workspace

SAMPLES = ("movies", "tweets", "amazon", "news")
SEEN = {"sst2": 1200, "sst5": 1200, "agnews": 600, "cola": 3000, "incidents": 40}  # training texts of the teacher
ROUNDS = {"sst2": 2, "sst5": 2, "agnews": 3, "cola": 2}
POOL, DEVELOPMENT, TEST = 2400, 400, 1000
SMALLER = {"agnews": (1100, 200, 600)}  # long texts
FIVE = ("balance", "bill balance", "bill due", "min payment", "pay bill")
NAMES = (*SAMPLES, "sst2", "sst5", "agnews", "cola", "clinc20", "clinc5", "incidents")


@dataclass(frozen=True, eq=False)
class Held:
    """labels. X phi (n, d), gold (n,) class indices and told (n, C) teacher's log-probabilities of the texts of: pool (to draw from),
    seen (labelled, the teacher's own; empty for samples), dev, test. of, aim (m,): pool row and target class of each pair;
    cf_phi (m, d), cf_told (m, C): its counterfactual. ids (n pool,): of the texts."""

    labels: np.ndarray
    ids: np.ndarray
    pool_phi: np.ndarray
    pool_gold: np.ndarray
    pool_told: np.ndarray
    seen_phi: np.ndarray
    seen_gold: np.ndarray
    dev_phi: np.ndarray
    dev_gold: np.ndarray
    dev_told: np.ndarray
    test_phi: np.ndarray
    test_gold: np.ndarray
    test_told: np.ndarray
    of: np.ndarray
    aim: np.ndarray
    cf_phi: np.ndarray
    cf_told: np.ndarray

    @property
    def classes(self) -> int:
        return len(self.labels)

    def agreed(self) -> np.ndarray:
        """Pool rows that KD and CoD may draw: the teacher sees them as they are labelled."""
        return np.flatnonzero(self.pool_told.argmax(-1) == self.pool_gold)


def most_of(name: str) -> tuple[int, int, int]:
    """Texts to draw from, development texts and test texts of a task at most."""
    return SMALLER.get(name, (POOL, DEVELOPMENT, TEST))


def split_of(name: str) -> tuple[Task, list[Example], list[Example]]:
    """(the task, labelled training texts for the teacher, the project's texts) of a task of COD_DATA."""
    source = "clinc20" if name == "clinc5" else name
    task, found = tasks.task_of(source), tasks.read(source)
    if name == "clinc5":
        task, found = Task(task.name, FIVE), [e for e in found if e.label in FIVE]
    train = [e for e in found if e.split == "train"]
    random.Random(3).shuffle(train)
    first = len(train) // 2 if name == "clinc5" else SEEN[name]
    if name == "agnews":  # the rewritten ones are drawn from, and not taught
        rewritten = {row["original_text"] for source in tasks.AG_SOURCES for row in tasks.gpt4o_rows(source)}
        train.sort(key=lambda e: e.text in rewritten)
        seen, pool = train[:first], train[: first - 1 : -1][: most_of(name)[0]]
    else:
        seen, pool = train[:first], train[first:][:POOL]
    if name == "incidents":
        parts = {"train": pool[:40], "validation": pool[40:55], "test": pool[55:]}
        return task, seen, [replace(e, split=split) for split, rows in parts.items() for e in rows]
    held_out = [e for split, most in zip(("validation", "test"), most_of(name)[1:]) for e in _some(found, split, most)]
    return task, seen, pool + held_out


def _some(found: list[Example], split: str, most: int) -> list[Example]:
    rows = [e for e in found if e.split == split]
    random.Random(5).shuffle(rows)
    return rows[:most]


def project(w: Workspace, name: str) -> str:
    """The task's project with its teacher, made on the first call."""
    if name in SAMPLES:
        return w.create_sample(name)
    if name == "clinc20":
        return tasks.project(w, name)
    known = {p.name: p for p in w.projects()}
    task, seen, rows = split_of(name)
    if f"{name}, taught" not in known:
        items.add_examples(w.db, w.create_project(f"{name}, taught", task), seen)
        known = {p.name: p for p in w.projects()}
    teaching = w.project(known[f"{name}, taught"].id)
    if teaching.row.teacher is None:
        options = FinetuneOptions(tasks.BASES.get(name, DEFAULT_ENCODER), ROUNDS.get(name, 8))
        print(name, teaching.training.finetune(options).to_json(), flush=True)
    if name not in known:
        pid = w.create_project(name, task)
        items.add_examples(w.db, pid, rows)
        chosen = w.project(known[f"{name}, taught"].id).row.teacher
        w.project(pid).teacher.choose(FinetunedChoice(str(chosen["path"]), name, tuple(e.id for e in seen)))
        return pid
    return known[name].id


def search(w: Workspace, name: str, pid: str, pairs: int, minutes: float) -> None:
    """Counterfactuals until `pairs` rows, balanced over the classes, have one, or the minutes are over."""
    room = w.project(pid)
    if name == "agnews":
        if not room.pairs.kept():
            for source in tasks.AG_SOURCES:
                report = tasks.import_recorded(w, pid, source)
                print(source, report.added, report.flipped, flush=True)
            room.curation.accept_unattended()
        return
    pool, stop, options = room.texts.pool(), until(minutes), SearchOptions()
    try:
        while room.draws.pairs_allow(room.pairs.kept()) < pairs:
            tried = set(room.pairs.snapshot().by_example) | set(room.draws.failed())
            todo = [i for i in room.draws.order(0, len(tried) + 16, pool) if i not in tried][:16]
            if not todo:
                return
            try:
                room.search.run([pool[i] for i in todo], 2, stop, options)
            finally:
                room.curation.accept_unattended()
    except Cancelled as stopped:
        print(name, stopped, flush=True)


def made(w: Workspace, name: str, pid: str) -> Held:
    """The arrays of a task."""
    room = w.project(pid)
    place = {label: i for i, label in enumerate(room.row.task.labels)}
    encoder, teacher = room.models.encoder(), room.teacher.classifier()

    def of(rows: list[Example], part: str, told: bool = True) -> dict[str, np.ndarray]:
        texts = [e.text for e in rows]
        phi = encoder.encode(texts) if texts else np.zeros((0, 384), dtype=np.float32)
        out = {f"{part}_phi": phi, f"{part}_gold": np.array([place[str(e.label)] for e in rows], dtype=int)}
        return out | ({f"{part}_told": teacher.logprobs(texts)} if told else {})

    fair, _ = room.draws.fair(room.pairs.kept())
    pool = sorted(items.examples(w.db, pid, split="train"), key=lambda e: e.id not in fair)[:POOL]
    at = {e.id: i for i, e in enumerate(pool)}
    kept = [(at[i], cf) for i, (cf, _) in fair.items() if i in at]
    seen = [] if name in (*SAMPLES, "clinc20") else split_of(name)[1]
    return Held(
        np.array(room.row.task.labels),
        np.array([e.id for e in pool]),
        **of(pool, "pool"),
        **of(seen, "seen", told=False),
        **of(items.examples(w.db, pid, split="validation")[:DEVELOPMENT], "dev"),
        **of(items.examples(w.db, pid, split="test")[:TEST], "test"),
        of=np.array([i for i, _ in kept], dtype=int),
        aim=np.array([place[cf.target] for _, cf in kept], dtype=int),
        cf_phi=encoder.encode([cf.text for _, cf in kept]),
        cf_told=teacher.logprobs([cf.text for _, cf in kept]),
    )


def held(home: str, name: str) -> Held:
    """The arrays that were kept. Raises CodError where the task was not prepared in this folder."""
    path = Path(home) / f"held-{name}.npz"
    if not path.exists():
        raise CodError(f"{name} is not prepared in {home}: python -m benchmarks.held {name} --home {home}")
    with np.load(path) as found:
        return Held(**{f.name: found[f.name] for f in fields(Held)})


def measure_each(
    about: str, path: Path, names: Sequence[str], measure: Callable[[str, str], dict[str, Any]], said: Callable[[dict[str, Any]], object]
) -> None:
    """The command of a result with an entry a task: what `measure` finds of (folder, task), kept at once; what is on record stays."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=names)
    parser.add_argument("--home", required=True)
    parser.add_argument("--again", action="store_true", help="measure what is on record too")
    chosen = parser.parse_args()
    for name in chosen.tasks:
        if not chosen.again and path.exists() and name in json.loads(path.read_text(encoding="utf-8")):
            continue
        found = measure(chosen.home, name)
        keep(path, name, found)
        print(name, said(found), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+", choices=NAMES)
    parser.add_argument("--home", required=True)
    parser.add_argument("--pairs", type=int, default=64)
    parser.add_argument("--minutes", type=float, default=5)
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    for name in chosen.tasks:
        pid = project(w, name)
        search(w, name, pid, chosen.pairs, chosen.minutes)
        found = made(w, name, pid)
        np.savez(Path(chosen.home) / f"held-{name}.npz", **{f.name: getattr(found, f.name) for f in fields(Held)})
        print(name, "pool", len(found.ids), "test", len(found.test_gold), "pairs", np.bincount(found.pool_gold[found.of]), flush=True)


if __name__ == "__main__":
    main()
