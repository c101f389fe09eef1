"""What was measured beyond accuracy, as values: made of arrays, written to one JSON file, read back by pages and report.

Knows no store and no model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from cod_core.diagnostics.stats import Effect

if TYPE_CHECKING:
    from cod_core.diagnostics.gaps import Gaps, Paths
    from cod_core.distill.row_sets import Drawn

FEWEST_PAIRS = 30  # for a clear gap: it is a length, not a right or wrong answer

FIDELITIES = ("agreement", "kl", "js", "ece_teacher", "macro_f1", "mcc", "brier", "nll", "ece")


@dataclass(frozen=True)
class PairMargins:
    """The teacher's margins of the original's class over the kept pairs; near: the share of counterfactuals near its line."""

    ids: list[str]
    originals: list[float]
    cfes: list[float]
    near: float | None


@dataclass(frozen=True)
class ArmGaps:
    """One arm's gaps, lengths in units of the median pair. gap, ends: per pair, mean over draws. censored: share of pairs on
    which a student misses an end. clean: share with one change of class on the way. hausdorff, hd95, chamfer: None where
    lines cross nowhere."""

    gap: list[float]
    mean: float
    left_to_right: float
    censored: float
    uncensored_mean: float | None
    ends: list[float]
    clean: float
    longest: float
    hausdorff: float | None
    hd95: float | None
    chamfer: float | None


@dataclass(frozen=True)
class ClassGaps:
    """Mean gaps of both arms on the n pairs that lead from one class to another (indices)."""

    source: int
    target: int
    n: int
    kd: float
    cod: float


@dataclass(frozen=True)
class GapsAt:
    """Gaps of "kd" and "cod" at one k on the n pairs that the teacher flips, over `draws` draws; pairs: their texts.

    unit: the median pair's length. source, target: the teacher's classes of each pair. effect: of cod - kd, below 0 where the
    counterfactuals brought the lines together. ends: of the share of pairs on which the student has the teacher's class at
    both ends. Arms, effect and ends are missing where n is 0. surrogate: see Diagnostics, of linear students only.
    """

    unit: float
    n: int
    draws: int
    pairs: list[list[str]]
    source: list[int]
    target: list[int]
    arms: dict[str, ArmGaps] = field(default_factory=dict)
    effect: Effect | None = None
    ends: Effect | None = None
    by_class: list[ClassGaps] = field(default_factory=list)
    surrogate: dict[str, Any] | None = None

    def to_json(self) -> dict[str, Any]:
        """As the file has it; what was not measured is not in it."""
        plain = _renamed(asdict(self), source="from", target="to")
        plain["by_class"] = [_renamed(asdict(c), source="from", target="to") for c in self.by_class]
        return {name: value for name, value in plain.items() if value is not None}

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "GapsAt":
        """From to_json. Raises KeyError, TypeError where it is none."""
        plain = _renamed(stored, **{"from": "source", "to": "target"})
        plain["arms"] = {arm: ArmGaps(**values) for arm, values in plain["arms"].items()}
        plain["by_class"] = [ClassGaps(**_renamed(c, **{"from": "source", "to": "target"})) for c in plain.get("by_class", [])]
        plain |= {name: Effect(**plain[name]) for name in ("effect", "ends") if name in plain}
        return cls(**plain)


@dataclass(frozen=True)
class Diagnosis:
    """report: when the report of the students measured was made. gaps, fidelity, information: by k; fidelity: arm -> measure
    -> mean over draws. stale: other students are on the Results page now."""

    version: int
    report: str
    margins: PairMargins
    gaps: dict[int, GapsAt]
    n_pairs: int
    ks: list[int]
    labels: list[str]
    fidelity: dict[int, dict[str, Any]]
    information: dict[int, dict[str, dict[str, float]] | None]
    stale: bool = False

    def to_json(self) -> dict[str, Any]:
        """As the file has it, without `stale`, which depends on what comes later."""
        plain = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "stale"}
        return {**plain, "margins": asdict(self.margins), "gaps": {str(k): gap.to_json() for k, gap in self.gaps.items()}}

    @classmethod
    def of(cls, stored: dict[str, Any], stale: bool) -> "Diagnosis":
        """From to_json, read back: keys of JSON are strings."""
        by_k = {name: {int(k): value for k, value in stored[name].items()} for name in ("gaps", "fidelity", "information")}
        gaps = {k: GapsAt.of(gap) for k, gap in by_k["gaps"].items()}
        margins = PairMargins(**{"near": None, **stored["margins"]})
        return cls(**{**stored, **by_k, "gaps": gaps, "margins": margins, "stale": stale})


def _renamed(values: dict[str, Any], **names: str) -> dict[str, Any]:
    return {names.get(name, name): value for name, value in values.items()}


def gap_values(
    paths: "Paths", measured: "Mapping[str, Gaps]", phi: np.ndarray, pairs: Sequence[tuple[str, str]], draws: int, drawn: "Drawn | None"
) -> GapsAt:
    """Gaps of "kd" and "cod": per pair (means over draws), paired effects, per class pair; lengths over the median pair's.

    phi: embeddings of the paths' texts. drawn: what the draws share, None where that is not on record.
    """
    from cod_core.diagnostics import gaps
    from cod_core.diagnostics.stats import paired_interval

    kd, cod = measured["kd"], measured["cod"]
    unit = gaps.unit(kd)
    out = GapsAt(unit, len(kd.pairs), draws, [list(pairs[i]) for i in kd.pairs], kd.from_class.tolist(), kd.to_class.tolist())
    if not out.n:
        return out
    rows = (cod.gap - kd.gap) / unit
    ends = cod.both_ends.astype(float) - kd.both_ends
    distinct, overlap = (drawn.distinct, drawn.overlap) if drawn else (None, None)
    return replace(
        out,
        arms={arm: arm_gaps(paths, gap, phi, unit) for arm, gap in measured.items()},
        effect=paired_interval(rows.mean(-1), rows, min_rows=FEWEST_PAIRS, distinct_draws=distinct, overlap=overlap),
        ends=paired_interval(ends.mean(-1), ends, distinct_draws=distinct, overlap=overlap),
        by_class=[
            ClassGaps(a, b, len(at), float(kd.gap[:, at].mean() / unit), float(cod.gap[:, at].mean() / unit))
            for (a, b), at in gaps.by_class_pair(kd).items()
        ],
    )


def arm_gaps(paths: "Paths", gap: "Gaps", phi: np.ndarray, unit: float) -> ArmGaps:
    """One arm's gaps as plain values, in units of `unit`."""
    from cod_core.diagnostics import gaps

    sets = [s for s in gaps.set_distances(paths, gap, phi) if s is not None]

    def apart(name: str) -> float | None:
        return float(np.mean([getattr(s, name) for s in sets]) / unit) if sets else None

    return ArmGaps(
        gap=(gap.gap.mean(0) / unit).tolist(),
        mean=float(gap.gap.mean() / unit),
        left_to_right=float(gap.left_to_right.mean() / unit),
        censored=float(1 - gap.both_ends.mean()),
        uncensored_mean=float(gap.gap[gap.both_ends].mean() / unit) if gap.both_ends.any() else None,
        ends=gap.both_ends.mean(0).tolist(),
        clean=float((gap.changes == 1).mean()),
        longest=float(gap.gap.max(-1).mean() / unit),
        hausdorff=apart("hausdorff"),
        hd95=apart("hd95"),
        chamfer=apart("chamfer"),
    )


def mean_of(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """name -> mean over rows that all have the same names."""
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]}


def follows(teacher: np.ndarray, student: np.ndarray, gold: np.ndarray) -> dict[str, float]:
    """How closely one student follows: measure -> value, on rows (n, C) of log-probabilities; quality where gold is known."""
    from cod_core.diagnostics.fidelity import fidelity

    f = fidelity(teacher, student, gold, resamples=0)
    quality = asdict(f.student) if f.student else {}
    values = {"agreement": f.agreement.value, "kl": f.kl, "js": f.js, "ece_teacher": f.to_teacher[0], **quality}
    return {name: values[name] for name in FIDELITIES if values.get(name) is not None}
