"""Soft labels from a calibrated teacher: what they bring a linear student, against those of the same teacher as it came.

    python -m benchmarks.soft_labels movies|news|clinc20 [--teacher FOLDER] [--temperature T]

The same teacher twice, its logits divided by 1 and by the temperature that fits the development rows (or by --temperature); 20 draws
each, the same rows. Development rows decide the default, test rows are shown beside. --teacher: a fine-tuned one, for clinc20.
Writes benchmarks/results/soft_labels.json.
"""

import argparse
import csv
import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import tasks
from cod_core.data.samples import load_sample, sample
from cod_core.distill.settings import SweepPlan
from cod_core.models.choice import FinetunedChoice
from cod_core.models.settling import calibrated
from cod_core.models.teachers import BUILTIN, FineTunedTeacher
from cod_core.project.project import Project
from cod_core.settings import Settings
from cod_core.store import cache, items, runs
from cod_core.text import short_hash, text_hash
from cod_core.types import Example, Task
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "soft_labels.json"
MOST = {"train": 1500, "validation": 500, "test": 1000}
SHOTS, DRAWS = (4, 8, 16), 20  # times the number of labels


def rows_of(name: str) -> list[Example]:
    """So many rows of each split, drawn at random: a file may be in the order of its labels."""
    if name == "clinc20":
        files = {"train": "train", "validation": "dev", "test": "test"}
        first: dict[str, Example] = {}
        for split in ("test", "validation", "train"):
            with open(tasks.data_folder() / "clinc20" / f"{files[split]}.csv", encoding="utf-8", newline="") as handle:
                for row in csv.DictReader(handle):
                    first.setdefault(row["text"], Example(short_hash(row["text"]), row["text"], row["label"], split))
        every = list(first.values())
    else:
        every = load_sample(name, Settings.load().folder("samples"))
    random.Random(3).shuffle(every)
    return [e for split, most in MOST.items() for e in [e for e in every if e.split == split][:most]]


def with_temperature(folder: Path, temperature: float, to: Path) -> Path:
    """A copy of a teacher whose logits are divided by this."""
    shutil.copytree(folder, to)
    about = json.loads((to / "teacher.json").read_text(encoding="utf-8"))
    (to / "teacher.json").write_text(json.dumps({**about, "temperature": temperature}), encoding="utf-8")
    return to


def taught_by(
    w: Workspace, project: Project, folder: Path, said: dict[str, np.ndarray], temperature: float, labels: tuple[str, ...]
) -> dict[int, Any]:
    """k a label -> [(development, test accuracy) of each draw] of students of the teacher in this folder. said: text -> logits."""
    from scipy.special import log_softmax

    project.teacher.choose(FinetunedChoice(str(folder), f"temperature {temperature:.2f}", ()))
    teacher = project.teacher.classifier()
    told = {text_hash(text): tuple(log_softmax(row / temperature).tolist()) for text, row in said.items()}
    cache.put_predictions(w.db, teacher.id, teacher.revision, told)
    project.students.distil(SweepPlan(shots=tuple(k * len(labels) for k in SHOTS), seeds=DRAWS, arms=("kd",)))
    found: dict[int, dict[int, tuple[float, float]]] = {}
    for run in runs.runs(w.db, project.id):
        if run.config.teacher_revision == teacher.revision:
            found.setdefault(run.config.plotted_k // len(labels), {})[run.config.seed] = (run.dev["accuracy"], run.test["accuracy"])
    return {k: [by_seed[seed] for seed in sorted(by_seed)] for k, by_seed in sorted(found.items())}


def measured(name: str, folder: Path, temperature: float | None) -> dict[str, Any]:
    """Both teachers' students, and the difference draw by draw."""
    teacher, rows = FineTunedTeacher(folder), rows_of(name)
    labels = teacher.labels if name == "clinc20" else sample(name).task.labels
    said = dict(zip((e.text for e in rows), FineTunedTeacher(folder, labels=labels).logprobs([e.text for e in rows])))
    held = [e for e in rows if e.split == "validation"]
    classes = [labels.index(str(e.label)) for e in held]
    fitted = temperature or calibrated(np.array([said[e.text] for e in held]), classes)
    with tempfile.TemporaryDirectory() as home:
        w = Workspace(home)
        project = w.project(w.create_project(name, Task("Which label?", tuple(labels))))
        items.add_examples(w.db, project.id, rows)
        both = [
            taught_by(w, project, with_temperature(folder, t, Path(home) / f"t{at}"), said, t, tuple(labels))
            for at, t in enumerate((1.0, fitted))
        ]
        out: dict[str, Any] = {"temperature": round(fitted, 3), "rows": len(rows)}
        for k in both[0]:
            plain, fit = (np.array(one[k]) for one in both)
            gain = fit - plain
            out[str(k)] = {
                "draws": len(plain),
                **{
                    split: {
                        "as it came": round(float(plain[:, at].mean()), 4),
                        "calibrated": round(float(fit[:, at].mean()), 4),
                        "difference": round(float(gain[:, at].mean()), 4),
                        "standard error": round(float(gain[:, at].std(ddof=1) / np.sqrt(len(gain))), 4),
                    }
                    for at, split in enumerate(("development", "test"))
                },
            }
        return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("movies", "news", "tweets", "amazon", "clinc20"))
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--temperature", type=float)
    chosen = parser.parse_args()
    found = measured(chosen.task, chosen.teacher or BUILTIN / chosen.task, chosen.temperature)
    whole = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    at = f"{chosen.task}, {chosen.temperature:g}" if chosen.temperature else chosen.task
    RESULTS.write_text(json.dumps({**whole, at: found}, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({at: found}), flush=True)


if __name__ == "__main__":
    main()
