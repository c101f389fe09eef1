"""Teachers trained on few and on many rows, on few and on many labels: accuracy, the worst label, calibration, seconds.

    python -m benchmarks.teachers [clinc20 clinc20-15 twelve incidents]

Each beside the line that it starts from (logistic regression on the embeddings). incidents is judged in five folds together.
COD_DATA must be set. Results: docs/experiments.md, "A teacher worth asking".
"""

import csv
import random
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks.tasks import data_folder
from cod_core.models.encoder import DEFAULT_ENCODER, Encoder
from cod_core.models.finetune import STRENGTH, finetune_teacher, training_of
from cod_core.models.teachers import FineTunedTeacher

Rows = list[tuple[str, str]]
BINS = 10


def clinc20(rows_a_class: int | None = None) -> Iterator[tuple[Rows, Rows]]:
    """Twenty intents; the first rows of each label, all where None."""
    train, test = (
        [(r["text"], r["label"]) for r in csv.DictReader(open(data_folder() / "clinc20" / f"{name}.csv", encoding="utf-8"))]
        for name in ("train", "test")
    )
    taken: Counter[str] = Counter()
    chosen = []
    for text, label in train:
        taken[label] += 1
        if rows_a_class is None or taken[label] <= rows_a_class:
            chosen.append((text, label))
    yield chosen, test


def twelve(rows: int = 100, seeds: int = 2) -> Iterator[tuple[Rows, Rows]]:
    """A hundred rows of twelve intents, chosen by chance."""
    train, test = next(clinc20())
    names = sorted({label for _, label in train})[:12]
    for seed in range(seeds):
        by_label = defaultdict(list)
        for text, label in train:
            by_label[label].append((text, label))
        for name in names:
            random.Random(seed).shuffle(by_label[name])
        chosen = [by_label[name][place] for place in range(rows) for name in names][:rows]
        yield chosen, [row for row in test if row[1] in names]


def incidents(folds: int = 5) -> Iterator[tuple[Rows, Rows]]:
    """72 falls, 36 medication, 12 without harm; a fold at a time is judged."""
    from sklearn.model_selection import StratifiedKFold

    with open(data_folder() / "incidents" / "incidents.csv", encoding="utf-8") as file:
        rows = [(r["note"], r["category"]) for r in csv.DictReader(file)]
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=0).split(rows, [label for _, label in rows]):
        yield [rows[i] for i in train], [rows[i] for i in test]


TASKS = {"clinc20": clinc20, "clinc20-15": lambda: clinc20(15), "twelve": twelve, "incidents": incidents}


def line(train: Rows, test: Rows, labels: list[str]) -> np.ndarray:
    """(n,) classes that logistic regression on the embeddings gives."""
    from sklearn.linear_model import LogisticRegression

    encoder = Encoder(DEFAULT_ENCODER)
    fit = LogisticRegression(C=STRENGTH, max_iter=1000, class_weight="balanced")
    fit.fit(encoder.encode([text for text, _ in train]), [labels.index(label) for _, label in train])
    return fit.predict(encoder.encode([text for text, _ in test]))


def told(probs: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """Accuracy, recall of the worst label, ECE in equal-mass bins of answers (n, C) to classes (n,)."""
    said, sure = probs.argmax(1), probs.max(1)
    recall = [float((said[gold == c] == c).mean()) for c in np.unique(gold)]
    bins = [b for b in np.array_split(np.argsort(sure), BINS) if len(b)]
    ece = sum(abs(float(sure[b].mean() - (said[b] == gold[b]).mean())) * len(b) for b in bins) / len(gold)
    return {"accuracy": float((said == gold).mean()), "worst": min(recall), "ece": ece}


def main(names: list[str]) -> None:
    for name in names:
        probs, by_line, gold, seconds = [], [], [], 0.0
        for train, test in TASKS[name]():
            labels = sorted({label for _, label in train})
            begun = time.perf_counter()
            with tempfile.TemporaryDirectory() as folder:
                made = finetune_teacher([t for t, _ in train], [x for _, x in train], labels, DEFAULT_ENCODER, Path(folder) / "teacher")
                seconds += time.perf_counter() - begun
                probs.append(np.exp(FineTunedTeacher(made).logprobs([text for text, _ in test])))
                how = training_of(made)
            by_line.append(line(train, test, labels))
            gold.append(np.array([labels.index(label) for _, label in test]))
        truth = np.concatenate(gold)
        own = told(np.concatenate(probs), truth)
        start = told(np.eye(len(labels))[np.concatenate(by_line)], truth)
        print(
            f"{name}: {own['accuracy']:.3f} right, worst label {own['worst']:.2f}, ECE {own['ece']:.3f}, {seconds:.0f} s; "
            f"the line {start['accuracy']:.3f}, {start['worst']:.2f}; last training {how}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:] or list(TASKS))
