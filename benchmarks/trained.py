"""Students that are trained step by step, and layer methods, on a task of benchmarks/held.py. Resumable.

    python -m benchmarks.trained TASK --grid finetuned | contrastive | methods --home FOLDER [--draws 10] [--minutes 8]

The settings of benchmarks/paper.py at the numbers of rows of benchmarks/ways.py (methods: 8, 16, 32 and 64). Writes
benchmarks/results/trained/TASK.json, the methods into benchmarks/results/methods/TASK.json.
"""

import argparse
import json
from pathlib import Path

from benchmarks import effects, held, paper, ways
from cod_core.distill.grid import read_grid
from cod_core.errors import Cancelled
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
METHODS = {"student": "finetuned", "arms": ["cod", "kd"], "frozen_layers": 0, "steps": 40, "learning_rate": 1e-4, "shots": [8, 16, 32, 64]}
RUNS = {"finetuned": paper.FINETUNED, "contrastive": paper.CONTRASTIVE, "methods": {**METHODS, "method": ["kd", "lwd", "ted"]}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=held.NAMES)
    parser.add_argument("--grid", choices=list(RUNS), default="finetuned")
    parser.add_argument("--home", required=True)
    parser.add_argument("--draws", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=8)
    chosen = parser.parse_args()
    w, ks = Workspace(chosen.home), ways.sizes(held.held(chosen.home, chosen.task))
    pid, stop = held.project(w, chosen.task), paper.until(chosen.minutes)
    one = {"shots": list(ks), **RUNS[chosen.grid], "seeds": chosen.draws}
    declared = {"tasks": [pid], "draw_to": max(64, *ks), "pairs_first": max(ks) // 2, "runs": [one]}
    try:
        for cell in read_grid(declared):
            print(chosen.task, cell.params, w.project(pid).students.distil(cell.plan, stop), flush=True)
    except Cancelled as stopped:
        print(stopped, flush=True)
    table = effects.task_table(w, pid, chosen.task)
    if table:
        into = RESULTS / ("methods" if chosen.grid == "methods" else "trained")
        into.mkdir(exist_ok=True)
        (into / f"{chosen.task}.json").write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
