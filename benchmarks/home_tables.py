"""Tables of the student to take home and of the linear student's settings, from benchmarks/results/product.json and defaults.json;
benchmarks/tables.py puts them into the pages."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from scipy.stats import t

from benchmarks.cells import Lines, gain, head, part, read, row, spread

PAGE, SETTINGS = "take-home.md", "settings.md"
CALLED = {
    "movies": "movies",
    "tweets": "tweets",
    "amazon": "Amazon",
    "sst2": "SST-2",
    "sst5": "SST-5, three classes",
    "news": "news editorials",
    "agnews": "AG News",
    "cola": "CoLA",
    "clinc5": "clinc20, five intents",
    "clinc20": "clinc20",
    "incidents": "incidents",
}
APART = ("incidents",)
"""Templates flatter, and there are 15 development rows: in no mean."""
SCENARIOS = {"all": "every text labelled", "hundred": "100 labelled"}
KINDS = {"linear": "quick", "finetuned": "thorough", "contrastive": "strong"}
ADDED = {
    "texts": "labelled texts",
    "pairs": "+ counterfactuals",
    "override": "+ kept against the teacher",
    "unlabelled": "+ texts without a label",
}
ARMS = {"kd": "KD", "cod": "CoD", "few": "32 labelled, 500 not", "all": "all labelled"}
Found = Mapping[str, Any]


def _runs() -> Iterator[tuple[str, str, Found]]:
    """(task in words, scenario in words, what was measured)."""
    for name, scenarios in sorted(read("product").items(), key=lambda item: list(CALLED).index(item[0])):
        for scenario, said in SCENARIOS.items():
            if scenario in scenarios:
                yield CALLED[name], said, scenarios[scenario]


def _figure(x: float | None) -> str:
    return "" if x is None else part(x)


def take_home() -> Lines:
    """The student beside its teacher on the test texts."""
    lines = head("task (test texts)", "", "student", "accuracy", "macro-F1", "agreement", "ECE", "teacher: accuracy", "macro-F1", "ECE")
    for name, scenario, found in _runs():
        beside = [_figure(found["teacher"][key]) for key in ("accuracy", "macro_f1", "ece")]
        for which in ("quick", "chosen"):
            one = found[which]
            if which == "chosen" and one["run"] == found["quick"]["run"]:
                continue
            kind = KINDS[one.get("kind", "linear")] + (", chosen" if which == "chosen" else "")
            first = which == "quick"
            cells = [_figure(one[key]) for key in ("accuracy", "macro_f1", "agreement", "ece")]
            said = f"{name} ({found['n_test']:,})" if first and scenario == SCENARIOS["all"] else ""
            lines.append(row(said, scenario if first else "", kind, *cells, *(beside if first else ("", "", ""))))
    return lines


def added() -> Lines:
    """Share right of development rows once each ingredient was added, in the app's order."""
    lines = head("task (development texts)", "", *ADDED.values())
    for name, scenario, found in _runs():
        cells = []
        for ingredient in ADDED:
            one = found["ingredients"].get(ingredient)
            cells.append(f"{_figure(one['dev'])} ({one['rows']:,})" if one else "")
        lines.append(row(f"{name} ({found['n_dev']:,})" if scenario == SCENARIOS["all"] else "", scenario, *cells))
    return lines


LEFT_OUT = {
    "without texts": "labelled texts",
    "without pairs": "counterfactuals",
    "without unlabelled": "texts without a label",
    "no soft labels": "soft labels",
    "last layer, penalty 2": "two layers",
}
CHANGED = {"names of the labels": "label names"}


def left_out() -> Lines:
    """What everything has above everything less one ingredient, and what a setting would add; development rows."""
    lines = head(
        "task", "", "everything", *(f"the {name} brought" for name in LEFT_OUT.values()), *(f"{n} would add" for n in CHANGED.values())
    )
    for name, scenario, found in _runs():
        dev = found["development"]
        every = dev["everything"]
        brought = [gain(every - dev[key]) if key in dev else "" for key in LEFT_OUT]
        cells = [*brought, *(gain(dev[key] - every) for key in CHANGED)]
        lines.append(row(name if scenario == SCENARIOS["all"] else "", scenario, part(every), *cells))
    return lines


def packed() -> Lines:
    """Size and time of the teacher and of the student's forms."""
    forms = {"torch": "torch", "fp32": "ONNX", "int8": "ONNX, int8"}
    lines = head("task", "student", "teacher", *forms.values(), "int8: accuracy", "agreement with the teacher")
    for name, scenario, found in _runs():
        for which, one in found.get("packed", {}).items():
            cells = [_weight(one["teacher"])] + [_weight(one["forms"].get(form)) for form in forms]
            kind = KINDS[found[which].get("kind", "linear")]
            small = one["int8"]
            lines.append(row(name, f"{kind}, {scenario}", *cells, _figure(small["accuracy"]), _figure(small["agreement"])))
    return lines


def _weight(one: Mapping[str, float] | None) -> str:
    return f"{one['bytes'] / 1e6:.0f} MB, {one['latency_ms']:.1f} ms" if one else ""


# ------------------------------------------------------------ settings


def _changes(option: str, arm: str, key: str = "options") -> dict[str, float]:
    """task -> what an option has above the present setting."""
    found = read("defaults")
    return {
        name: found[name][key][option][arm]["mean"]
        for name in CALLED
        if name in found and name not in APART and arm in found[name].get(key, {}).get(option, {})
    }


def over_tasks(changes: Sequence[float]) -> tuple[float, float, float]:
    """Mean over tasks and its 95 % interval, by Student's t over the tasks."""
    n, mean = len(changes), sum(changes) / len(changes)
    error = math.sqrt(sum((x - mean) ** 2 for x in changes) / (n - 1) / n) if n > 1 else 0.0
    half = float(t.ppf(0.975, n - 1)) * error if n > 1 else 0.0
    return mean, mean - half, mean + half


def passes(changes: Mapping[str, float]) -> bool:
    """Whether development rows speak for a change: the mean over tasks is above nought with its interval, and no task loses."""
    return over_tasks(list(changes.values()))[1] > 0 and min(changes.values()) >= 0


def settings() -> Lines:
    """Every option against the present setting on development rows of all tasks."""
    found = read("defaults")
    options = list(dict.fromkeys(o for task in found.values() for o in task["options"] if o != "present"))
    lines = head("changed", *(f"{said}: mean over tasks; worst" for said in ARMS.values()), "solving takes")
    for option in options:
        cells = []
        for arm in ARMS:
            changes = _changes(option, arm)
            if not changes:
                cells.append("")
                continue
            worst = min(changes, key=changes.__getitem__)
            said = f"{spread(*over_tasks(list(changes.values())))}; {CALLED[worst]} {gain(changes[worst])}"
            cells.append(f"**{said}**" if passes(changes) else said)
        lines.append(row(option, *cells, _times(found, option)))
    return lines


def _times(found: Found, option: str) -> str:
    """How many times as long solving takes, all arms and tasks together."""
    mine, theirs = 0.0, 0.0
    for name, task in found.items():
        for arm, cell in task["options"].get(option, {}).items():
            if name not in APART:
                mine, theirs = mine + cell["seconds"], theirs + task["options"]["present"][arm]["seconds"]
    return f"{mine / theirs:.1f} times" if theirs else ""


def present() -> Lines:
    """Accuracy of the present settings on development rows."""
    found = read("defaults")
    lines = head("task (development rows)", *ARMS.values())
    for name, called in CALLED.items():
        if name in found:
            cells = [part(found[name]["options"]["present"][arm]["accuracy"]) for arm in ARMS]
            lines.append(row(f"{called} ({found[name]['n_dev']:,})", *cells))
    return lines


def confirmed() -> Lines:
    """Options that were scored on test rows, once."""
    found = read("defaults")
    names = [name for name in CALLED if "confirmed" in found.get(name, {})]
    lines = head("changed", "task (test rows)", *ARMS.values())
    for option in dict.fromkeys(o for name in names for o in found[name]["confirmed"] if o != "present"):
        changes = [_changes(option, arm, "confirmed") for arm in ARMS]
        lines.append(row(option, "mean over tasks", *(spread(*over_tasks(list(one.values()))) for one in changes)))
        for name in names:
            cells = (gain(one[name]) if name in one else "" for one in changes)
            if name not in APART:
                lines.append(row("", f"{CALLED[name]} ({found[name]['n_test']:,})", *cells))
    return lines
