"""Which text next? Accuracy against decisions: most promising, closest calls, coreset, upload order. 20 draws, the linear student.

    python -m benchmarks.held movies tweets amazon --home FOLDER --pairs 128      first
    python -m benchmarks.next_text movies tweets amazon --home FOLDER

In each draw 64 of the texts that have a counterfactual wait in a random order (upload), and each order decides which is decided next;
every proposal is accepted. promising: what the strip on Curate suggests (project/results/live.py: the growth of the information, thin
classes first), asked anew after each decision. boundary: the counterfactual that the teacher is least sure of. coreset: the pair farthest
from those decided (k-center, greedy). Leaves benchmarks/results/next_text.json.
"""

import argparse
import json
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import held
from benchmarks.cells import RESULTS
from benchmarks.held import Held
from benchmarks.ways import Rows, apart, guesses, joined, of_pool, overlap, scored
from cod_core.diagnostics.worth import Rows as Taught
from cod_core.diagnostics.worth import fit
from cod_core.project.results.live import FEW, class_shares, growth, thinness

PATH = RESULTS / "next_text.json"
DRAWS, WAITING, DECISIONS = 20, 64, (4, 8, 16, 32)
Order = Callable[[Held, list[int]], list[int]]


def pairs(data: Held, which: list[int]) -> Rows:
    """Both texts of these counterfactuals."""
    at = np.asarray(which, dtype=int)
    return joined(of_pool(data, data.of[at]), (data.cf_phi[at].astype(np.float64), data.aim[at], data.cf_told[at]))


def upload(data: Held, waiting: list[int]) -> list[int]:
    return waiting


def boundary(data: Held, waiting: list[int]) -> list[int]:
    sure = data.cf_told.max(-1)
    return sorted(waiting, key=lambda i: float(sure[i]))


def coreset(data: Held, waiting: list[int]) -> list[int]:
    """Each next one as far as can be from those before; the first is the first that waits."""
    phi = np.concatenate([data.pool_phi[data.of], data.cf_phi], axis=1)
    order, left = waiting[:1], waiting[1:]
    near = {i: float(np.linalg.norm(phi[i] - phi[order[0]])) for i in left}
    while left:
        farthest = max(left, key=near.__getitem__)
        order.append(farthest)
        left.remove(farthest)
        near = {i: min(near[i], float(np.linalg.norm(phi[i] - phi[farthest]))) for i in left}
    return order


def promising(data: Held, waiting: list[int]) -> list[int]:
    """As the strip suggests, one after another."""
    names, order, left = [str(label) for label in data.labels], list[int](), list(waiting)
    while left and len(order) < max(DECISIONS):
        x, hard, soft = pairs(data, order)
        head = fit(Taught(x, hard, soft)) if len(order) >= FEW and len(set(data.aim[order])) > 1 else None
        phi = data.cf_phi[left]
        gain = growth(phi, x, class_shares(phi, head, data.classes), class_shares(x, head, data.classes))
        counts = {name: sum(names[data.aim[i]] == name for i in order) for name in names}
        order.append(left.pop(int((gain * thinness([names[data.aim[i]] for i in left], counts)).argmax())))
    return order


ORDERS: dict[str, Order] = {"upload": upload, "promising": promising, "boundary": boundary, "coreset": coreset}


def measured(data: Held) -> dict[str, Any]:
    """Cells of every order and its difference to upload order, at each number of decisions."""
    agreed = set(data.agreed().tolist())
    usable = [i for i, row in enumerate(data.of) if int(row) in agreed]
    drawn = [np.random.default_rng(seed).permutation(usable)[:WAITING].tolist() for seed in range(DRAWS)]
    told: dict[str, dict[int, np.ndarray]] = {}
    for name, order in ORDERS.items():
        orders = [order(data, list(waiting)) for waiting in drawn]
        told[name] = {n: guesses(data, [pairs(data, one[:n]) for one in orders]) for n in DECISIONS}
    shared = overlap(drawn)
    return {
        "pairs": len(usable),
        "n_test": len(data.test_gold),
        "cells": {name: {str(n): scored(data, found) for n, found in cells.items()} for name, cells in told.items()},
        "effects": {
            name: {str(n): apart(data, told["upload"][n], told[name][n], shared) for n in DECISIONS} for name in ORDERS if name != "upload"
        },
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tasks", nargs="+")
    parser.add_argument("--home", required=True)
    chosen = parser.parse_args()
    for name in chosen.tasks:
        whole = json.loads(PATH.read_text(encoding="utf-8")) if PATH.exists() else {}
        found = measured(held.held(chosen.home, name))
        PATH.write_text(json.dumps({**whole, name: found}, indent=1) + "\n", encoding="utf-8")
        print(name, {o: {n: c["accuracy"] for n, c in cells.items()} for o, cells in found["cells"].items()}, flush=True)


if __name__ == "__main__":
    main()
