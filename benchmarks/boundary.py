"""Where students draw the line, over 20 draws: crossing gaps on held-out pairs, CoD against KD. Resumable.

    python -m benchmarks.boundary [movies amazon tweets sst2 agnews] [--seeds 20] [--shots 8,16,32] [--home FOLDER]

Prints a table and writes benchmarks/results/boundary.json. sst2 and agnews need COD_DATA; their teachers are
fine-tuned on their own training splits. The counterfactuals of agnews are GPT-4o's recorded replies, verified by
the teacher; the held-out pairs are replies to texts that neither teacher nor students saw.
"""

import argparse
import csv
import json
import os
from pathlib import Path

from benchmarks.accuracy import sst2_project
from cod_core.data.reading import Table
from cod_core.distill.settings import SweepPlan
from cod_core.models.choice import FinetuneOptions
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from cod_core.workspace.demo import run_arms

RESULTS = Path(__file__).parent / "results" / "boundary.json"
NEWS = ("world", "sports", "business", "science/tech")
TRAIN, TEST, HELD_OUT = 2500, 1500, 180


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
    split |= {t: "test" for t in free[:TEST]} | {t: "train" for t in free[TEST : TEST + TRAIN - len(originals)]}
    return [Example(short_hash(t), t, texts[t], s) for t, s in split.items()], replies


def agnews_project(w: Workspace) -> str:
    """The AG News project, made once: four classes, its own teacher, GPT-4o's counterfactuals accepted where they flip."""
    for project in w.projects():
        if project.name == "AG News" and project.teacher:
            return project.id
    examples, replies = agnews_rows()
    pid = w.create_project("AG News", Task("What is the news about?", NEWS))
    items.add_examples(w.db, pid, examples)
    print("teacher:", w.project(pid).training.finetune(FinetuneOptions(DEFAULT_ENCODER, 2)).to_json(), flush=True)
    table = Table(["original", "counterfactual"], replies, list(range(2, len(replies) + 2)))
    found = w.project(pid).proposals.import_counterfactuals(table, name="GPT-4o, words first")
    print("pairs:", found.added, "flip:", found.flipped, "accepted:", w.project(pid).curation.accept_unattended(), flush=True)
    return pid


def measure(w: Workspace, task: str, seeds: int, shots: list[int]) -> dict:
    """Distil KD and CoD students where they are not on record, then compare the lines."""
    if task == "agnews":
        pid = agnews_project(w)
        w.project(pid).students.distil(SweepPlan(seeds=seeds, shots=tuple(shots), arms=("kd", "cod")))
    else:
        pid = sst2_project(w) if task == "sst2" else w.create_sample(task)
        run_arms(w.project(pid), 0, seeds, shots, max(shots) // 2)
    w.project(pid).diagnostics.run()
    found = w.project(pid).diagnostics.latest().to_json()
    keep = ("n", "draws", "effect", "ends", "by_class", "surrogate")
    return {
        k: {
            **{name: gap[name] for name in keep if name in gap},
            "arms": {arm: {name: v for name, v in values.items() if name not in ("gap", "ends")} for arm, values in gap["arms"].items()},
            "fidelity": found["fidelity"][int(k)],
            "information": found["information"][int(k)],
        }
        for k, gap in found["gaps"].items()
    }


def show(task: str, out: dict) -> None:
    """The paired gaps of one task, a line a number of rows."""
    for k, row in out.items():
        e, kd, cod = row["effect"], row["arms"]["kd"], row["arms"]["cod"]
        print(
            f"{task} k={k}: gap KD {kd['mean']:.3f}, CoD {cod['mean']:.3f}, difference {e['mean']:+.3f} "
            f"[{e['low']:+.3f}, {e['high']:+.3f}], {row['n']} pairs, {row['draws']} draws; both ends KD "
            f"{1 - kd['censored']:.3f}, CoD {1 - cod['censored']:.3f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=["movies", "amazon", "tweets"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--shots", default="8,16,32")
    parser.add_argument("--home")
    chosen = parser.parse_args()
    w, shots = Workspace(chosen.home), [int(k) for k in chosen.shots.split(",")]
    table = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for task in chosen.tasks:
        table[task] = measure(w, task, chosen.seeds, shots)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(table, indent=1) + "\n")
        show(task, table[task])


if __name__ == "__main__":
    main()
