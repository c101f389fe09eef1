"""How good proposals are: measures of each, of a set, thresholds that warn or reject, and where proposals are lost.

Pure functions over values; knows no store and no model. Fluency comes in as a ratio that was measured elsewhere.
"""

import math
import statistics
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from cod_core.counterfactuals.edit_types import edit_type
from cod_core.errors import BadInput
from cod_core.said import msg
from cod_core.text import diff, folded, tokens
from cod_core.types import KEPT, Counterfactual, Decision, FlipCheck

BAND = (0.5, 0.8)


@dataclass(frozen=True)
class Thresholds:
    """Editable limits. *_warn marks a proposal, *_reject takes it out of automatic acceptance. 0 or None: off.

    edit_fraction: published medians lie at .13 (people) to .72 (LLMs asked plainly). fluency: ratio of x' to x, above 1
    reads worse. length: x' to x in tokens, farther from 1 than this factor.
    """

    edit_fraction_warn: float = 0.35
    edit_fraction_reject: float = 0.6
    fluency_warn: float | None = 1.3
    fluency_reject: float | None = None
    similarity_warn: float | None = 0.5
    length_warn: float | None = 1.5
    duplicates_reject: bool = True
    leaks_reject: bool = True

    @staticmethod
    def of(values: Mapping[str, Any]) -> "Thresholds":
        """From plain values; unknown names are ignored. Raises BadInput where one is out of range."""
        known = {f.name for f in fields(Thresholds)}
        made = Thresholds(**{k: v for k, v in values.items() if k in known})
        for name in ("edit_fraction_warn", "edit_fraction_reject", "similarity_warn"):
            value = getattr(made, name)
            if value is not None and not 0 <= value <= 5:
                raise BadInput(f"{name} must lie between 0 and 5, not {value}.")
        for name in ("fluency_warn", "fluency_reject", "length_warn"):
            value = getattr(made, name)
            if value is not None and not 1 <= value < math.inf:
                raise BadInput(f"{name} is a ratio of 1 or more (or empty), not {value}.")
        return made


@dataclass(frozen=True)
class Quality:
    """One proposal's measures. p: of the target. spans: separate edits. None: not measured."""

    flipped: bool
    p: float
    edit_fraction: float
    spans: int
    similarity: float | None
    fluency: float | None
    length: float
    edit_type: str
    duplicate: bool
    leak: bool

    @property
    def in_band(self) -> bool:
        """p(target) within .5 to .8: near the boundary."""
        return self.flipped and BAND[0] <= self.p <= BAND[1]


def quality_of(
    original: str,
    cf: Counterfactual,
    check: FlipCheck,
    fluency: float | None = None,
    others: Collection[str] = (),
    held_out: Collection[str] = (),
) -> Quality:
    """Measures of one proposal. others: texts already in the set (folded); held_out: texts that students are judged on (folded)."""
    key = folded(cf.text)
    return Quality(
        check.valid,
        check.after.prob(check.target),
        check.edit_fraction,
        len(diff(original, cf.text)),
        check.similarity,
        fluency,
        len(tokens(cf.text)) / max(1, len(tokens(original))),
        edit_type(original, cf.text) or "none",
        key in others,
        key in held_out,
    )


def verdict(one: Quality, limits: Thresholds) -> tuple[str, tuple[str, ...]]:
    """('ok', 'warn' or 'reject', reasons in words); the gravest reason decides."""
    found = [*_unusable(one, limits), *_strange(one, limits)]
    reject, warn = ([reason for grade, reason in found if grade == wanted] for wanted in ("reject", "warn"))
    return ("reject", tuple(reject + warn)) if reject else ("warn", tuple(warn)) if warn else ("ok", ())


def _unusable(one: Quality, limits: Thresholds) -> list[tuple[str, str]]:
    """Why the set would be worse with the proposal, however well it reads: (grade, reason)."""
    reasons = (
        (not one.flipped, msg("does not flip the teacher to the target")),
        (one.duplicate and limits.duplicates_reject, msg("says the same as another text of the set")),
        (one.leak and limits.leaks_reject, msg("is in the test set, or elsewhere among the texts that students are judged on")),
    )
    return [("reject", reason) for holds, reason in reasons if holds]


def _strange(one: Quality, limits: Thresholds) -> list[tuple[str, str]]:
    """How the text differs from its original more than it should: (grade, reason)."""
    found = [
        _graded(one.edit_fraction, limits.edit_fraction_warn, limits.edit_fraction_reject, msg("changes much"), msg("changes too much")),
        _graded(one.fluency, limits.fluency_warn, limits.fluency_reject, msg("reads worse than the original"), msg("reads badly")),
    ]
    if limits.similarity_warn and one.similarity is not None and one.similarity < limits.similarity_warn:
        found.append(("warn", msg("means something else")))
    if limits.length_warn and not 1 / limits.length_warn <= one.length <= limits.length_warn:
        found.append(("warn", msg("is much longer or shorter")))
    return [pair for pair in found if pair is not None]


def _graded(value: float | None, warns: float | None, rejects: float | None, light: str, grave: str) -> tuple[str, str] | None:
    """(grade, reason) of a value above a limit that is on; None where it was not measured or lies below."""
    if value is None:
        return None
    if rejects and value > rejects:
        return "reject", grave
    return ("warn", light) if warns and value > warns else None


@dataclass(frozen=True)
class SetQuality:
    """A set of proposals. Medians over the flipping ones; None where nothing could be measured.

    diversity: mean pairwise distance (1 - Jaccard) of the words put in, in [0, 1]; near 0 where all proposals use the
    same few words. edit_types: shares.
    """

    n: int
    flip_rate: float
    in_band: float | None
    p: float | None
    edit_fraction: float | None
    spans: float | None
    similarity: float | None
    fluency: float | None
    length: float | None
    edit_types: dict[str, float]
    diversity: float | None
    duplicates: int
    leaks: int


def set_quality(found: Sequence[Quality], put_in: Sequence[frozenset[str]] = ()) -> SetQuality:
    """Summary of a set. put_in: the words that each proposal brought (see words_put_in), for diversity."""
    flips = [q for q in found if q.flipped]
    kinds = Counter(q.edit_type for q in flips)
    return SetQuality(
        n=len(found),
        flip_rate=len(flips) / max(1, len(found)),
        in_band=sum(q.in_band for q in flips) / len(flips) if flips else None,
        p=_median(q.p for q in flips),
        edit_fraction=_median(q.edit_fraction for q in flips),
        spans=_median(q.spans for q in flips),
        similarity=_median(q.similarity for q in flips),
        fluency=_median(q.fluency for q in flips),
        length=_median(q.length for q in flips),
        edit_types={k: n / len(flips) for k, n in kinds.most_common()},
        diversity=diversity(put_in),
        duplicates=sum(q.duplicate for q in found),
        leaks=sum(q.leak for q in found),
    )


def of_everybody(flipped: int, tried: int) -> str:
    """'6 of 16 texts have a proposal that flips the teacher.' tried: texts that a generator was run on. A share of the
    proposals alone would leave out the texts for which nothing was found."""
    return f"{flipped:,} of {tried:,} text{'' if tried == 1 else 's'} {'has' if tried == 1 else 'have'} a proposal that flips the teacher."


def _median(values: Iterable[float | None]) -> float | None:
    """Of those that were measured; None where none was."""
    known = [v for v in values if v is not None]
    return float(statistics.median(known)) if known else None


def words_put_in(original: str, text: str) -> frozenset[str]:
    """The words that the edits brought, lower case."""
    return frozenset(t.lower() for edit in diff(original, text) for t in tokens(edit.b_text) if t[0].isalnum())


def diversity(put_in: Sequence[frozenset[str]], most: int = 300) -> float | None:
    """Mean of 1 - Jaccard over pairs of the first `most` sets that are not empty; None for fewer than two."""
    sets = [s for s in put_in if s][:most]
    pairs = [(a, b) for i, a in enumerate(sets) for b in sets[i + 1 :]]
    return sum(1 - len(a & b) / len(a | b) for a, b in pairs) / len(pairs) if pairs else None


@dataclass(frozen=True)
class Stage:
    """One stage of the funnel. n: texts that reach it. lost: reason in words -> texts lost before the next one."""

    name: str
    n: int
    lost: dict[str, int]


def funnel(
    texts: Sequence[str],
    tried: Collection[str],
    best: Mapping[str, Quality | None],
    outcome: Mapping[str, Decision],
    limits: Thresholds,
    failures: Mapping[str, str] | None = None,
) -> list[Stage]:
    """Where texts are lost between being tried and being accepted, with the reason of every loss.

    texts: ids in order. tried: ids that a generator was run on. best: id -> quality of the best proposal, None where
    there is none. outcome: id -> live decision. failures: id -> why a tried text got no proposal.
    """
    why, measured = failures or {}, {i: quality for i, quality in best.items() if quality is not None}
    judged = {i: verdict(quality, limits) for i, quality in measured.items()}
    stages: list[Stage] = []
    here = [i for i in texts if i in tried]

    def step(name: str, stays: Callable[[str], bool], reason: Callable[[str], str]) -> None:
        nonlocal here
        lost = Counter(reason(i) for i in here if not stays(i))
        stages.append(Stage(name, len(here), dict(lost.most_common())))
        here = [i for i in here if stays(i)]

    step(msg("tried"), lambda i: i in measured, lambda i: why.get(i, msg("no proposal came")))
    step(msg("proposed"), lambda i: measured[i].flipped, lambda i: msg("the teacher does not change its mind"))
    step(msg("flipped"), lambda i: judged[i][0] != "reject", lambda i: "; ".join(judged[i][1][:1]))
    step(msg("small enough"), lambda i: i in outcome and outcome[i].status in KEPT, lambda i: _undecided(outcome.get(i)))
    stages.append(Stage(msg("accepted"), len(here), {}))
    return stages


def _undecided(decision: Decision | None) -> str:
    if decision is None or decision.status == "pending":
        return "not decided yet"
    if decision.status == "rejected":
        return "rejected: " + (", ".join(r.replace("_", " ") for r in decision.reasons) or "no reason given")
    return {"skipped": "skipped", "needs_review": "flagged for a second opinion"}.get(decision.status, decision.status)
