"""A teacher trained on a person's own rows: the earlier rule against the present one and the line that it starts from.

    python -m benchmarks.teachers [incidents twelve clinc20-15 clinc20 movies tweets sst5 sst2 agnews] [--again now] [--table]

Accuracy, recall of the worst label, ECE, and seconds of processor time (every thread added up), wall clock beside. Each training
is kept as it ends, so a killed run goes on where it was; --again trains an arm anew. incidents is judged in five folds together.
Where a task has development texts and test texts they say when to stop, as in the app. COD_DATA must be set. Writes
benchmarks/results/teachers.json; --table prints it as docs/experiments.md has it.
"""

import argparse
import csv
import json
import random
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import earlier_teacher, tasks
from cod_core.data.samples import SAMPLES, load_sample
from cod_core.models.encoder import DEFAULT_ENCODER, Encoder
from cod_core.models.finetune import finetune_teacher, training_of
from cod_core.models.line import STRENGTH
from cod_core.models.teachers import FineTunedTeacher
from cod_core.settings import Settings

RESULTS = Path(__file__).parent / "results" / "teachers.json"
Rows = list[tuple[str, str]]
ARMS = ("line", "now", "earlier")
BINS = 10


@dataclass(frozen=True)
class Part:
    """One training: rows to learn from, those that say when to stop (none: a part of the rows is held out), those to judge on."""

    train: Rows
    development: Rows
    test: Rows


def clinc20(rows_a_class: int | None = None) -> Iterator[Part]:
    """Twenty intents; the first rows of each label, all where None. Its development file is not used: 2,000 rows are what there is."""
    train, test = (
        [(r["text"], r["label"]) for r in csv.DictReader(open(tasks.data_folder() / "clinc20" / f"{name}.csv", encoding="utf-8"))]
        for name in ("train", "test")
    )
    taken: Counter[str] = Counter()
    chosen = []
    for text, label in train:
        taken[label] += 1
        if rows_a_class is None or taken[label] <= rows_a_class:
            chosen.append((text, label))
    yield Part(chosen, [], test)


def twelve(rows: int = 100, seeds: int = 4) -> Iterator[Part]:
    """A hundred rows of twelve intents, chosen by chance."""
    whole = next(clinc20())
    names = sorted({label for _, label in whole.train})[:12]
    for seed in range(seeds):
        by_label = defaultdict(list)
        for text, label in whole.train:
            by_label[label].append((text, label))
        for name in names:
            random.Random(seed).shuffle(by_label[name])
        chosen = [by_label[name][place] for place in range(rows) for name in names][:rows]
        yield Part(chosen, [], [row for row in whole.test if row[1] in names])


def incidents(folds: int = 5) -> Iterator[Part]:
    """72 falls, 36 medication, 12 without harm; a fold at a time is judged."""
    from sklearn.model_selection import StratifiedKFold

    with open(tasks.data_folder() / "incidents" / "incidents.csv", encoding="utf-8") as file:
        rows = [(r["note"], r["category"]) for r in csv.DictReader(file)]
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=0).split(rows, [label for _, label in rows]):
        yield Part([rows[i] for i in train], [], [rows[i] for i in test])


def split(name: str) -> Iterator[Part]:
    """A task with a split of its own, or a built-in sample."""
    read = load_sample(name, Settings.load().folder("samples")) if name in SAMPLES else tasks.read(name)
    yield Part(*([(e.text, str(e.label)) for e in read if e.split == part] for part in ("train", "validation", "test")))


TASKS = {
    "incidents": incidents,
    "twelve": twelve,
    "clinc20-15": lambda: clinc20(15),
    "clinc20": clinc20,
    **{name: lambda name=name: split(name) for name in ("movies", "tweets", "amazon", "news", "sst5", "sst2", "agnews")},
}
WORDS = {
    "incidents": "incidents, 5 folds",
    "twelve": "twelve intents, 100 rows, 4 choices",
    "clinc20-15": "clinc20, first 15 a class",
    "clinc20": "clinc20",
    "sst5": "SST-5, three classes",
    "sst2": "SST-2",
    "agnews": "AG News",
}


def by_line(part: Part, labels: list[str]) -> tuple[np.ndarray, str]:
    """Logistic regression on the untrained embeddings."""
    from sklearn.linear_model import LogisticRegression

    encoder = Encoder(DEFAULT_ENCODER)
    fit = LogisticRegression(C=STRENGTH, max_iter=1000, class_weight="balanced")
    fit.fit(encoder.encode([text for text, _ in part.train]), [labels.index(label) for _, label in part.train])
    return fit.predict_proba(encoder.encode([text for text, _ in part.test])), ""


def now(part: Part, labels: list[str]) -> tuple[np.ndarray, str]:
    """As the app trains."""
    with tempfile.TemporaryDirectory() as folder:
        made = finetune_teacher(
            [text for text, _ in part.train],
            [label for _, label in part.train],
            labels,
            DEFAULT_ENCODER,
            Path(folder) / "teacher",
            development=([t for t, _ in part.development], [x for _, x in part.development]) if part.development else None,
            clock=time.process_time,  # of a shared machine the wall clock would end what an idle one lets go on
        )
        return np.exp(FineTunedTeacher(made).logprobs([text for text, _ in part.test])), str(training_of(made))


def earlier(part: Part, labels: list[str]) -> tuple[np.ndarray, str]:
    """As the app trained before."""
    texts, own = [text for text, _ in part.train], [label for _, label in part.train]
    return earlier_teacher.probabilities(texts, own, labels, [text for text, _ in part.test]), ""


def measured(part: Part, arm: str) -> dict[str, Any]:
    """One training: how sure and how right on each test text, seconds."""
    labels = sorted({label for _, label in part.train})
    wall, cpu = time.perf_counter(), time.process_time()
    probs, how = {"line": by_line, "now": now, "earlier": earlier}[arm](part, labels)
    seconds = time.perf_counter() - wall, time.process_time() - cpu
    return {
        "rows": len(part.train),
        "labels": labels,
        "gold": [labels.index(label) for _, label in part.test],
        "said": probs.argmax(1).tolist(),
        "sure": np.round(probs.max(1), 4).tolist(),
        "wall": round(seconds[0], 1),
        "cpu": round(seconds[1], 1),
        "how": how,
    }


def told(parts: list[dict[str, Any]]) -> dict[str, float | int]:
    """All trainings of an arm together: ECE in ten bins of as many texts each; seconds of one training, the mean."""
    gold, said, sure = (np.concatenate([part[name] for part in parts]) for name in ("gold", "said", "sure"))
    recall = [float((said[gold == c] == c).mean()) for c in np.unique(gold)]
    bins = [b for b in np.array_split(np.argsort(sure, kind="stable"), BINS) if len(b)]
    ece = sum(abs(float(sure[b].mean() - (said[b] == gold[b]).mean())) * len(b) for b in bins) / len(gold)
    return {
        "rows": parts[0]["rows"],
        "labels": len(parts[0]["labels"]),
        "judged": len(gold),
        "accuracy": round(float((said == gold).mean()), 4),
        "worst": round(min(recall), 3),
        "dead": sum(one == 0 for one in recall),
        "ece": round(ece, 3),
        "cpu": round(float(np.mean([part["cpu"] for part in parts])), 1),
        "wall": round(float(np.mean([part["wall"] for part in parts])), 1),
    }


def table(found: dict[str, dict[str, dict[str, float]]]) -> str:
    """Markdown, a row a task: the arms side by side."""
    lines = [
        "| task | rows, labels | line: right, worst, ECE | earlier: right, worst, ECE | now: right, worst, ECE | CPU s: earlier, now |",
        "|---|---|---|---|---|---|",
    ]
    for name in (n for n in TASKS if n in found):
        arms = found[name]
        some = next(iter(arms.values()))
        cells = [
            f"{a['accuracy']:.3f}, {a['worst']:.2f}, {a['ece']:.3f}" if (a := arms.get(arm)) else "–" for arm in ("line", "earlier", "now")
        ]
        seconds = ", ".join(f"{arms[arm]['cpu']:.0f}" if arm in arms else "–" for arm in ("earlier", "now"))
        lines.append(f"| {WORDS.get(name, name)} | {some['rows']:,}, {some['labels']} | {' | '.join(cells)} | {seconds} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", choices=[*TASKS, []])
    parser.add_argument("--arms", nargs="*", choices=ARMS, default=ARMS)
    parser.add_argument("--again", nargs="*", choices=ARMS, default=[])
    parser.add_argument("--table", action="store_true")
    chosen = parser.parse_args()
    if chosen.table:
        return print(table(json.loads(RESULTS.read_text(encoding="utf-8"))))
    kept = Settings.load().folder("teachers-benchmark")
    for name in chosen.tasks or TASKS:
        parts = list(TASKS[name]())
        for arm in chosen.arms:
            done = []
            for number, part in enumerate(parts):
                file = kept / f"{name}-{arm}-{number}.json"
                if arm in chosen.again or not file.exists():
                    file.write_text(json.dumps(measured(part, arm)), encoding="utf-8")
                done.append(json.loads(file.read_text(encoding="utf-8")))
            found = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
            found.setdefault(name, {})[arm] = told(done)
            RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
            print(name, arm, json.dumps(found[name][arm]), done[-1]["how"], flush=True)


if __name__ == "__main__":
    main()
