"""More than two classes: what the search finds and what its counterfactuals buy, nearest class against all classes.

    python -m benchmarks.classes news|sst5|agnews [--seeds 20] [--shots 8,16,32] [--minutes 9] [--home FOLDER]

Arms: KD; CoD with one counterfactual a text (k/2 + k/2, to the nearest class); cod_all with one to each other class
(k/C + (C - 1)k/C). Resumable: every search and every student is kept in the data folder; stops between texts when the
minutes are over and goes on when called again. Writes benchmarks/results/classes.json.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np

from benchmarks import tasks
from cod_core.counterfactuals.options import SearchOptions
from cod_core.distill.settings import SweepPlan
from cod_core.workspace import Workspace
from cod_core.workspace.demo import arm_table

RESULTS = Path(__file__).parent / "results" / "classes.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=("news", "sst5", "agnews"))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--shots", default="8,16,32")
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--home")
    chosen = parser.parse_args()
    w, shots, end = Workspace(chosen.home), [int(k) for k in chosen.shots.split(",")], time.monotonic() + 60 * chosen.minutes
    pid = tasks.project(w, chosen.task)
    searched = prepare(w, pid, range(chosen.seeds), max(shots) // 2, end)
    print(json.dumps(searched), flush=True)
    if not searched["complete"]:
        raise SystemExit("The minutes are over; call again to go on.")
    w.project(pid).students.distil(SweepPlan(seeds=chosen.seeds, shots=tuple(shots), arms=("kd", "half", "cod", "cod_all")))
    effects = [
        {k: e[k] for k in ("k", "kd", "cod", "mean", "low", "high", "p_signflip", "clear")} for e in w.project(pid).results.latest().effects
    ]
    found = {"search": searched, "arms": arm_table(w.project(pid), range(chosen.seeds), shots), "effects": effects}
    whole = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    whole[chosen.task] = found
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(whole, indent=1) + "\n")
    print(json.dumps(found, indent=1))


def prepare(w: Workspace, pid: str, seeds, need: int, end: float) -> dict:
    """Search to all other classes and accept, until the first `need` rows of every seed have a counterfactual."""
    pool, tried, seconds, scored, complete = w.project(pid).texts.pool(), set(), 0.0, 0, True
    while complete:
        wanted = {i for seed in seeds for i in w.project(pid).draws.order(seed, need, pool, w.project(pid).draws.unusable_rows())}
        missing = sorted(wanted - set(w.project(pid).pairs.kept()) - tried)
        if not missing:
            break
        for example_id in missing:
            if time.monotonic() > end:
                complete = False
                break
            start = time.perf_counter()
            report = w.project(pid).search.run([pool[example_id]], 4, options=SearchOptions("all"))
            seconds, scored = seconds + time.perf_counter() - start, scored + report.scored
            tried.add(example_id)
        w.project(pid).curation.accept_unattended()
    kept = w.project(pid).pairs.kept()
    fractions = [check.edit_fraction for _, check in kept.values()]
    return {
        "complete": complete,
        "texts": len(set(kept) | w.project(pid).draws.unusable_rows()),
        "flipped": len(kept),
        "median_fraction": float(np.median(fractions)) if fractions else None,
        "seconds_a_text_now": round(seconds / len(tried), 2) if tried else None,
        "texts_scored_a_text_now": round(scored / len(tried), 1) if tried else None,
    }


if __name__ == "__main__":
    main()
