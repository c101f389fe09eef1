"""The paper's grid on six tasks, in pieces: resumable, each piece a few minutes.

    python -m benchmarks.paper prepare TASK --pairs 128 --minutes 8    counterfactuals by search (AG News: recorded GPT-4o)
    python -m benchmarks.paper tighten TASK --minutes 8                take back the edits that a flip does not need
    python -m benchmarks.paper run TASK --grid linear --minutes 8      train what is not trained yet
    python -m benchmarks.paper report                                  tables, effects, beside the paper's numbers

TASK: movies amazon tweets sst2 cola agnews. Grids: linear, choices, controls, ablations, layers, names, tightened
(after the step tighten), clamp, methods, finetuned, contrastive, finetuned-large, contrastive-large. Writes
benchmarks/results/paper/TASK.json (--into another folder for a home with other draws). Nothing is chosen on the test
split: shares and weights are chosen by mean development accuracy over the draws (docs/method.md section 6). AG News takes, of
GPT-4o's two rewrites of a text, the verified one with fewer edits.
"""

import argparse
import json
import time
from pathlib import Path
from statistics import median

from benchmarks import effects, tasks
from cod_core.distill.grid import read_grid
from cod_core.errors import Cancelled
from cod_core.workspace import Workspace

RESULTS = Path(__file__).parent / "results"
NAMES = ("movies", "amazon", "tweets", "sst2", "cola", "agnews")
SHOTS = [8, 16, 32, 64, 128, 256, 512]
SMALL, LARGE = [8, 16, 32], [64, 128, 256, 512]
FINETUNED = {"student": "finetuned", "arms": ["cod", "kd"], "seeds": 10, "frozen_layers": 4, "steps": 40, "learning_rate": 1e-4}
CONTRASTIVE = {"student": "contrastive", "arms": ["cod", "kd"], "seeds": 10, "frozen_layers": 2, "steps": 20, "learning_rate": 1e-4}
GRIDS = {
    "linear": [{"arms": ["kd", "half", "cod"]}, {"arms": ["cod_plus"], "shots": [8, 16, 32, 64]}],
    "choices": [{"arms": ["cod"], "cf_share": [0.125, 0.25], "shots": LARGE}, {"arms": ["cod"], "cf_weight": 0.5, "shots": LARGE}],
    "controls": [{"arms": ["swap"], "shots": SMALL}, {"student": "retrieval", "arms": ["kd", "cod"], "shots": SMALL}],
    "ablations": [{"arms": ["kd", "cod"], "soft_labels": ["off", "random", "scaled"], "shots": SMALL}],
    "layers": [{"arms": ["kd", "cod"], "encoder": "all-MiniLM-L6-v2@4,6"}],
    "names": [
        {"arms": ["kd", "cod", "cod_plus"], "encoder": ["all-MiniLM-L6-v2", "all-MiniLM-L6-v2@4,6"], "label_prior": 1.5, "shots": SMALL}
    ],
    "tightened": [{"arms": ["cod", "tightened"], "shots": SMALL}],
    "clamp": [
        {
            "student": "finetuned",
            "arms": ["cod"],
            "shots": [8, 16],
            "seeds": 5,
            "frozen_layers": 4,
            "steps": 40,
            "learning_rate": 1e-4,
            "soft_labels": "off",
            "hard_loss": ["ce", "clamp"],
        }
    ],
    "methods": [
        {
            "student": "finetuned",
            "arms": ["cod", "kd"],
            "shots": [16],
            "seeds": 10,
            "frozen_layers": 0,
            "steps": 40,
            "learning_rate": 1e-4,
            "method": ["kd", "lwd", "ted"],
        }
    ],
    "finetuned": [{**FINETUNED, "shots": SMALL}],
    "contrastive": [{**CONTRASTIVE, "shots": SMALL}],
    "finetuned-large": [{**FINETUNED, "shots": LARGE}, {**FINETUNED, "arms": ["cod"], "cf_share": 0.125, "shots": [256, 512]}],
    "contrastive-large": [
        {**CONTRASTIVE, "cf_share": 0.5, "shots": LARGE},
        {**CONTRASTIVE, "arms": ["cod"], "cf_share": 0.125, "shots": [256, 512]},
    ],
}


def grid(task: str, name: str) -> dict:
    """The declaration of one task's grid: every run on the same draws."""
    return {"tasks": [task], "shots": SHOTS, "seeds": 20, "draw_to": 512, "pairs_first": 256, "runs": GRIDS[name]}


def until(minutes: float):
    """A Progress that stops the work after so many minutes; what is finished is kept."""
    end = time.monotonic() + 60 * minutes

    def report(done: int, total: int, message: str = "") -> None:
        if time.monotonic() > end:
            raise Cancelled(f"stopped after {minutes:g} minutes: {done} of {total} ({message}); run it again to go on")

    return report


def prepare(w: Workspace, name: str, pairs: int, minutes: float) -> None:
    """Counterfactuals until `pairs` real rows, balanced over the classes, have one."""
    pid, stop = tasks.project(w, name), until(minutes)
    if name == "agnews":
        for source in tasks.AG_SOURCES:
            found = tasks.import_recorded(w, pid, source)
            print(source, "added:", found.added, "flip:", found.flipped, "problems:", len(found.problems), flush=True)
        w.project(pid).curation.accept_unattended()
        return
    pool, tried = w.project(pid).texts.pool(), set()
    while w.project(pid).draws.pairs_allow(w.project(pid).pairs.kept()) < pairs:
        kept = w.project(pid).pairs.kept()
        todo = [
            i
            for i in w.project(pid).draws.order(0, 2 * pairs, pool, w.project(pid).draws.unusable_rows())
            if i not in kept and i not in tried
        ][:16]
        if not todo:
            break
        tried |= set(todo)
        try:
            w.project(pid).search.run([pool[i] for i in todo], 4, stop)
        finally:
            w.project(pid).curation.accept_unattended()
    print(name, "pairs:", w.project(pid).draws.pairs_allow(w.project(pid).pairs.kept()), flush=True)


def tighten(w: Workspace, name: str, minutes: float) -> None:
    """A minimal version of every kept counterfactual, beside it."""
    pid, stop = tasks.project(w, name), until(minutes)
    kept, before, after = w.project(pid).pairs.kept(), [], []
    for done, (cf, check) in enumerate(kept.values()):
        stop(done, len(kept), "tightening")
        _, smaller = w.project(pid).tightening.tighten(cf.id)
        before.append(check.edit_fraction)
        after.append(smaller.edit_fraction)
    print(name, f"{len(kept)} tightened, edit fraction {median(before):.3f} -> {median(after):.3f}", flush=True)


def run(w: Workspace, name: str, which: str, minutes: float, workers: int) -> None:
    pid = tasks.project(w, name)
    declared, stop = grid(pid, which), until(minutes)
    if which == "methods":  # layer losses need the teacher's own states: one process
        for one in read_grid(declared):
            print(name, one.params["method"], w.project(pid).students.distil(one.plan, stop), flush=True)
        return
    out = w.grids.run(declared, stop, workers)
    print(name, which, {k: v for k, v in out.items() if k != "table"}, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=["prepare", "tighten", "run", "report"])
    parser.add_argument("task", nargs="?", choices=NAMES)
    parser.add_argument("--grid", default="linear", choices=list(GRIDS))
    parser.add_argument("--pairs", type=int, default=256)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--home")
    parser.add_argument("--into", default="paper", help="folder of the results: another one for a home with other draws")
    chosen = parser.parse_args()
    w = Workspace(chosen.home)
    try:
        if chosen.step == "prepare":
            prepare(w, chosen.task, chosen.pairs, chosen.minutes)
        elif chosen.step == "tighten":
            tighten(w, chosen.task, chosen.minutes)
        elif chosen.step == "run":
            run(w, chosen.task, chosen.grid, chosen.minutes, chosen.workers)
        else:
            found, into = {}, RESULTS / chosen.into
            for name in [chosen.task] if chosen.task else NAMES:
                pid = tasks.made(w, name)
                if pid and (table := effects.task_table(w, pid, name)):
                    into.mkdir(parents=True, exist_ok=True)
                    (into / f"{name}.json").write_text(json.dumps(table, indent=1) + "\n")
            for path in sorted(into.glob("*.json")):
                found[path.stem] = json.loads(path.read_text())
            print(effects.report(found))
    except Cancelled as stopped:
        print(stopped)


if __name__ == "__main__":
    main()
