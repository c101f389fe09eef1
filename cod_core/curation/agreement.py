"""How far several people agree, beyond chance, with intervals. Pure: votes in, numbers out.

A unit is one text; its votes are the categories that different people gave it, each blind to the others.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from cod_core.curation import opinions
from cod_core.said import msg, several
from cod_core.types import UNATTENDED, Decision

RESAMPLES = 2000  # 400 from 500 texts on: the interval hardly moves then
Units = Sequence[Mapping[str, str]]
"""One mapping a text: annotator -> category."""


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval from resampled texts; None if it cannot be computed (see `why`)."""

    value: float | None
    low: float | None = None
    high: float | None = None
    why: str = ""


@dataclass(frozen=True)
class Agreement:
    """n: texts with two or more votes. percent: mean share of agreeing pairs of votes, in [0, 1].

    kappa: Cohen's, where the same two people judged every text. alpha: Krippendorff's, nominal, any number of people.
    counts: (category, category) -> pairs of votes, each pair once, in alphabetical order.
    """

    n: int
    people: tuple[str, ...]
    percent: Estimate
    kappa: Estimate
    alpha: Estimate
    counts: dict[tuple[str, str], int]


def agreement(units: Units, seed: int = 0, resamples: int | None = None) -> Agreement:
    """Agreement over the units that hold two or more votes; others are left out. resamples: for the intervals."""
    used = [dict(u) for u in units if len(u) >= 2]
    people = tuple(sorted({who for u in used for who in u}))
    counts = Counter((min(pair), max(pair)) for u in used for pair in combinations(u.values(), 2))
    if not used:
        none = Estimate(None, why="No text has two opinions yet.")
        return Agreement(0, people, none, none, none, {})
    table = _table(used)
    draws = np.random.default_rng(seed).integers(0, len(used), (resamples or (RESAMPLES if len(used) < 500 else RESAMPLES // 5), len(used)))
    two = len(people) == 2
    kappa = (
        _estimate(_kappa, _confusions(used, people), draws)
        if two
        else Estimate(None, why=msg("Cohen's kappa compares two people; here are more. Read alpha instead."))
    )
    return Agreement(
        len(used), people, _estimate(_percent, table, draws), kappa, _estimate(_alpha, table, draws), dict(sorted(counts.items()))
    )


def of_logs(logs: Iterable[Sequence[Decision]], three_way: bool = False) -> Agreement:
    """Agreement on texts with two people's blind opinions. logs: the decisions of a text each.

    Compared is kept or rejected; with three_way an edit is a third answer. What a run without a person accepted is no opinion.
    """
    votes = [{who: d for who, d in opinions.blind_votes(log).items() if who != UNATTENDED} for log in logs]
    return agreement([{who: d.status if three_way else opinions.category(d) for who, d in of.items()} for of in votes if len(of) >= 2])


def told(measured: Agreement) -> dict[str, float | int]:
    """What goes with a set that leaves: texts with two opinions, the share of opinions that agree, kappa and alpha where there are any."""
    numbers = {"agreement": measured.percent.value, "kappa": measured.kappa.value, "alpha": measured.alpha.value}
    return {"texts": measured.n, **{name: round(value, 4) for name, value in numbers.items() if value is not None}}


def spoken(numbers: Mapping[str, float | int]) -> str:
    """The same in words: '12 texts read by two people; 92 % of their opinions agree (Cohen's kappa 0.81).'"""
    if not numbers.get("texts"):
        return "none: every text was decided by one person"
    kappa = f" (Cohen's kappa {numbers['kappa']:.2f})" if "kappa" in numbers else ""
    return f"{several(int(numbers['texts']), 'text')} read by two people; {numbers['agreement']:.0%} of their opinions agree{kappa}"


def _table(units: Units) -> np.ndarray:
    """(texts, categories) number of votes."""
    names = sorted({category for u in units for category in u.values()})
    return np.array([[list(u.values()).count(name) for name in names] for u in units], dtype=float)


def _confusions(units: Units, people: tuple[str, ...]) -> np.ndarray:
    """(texts, categories, categories) with a 1 where the first person's and the second person's category meet."""
    names = sorted({category for u in units for category in u.values()})
    out = np.zeros((len(units), len(names), len(names)))
    for i, u in enumerate(units):
        out[i, names.index(u[people[0]]), names.index(u[people[1]])] = 1
    return out


def _percent(table: np.ndarray) -> float:
    """Mean over texts of the share of agreeing pairs of votes."""
    size = table.sum(1)
    return float(np.mean((table * (table - 1)).sum(1) / (size * (size - 1))))


def _kappa(confusions: np.ndarray) -> float:
    """Cohen 1960: (observed - expected) / (1 - expected); nan where both always gave the same one category."""
    joint = confusions.mean(0)
    observed, expected = np.trace(joint), joint.sum(1) @ joint.sum(0)
    return float("nan") if expected >= 1 else float((observed - expected) / (1 - expected))


def _alpha(table: np.ndarray) -> float:
    """Krippendorff 2011, nominal: 1 - observed / expected disagreement; nan where only one category was ever given."""
    size = table.sum(1, keepdims=True)
    coincidences = (table.T @ (table / (size - 1))) - np.diag((table / (size - 1)).sum(0))
    totals = coincidences.sum(1)
    n = totals.sum()
    expected = n * n - (totals**2).sum()
    if expected == 0:
        return float("nan")
    return float(1 - (n - 1) * (n - np.trace(coincidences)) / expected)


def _estimate(measure: Callable[[np.ndarray], float], rows: np.ndarray, draws: np.ndarray) -> Estimate:
    """The measure on all texts, and its percentile interval over resampled texts.

    Where everybody agrees on every text the resamples do too: the interval then has no width, which is not certainty.
    """
    value = measure(rows)
    if np.isnan(value):
        return Estimate(None, why=msg("Everybody gave the same one answer to every text, so chance cannot be taken out."))
    if len(rows) < 10:
        return Estimate(value, why=msg("Fewer than 10 texts: too few for an interval."))
    resampled = np.array([measure(rows[draw]) for draw in draws])
    low, high = np.quantile(resampled[~np.isnan(resampled)], (0.025, 0.975))
    return Estimate(value, float(low), float(high))
