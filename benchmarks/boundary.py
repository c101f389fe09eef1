"""Where students draw the line, over 20 draws: crossing gaps on held-out pairs, CoD against KD. Resumable.

    python benchmarks/boundary.py [movies amazon tweets sst2 agnews] [--seeds 20] [--shots 8,16,32] [--home FOLDER]

Prints a table and writes benchmarks/results/boundary.json. sst2 and agnews need COD_DATA; their teachers are
fine-tuned on their own training splits. The counterfactuals of agnews are GPT-4o's recorded replies, verified by
the teacher; the held-out pairs are replies to texts that neither teacher nor students saw.
"""

import argparse
import csv
import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from accuracy import sst2_project  # noqa: E402

from cod_core.data.reading import Table  # noqa: E402
from cod_core.models.encoder import DEFAULT_ENCODER  # noqa: E402
from cod_core.store import items  # noqa: E402
from cod_core.text import short_hash  # noqa: E402
from cod_core.types import Example, Task  # noqa: E402
from cod_core.workspace import Workspace  # noqa: E402

RESULTS = Path(__file__).parent / "results" / "boundary.json"
NEWS = ("world", "sports", "business", "science/tech")
TRAIN, TEST, HELD_OUT = 4000, 1500, 180


def agnews_rows() -> tuple[list[Example], list[list[str]]]:
    """(texts with their splits, [original, counterfactual] replies). Originals never stand in the test split."""
    folder = Path(os.environ["COD_DATA"]) / "agnews"
    with open(folder / "gpt4o_words_only.csv", encoding="utf-8", newline="") as handle:
        replies = [[r["original_text"], r["counterfactual_text"]] for r in csv.DictReader(handle)]
    with open(folder / "all.csv", encoding="utf-8", newline="") as handle:
        texts = {f"{title} {text}": NEWS[int(label) - 1] for label, title, text in csv.reader(handle)}
    originals = [a for a, _ in replies if a in texts]
    held = set(originals[-HELD_OUT:])
    free = sorted((t for t in texts if t not in set(originals)), key=short_hash)
    split = {t: "validation" for t in held} | {t: "train" for t in originals if t not in held}
    split |= {t: "test" for t in free[:TEST]} | {t: "train" for t in free[TEST:TEST + TRAIN - len(originals)]}
    return [Example(short_hash(t), t, texts[t], s) for t, s in split.items()], replies


def agnews_project(w: Workspace) -> str:
    """The AG News project, made once: four classes, its own teacher, GPT-4o's counterfactuals accepted where they flip."""
    for project in w.projects():
        if project.name == "AG News" and project.teacher:
            return project.id
    examples, replies = agnews_rows()
    pid = w.create_project("AG News", Task("What is the news about?", NEWS))
    items.add_examples(w.db, pid, examples)
    print("teacher:", w.finetune_teacher(pid, {"encoder": DEFAULT_ENCODER, "epochs": 2}), flush=True)
    table = Table(["original", "counterfactual"], replies, list(range(2, len(replies) + 2)))
    found = w.import_counterfactuals(pid, table, name="GPT-4o, words first")
    print("pairs:", found["added"], "flip:", found["flipped"], "accepted:", w.accept_unattended(pid), flush=True)
    return pid
