"""Is it right after twenty decisions to say that counterfactuals do not pay here? The rule of cod_core/diagnostics/early.py, and
others beside it, over tasks and over 20 uploads of each. Resumable.

    python -m benchmarks.warn [TASK...] --home FOLDER        (python -m benchmarks.held TASK... --home FOLDER comes first)

What is so in a task: CoD - KD, and CoD - KD of a free draw, on test rows at the most rows that its pairs reach (32, or four texts a
label with as many counterfactuals), 20 draws, by the strict rule of docs/method.md section 6. What the rule sees: 20 pairs of another
order, and 30, 60, 100 or up to 400 development rows; no test row is among them. Writes benchmarks/results/warn.json.
"""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import held, ways
from benchmarks.held import Held
from cod_core.data.draws import order_rows
from cod_core.diagnostics.early import FIRST, Early, Score, in_turn, judged, sureness, taught
from cod_core.diagnostics.worth import Rows
from cod_core.types import Example

RESULTS = Path(__file__).parent / "results" / "warn.json"
UPLOADS, DEVELOPMENT = 20, (30, 60, 100, 400)


def right(logprobs: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """(S, m) 1 where the likeliest label is the right one."""
    return (logprobs.argmax(-1) == gold).astype(float)


def information(logprobs: np.ndarray, gold: np.ndarray) -> np.ndarray:
    """(S, m) log-probability of the right label."""
    return logprobs[:, np.arange(len(gold)), gold]


@dataclass(frozen=True)
class Rule:
    """What is compared, with what. free: labelled texts of a free draw, else those of the pairs. teacher: its class counts as right."""

    score: Score
    free: bool = True
    teacher: bool = False


RULES = {
    "sureness": Rule(sureness),
    "sureness, teacher's class": Rule(sureness, teacher=True),
    "sureness, same texts": Rule(sureness, free=False),
    "accuracy": Rule(right),
    "accuracy, same texts": Rule(right, free=False),
    "log loss": Rule(information),
    "log loss, same texts": Rule(information, free=False),
}


def upload(data: Held, seed: int) -> np.ndarray:
    """Pool rows of the first FIRST decisions of an upload: they have a counterfactual, the teacher sees them as they are labelled,
    labels in turn."""
    labels = [str(label) for label in data.labels]
    have = sorted(set(data.of.tolist()) & set(data.agreed().tolist()))
    order = order_rows([Example(str(i), "", labels[data.pool_gold[i]]) for i in have], labels, 1000 + seed)
    return np.array([int(i) for i in order[:FIRST]])


def rows_of(data: Held, rows: np.ndarray) -> Rows:
    return Rows(data.pool_phi[rows].astype(np.float64), data.pool_gold[rows], data.pool_told[rows])


def flips_of(data: Held, rows: np.ndarray) -> Rows:
    place = {int(row): i for i, row in enumerate(data.of)}
    at = np.array([place[int(row)] for row in rows])
    return Rows(data.cf_phi[at].astype(np.float64), data.aim[at], data.cf_told[at])


def apart_from_test(data: Held) -> Held:
    """Without development rows that are test rows too."""
    tests = {row.tobytes() for row in data.test_phi}
    keep = np.array([row.tobytes() not in tests for row in data.dev_phi])
    return replace(data, dev_phi=data.dev_phi[keep], dev_gold=data.dev_gold[keep], dev_told=data.dev_told[keep])


def others_of(data: Held, seed: int, most: int = 200) -> np.ndarray:
    """Labelled texts that a free draw takes from, as the app has them: so many at most, labels in turn."""
    agreed = data.agreed()
    return agreed[in_turn(data.pool_gold[agreed], np.random.default_rng([seed, 1]))[:most]]


def seen(data: Held) -> dict[str, Any]:
    """What each rule says of each upload: numbers of development rows -> rule -> what it found."""
    out: dict[str, Any] = {}
    on_test: list[float] = []
    found: dict[tuple[int, str], list[Early]] = {}
    alone: dict[int, list[float]] = {n: [] for n in DEVELOPMENT}
    for seed in range(UPLOADS):
        rows = upload(data, seed)
        texts, flips, others = rows_of(data, rows), flips_of(data, rows), rows_of(data, others_of(data, seed))
        students = {True: taught(texts, flips, others), False: taught(texts, flips, texts)}
        on_test.append(judged(students[True], data.test_phi, data.test_gold).gain)
        order = np.random.default_rng([seed, 2]).permutation(len(data.dev_gold))
        for n in DEVELOPMENT:
            dev = order[:n]
            for name, rule in RULES.items():
                truth = data.dev_told[dev].argmax(-1) if rule.teacher else data.dev_gold[dev]
                early = judged(students[rule.free], data.dev_phi[dev], truth, rule.score)
                found.setdefault((n, name), []).append(early)
                if name == "accuracy":
                    alone[n].append(round(early.without, 3))
    there = float(np.mean(on_test))
    for n in DEVELOPMENT:
        out[str(n)] = {name: _told(found[n, name], there if name == "sureness" else None) for name in RULES}
        out[str(n)]["accuracy of labels"] = alone[n]
    return {"rules": out, "sureness on test rows": round(there, 4)}


def _told(found: list[Early], there: float | None) -> dict[str, Any]:
    """Of the uploads: those that it warns of, the mean of the gain, how far its interval was right. there: gain on test rows."""
    gains = np.array([one.gain for one in found])
    out = {"warned": int((gains <= 0).sum()), "mean": round(float(gains.mean()), 4), "sd": round(float(gains.std(ddof=1)), 4)}
    out |= {"n_dev": found[0].n_dev, "clearly more": sum(e.low > 0 for e in found), "clearly less": sum(e.high < 0 for e in found)}
    return out | ({"covers": sum(e.low <= there <= e.high for e in found)} if there is not None else {})


def truth(data: Held) -> dict[str, Any]:
    """What is so on test rows, at the most rows that the pairs reach."""
    agreed = data.agreed()
    k = max(ways.reached(data))
    paired = ways.orders(data, agreed, True, next(n for n in range(k, 0, -1) if ways.reach(data, agreed, n)))
    free, everybody = ways.orders(data, agreed, False, 0), ways.orders(data, np.arange(len(data.ids)), False, 0)
    cod = ways.guesses(data, [ways.with_pairs(data, order[: k // 2]) for order in paired])
    kd = ways.guesses(data, [ways.of_pool(data, order[:k]) for order in paired])
    drawn = ways.guesses(data, [ways.of_pool(data, order[:k]) for order in free])
    labels = ways.by_labels(data, [(data.pool_phi[order[:k]], data.pool_gold[order[:k]]) for order in everybody])
    shared = ways.overlap([order[: k // 2] for order in paired])
    return {
        "k": k,
        "overlap": round(shared, 3),
        "accuracy": {
            "labels": _mean(data, labels),
            "kd": _mean(data, kd),
            "kd free": _mean(data, drawn),
            "cod": _mean(data, cod),
            "teacher": _mean(data, data.test_told.argmax(-1)[None]),
        },
        "cod - kd": ways.apart(data, kd, cod, shared),
        "cod - kd free": ways.apart(data, drawn, cod, shared),
    }


def _mean(data: Held, told: np.ndarray) -> float:
    return round(float((told == data.test_gold).mean()), 4)


def why(data: Held) -> dict[str, float]:
    """What might explain it. way: how far a counterfactual goes, of the distance between a text and the mean of the label that it
    aims at; sure: the teacher's mean probability of the label aimed at; sure of texts: of a text's own label."""
    middle = np.stack([data.pool_phi[data.pool_gold == c].mean(0) for c in range(data.classes)])
    start, aim = data.pool_phi[data.of], middle[data.aim]
    line = aim - start
    way = ((data.cf_phi - start) * line).sum(-1) / (line**2).sum(-1)
    at = np.arange(len(data.of))
    return {
        "way": round(float(way.mean()), 3),
        "sure": round(float(np.exp(data.cf_told[at, data.aim]).mean()), 3),
        "sure of texts": round(float(np.exp(data.pool_told[data.of, data.pool_gold[data.of]]).mean()), 3),
    }


def measured(home: str, name: str) -> dict[str, Any]:
    """Everything about one task."""
    began, data = time.perf_counter(), held.held(home, name)
    apart = apart_from_test(data)
    found = {
        "classes": data.classes,
        "n_test": len(data.test_gold),
        "n_dev": len(apart.dev_gold),
        "dev rows left out": len(data.dev_gold) - len(apart.dev_gold),
        "pairs": len(set(data.of.tolist()) & set(data.agreed().tolist())),
        "truth": truth(apart),
        "why": why(data),
        **seen(apart),
    }
    return found | {"seconds": round(time.perf_counter() - began, 1)}


def main() -> None:
    held.measure_each(
        __doc__,
        RESULTS,
        held.NAMES,
        measured,
        lambda found: f"{found['truth']} { ({n: told['sureness'] for n, told in found['rules'].items()}) } {found['seconds']} s",
    )


if __name__ == "__main__":
    main()
