"""The tables of docs/experiments/where-they-do-not-help.md, from benchmarks/results/warn.json. Measures nothing."""

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import ways_tables
from benchmarks.cells import Lines, effect, gain, head, part, read, row

PAGE = "where-they-do-not-help.md"
CALLED = {**ways_tables.CALLED, "news": "news", "cola": "CoLA", "incidents": "incident notes"}
SIZES, UPLOADS = ("30", "60", "100", "400"), 20
AT = "100"  # development rows at which rules are chosen and counted
RULE, STUDENT = "sureness", "accuracy of labels"
SAID = {
    "sureness": "sure of the right label, against a free draw (the app's)",
    "sureness, teacher's class": "the same, the teacher's class for the right one",
    "sureness, same texts": "sure of the right label, against the pairs' own texts",
    "accuracy": "accuracy, against a free draw",
    "accuracy, same texts": "accuracy, against the pairs' own texts",
    "log loss": "log loss, against a free draw",
    "log loss, same texts": "log loss, against the pairs' own texts",
}
Found = Mapping[str, Any]


def measured() -> dict[str, Found]:
    """Name in words -> what was measured: those of which the rule says anything; see small."""
    return {CALLED[name]: found for name, found in read("warn").items() if found["n_dev"] >= int(SIZES[0])}


def small() -> dict[str, Found]:
    """Those with fewer development rows than the app asks for."""
    return {CALLED[name]: found for name, found in read("warn").items() if found["n_dev"] < int(SIZES[0])}


def verdict(found: Found, against: str = "cod - kd") -> str:
    """more, level or less: by the strict rule, level where it calls nothing clear."""
    e = found["truth"][against]
    return "level" if not e["clear"] else "more" if e["mean"] > 0 else "less"


def hits(found: Found, rule: str, at: str = AT, against: str = "cod - kd") -> int:
    """Of UPLOADS, those of which the rule is right: it warns unless counterfactuals bring more."""
    warned = found["rules"][at][rule]["warned"]
    return UPLOADS - warned if verdict(found, against) == "more" else warned


def in_tasks(found: Mapping[str, Found], rule: str, at: str = AT, against: str = "cod - kd") -> int:
    """Tasks in which a rule is right about more than half of the uploads."""
    return sum(hits(one, rule, at, against) > UPLOADS / 2 for one in found.values())


def what_is_so() -> Lines:
    lines = head("task (test rows; k)", "labels alone", "KD", "KD, free draw", "CoD", "teacher", "CoD - KD", "CoD - KD, free draw", "so")
    for name, found in sorted(measured().items(), key=lambda item: item[1]["truth"]["cod - kd"]["mean"]):
        so, right = found["truth"], found["truth"]["accuracy"]
        cells = (part(right[arm]) for arm in ("labels", "kd", "kd free", "cod", "teacher"))
        both = (effect(so[key]) for key in ("cod - kd", "cod - kd free"))
        said = ", ".join(dict.fromkeys((verdict(found), verdict(found, "cod - kd free"))))
        lines.append(row(f"{name} ({found['n_test']:,}; {so['k']})", *cells, *both, said))
    return lines


def the_rule() -> Lines:
    lines = head(
        "task (development rows)", "so", "warned of 20 uploads, 30 rows", "60", "100", "up to 400", "mean gain", "interval holds it"
    )
    for name, found in sorted(measured().items(), key=lambda item: item[1]["sureness on test rows"]):
        told = [found["rules"][n][RULE] for n in SIZES]
        holds = " ".join(str(one["covers"]) for one in told)
        lines.append(row(f"{name} ({found['n_dev']})", verdict(found), *(one["warned"] for one in told), gain(told[-1]["mean"]), holds))
    return lines


def rules() -> Lines:
    """The rule beside others: tasks and uploads that each is right about."""
    found = measured()
    lines = head(
        "rule", "tasks of " + str(len(found)), "uploads, 30 rows", "60", "100", "up to 400", "false warnings", "missed", "free draw"
    )
    for name, said in SAID.items():
        lines.append(_of(said, found, lambda one, at, against, name=name: hits(one, name, at, against)))
    lines.append(_of("the student of 20 labelled texts is accurate already; cut chosen on the other tasks", found, _by_cut(found)))
    lines.append(_of("whichever of the first seven is right most often on the other tasks", found, _chosen(found)))
    return lines


Hits = Callable[[Found, str, str], int]


def _of(said: str, found: Mapping[str, Found], right: Hits) -> str:
    """A row: tasks, share of uploads at each size, false and missed at AT, tasks where a free draw is the measure."""

    def tasks(against: str) -> int:
        return sum(right(one, AT, against) > UPLOADS / 2 for one in found.values())

    shares = [part(sum(right(one, at, "cod - kd") for one in found.values()) / (UPLOADS * len(found)), 2) for at in SIZES]
    wrong = {
        kind: [UPLOADS - right(one, AT, "cod - kd") for one in found.values() if (verdict(one) == "more") == kind] for kind in (True, False)
    }
    counts = (f"{sum(wrong[kind])} of {UPLOADS * len(wrong[kind])}" for kind in (True, False))
    return row(said, tasks("cod - kd"), *shares, *counts, tasks("cod - kd free"))


def _by_cut(found: Mapping[str, Found]) -> Hits:
    """Right by a cut on the accuracy of the student of labelled texts, the best one of the other tasks."""

    def right(one: Found, at: str, against: str, cut: float) -> int:
        warned = sum(x >= cut for x in one["rules"][at][STUDENT])
        return UPLOADS - warned if verdict(one, against) == "more" else warned

    def left_out(one: Found, at: str, against: str) -> int:
        others = [other for other in found.values() if other is not one]
        cuts = sorted({x for other in others for x in other["rules"][at][STUDENT]})
        best = max(cuts, key=lambda cut: sum(right(other, at, against, cut) for other in others))
        return right(one, at, against, best)

    return left_out


def _chosen(found: Mapping[str, Found]) -> Hits:
    def left_out(one: Found, at: str, against: str) -> int:
        others = [other for other in found.values() if other is not one]
        best = max(SAID, key=lambda name: sum(hits(other, name, AT, against) for other in others))
        return hits(one, best, at, against)

    return left_out


def why() -> Lines:
    """What might explain it, tasks in the order of what counterfactuals bring."""
    lines = head(
        "task",
        "CoD - KD",
        "left to gain above KD",
        "student of 20 labelled texts",
        "labels",
        "the way a counterfactual goes",
        "teacher's sureness of it",
    )
    for name, found in sorted(measured().items(), key=lambda item: item[1]["truth"]["cod - kd"]["mean"]):
        right, student = found["truth"]["accuracy"], found["rules"]["400"][STUDENT]
        left, first = right["teacher"] - right["kd free"], sum(student) / len(student)
        cells = (part(round(left, 4)), part(first), found["classes"], part(found["why"]["way"], 2), part(found["why"]["sure"], 2))
        lines.append(row(name, gain(found["truth"]["cod - kd"]["mean"]), *cells))
    return lines
