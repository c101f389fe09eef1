"""What counterfactuals buy, over 20 draws: accuracy of the linear student by arm and k. Resumable.

    python -m benchmarks.accuracy [movies amazon tweets sst2 agnews] [--seeds 20] [--shots 8,16,32] [--home FOLDER]
                                  [--search '{"second": true, "at_least": 0.95, "targets": "in turn"}' --name sure]

Prints a table and writes benchmarks/results/accuracy.json. sst2 and agnews need COD_DATA; their teachers are fine-tuned on
their own training splits (the movies teacher has seen SST-2's test reviews and must not be used there).
"""

import argparse
import csv
import json
import os
import sys
from pathlib import Path

import cod_core
from benchmarks import tasks
from cod_core.counterfactuals.options import SearchOptions
from cod_core.models.choice import FinetuneOptions
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from cod_core.workspace.demo import run_arms

RESULTS = Path(__file__).parent / "results" / "accuracy.json"


def sst2_project(w: Workspace) -> str:
    """The SST-2 project, made once: real splits, a teacher fine-tuned on the training split."""
    for project in w.projects():
        if project.name == "SST-2" and project.teacher:
            return project.id
    folder = Path(os.environ["COD_DATA"]) / "sst2"
    pid = w.create_project("SST-2", Task("What does the writer think of the film?", ("negative", "positive")))
    for split, name in (("train", "train"), ("validation", "dev"), ("test", "test")):
        with open(folder / f"{name}.tsv", encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
        items.add_examples(
            w.db, pid, [Example(short_hash(r["sentence"]), r["sentence"], ("negative", "positive")[int(r["label"])], split) for r in rows]
        )
    print("teacher:", w.project(pid).training.finetune(FinetuneOptions(DEFAULT_ENCODER, 2)).to_json(), flush=True)
    return pid


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="*", default=["movies", "amazon", "tweets"])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--shots", default="8,16,32")
    parser.add_argument("--home")
    parser.add_argument("--search", type=json.loads, default={}, help="options of the search as JSON; use a home of its own")
    parser.add_argument("--name", default="", help="what the results are called beside the task")
    chosen = parser.parse_args()
    w, shots = Workspace(chosen.home), [int(k) for k in chosen.shots.split(",")]
    table = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for task in chosen.tasks:
        pid = sst2_project(w) if task == "sst2" else tasks.project(w, task)
        out = run_arms(w.project(pid), 0, chosen.seeds, shots, max(shots) // 2, options=SearchOptions.of(chosen.search))
        key = f"{task} {chosen.name}".strip()
        table[key] = {
            **out,
            "search": chosen.search,
            "seeds": chosen.seeds,
            "version": cod_core.__version__,
            "effects": [
                {k: e[k] for k in ("k", "kd", "cod", "mean", "low", "high", "p_signflip", "clear")}
                for e in w.project(pid).results.latest().effects
            ],
        }
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(table, indent=1) + "\n")
        show(key, table[key])


def show(task: str, out: dict) -> None:
    print(
        f"\n{task}: teacher {out['teacher_accuracy']:.3f} on {out['n_test']} test texts, flips {out['flip_rate']:.2f}, "
        f"median edit {out['median_edit_fraction']:.3f}, seconds {out['seconds']}"
    )
    for arm, cells in out["arms"].items():
        print(f"  {arm:9s}" + "  ".join(f"k={k} {c['mean']:.3f} (sd {c['std']:.3f})" for k, c in cells.items()))
    for e in out["effects"]:
        print(f"  cod - kd at k={e['k']}: {e['mean']:+.3f} [{e['low']:+.3f}, {e['high']:+.3f}], p {e['p_signflip']:.4f}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
