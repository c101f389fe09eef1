"""How much faster students are made here than by the loop of benchmarks/reference_loop.py: same models, data, steps.

    python -m benchmarks.speed_students [--task movies] [--seeds 10] [--scored 200] [--linear-cells 240] [--home FOLDER]

CPU seconds of one thread (time.process_time), so that a busy machine does not count. The reference's development rows
are scored once, on --scored of them, and that part is scaled up to 20 epochs of all; it trains the cells of the first
--reference-seeds draws (its cells cost alike), the library the whole sweep.
Resumable: every piece is kept. Prints a table and writes benchmarks/results/speed_students.json.
"""

import argparse
import json
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

import cod_core
from benchmarks import tasks
from benchmarks.reference_loop import BATCH, EPOCHS, Reference, matrix_rate, standard_error
from cod_core.distill.cells import EvalSet, Training
from cod_core.distill.finetuned import load_encoder, start_head, student_name
from cod_core.distill.settings import SweepPlan
from cod_core.distill.train import train_cells
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.store import items
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "speed_students.json"
K, RATE, DEV_ROWS = 16, 5e-5, 872


class Clock:
    """CPU seconds by part."""

    def __init__(self):
        self.seconds = defaultdict(float)

    @contextmanager
    def __call__(self, part: str):
        start = time.process_time()
        try:
            yield
        finally:
            self.seconds[part] += time.process_time() - start


def timed(call):
    start = time.process_time()
    value = call()
    return value, time.process_time() - start


class Scene:
    """One project's cells and judged rows, and models loaded once."""

    def __init__(self, w: Workspace, pid: str, seeds: int, dev_rows: int, test_rows: int | None = None):
        self.teacher, self.labels = w.project(pid).teacher.classifier(), w.project(pid).row.task.labels
        steps = EPOCHS * K // BATCH
        self.params = {
            "student": "finetuned",
            "arms": ["kd", "cod"],
            "shots": [K],
            "seeds": seeds,
            "steps": steps,
            "learning_rate": RATE,
            "batch_size": BATCH,
        }
        self.w, self.pid, self.encoder = w, pid, load_encoder(student_name(DEFAULT_ENCODER))
        sets = [items.examples(w.db, pid, split=s) for s in ("test", "validation")]
        self.test, self.dev = (
            EvalSet(tuple(e.text for e in r), tuple(e.label for e in r))
            for r in (sets[0][:test_rows], (sets[1] + items.examples(w.db, pid, split="train"))[:dev_rows])
        )

    def cells(self, **more):
        return self.w.project(self.pid).plan.cells(SweepPlan.of({**self.params, **more}))[0]

    def gold(self, judged: EvalSet):
        return list(judged.texts), torch.tensor([self.labels.index(g) for g in judged.gold])

    def ours(self, frozen: int, **more):
        """(results, CPU seconds) of the library's sweep; the teacher answers afresh, once a text."""
        cells = self.cells(frozen_layers=frozen, **more)
        return timed(lambda: results(cells, self.training(load=lambda student: self.encoder)))

    def training(self, **more) -> Training:
        return Training(self.labels, (self.test, EvalSet(), EvalSet()), self.teacher.wrapped.logprobs, **more)

    def training_alone(self, frozen: int, **more) -> float:
        from cod_core.distill.finetuned import train_finetuned
        from cod_core.models.trainable import LowerStates

        cells, lower = self.cells(frozen_layers=frozen, **more), LowerStates(self.encoder, frozen)
        return timed(lambda: [train_finetuned(c.config, c.rows, self.labels, c.soft, self.encoder, lower=lower) for c in cells])[1]


def results(cells, training: Training) -> list:
    return [one.result for batch in train_cells(cells, training) for one in batch]


def reference_cell(scene: Scene, cell, scored: int) -> dict:
    """CPU seconds of one cell by part, and its test accuracy. scored: development rows scored once, then scaled up."""
    loop, clock = Reference(scene.encoder, scene.teacher.wrapped, scene.labels, RATE), Clock()
    texts, gold = scene.gold(scene.dev)
    dev, test, plain, seen = (texts[:scored], gold[:scored]), scene.gold(scene.test), loop.score, []

    def score(model, head, rows, wanted):
        if rows is dev[0] and seen:
            return 0.0
        seen.extend(rows if rows is dev[0] else [])
        return plain(model, head, rows, wanted)

    loop.score = score
    hard = [scene.labels.index(r.label) for r in cell.rows]
    phi = scene.encoder.encode([r.text for r in cell.rows]).astype(np.float64)
    start = start_head(cell.config, cell.rows, phi, np.array(hard), cell.soft)
    accuracy = loop.train([r.text for r in cell.rows], hard, start, dev, test, cell.config.seed, clock)
    seconds = dict(clock.seconds)
    seconds["development rows"] *= EPOCHS * len(texts) / scored
    return {"seconds": seconds, "accuracy": accuracy}


def ours_timed(scene: Scene, frozen: int, **more) -> dict:
    results, seconds = scene.ours(frozen, **more)
    return {"seconds": seconds, "accuracy": {f"{r.config.arm} {r.config.seed}": r.test["accuracy"] for r in results}}


def finetuned(scene: Scene, frozen: int, scored: int, few: int, done: dict, save) -> dict:
    """The ratios, from pieces that are measured once and kept: a stopped run goes on with the next piece."""
    n, cells = len(scene.cells()), scene.cells(seeds=few)
    names = [f"{cell.config.arm} {cell.config.seed}" for cell in cells]
    pieces = {f"reference {name}": lambda cell=cell: reference_cell(scene, cell, scored) for name, cell in zip(names, cells)}
    pieces |= {
        "ours": lambda: ours_timed(scene, frozen),
        "ours, nothing frozen": lambda: ours_timed(scene, 0, seeds=few),
        "training": lambda: scene.training_alone(frozen),
        "training, nothing frozen": lambda: scene.training_alone(0, seeds=few),
    }
    for name, measure in pieces.items():
        if name not in done:
            done[name] = measure()
            save()
    slow = [done[f"reference {name}"] for name in names]
    parts = {part: float(np.mean([s["seconds"][part] for s in slow])) for part in slow[0]["seconds"]}
    total, whole, train = sum(parts.values()), done["ours"]["seconds"] / n, done["training"] / n
    loose, loose_train = done["ours, nothing frozen"]["seconds"] / len(cells), done["training, nothing frozen"] / len(cells)
    ours = [done["ours"]["accuracy"][name] for name in names]
    gap = np.array(ours) - np.array([s["accuracy"] for s in slow])
    return {
        "k": K,
        "frozen_layers": frozen,
        "cells": n,
        "reference_cells": len(cells),
        "development_rows_measured": scored,
        "reference_s_a_cell": {k: round(v, 2) for k, v in parts.items()},
        "ours_s_a_cell": round(whole, 2),
        "ratio": round(total / whole, 1),
        "training_ratio": round(parts["training"] / train, 1),
        "levers": {
            "frozen layers' activations once": round(loose / whole, 2),
            "the same, in training alone": round(loose_train / train, 2),
            "teacher once, in training alone": round(parts["training"] / loose_train, 2),
            "no development rows every epoch": round(total / (total - parts["development rows"]), 2),
        },
        "accuracy_reference": [round(s["accuracy"], 4) for s in slow],
        "accuracy_ours": [round(a, 4) for a in ours],
        "mean_difference": round(float(gap.mean()), 4),
        "standard_error": round(standard_error(gap), 4) if len(cells) > 1 else None,
    }


def linear(scene: Scene, cells: int) -> dict:
    """The batched solve of a whole sweep, embeddings included, against the reference on its first cell of each arm."""
    seeds = max(1, cells // 12)
    plan = scene.w.project(scene.pid).plan.cells(SweepPlan(arms=("kd", "half", "cod"), shots=(8, 16, 32, 64), seeds=seeds))[0]
    training = scene.training(embed=scene.encoder.encode)
    finished, whole = timed(lambda: results(plan, training))
    part = timed(lambda: results(plan[: len(plan) // 2], training))[1]
    loop, slow, found, chosen = Reference(scene.encoder, scene.teacher.wrapped, scene.labels, RATE), Clock(), [], []
    for arm in ("kd", "cod"):
        cell = next(c for c in plan if c.config.arm == arm and c.config.shots == K)
        found.append(
            loop.linear([r.text for r in cell.rows], [scene.labels.index(r.label) for r in cell.rows], scene.gold(scene.test), slow)
        )
        chosen.append(next(r.test["accuracy"] for r in finished if r.config == cell.config))
    each = sum(slow.seconds.values()) / len(found)
    return {
        "cells": len(plan),
        "k_of_the_reference": K,
        "reference_s_a_cell": {k: round(v / len(found), 2) for k, v in slow.seconds.items()},
        "ours_s_a_cell": round(whole / len(plan), 4),
        "ratio": round(each * len(plan) / whole),
        "half_the_cells_cost": round(part / whole, 3),
        "accuracy_reference": [round(a, 4) for a in found],
        "accuracy_ours": [round(a, 4) for a in chosen],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="movies")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--reference-seeds", type=int, default=2)
    parser.add_argument("--frozen", type=int, default=4)
    parser.add_argument("--scored", type=int, default=200, help="development rows the reference scores, then scaled up")
    parser.add_argument("--linear-cells", type=int, default=240)
    parser.add_argument("--parts", default="linear,finetuned")
    parser.add_argument("--test-rows", type=int, help="all of them where not given")
    parser.add_argument("--home")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    w = Workspace(chosen.home)
    scene = Scene(w, tasks.project(w, chosen.task), chosen.seeds, DEV_ROWS, chosen.test_rows)
    out = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    about = {
        "task": chosen.task,
        "version": cod_core.__version__,
        "gflops_one_thread": round(matrix_rate(), 1),
        "test_rows": len(scene.test.texts),
        "development_rows": len(scene.dev.texts),
    }
    for part in chosen.parts.split(","):
        out[part] = about | (
            linear(scene, chosen.linear_cells)
            if part == "linear"
            else finetuned(
                scene,
                chosen.frozen,
                chosen.scored,
                chosen.reference_seeds,
                out.setdefault("pieces", {}),
                lambda: RESULTS.write_text(json.dumps(out, indent=1) + "\n"),
            )
        )
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(out, indent=1) + "\n")
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
