"""Seconds that a person waits for: one verdict, one search, one sweep. Measure alone on the machine.

    python -m benchmarks.speed [--home FOLDER]

Prints a table and writes benchmarks/results/speed.json.
"""

import argparse
import json
import statistics
import time
from pathlib import Path

from cod_core.distill.settings import SweepPlan
from cod_core.store import items, runs
from cod_core.workspace import Workspace
from cod_core.workspace.demo import prepare_pairs

RESULTS = Path(__file__).parent / "results" / "speed.json"
VERDICTS, SEARCHES, SEEDS = 50, 30, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--home")
    w = Workspace(parser.parse_args().home)
    pid = w.create_sample("movies")
    texts = [e for e in items.examples(w.db, pid, split="validation")][: VERDICTS + SEARCHES + 1]
    w.project(pid).curation.verdict(texts[0].id, texts[0].text + " Not.")
    out: dict[str, float] = {}
    taken = []
    for number, example in enumerate(texts[:VERDICTS]):
        w.project(pid).curation.before(example.id)
        changed = f"{example.text} Truly number {number}."
        start = time.perf_counter()
        w.project(pid).curation.verdict(example.id, changed)
        taken.append(time.perf_counter() - start)
    out["verdict_ms_median"] = round(1000 * statistics.median(taken), 1)
    propose, start = w.project(pid).searcher.proposer(), time.perf_counter()
    propose(texts[-1], 4)
    start = time.perf_counter()
    found = [propose(example, 4) for example in texts[VERDICTS : VERDICTS + SEARCHES]]
    out["search_s_a_text"] = round((time.perf_counter() - start) / SEARCHES, 3)
    out["search_flip_rate"] = round(sum(map(bool, found)) / SEARCHES, 3)
    prepare_pairs(w.project(pid), range(SEEDS), 16)
    plan = SweepPlan(shots=(8, 16, 32), seeds=SEEDS)
    w.project(pid).students.distil(plan)
    with w.db.begin() as connection:
        from sqlalchemy import delete

        from cod_core.store import schema

        connection.execute(delete(schema.runs).where(schema.runs.c.project_id == pid))
    start = time.perf_counter()
    w.project(pid).students.distil(plan)
    out["sweep_s_embeddings_cached"] = round(time.perf_counter() - start, 2)
    out["sweep_students"] = len(runs.runs(w.db, pid))
    start = time.perf_counter()
    w.project(pid).summary(), w.project(pid).cards.all(), w.project(pid).results.latest()
    out["pages_s_summary_cards_results"] = round(time.perf_counter() - start, 3)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(out, indent=1) + "\n")
    for name, value in out.items():
        print(f"{name:32s} {value}")


if __name__ == "__main__":
    main()
