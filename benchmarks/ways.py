"""What people would do instead, at the same effort: a line on k labelled rows, the teacher's answers on N texts without a label,
counterfactuals, and counterfactuals on top of such texts. 20 draws, the linear student, held-out test rows. Resumable.

    python -m benchmarks.ways [TASK...] --home FOLDER        (python -m benchmarks.held TASK... --home FOLDER comes first)

kd: k rows that have a counterfactual, as the protocol draws them (docs/method.md section 6); kd free: k rows drawn whether or not they
have one; cod: k/2 rows and their counterfactuals; labels: a logistic regression on k labelled rows, the teacher is not asked; soft:
the teacher's answers on N texts, no label is read; both, both kd: cod's rows, kd's rows, at the largest k of KS on top of the N
texts. all labels: a logistic regression on every labelled text that the teacher was trained on. Writes benchmarks/results/ways.json.
"""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import held
from benchmarks.held import Held
from cod_core.data.draws import order_rows, with_pairs_first
from cod_core.diagnostics.stats import paired_interval
from cod_core.distill.evaluate import macro_f1, mcc
from cod_core.distill.linear import fit_linear_batch, linear_logits
from cod_core.errors import NotEnoughData
from cod_core.types import Example

RESULTS = Path(__file__).parent / "results" / "ways.json"
DRAWS, KS, TEXTS = 20, (8, 16, 32), (50, 100, 200, 500, 1000, 2000)
Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # features (n, d), hard (n,), soft (n, C)


def orders(data: Held, allowed: np.ndarray, paired: bool, need: int) -> list[list[int]]:
    """Pool rows of each draw, balanced over the classes; with `paired` the first `need` all have a counterfactual. Raises
    NotEnoughData where they cannot."""
    labels = [str(label) for label in data.labels]
    rows = {str(i): Example(str(i), "", labels[data.pool_gold[i]]) for i in allowed}
    label_of = {i: str(e.label) for i, e in rows.items()}
    target_of = {str(i): labels[aim] for i, aim in zip(data.of, data.aim)}
    out = []
    for seed in range(DRAWS):
        order = order_rows(list(rows.values()), labels, seed)
        if paired:
            order = with_pairs_first(order, target_of, need, label_of, target_of, labels, seed)
        out.append([int(i) for i in order])
    return out


def of_pool(data: Held, rows: Sequence[int], gold: bool = True) -> Rows:
    """Texts of the pool with their gold label, or with the teacher's."""
    at = np.asarray(rows, dtype=int)
    hard = data.pool_gold[at] if gold else data.pool_told[at].argmax(-1)
    return data.pool_phi[at].astype(np.float64), hard, data.pool_told[at]


def with_pairs(data: Held, rows: Sequence[int], alone: bool = False) -> Rows:
    """These rows and the counterfactual of each, or the counterfactuals alone."""
    place = {int(row): i for i, row in enumerate(data.of)}
    cf = np.array([place[row] for row in rows], dtype=int)
    made = (data.cf_phi[cf].astype(np.float64), data.aim[cf], data.cf_told[cf])
    return made if alone else joined(of_pool(data, rows), made)


def joined(*parts: Rows) -> Rows:
    return tuple(np.concatenate(one) for one in zip(*parts))  # type: ignore[return-value]


def students_say(data: Held, students: Sequence[Rows]) -> tuple[np.ndarray, np.ndarray]:
    """(S, n) what the linear students of these rows say of the development texts, and of the test texts."""
    sides = (data.dev_phi.astype(np.float64), data.test_phi.astype(np.float64))
    out = []
    for x, hard, soft in students:  # one by one: thousands of rows times twenty would not fit
        weight, bias = fit_linear_batch(x[None], np.ones((1, len(hard))), hard[None], soft[None])
        out.append([linear_logits(phi, weight[0], bias[0]).argmax(-1) for phi in sides])
    return np.array([dev for dev, _ in out]), np.array([test for _, test in out])


def guesses(data: Held, students: Sequence[Rows]) -> np.ndarray:
    """(S, n) what the linear students of these rows say of the test texts."""
    return students_say(data, students)[1]


def by_labels(data: Held, rows: Sequence[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """(S, n) what a logistic regression on labelled embeddings says of the test texts."""
    from sklearn.linear_model import LogisticRegression

    return np.array([LogisticRegression(C=10, max_iter=2000).fit(x, y).predict(data.test_phi) for x, y in rows])


def scored(data: Held, told: np.ndarray) -> dict[str, Any]:
    """Means over the draws of accuracy (with the draws' deviation), macro-F1 and MCC."""
    right = (told == data.test_gold).mean(-1)
    return {
        "accuracy": round(float(right.mean()), 4),
        "sd": round(float(right.std(ddof=1)), 4) if len(right) > 1 else 0.0,
        "macro_f1": round(float(np.mean([macro_f1(data.test_gold, one) for one in told])), 4),
        "mcc": round(float(np.mean([mcc(data.test_gold, one, data.classes) for one in told])), 4),
    }


def apart(data: Held, first: np.ndarray, second: np.ndarray, shared: float) -> dict[str, Any]:
    """second less first, draw by draw: mean, 95 % interval, whether it may be called clear. shared: see paired_interval."""
    rows = (second == data.test_gold).astype(float) - (first == data.test_gold)
    found = paired_interval(rows.mean(-1), rows, overlap=shared)
    return {
        "mean": round(found.mean, 4),
        "low": round(float(found.low or 0), 4),
        "high": round(float(found.high or 0), 4),
        "clear": found.clear,
    }


def overlap(draws: Sequence[Sequence[int]]) -> float:
    """Mean share of common rows of two draws, as the strict rule for "clear" takes it."""
    sets = [set(one) for one in draws]
    shares = [len(a & b) / max(1, len(a)) for i, a in enumerate(sets) for b in sets[i + 1 :]]
    return min(0.999, float(np.mean(shares)))


def sizes(data: Held) -> tuple[int, ...]:
    """Numbers of rows of the comparison: KS, and a row a class and its counterfactual, twice and four times that, where there are
    many classes."""
    return KS if data.classes <= 4 else tuple(2 * data.classes * n for n in (1, 2, 4))


def reached(data: Held) -> tuple[int, ...]:
    """Those numbers of rows of which half can have a counterfactual."""
    return tuple(k for k in sizes(data) if reach(data, data.agreed(), k // 2))


def measured(data: Held) -> dict[str, Any]:
    """Everything about one task."""
    began, agreed, ks = time.perf_counter(), data.agreed(), reached(data)
    largest = max(ks)
    pairs = _most(data, agreed, largest)
    paired = orders(data, agreed, True, pairs)
    free, everybody = orders(data, agreed, False, 0), orders(data, np.arange(len(data.ids)), False, 0)
    told: dict[str, dict[int, np.ndarray]] = {arm: {} for arm in ("kd", "kd free", "cod", "labels", "soft", "both", "both kd")}
    for k in ks:
        told["kd"][k] = guesses(data, [of_pool(data, order[:k]) for order in paired])
        told["kd free"][k] = guesses(data, [of_pool(data, order[:k]) for order in free])
        told["cod"][k] = guesses(data, [with_pairs(data, order[: k // 2]) for order in paired])
        told["labels"][k] = by_labels(data, [(data.pool_phi[order[:k]], data.pool_gold[order[:k]]) for order in everybody])
    shuffled = [np.random.default_rng(seed).permutation(len(data.ids)) for seed in range(DRAWS)]
    for n in [n for n in TEXTS if n <= len(data.ids)]:
        texts = [of_pool(data, order[:n], gold=False) for order in shuffled]
        told["soft"][n] = guesses(data, texts)
        told["both"][n] = guesses(data, [joined(t, with_pairs(data, o[: largest // 2])) for t, o in zip(texts, paired)])
        told["both kd"][n] = guesses(data, [joined(t, of_pool(data, o[:largest])) for t, o in zip(texts, paired)])
    out: dict[str, Any] = {
        "n_test": len(data.test_gold),
        "classes": data.classes,
        "pool": len(data.ids),
        "pairs": len(data.of),
        "pairs first": pairs,
        "teacher": scored(data, data.test_told.argmax(-1)[None]),
        "cells": {arm: {str(n): scored(data, found) for n, found in cells.items()} for arm, cells in told.items()},
    }
    if len(data.seen_gold):
        out["all labels"] = {"rows": len(data.seen_gold), **scored(data, by_labels(data, [(data.seen_phi, data.seen_gold)]))}
    shares = {k: overlap([order[: k // 2] for order in paired]) for k in ks}
    out["effects"] = {
        "cod - kd": {str(k): apart(data, told["kd"][k], told["cod"][k], shares[k]) for k in ks},
        "cod - kd free": {str(k): apart(data, told["kd free"][k], told["cod"][k], shares[k]) for k in ks},
        "kd - kd free": {str(k): apart(data, told["kd free"][k], told["kd"][k], overlap([o[:k] for o in paired])) for k in ks},
        "cod - labels": {str(k): apart(data, told["labels"][k], told["cod"][k], shares[k]) for k in ks},
        "soft - cod": {f"{n} {k}": apart(data, told["cod"][k], found, shares[k]) for n, found in told["soft"].items() for k in ks},
        "both - soft": {str(n): apart(data, told["soft"][n], found, shares[largest]) for n, found in told["both"].items()},
        "both - both kd": {str(n): apart(data, told["both kd"][n], found, shares[largest]) for n, found in told["both"].items()},
    }
    return out | {"overlap": {str(k): round(x, 3) for k, x in shares.items()}, "seconds": round(time.perf_counter() - began, 1)}


def reach(data: Held, agreed: np.ndarray, need: int) -> bool:
    """Whether a draw can begin with so many rows that have a counterfactual."""
    try:
        orders(data, agreed, True, need)
    except NotEnoughData:
        return False
    return True


def _most(data: Held, agreed: np.ndarray, k: int) -> int:
    """Rows at the head of a draw that have a counterfactual: k where there are so many, so that KD's rows are of that kind too."""
    return next(n for n in range(k, 0, -1) if reach(data, agreed, n))


def said(found: dict[str, Any]) -> str:
    cells = {arm: {n: c["accuracy"] for n, c in cells.items()} for arm, cells in found["cells"].items()}
    return f"{cells} teacher {found['teacher']} {found.get('all labels')} {found['seconds']} s"


def main() -> None:
    held.measure_each(__doc__, RESULTS, held.NAMES, lambda home, name: measured(held.held(home, name)), said)


if __name__ == "__main__":
    main()
