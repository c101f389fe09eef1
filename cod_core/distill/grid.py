"""A declared grid of students: what a file says, as runs to plan. Plain values; knows no store and no model.

    {"tasks": ["movies", "amazon"], "shots": [8, 16], "seeds": 20, "first_seed": 0,
     "runs": [{"arms": ["kd", "cod"]},
              {"arms": ["cod"], "soft_labels": ["off", "random"]},
              {"student": "contrastive", "arms": ["kd", "cod"], "seeds": 10, "tasks": ["movies"]}]}

A run takes over what it does not say itself; a value that is a list (other than arms, shots, layers) stands for one
run each. Every cell (task, student and its settings, arm, k, seed) is one finished student with an id of its own.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from cod_core.errors import BadInput
from cod_core.text import short_hash
from cod_core.types import ALL_ARMS, to_json

SHARED = ("shots", "seeds", "first_seed", "draw_to", "pairs_first")
LISTS = ("arms", "shots", "layers")
KNOWN = (
    "student",
    "method",
    "encoder",
    "layers",
    "steps",
    "learning_rate",
    "batch_size",
    "soft_labels",
    "hard_loss",
    "kappa",
    "pair_weight",
    "layer_weight",
    "temperature",
    "kd_weight",
    "l2",
    "cf_share",
    "cf_weight",
    "cf_source",
    "label_prior",
    "frozen_layers",
    "lora_rank",
    "micro_batch",
)


@dataclass(frozen=True)
class GridRun:
    """One sweep of a grid: a task and the parameters that workspace.distill takes, as JSON with fixed key order."""

    task: str
    params_json: str

    @property
    def params(self) -> dict:
        import json

        return json.loads(self.params_json)

    @property
    def key(self) -> str:
        return short_hash(self.task, self.params_json)


def read_grid(declared: Mapping) -> list[GridRun]:
    """The runs of a declaration, each once, in its order. Raises BadInput naming every unknown, missing or wrong entry."""
    if not isinstance(declared, Mapping):
        raise unreadable([f"it is no object with 'tasks' and 'runs' but a {type(declared).__name__}"])
    problems = [f"unknown entry {name!r}" for name in declared if name not in ("tasks", "runs", *SHARED)]
    problems += [f"{name!r} is missing" for name in ("tasks", "runs") if declared.get(name) is None]
    problems += [f"{name!r} must be a list" for name in ("tasks", "runs") if not isinstance(declared.get(name) or [], list)]
    problems += wrong_values(declared)
    found: dict[str, GridRun] = {}
    for number, run in enumerate([] if problems else declared["runs"]):
        if wrong := wrong_values(run) if isinstance(run, Mapping) else ["it is no object"]:
            problems += [f"run {number + 1}: {message}" for message in wrong]
            continue
        unknown = [n for n in run if n not in (*KNOWN, *SHARED, "arms", "tasks")]
        unknown += [a for a in run.get("arms") or () if a not in ALL_ARMS]
        strange = [t for t in run.get("tasks") or () if t not in declared["tasks"]]
        problems += [f"run {number + 1}: unknown {name!r}" for name in unknown]
        problems += [f"run {number + 1}: task {name!r} is not among the grid's tasks" for name in strange]
        base = {name: declared[name] for name in SHARED if name in declared} | {k: v for k, v in run.items() if k != "tasks"}
        several = {k: v for k, v in sorted(base.items()) if isinstance(v, list) and k not in LISTS}
        for values in itertools.product(*several.values()):
            params = to_json(base | dict(zip(several, values)))
            for task in run.get("tasks") or declared["tasks"]:
                made = GridRun(task, params)
                found.setdefault(made.key, made)
    if problems:
        raise unreadable(problems)
    return list(found.values())


def wrong_values(entries: Mapping) -> list[str]:
    """A sentence for each entry of a grid, or of a run, whose value is of a kind that it cannot be."""
    given = {name: value for name, value in entries.items() if value is not None}
    out = [f"{name!r} must be a list" for name in (*LISTS, "tasks") if not isinstance(given.get(name, []), list)]
    if out:
        return out
    out += [f"{name!r} is empty" for name, value in given.items() if value == [] and name not in LISTS]
    out += [f"{name!r} must be a list of names" for name in ("tasks", "arms") if not all(isinstance(v, str) for v in given.get(name, ()))]
    for name in (name for name in (*SHARED, "layers") if name in given):
        values = given[name] if isinstance(given[name], list) else [given[name]]
        least = {"shots": 2, "seeds": 1}.get(name, 0)
        if not all(isinstance(v, int) and not isinstance(v, bool) and v >= least for v in values):
            out.append(f"{name!r} must be whole numbers of {least} or more")
    return out


def unreadable(problems: list[str]) -> BadInput:
    """The error that tells them all."""
    return BadInput("The grid cannot be read: " + "; ".join(problems) + ". See cod_core/distill/grid.py for an example.")
