"""A declared grid of students: what a file says, as runs to plan. Plain values; knows no store and no model.

    {"tasks": ["movies", "amazon"], "shots": [8, 16], "seeds": 20, "first_seed": 0,
     "runs": [{"arms": ["kd", "cod"]},
              {"arms": ["cod"], "soft_labels": ["off", "random"]},
              {"student": "contrastive", "arms": ["kd", "cod"], "seeds": 10, "tasks": ["movies"]}]}

A run takes over what it does not say itself; a value that is a list (other than arms, shots, layers) stands for one
run each. Every cell (task, student and its settings, arm, k, seed) is one finished student with an id of its own.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from cod_core.distill.settings import STUDENT_NAMES, SweepPlan
from cod_core.errors import BadInput
from cod_core.text import short_hash
from cod_core.types import ALL_ARMS, to_json

SHARED = ("shots", "seeds", "first_seed", "draw_to", "pairs_first")
LISTS = ("arms", "shots", "layers")
LEAST = {**dict.fromkeys((*SHARED, "layers"), 0), "shots": 2, "seeds": 1}
KNOWN = STUDENT_NAMES


@dataclass(frozen=True)
class GridRun:
    """One sweep of a grid: a task and the parameters that distill takes, as JSON with fixed key order."""

    task: str
    params_json: str

    @property
    def params(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.params_json)
        return found

    @property
    def plan(self) -> SweepPlan:
        """The parameters as values. Raises BadInput for one that no such student can have."""
        return SweepPlan.of(self.params)

    @property
    def key(self) -> str:
        return short_hash(self.task, self.params_json)


def read_grid(declared: object) -> list[GridRun]:
    """The runs of a declaration, each once, in its order. Raises BadInput naming every unknown, missing or wrong entry."""
    if not isinstance(declared, Mapping):
        raise unreadable([f"it is no object with 'tasks' and 'runs' but a {type(declared).__name__}"])
    problems = wrong_entries(declared)
    if not problems:
        problems = [
            f"run {number + 1}: {message}" for number, run in enumerate(declared["runs"]) for message in wrong_run(run, declared["tasks"])
        ]
    if problems:
        raise unreadable(problems)
    found: dict[str, GridRun] = {}
    for run in declared["runs"]:
        for made in spelled_out(run, declared):
            found.setdefault(made.key, made)
    return list(found.values())


def wrong_entries(declared: Mapping[str, Any]) -> list[str]:
    """A sentence for each unknown, missing or wrong entry of a grid outside its runs."""
    problems = [f"unknown entry {name!r}" for name in declared if name not in ("tasks", "runs", *SHARED)]
    problems += [f"{name!r} is missing" for name in ("tasks", "runs") if declared.get(name) is None]
    problems += [f"{name!r} must be a list" for name in ("tasks", "runs") if not isinstance(declared.get(name) or [], list)]
    return problems + wrong_values(declared)


def wrong_run(run: object, tasks: Sequence[str]) -> list[str]:
    """A sentence for each unknown or wrong entry of one run of a grid over `tasks`."""
    if not isinstance(run, Mapping):
        return ["it is no object"]
    if wrong := wrong_values(run):
        return wrong
    unknown = [name for name in run if name not in (*KNOWN, *SHARED, "arms", "tasks")]
    unknown += [arm for arm in run.get("arms") or () if arm not in ALL_ARMS]
    strange = [task for task in run.get("tasks") or () if task not in tasks]
    return [f"unknown {name!r}" for name in unknown] + [f"task {name!r} is not among the grid's tasks" for name in strange]


def spelled_out(run: Mapping[str, Any], declared: Mapping[str, Any]) -> list[GridRun]:
    """The sweeps that one run stands for: one a task and a choice of every value that is a list."""
    base = {name: declared[name] for name in SHARED if name in declared} | {k: v for k, v in run.items() if k != "tasks"}
    several = {k: v for k, v in sorted(base.items()) if isinstance(v, list) and k not in LISTS}
    choices = [to_json(base | dict(zip(several, values))) for values in itertools.product(*several.values())]
    return [GridRun(task, params) for params in choices for task in run.get("tasks") or declared["tasks"]]


def wrong_values(entries: Mapping[str, Any]) -> list[str]:
    """A sentence for each entry of a grid, or of a run, whose value is of a kind that it cannot be."""
    given = {name: value for name, value in entries.items() if value is not None}
    out = [f"{name!r} must be a list" for name in (*LISTS, "tasks") if not isinstance(given.get(name, []), list)]
    if out:
        return out
    out += [f"{name!r} is empty" for name, value in given.items() if value == [] and name not in LISTS]
    out += [f"{name!r} must be a list of names" for name in ("tasks", "arms") if not all(isinstance(v, str) for v in given.get(name, ()))]
    return out + [
        f"{name!r} must be whole numbers of {least} or more"
        for name, least in LEAST.items()
        if name in given and not whole(given[name], least)
    ]


def whole(value: object, least: int) -> bool:
    """Whether it is a whole number of `least` or more, or a list of such."""
    values = value if isinstance(value, list) else [value]
    return all(isinstance(v, int) and not isinstance(v, bool) and v >= least for v in values)


def unreadable(problems: list[str]) -> BadInput:
    """The error that tells them all."""
    return BadInput("The grid cannot be read: " + "; ".join(problems) + ". See cod_core/distill/grid.py for an example.")
