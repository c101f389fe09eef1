"""SetFit 1.2 as its authors ship it, on k real rows with gold labels: the contrastive student's yardstick. Resumable.

    pip install setfit==1.2.0
    python -m benchmarks.setfit_baseline [--task sst2] [--seeds 5] [--home FOLDER]

The same encoder, the same draws and the same test rows as benchmarks/paper.py. Writes benchmarks/results/setfit.json.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks import tasks
from cod_core.distill.settings import SweepPlan
from cod_core.models.encoder import packaged_encoder_folder
from cod_core.store import items
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "setfit.json"


def accuracy(rows, labels, test, seed: int) -> float:
    """Test accuracy of one SetFit model with the library's default settings."""
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer
    from setfit import SetFitModel, Trainer, TrainingArguments
    from sklearn.linear_model import LogisticRegression

    body = SentenceTransformer(str(packaged_encoder_folder()), device="cpu")
    model = SetFitModel(model_body=body, model_head=LogisticRegression(), labels=list(labels))
    data = Dataset.from_dict({"text": [r.text for r in rows], "label": [labels.index(r.label) for r in rows]})
    Trainer(
        model,
        TrainingArguments(
            seed=seed, show_progress_bar=False, report_to="none", logging_strategy="no", save_strategy="no", output_dir="/tmp/setfit"
        ),
        train_dataset=data,
    ).train()
    features = model.model_body.encode([e.text for e in test], show_progress_bar=False)
    guess = model.model_head.predict(features)
    return float(np.mean([labels[int(g)] == e.label for g, e in zip(guess, test)]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", default="sst2")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--home")
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    pid = tasks.project(w, chosen.task)
    labels, test = w.project(pid).row.task.labels, items.examples(w.db, pid, split="test")
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    plan = SweepPlan(arms=("kd",), shots=(8, 16, 32), seeds=chosen.seeds, draw_to=512, pairs_first=256)
    cells = w.project(pid).plan.cells(plan)[0]
    for cell in sorted(cells, key=lambda c: (c.config.seed, c.config.shots)):
        key, seed = f"{chosen.task} k={cell.config.shots}", str(cell.config.seed)
        if seed in found.setdefault(key, {}):
            continue
        found[key][seed] = round(accuracy(cell.rows, labels, test, cell.config.seed), 4)
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(found, indent=1) + "\n")
        print(key, seed, found[key][seed], flush=True)
    for key, by_seed in found.items():
        print("cells", key, f"{np.mean(list(by_seed.values())):.4f}", "over", len(by_seed))


if __name__ == "__main__":
    main()
