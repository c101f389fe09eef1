"""Label repair: how many of the labels that were made wrong on purpose the app names first, and what correcting them brings.

    python -m benchmarks.repair sst2|clinc20 [--seeds 2] [--named 20]

600 training rows (SST-2: drawn at random; clinc20: the first 30 of each of 20 intents), a tenth of their labels wrong on purpose. A
teacher is trained on them, the app names the texts that are most likely wrong, each of them is corrected where its label is wrong and
confirmed where it is right, and the teacher is taught. Judged on the task's own test file. Writes benchmarks/results/repair.json.
"""

import argparse
import csv
import json
import random
import tempfile
import time
from pathlib import Path

from benchmarks import tasks
from cod_core.models.choice import FinetunedChoice, FinetuneOptions
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.models.finetune import finetune_teacher
from cod_core.project.project import Project
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example, Task
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "repair.json"
ROWS, OF_A_CLASS, WRONG = 600, 30, 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("sst2", "clinc20"))
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--named", type=int, default=20)
    chosen = parser.parse_args()
    for seed in range(chosen.seeds):
        found = measured(chosen.task, seed, chosen.named)
        whole = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        whole.setdefault(chosen.task, {})[str(seed)] = found
        RESULTS.write_text(json.dumps(whole, indent=1) + "\n")
        print(json.dumps(found), flush=True)


def measured(task: str, seed: int, named: int) -> dict[str, float | int]:
    """One draw of wrong labels, repaired."""
    train, test = {"sst2": _sst2, "clinc20": _clinc20}[task](seed)
    labels = tuple(sorted({label for _, label in train}))
    truth = dict(train)
    wrong = made_wrong([text for text, _ in train], truth, labels, seed)
    with tempfile.TemporaryDirectory() as home:
        w = Workspace(home)
        project = w.project(w.create_project(task, Task("Which label?", labels)))
        rows = [Example(short_hash(text), text, wrong.get(text, label)) for text, label in train]
        items.add_examples(w.db, project.id, rows + [Example(short_hash(text), text, label, "test") for text, label in test])
        begun = time.monotonic()
        trained(project, rows, labels)
        seconds = time.monotonic() - begun
        found = project.repair.disagreements(named)
        right = [d for d in found if d.example.text in wrong]
        for d in found:
            if d.example.text in wrong:
                project.repair.correct(d.example.id, truth[d.example.text], "benchmark")
            else:
                project.repair.keep(d.example.id, "benchmark")
        named_right = sum(d.said.label == truth[d.example.text] for d in right)
        report = project.repair.teach(FinetuneOptions())
        before, after = report.accuracy or (float("nan"), float("nan"))
        first = project.repair.disagreements(1000)
        return {
            "rows": len(train),
            "wrong": len(wrong),
            "named": len(found),
            "wrong_among_named": len(right),
            "with_the_right_label": named_right,
            "test_texts_among_named": sum(d.example.split == "test" for d in found),
            "before": round(before, 4),
            "after": round(after, 4),
            "judged_on": report.n,
            "still_named": len(first),
            "seconds_of_first_training": round(seconds),
        }


def trained(project: Project, rows: list[Example], labels: tuple[str, ...]) -> None:
    """A teacher on these rows, as the app trains one, in use."""
    folder = project.place.folder("teachers") / "first"
    finetune_teacher([e.text for e in rows], [str(e.label) for e in rows], labels, DEFAULT_ENCODER, folder)
    project.teacher.choose(FinetunedChoice(str(folder), "first", tuple(e.id for e in rows)))


def made_wrong(texts: list[str], truth: dict[str, str], labels: tuple[str, ...], seed: int) -> dict[str, str]:
    """Text -> another label, drawn evenly, for a tenth of the texts."""
    rng = random.Random(seed)
    return {t: rng.choice([label for label in labels if label != truth[t]]) for t in rng.sample(texts, round(WRONG * len(texts)))}


def _sst2(seed: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    rows = tasks.read("sst2")
    train = [(e.text, str(e.label)) for e in rows if e.split == "train"]
    return random.Random(seed).sample(train, ROWS), [(e.text, str(e.label)) for e in rows if e.split == "test"]


def _clinc20(seed: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    def of(name: str) -> list[tuple[str, str]]:
        with open(tasks.data_folder() / "clinc20" / f"{name}.csv", encoding="utf-8", newline="") as handle:
            return [(row["text"], row["label"]) for row in csv.DictReader(handle)]

    taken: dict[str, list[tuple[str, str]]] = {}
    for row in of("train"):
        if len(taken.setdefault(row[1], [])) < OF_A_CLASS:
            taken[row[1]].append(row)
    test = of("test")
    return [row for rows in taken.values() for row in rows if row[0] not in {t for t, _ in test}], test


if __name__ == "__main__":
    main()
