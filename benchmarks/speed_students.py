"""How much faster students are made here than by the loop of benchmarks/reference_loop.py: same models, data, steps.

    python -m benchmarks.speed_students [--task movies] [--seeds 4] [--epochs-scored 2] [--linear-cells 240] [--home FOLDER]

CPU seconds of one thread (time.process_time), so that a busy machine does not count. The reference's development rows
are scored after --epochs-scored of its 20 epochs and that part is scaled up; everything else is run whole. Each lever is
switched off alone. Prints a table and writes benchmarks/results/speed_students.json.
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
from cod_core.distill.finetuned import load_encoder, start_head, student_name
from cod_core.distill.stepwise import run_stepwise_sweep
from cod_core.distill.sweep import EvalSet, run_linear_sweep
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
        self.teacher, self.labels = w.teacher(pid), w.project(pid).task.labels
        steps = EPOCHS * K // BATCH
        self.params = {"student": "finetuned", "arms": ["kd", "cod"], "shots": [K], "seeds": seeds, "steps": steps,
                       "learning_rate": RATE, "batch_size": BATCH}
        self.w, self.pid, self.encoder = w, pid, load_encoder(student_name(DEFAULT_ENCODER))
        sets = [items.examples(w.db, pid, split=s) for s in ("test", "validation")]
        self.test, self.dev = (EvalSet(tuple(e.text for e in r), tuple(e.label for e in r))
                               for r in (sets[0][:test_rows], (sets[1] + items.examples(w.db, pid, split="train"))[:dev_rows]))

    def cells(self, **more):
        return self.w.plan_sweep(self.pid, {**self.params, **more})[0]

    def gold(self, judged: EvalSet):
        return list(judged.texts), torch.tensor([self.labels.index(g) for g in judged.gold])

    def ours(self, frozen: int, encoder=None, dev: EvalSet = EvalSet()):
        """(results, CPU seconds) of the library's sweep; the teacher answers afresh, once a text."""
        return timed(lambda: run_stepwise_sweep(self.cells(frozen_layers=frozen), self.labels, encoder or self.encoder,
                                                self.teacher.wrapped.logprobs, self.test, dev))

    def training_alone(self, frozen: int) -> float:
        from cod_core.distill.finetuned import train_finetuned
        from cod_core.models.trainable import LowerStates

        cells, lower = self.cells(frozen_layers=frozen), LowerStates(self.encoder, frozen)
        return timed(lambda: [train_finetuned(c.config, c.rows, self.labels, c.soft, self.encoder, lower=lower)
                              for c in cells])[1]


def reference(scene: Scene, epochs_scored: int) -> dict:
    """CPU seconds a cell by part, and test accuracies."""
    loop, clock, found = Reference(scene.encoder, scene.teacher.wrapped, scene.labels, RATE), Clock(), []
    dev, test = scene.gold(scene.dev), scene.gold(scene.test)
    cells, scored = scene.cells(), [0]
    plain = loop.score

    def score(model, head, texts, gold):
        if texts is dev[0] and scored[0] >= epochs_scored * len(cells):
            return 0.0
        scored[0] += texts is dev[0]
        return plain(model, head, texts, gold)
    loop.score = score
    for cell in cells:
        hard = [scene.labels.index(r.label) for r in cell.rows]
        phi = scene.encoder.encode([r.text for r in cell.rows]).astype(np.float64)
        start = start_head(cell.config, phi, np.array(hard), cell.soft)
        found.append(loop.train([r.text for r in cell.rows], hard, start, dev, test, cell.config.seed, clock))
    seconds = dict(clock.seconds)
    seconds["development rows"] *= EPOCHS * len(cells) / max(1, scored[0])
    return {"cells": len(cells), "seconds": {k: round(v / len(cells), 2) for k, v in seconds.items()}, "accuracy": found}


def finetuned(scene: Scene, frozen: int, epochs_scored: int) -> dict:
    slow = reference(scene, epochs_scored)
    n = slow["cells"]
    results, whole = scene.ours(frozen)
    scored_dev, with_dev = scene.ours(frozen, dev=scene.dev)
    _, unfrozen = scene.ours(0)
    train, train_all = scene.training_alone(frozen), scene.training_alone(0)
    ours = [r.test["accuracy"] for r in results]
    gap = np.array(ours) - np.array(slow["accuracy"])
    total = sum(slow["seconds"].values())
    return {
        "k": K, "frozen_layers": frozen, "cells": n, "reference_s_a_cell": slow["seconds"], "ours_s_a_cell": round(whole / n, 2),
        "ours_with_development_rows_scored_once_s_a_cell": round(with_dev / n, 2),
        "ratio": round(total * n / whole, 1), "ratio_with_development_rows_scored_once": round(total * n / with_dev, 1),
        "training_ratio": round(slow["seconds"]["training"] * n / train, 1),
        "levers": {"frozen layers' activations once": round(unfrozen / whole, 2),
                   "the same, in training alone": round(train_all / train, 2),
                   "development rows not scored every epoch": round(total / (total - slow["seconds"]["development rows"]), 2)},
        "accuracy_reference": round(float(np.mean(slow["accuracy"])), 4), "accuracy_ours": round(float(np.mean(ours)), 4),
        "mean_difference": round(float(gap.mean()), 4), "standard_error": round(standard_error(gap), 4) if n > 1 else None}


def linear(scene: Scene, cells: int) -> dict:
    """The batched solve of a whole sweep, embeddings included, against the reference on its first cell of each arm."""
    seeds = max(1, cells // 12)
    plan = scene.w.plan_sweep(scene.pid, {"student": "linear", "arms": ["kd", "half", "cod"], "shots": [8, 16, 32, 64],
                                          "seeds": seeds})[0]
    embed, teach = scene.encoder.encode, scene.teacher.wrapped.logprobs
    results, whole = timed(lambda: run_linear_sweep(plan, scene.labels, embed, teach, scene.test))
    half, part = timed(lambda: run_linear_sweep(plan[: len(plan) // 2], scene.labels, embed, teach, scene.test))
    loop, slow, found, chosen = Reference(scene.encoder, scene.teacher.wrapped, scene.labels, RATE), Clock(), [], []
    for arm in ("kd", "cod"):
        cell = next(c for c in plan if c.config.arm == arm and c.config.shots == K)
        found.append(loop.linear([r.text for r in cell.rows], [scene.labels.index(r.label) for r in cell.rows],
                                 scene.gold(scene.test), slow))
        chosen.append(next(r.test["accuracy"] for r in results if r.config == cell.config))
    each = sum(slow.seconds.values()) / len(found)
    return {"cells": len(plan), "k_of_the_reference": K, "reference_s_a_cell": {k: round(v / len(found), 2) for k, v in
            slow.seconds.items()}, "ours_s_a_cell": round(whole / len(plan), 4), "ratio": round(each * len(plan) / whole),
            "half_the_cells_cost": round(part / whole, 3), "accuracy_reference": [round(a, 4) for a in found],
            "accuracy_ours": [round(a, 4) for a in chosen]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="movies")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--frozen", type=int, default=4)
    parser.add_argument("--epochs-scored", type=int, default=2)
    parser.add_argument("--linear-cells", type=int, default=240)
    parser.add_argument("--parts", default="linear,finetuned")
    parser.add_argument("--test-rows", type=int, help="all of them where not given")
    parser.add_argument("--home")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    w = Workspace(chosen.home)
    scene = Scene(w, tasks.project(w, chosen.task), chosen.seeds, DEV_ROWS, chosen.test_rows)
    out = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    about = {"task": chosen.task, "version": cod_core.__version__, "gflops_one_thread": round(matrix_rate(), 1),
             "test_rows": len(scene.test.texts), "development_rows": len(scene.dev.texts)}
    for part in chosen.parts.split(","):
        out[part] = about | (linear(scene, chosen.linear_cells) if part == "linear" else finetuned(
            scene, chosen.frozen, chosen.epochs_scored))
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(out, indent=1) + "\n")
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
