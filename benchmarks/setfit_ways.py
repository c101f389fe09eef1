"""SetFit 1.2 as its authors ship it on k labelled rows, beside counterfactuals at as many rows: the tasks of benchmarks/held.py. Resumable.

    pip install setfit==1.2.0
    python -m benchmarks.setfit_ways TASK... --home FOLDER [--draws 5]
    python -m benchmarks.setfit_ways TASK... --home FOLDER --named      without SetFit: adds `named` to what is on record

The same encoder and numbers of rows as benchmarks/ways.py, and the first 500 of its test rows. SetFit's rows are those of "labels
alone" there: any labelled text, gold labels, no teacher. cod: the linear student of half as many texts and their counterfactuals, draw
by draw. named: the same rows read after two layers, with the names of the labels: the setting that development rows of all tasks speak
for most (benchmarks/defaults.py). Writes benchmarks/results/setfit_ways.json.
"""

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import defaults, held, ways
from benchmarks.held import Held
from benchmarks.setfit_baseline import accuracy
from cod_core.distill.prior import label_directions
from cod_core.store import items
from cod_core.types import Example
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "setfit_ways.json"
TEST = 500
NAMED = "layers 4, 6, names 1.5"
MOST = {"clinc20": 80}  # rows: 160 give 24,000 pairs, half an hour a model


def texts_of(home: str, name: str, data: Held) -> tuple[list[Example], list[Example]]:
    """(the pool in the order of its arrays, the test texts) with gold labels."""
    w = Workspace(home)
    pid = held.project(w, name)
    known = {e.id: e for e in items.examples(w.db, pid, split="train")}
    return [known[str(i)] for i in data.ids], items.examples(w.db, pid, split="test")[:TEST]


def of_cod(data: Held, k: int, draws: int) -> list[float]:
    """Accuracy of the linear student of k/2 rows and their counterfactuals, each draw."""
    paired = ways.orders(data, data.agreed(), True, k // 2)[:draws]
    told = ways.guesses(data, [ways.with_pairs(data, order[: k // 2]) for order in paired])
    return [round(float(x), 4) for x in (told == data.test_gold)[:, :TEST].mean(-1)]


def of_named(data: Held, rows: defaults.Reader, k: int) -> list[float]:
    """The same with the setting NAMED."""
    option = defaults.OPTIONS[NAMED]
    read = replace(data, pool_phi=rows.after("pool", option), cf_phi=rows.after("cf", option))
    sets = [defaults.plain(ways.with_pairs(read, order[: k // 2])) for order in ways.orders(data, data.agreed(), True, k // 2)]
    toward = label_directions(rows.after("names", option))
    told = defaults.solved(sets, option, rows.after("test", option)[:TEST].astype(np.float64), toward, 1.0).argmax(-1)
    return [round(float(x), 4) for x in (told == data.test_gold[:TEST]).mean(-1)]


def add_named(home: str, name: str, data: Held) -> None:
    rows = defaults.Reader(home, name, data)
    whole: dict[str, Any] = json.loads(RESULTS.read_text())
    for k, cell in whole[name].items():
        cell["named"] = of_named(data, rows, int(k))
        print(name, k, *(f"{key} {np.mean(found):.3f}" for key, found in cell.items()), flush=True)
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+", choices=held.NAMES)
    parser.add_argument("--home", required=True)
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--named", action="store_true")
    chosen = parser.parse_args()
    for name in chosen.tasks:
        data = held.held(chosen.home, name)
        if chosen.named:
            add_named(chosen.home, name, data)
            continue
        pool, test = texts_of(chosen.home, name, data)
        labels = [str(label) for label in data.labels]
        assert [labels.index(str(e.label)) for e in test] == data.test_gold[:TEST].tolist()
        anybody = ways.orders(data, np.arange(len(pool)), False, 0)
        for k in [k for k in ways.reached(data) if k <= MOST.get(name, k)]:
            for seed in range(chosen.draws):
                whole: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
                cell = whole.setdefault(name, {}).setdefault(str(k), {"setfit": [], "cod": of_cod(data, k, ways.DRAWS)})
                if seed < len(cell["setfit"]):
                    continue
                began = time.monotonic()
                cell["setfit"].append(round(accuracy([pool[i] for i in anybody[seed][:k]], labels, test, seed), 4))
                RESULTS.write_text(json.dumps(whole, indent=1) + "\n")
                print(name, k, seed, cell["setfit"][-1], "cod", cell["cod"][seed], f"{time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
