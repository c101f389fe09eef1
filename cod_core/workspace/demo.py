"""The whole main job without a browser, on a built-in sample: the command `demo` and the benchmarks.

Counterfactuals are searched for exactly the texts that the seeds draw; a text without one is replaced by the
next of its label in every arm alike. Nothing is chosen by looking at the test split.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from cod_core.counterfactuals.options import SearchOptions
from cod_core.distill.kinds import kind_of
from cod_core.distill.settings import SweepPlan
from cod_core.progress import Progress, silent
from cod_core.project.project import Project
from cod_core.store import items, runs
from cod_core.workspace.workspace import Workspace

SHOTS = (8, 16, 32, 64)
PLUS_UP_TO = 32
T = TypeVar("T")


@dataclass(frozen=True)
class Searched:
    """Over all texts of the project that were ever tried. flipped: of these with an accepted counterfactual."""

    tried: int
    flipped: int


def prepare_pairs(
    project: Project, seeds: Sequence[int], need: int, progress: Progress = silent, options: SearchOptions | None = None
) -> Searched:
    """Search and accept unattended until the first `need` usable rows of every seed have a counterfactual."""
    pool = project.texts.pool()
    tried: set[str] = set()
    while True:
        unusable = project.draws.unusable_rows()
        wanted = {i for seed in seeds for i in project.draws.order(seed, need, pool, unusable)}
        missing = sorted(wanted - set(project.pairs.kept()) - tried)
        tried |= wanted
        if not missing:
            break
        project.search.run([pool[i] for i in missing], 4, progress, options)
        project.curation.accept_unattended()
    kept = set(project.pairs.kept())
    return Searched(tried=len(kept | project.draws.unusable_rows()), flipped=len(kept))


def run_demo(
    workspace: Workspace,
    sample: str = "movies",
    first_seed: int = 0,
    seeds: int = 5,
    shots: Sequence[int] = SHOTS,
    progress: Progress = silent,
) -> dict[str, Any]:
    """The JSON object of `python -m cod_core demo --json`. Arms over shots, linear student, `seeds` draws."""
    start = time.perf_counter()
    pid = workspace.create_sample(sample, progress)
    ready = time.perf_counter() - start
    out = run_arms(workspace.project(pid), first_seed, seeds, shots, PLUS_UP_TO, progress)
    out["seconds"] = {"data": round(ready, 2), **out["seconds"], "total": round(time.perf_counter() - start, 2)}
    return {"sample": sample, **out}


def run_arms(
    project: Project,
    first_seed: int,
    seeds: int,
    shots: Sequence[int],
    plus_up_to: int,
    progress: Progress = silent,
    options: SearchOptions | None = None,
) -> dict[str, Any]:
    """Search, accept unattended, distil every arm over shots and seeds, measure on the test split.

    options: of the search. cod_plus runs at the shots up to plus_up_to. Returns
    teacher_accuracy, n_test, flip_rate, median_edit_fraction, arms and seconds. Work done before is not repeated.
    """
    seconds: dict[str, float] = {}
    clock = time.perf_counter

    def timed(name: str, call: Callable[[], T]) -> T:
        start = clock()
        value = call()
        seconds[name] = round(clock() - start, 2)
        return value

    def distil() -> None:
        plus = tuple(k for k in shots if k <= plus_up_to)
        if plus:
            project.students.distil(SweepPlan(shots=plus, seeds=seeds, first_seed=first_seed, arms=("cod_plus",)), progress)
        arms = ("kd", "half", "cod")
        project.students.distil(SweepPlan(shots=tuple(shots), seeds=seeds, first_seed=first_seed, arms=arms), progress)

    chosen = range(first_seed, first_seed + seeds)
    need = max(max(shots) // 2, *(k for k in (0, *shots) if k <= plus_up_to))
    searched = timed("search", lambda: prepare_pairs(project, chosen, need, progress, options))
    test = items.examples(project.place.db, project.id, split="test")
    right = timed(
        "teacher", lambda: [p.label == e.label for p, e in zip(project.teacher.classifier().predict([e.text for e in test]), test)]
    )
    timed("distil", distil)
    fractions = [check.edit_fraction for _, check in project.pairs.kept().values()]
    return {
        "teacher_accuracy": round(float(np.mean(right)), 4),
        "n_test": len(test),
        "flip_rate": round(searched.flipped / max(1, searched.tried), 4),
        "median_edit_fraction": round(float(np.median(fractions)), 4) if fractions else None,
        "arms": arm_table(project, chosen, shots),
        "seconds": seconds,
    }


def arm_table(project: Project, seeds: Sequence[int], shots: Sequence[int]) -> dict[str, dict[str, Any]]:
    """arm -> k -> {mean, std, agreement, n} over the seeds; the latest run of a (arm, k, seed) counts."""
    latest = {}
    for run in runs.runs(project.place.db, project.id):
        c = run.config
        if kind_of(c).head and c.seed in seeds and c.plotted_k in shots:
            latest[c.arm, c.plotted_k, c.seed] = run
    groups = defaultdict(list)
    for (arm, k, _), run in sorted(latest.items()):
        groups[arm, k].append(run.test)
    table: dict[str, dict[str, Any]] = {arm: {} for arm in ("kd", "half", "cod", "cod_plus", *(a for a, _ in groups))}
    for (arm, k), tests in groups.items():
        values = [t["accuracy"] for t in tests]
        table[arm][str(k)] = {
            "mean": round(float(np.mean(values)), 4),
            "std": round(float(np.std(values, ddof=1)), 4) if len(values) > 1 else 0.0,
            "agreement": round(float(np.mean([t["agreement"] for t in tests])), 4),
            "n": len(values),
        }
    return table
