"""How many counterfactuals where there are many rows? The share chosen on development rows, judged on test rows: the tasks of
benchmarks/held.py, 20 draws, the linear student. Resumable.

    python -m benchmarks.choices TASK... --home FOLDER

k rows, of which a half, a quarter, an eighth or none are counterfactuals of others among them; as many as there are pairs for. The
share with the best mean accuracy on development rows is compared with none (KD) on test rows. Writes
benchmarks/results/choices.json.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import held, ways
from benchmarks.held import Held

RESULTS = Path(__file__).parent / "results" / "choices.json"
KS, SHARES = (64, 128, 256, 512), (0.0, 0.125, 0.25, 0.5)


def drawn(data: Held, order: Sequence[int], k: int, share: float) -> ways.Rows:
    """The first rows of a draw and the counterfactuals of so many of them, k in all."""
    of = round(k * share)
    real = ways.of_pool(data, order[: k - of])
    return ways.joined(real, ways.with_pairs(data, order[:of], alone=True)) if of else real


def measured(data: Held) -> dict[str, Any]:
    """k -> share chosen, accuracy of each share on development and test rows, the chosen one less KD."""
    agreed, out = data.agreed(), {}
    for k in [k for k in KS if k <= len(agreed)]:
        shares = [s for s in SHARES if ways.reach(data, agreed, round(k * s))]
        most = round(k * max(shares))
        draws = ways.orders(data, agreed, True, most)
        told = {s: ways.students_say(data, [drawn(data, order, k, s) for order in draws]) for s in shares}
        dev = {s: float((on_dev == data.dev_gold).mean()) for s, (on_dev, _) in told.items()}
        best = max(shares, key=lambda s: (dev[s], -s))
        shared = ways.overlap([order[: max(1, round(k * best))] for order in draws])
        out[str(k)] = {
            "chosen": best,
            "dev": {str(s): round(x, 4) for s, x in dev.items()},
            "test": {str(s): round(float((on_test == data.test_gold).mean()), 4) for s, (_, on_test) in told.items()},
            "chosen - kd": ways.apart(data, told[0.0][1], told[best][1], shared),
            "half - kd": ways.apart(data, told[0.0][1], told[max(shares)][1], shared),
        }
    return {"pairs": len(data.of), "n_dev": len(data.dev_gold), "n_test": len(data.test_gold), "at": out}


def main() -> None:
    held.measure_each(
        __doc__,
        RESULTS,
        held.NAMES,
        lambda home, name: measured(held.held(home, name)),
        lambda found: {k: (one["chosen"], one["chosen - kd"]) for k, one in found["at"].items()},
    )


if __name__ == "__main__":
    main()
