"""The tables of docs/experiments/what-people-would-do-instead.md, from ways.json, ways_minutes.json, setfit_ways.json and choices.json in
benchmarks/results. Measures nothing."""

import math
from collections.abc import Mapping
from statistics import fmean as mean
from typing import Any

from benchmarks.cells import Lines, effect, gain, head, part, read, row
from benchmarks.ways_minutes import KS as HALVES
from benchmarks.ways_minutes import labels_for
from cod_core.curation.pace import Pace

PAGE = "what-people-would-do-instead.md"
CALLED = {
    "movies": "movies",
    "tweets": "tweets",
    "amazon": "Amazon",
    "sst2": "SST-2",
    "sst5": "SST-5, three classes",
    "news": "news, three classes",
    "agnews": "AG News",
    "clinc5": "clinc20, five intents",
    "clinc20": "clinc20",
    "cola": "CoLA",
}
APART = {"incidents": "incident notes, apart"}
"""120 notes made of templates: shown once, and not counted among the tasks."""
TEXTS = (50, 100, 200, 500, 1000, 2000)
Found = Mapping[str, Any]


def measured(names: Mapping[str, str] = CALLED) -> dict[str, Found]:
    """Name in words -> what was measured, of the tasks on record."""
    found = read("ways")
    return {called: found[name] for name, called in names.items() if name in found}


def ks(found: Found) -> list[int]:
    return sorted(int(k) for k in found["cells"]["cod"])


def catches_up(found: Found, k: int) -> float:
    """The smallest N whose teacher's answers do as well as counterfactuals at k on average; infinite where none does."""
    goal = found["cells"]["cod"][str(k)]["accuracy"]
    return min((int(n) for n, cell in found["cells"]["soft"].items() if cell["accuracy"] >= goal), default=math.inf)


def _three(found: Found, arm: str, measure: str = "accuracy") -> str:
    return " ".join(part(found["cells"][arm][str(k)][measure]) for k in ks(found))


def every_task() -> Lines:
    """CoD - KD at the three k of each task, and the mean over the tasks."""
    lines = head("task", "CoD - KD at each k", "mean", "MCC, mean", "clear")
    cells: list[float] = []
    clear = 0
    for name, found in measured().items():
        effects = [found["effects"]["cod - kd"][str(k)] for k in ks(found)]
        won, lost = (sum(e["clear"] and sign * e["mean"] > 0 for e in effects) for sign in (1, -1))
        mcc = mean(found["cells"]["cod"][str(k)]["mcc"] - found["cells"]["kd"][str(k)]["mcc"] for k in ks(found))
        said = f"{won} of {len(effects)}" + (f", {lost} behind" if lost else "")
        lines.append(row(name, ", ".join(map(effect, effects)), gain(mean(e["mean"] for e in effects)), gain(mcc), said))
        cells += [e["mean"] for e in effects]
        clear += won
    return [*lines, row("all cells", "", gain(mean(cells)), "", f"{clear} of {len(cells)}")]


def beside_setfit() -> Lines:
    """SetFit on k labelled rows, and counterfactuals at as many rows: the default student, and the one with two layers and names."""
    lines = head("task", "k", "SetFit, labels", "CoD, linear", "CoD - SetFit", "CoD, two layers and names", "less SetFit")
    found = read("setfit_ways")
    for name, called in CALLED.items():
        for i, (k, cell) in enumerate(found.get(name, {}).items()):
            theirs = mean(cell["setfit"])
            ours = [mean(cell[which]) for which in ("cod", "named")]
            cells = [text for one in ours for text in (part(one), gain(round(one, 3) - round(theirs, 3)))]
            lines.append(row("" if i else called, k, part(theirs), *cells))
    return lines


def many_rows() -> Lines:
    """The share of counterfactuals chosen on development rows, against none."""
    found, at = read("choices"), ("64", "128", "256", "512")
    lines = head("task (pairs)", *(f"k = {k}" if k == "64" else k for k in at))
    for name, called in CALLED.items():
        if name in found:
            cells = [found[name]["at"].get(k) for k in at]
            lines.append(row(f"{called} ({found[name]['pairs']})", *(_chosen(cell) if cell else "" for cell in cells)))
    return lines


def _chosen(cell: Found) -> str:
    return f"{SHARES[cell['chosen']]}: {effect(cell['chosen - kd'])}" if cell["chosen"] else "none"


SHARES = {0.5: "half", 0.25: "a quarter", 0.125: "an eighth"}


def rows_alike() -> Lines:
    """The same number of rows in four ways."""
    lines = head("task (test rows; k)", "labels alone", "KD, free draw", "KD", "CoD", "CoD, macro-F1", "CoD, MCC")
    for name, found in measured({**CALLED, **APART}).items():
        cells = (_three(found, arm) for arm in ("labels", "kd free", "kd", "cod"))
        said = f"{name} ({found['n_test']:,}; {', '.join(map(str, ks(found)))})"
        lines.append(row(said, *cells, _three(found, "cod", "macro_f1"), _three(found, "cod", "mcc")))
    return lines


def texts_without_labels() -> Lines:
    """The teacher's answers on N texts, alone and with counterfactuals on top."""
    lines = head("task", "", *(f"N = {n}" if n == 50 else f"{n:,}" for n in TEXTS), "catches up with CoD at each k")
    for name, found in measured().items():
        cells = {arm: [_cell(found, arm, n) for n in TEXTS] for arm in ("soft", "both")}
        reached = ", ".join(f"{n:,}" if math.isfinite(n) else "never" for n in (catches_up(found, k) for k in ks(found)))
        lines.append(row(name, "the teacher's answers", *cells["soft"], reached))
        lines.append(row("", f"with CoD at {max(ks(found))} on top", *cells["both"], ""))
    return lines


def _cell(found: Found, arm: str, n: int) -> str:
    cell = found["cells"][arm].get(str(n))
    return part(cell["accuracy"]) if cell else ""


def on_top() -> Lines:
    """What counterfactuals add to N texts: above the texts alone, and above as many labelled rows on top."""
    lines = head("task", "above N = 50 alone", "100", "200", "500", "above labelled rows on top, N = 50", "200")
    for name, found in measured().items():
        alone, rows = found["effects"]["both - soft"], found["effects"]["both - both kd"]
        cells = [effect(alone[n]) if n in alone else "" for n in ("50", "100", "200", "500")]
        lines.append(row(name, *cells, *(effect(rows[n]) for n in ("50", "200"))))
    return lines


def free_draw() -> Lines:
    """How much KD owes to being drawn from texts that have a counterfactual."""
    lines = head("task", "KD - KD of a free draw, at each k", "CoD - KD", "CoD - KD of a free draw")
    for name, found in measured().items():
        cells = (
            ", ".join(effect(found["effects"][key][str(k)]) for k in ks(found)) for key in ("kd - kd free", "cod - kd", "cod - kd free")
        )
        lines.append(row(name, *cells))
    return lines


def ceilings() -> Lines:
    """The teacher, and a logistic regression on all of its labelled texts."""
    lines = head("task", "teacher", "its labelled texts", "a logistic regression on them", "the teacher's answers on the most texts")
    for name, found in measured().items():
        every, most = found.get("all labels"), max(map(int, found["cells"]["soft"]))
        cells = (f"{every['rows']:,}", part(every["accuracy"])) if every else ("not measured", "")
        alone = f"{part(found['cells']['soft'][str(most)]['accuracy'])} ({most:,})"
        lines.append(row(name, part(found["teacher"]["accuracy"]), *cells, alone))
    return lines


def same_minutes() -> Lines:
    """Counterfactuals at k against labels alone at the minutes that these take, and the texts without a label that take none."""
    heads = [
        cell
        for k in HALVES
        for cell in (f"CoD at {k}, {Pace().minutes(k // 2, k // 2):.1f} minutes", f"labels alone, {labels_for(k)} in the same time")
    ]
    lines = head("task", *heads, f"labels that do as well as CoD at {max(HALVES)}", "the teacher's answers, 50 texts, no minutes")
    own, instead = read("ways"), read("ways_minutes")
    for name in (name for name in CALLED if name in instead):
        cells, labels = own[name]["cells"], instead[name]["labels"]
        shares = [part(cell["accuracy"]) for k in HALVES for cell in (cells["cod"][str(k)], labels[str(labels_for(k))])]
        goal = cells["cod"][str(max(HALVES))]["accuracy"]
        reached = min((int(n) for n, cell in labels.items() if cell["accuracy"] >= goal), default=None)
        enough = f"more than {max(map(int, labels))}" if reached is None else str(reached)
        lines.append(row(CALLED[name], *shares, enough, part(cells["soft"]["50"]["accuracy"])))
    return lines
