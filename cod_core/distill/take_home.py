"""The student to take home: which rows it learns from, ingredient by ingredient. Values in, values out; no model, no store.

A student of the comparison is an experiment: as many rows as its arm may have. This one has everything: all labelled texts, all
accepted pairs, and texts without a label, which the teacher labels. Where a person's label stands against the teacher's answer
(a text that it sees otherwise, a pair kept although it does not flip), the person's word is the hard label and the soft one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from cod_core.distill.arms import TrainRow
from cod_core.distill.kinds import LINEAR, OFFERED
from cod_core.distill.settings import StudentSettings
from cod_core.errors import BadInput
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.said import msg, say, together
from cod_core.text import folded
from cod_core.types import KEPT, Counterfactual, Decision, Example, FlipCheck

ARM = "product"
BEST = "best"
CHOICES = (*(kind.name for kind in OFFERED), BEST)
MOST_UNLABELLED = 5000
SETTINGS: Mapping[str, Mapping[str, Any]] = {LINEAR.name: {"encoder": f"{DEFAULT_ENCODER}@4,6", "l2": 0.5}}
"""kind -> what it is made with here and not in the comparison: chosen on development rows of ten tasks, confirmed on test rows
(docs/experiments/settings.md)."""
NAMES = {
    "texts": (msg("{n:,} labelled text"), msg("{n:,} labelled texts")),
    "pairs": (msg("{n:,} accepted counterfactual"), msg("{n:,} accepted counterfactuals")),
    "override": (
        msg("{n:,} counterfactual that you kept against the teacher"),
        msg("{n:,} counterfactuals that you kept against the teacher"),
    ),
    "unlabelled": (msg("{n:,} text without a label, labelled by the teacher"), msg("{n:,} texts without a label, labelled by the teacher")),
}


@dataclass(frozen=True)
class TakeHome:
    """What is asked for: the kind of student, or "best" for the one of all that are offered that is right on most development texts."""

    kind: str = LINEAR.name

    def __post_init__(self) -> None:
        if self.kind not in CHOICES:
            raise BadInput(f"There is no student called {self.kind!r} to take home. Choose one of: {', '.join(CHOICES)}.")

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> "TakeHome":
        """From a job's parameters. Raises BadInput, also for a name that is none."""
        if unknown := [name for name in params if name != "kind"]:
            raise BadInput(f"Unknown settings: {', '.join(map(str, unknown))}. There is only: kind.")
        return cls(str(params.get("kind") or LINEAR.name))

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind}


@dataclass(frozen=True)
class Ingredient:
    """A part of the training rows. name: in NAMES. rows: how many. dev: share right of the development texts once it was added to
    those before it; None where it was not measured."""

    name: str
    rows: int
    dev: float | None = None

    @property
    def words(self) -> str:
        """'28 accepted counterfactuals'."""
        one, many = NAMES[self.name]
        return say(one if self.rows == 1 else many, n=self.rows)


@dataclass(frozen=True)
class Made:
    """The student that was made. chosen_from: kind -> share right on development texts, {} where there was no choice. n_dev: labelled
    development texts. test: its figures on the test texts, measured once. state: a mark of what it was made of."""

    run_id: str
    made_at: str
    student: str
    ingredients: tuple[Ingredient, ...]
    n_dev: int
    test: dict[str, float]
    state: str
    chosen_from: dict[str, float] = field(default_factory=dict)
    stale: bool = False

    @property
    def trained_on(self) -> str:
        """'84 labelled texts, 28 accepted counterfactuals'."""
        return together((one.words for one in self.ingredients if one.rows), ", ")

    def to_json(self) -> dict[str, Any]:
        """As the file has it, without `stale`, which depends on what comes later."""
        return {name: value for name, value in asdict(self).items() if name != "stale"}

    @classmethod
    def of(cls, stored: Mapping[str, Any], stale: bool) -> "Made":
        """From to_json. Raises KeyError, TypeError where it is none."""
        return cls(**{**stored, "ingredients": tuple(Ingredient(**one) for one in stored["ingredients"]), "stale": stale})


@dataclass(frozen=True, eq=False)
class Everything:
    """rows: ingredient -> its rows, in the order in which they are added. right: text -> the label that a person answers for."""

    rows: dict[str, list[TrainRow]]
    right: dict[str, str]

    def upto(self, name: str) -> list[TrainRow]:
        """The rows of the ingredients up to this one."""
        names = list(self.rows)
        return [row for one in names[: names.index(name) + 1] for row in self.rows[one]]


def everything(
    pool: Mapping[str, Example],
    outcome: Mapping[str, Decision],
    counterfactuals: Mapping[str, Counterfactual],
    checks: Mapping[str, FlipCheck],
    unlabelled: Sequence[tuple[Example, str]],
    judged: Collection[str],
) -> Everything:
    """All that there is to learn from, but for texts that students are judged on.

    pool: labelled training texts by id. outcome: text's id -> the decision it stands at. checks: the present teacher's verdicts by
    counterfactual. unlabelled: (text without a label, the teacher's class). judged: test and development texts, folded.
    """
    rows: dict[str, list[TrainRow]] = {name: [] for name in NAMES}
    rows["texts"] = [TrainRow(e.text, str(e.label), i, False) for i, e in pool.items() if folded(e.text) not in judged]
    for i, decision in outcome.items():
        cf = counterfactuals.get(decision.counterfactual_id)
        part = part_of(decision, checks.get(decision.counterfactual_id))
        if part and i in pool and cf is not None and folded(cf.text) not in judged:
            rows[part].append(TrainRow(cf.text, cf.target, i, True))
    right = {row.text: row.label for name in ("texts", "override") for row in rows[name]}
    known = {folded(row.text) for part in rows.values() for row in part} | set(judged)
    free = [TrainRow(e.text, label, e.id, False) for e, label in unlabelled if folded(e.text) not in known]
    return Everything({**rows, "unlabelled": free[:MOST_UNLABELLED]}, right)


def part_of(decision: Decision, check: FlipCheck | None) -> str:
    """The ingredient that a decided counterfactual belongs to, "" for none. check: the present teacher's, None where it is missing."""
    if decision.status not in KEPT or check is None:
        return ""
    return "pairs" if check.valid else "override" if decision.override_reason else ""


def softened(everything: Everything, labels: Sequence[str]) -> dict[str, int]:
    """text -> class index that a person answers for, as softlabels.overruled takes it."""
    return {text: list(labels).index(label) for text, label in everything.right.items()}


def settings_of(kind: str) -> StudentSettings:
    """The settings of a student of this kind that is taken home."""
    return StudentSettings(kind, **SETTINGS.get(kind, {}))


def best_of(shares: Mapping[str, float]) -> str:
    """The kind with the largest share right; of equal ones the quickest, which comes first."""
    names = list(shares)
    return names[int(np.argmax([shares[name] for name in names]))]
