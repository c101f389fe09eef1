"""The prompt study: every template on the same sample of texts, side by side, and which one to use.

Pure: replies and verdicts come in, numbers go out. Knows no endpoint, no teacher and no store.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

from cod_core.types import FlipCheck

SMALL = 0.35  # edit fraction up to which a change counts as small (docs/method.md section 5 warns above it)


@dataclass(frozen=True)
class PromptResult:
    """What one template came to on the sample. Shares in [0, 1]; None where nothing was there to measure.

    flipped: texts with a proposal that flips the teacher. usable: texts with one that flips by a small edit.
    reply_flips: share of all replies that flip. edit_fraction, similarity: medians over the offered proposals.
    lost: replies that held no new text, by reason. unanswered: texts whose call failed.
    """

    template: str
    title: str
    texts: int
    replies: int
    flipped: float
    usable: float
    reply_flips: float
    edit_fraction: float | None
    similarity: float | None
    tokens_in: int
    tokens_out: int
    cost_usd: float | None
    lost: dict[str, int] = field(default_factory=dict)
    unanswered: int = 0


@dataclass(frozen=True)
class Tried:
    """What one template gave for one text: verdicts of its proposals, the offered one first; and its losses."""

    checks: Sequence[FlipCheck]
    lost: dict[str, int] = field(default_factory=dict)
    tokens_in: int = 0
    tokens_out: int = 0
    cost_usd: float | None = None
    answered: bool = True

    @property
    def flips(self) -> bool:
        """Whether the proposal that would be offered flips the teacher."""
        return bool(self.checks) and self.checks[0].valid

    @property
    def flips_by_a_small_edit(self) -> bool:
        """Whether one of its proposals flips the teacher and changes little."""
        return any(c.valid and c.edit_fraction <= SMALL for c in self.checks)


def summarise(template: str, title: str, tried: Sequence[Tried]) -> PromptResult:
    """The row of one template. Texts whose call failed count as not flipped: a prompt is judged with its failures."""
    offered = [t.checks[0] for t in tried if t.flips]
    lost: Counter[str] = Counter()
    for one in tried:
        lost.update(one.lost)
    checks = [c for t in tried for c in t.checks]
    replies = len(checks) + sum(lost.values())
    return PromptResult(
        template,
        title,
        len(tried),
        replies,
        flipped=len(offered) / max(1, len(tried)),
        usable=sum(t.flips_by_a_small_edit for t in tried) / max(1, len(tried)),
        reply_flips=sum(c.valid for c in checks) / max(1, replies),
        edit_fraction=_median(c.edit_fraction for c in offered),
        similarity=_median(c.similarity for c in offered),
        tokens_in=sum(t.tokens_in for t in tried),
        tokens_out=sum(t.tokens_out for t in tried),
        cost_usd=sum_or_none([t.cost_usd for t in tried if t.answered]),
        lost=dict(lost),
        unanswered=sum(not t.answered for t in tried),
    )


def _median(values: Iterable[float | None]) -> float | None:
    """Of those that were measured; None where none was."""
    known = [v for v in values if v is not None]
    return median(known) if known else None


def sum_or_none(costs: Sequence[float | None]) -> float | None:
    """The sum; None where one of them is not known, or there is none."""
    known = [c for c in costs if c is not None]
    return sum(known) if known and len(known) == len(costs) else None


def best(results: Sequence[PromptResult]) -> PromptResult | None:
    """Most texts with a small flip; among equals the most flips, then the smallest edits, then the fewest tokens.

    None where no template made any text flip: none of them is to be recommended.
    """
    working = [r for r in results if r.flipped > 0]
    return min(
        working,
        default=None,
        key=lambda r: (-r.usable, -r.flipped, 1.0 if r.edit_fraction is None else r.edit_fraction, r.tokens_in + r.tokens_out),
    )
