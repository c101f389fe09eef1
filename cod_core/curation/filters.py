"""Which cards a table shows, and in which order. Pure: cards in, cards out; knows no screen."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Protocol, TypeVar

from cod_core.curation import queue
from cod_core.errors import BadInput
from cod_core.types import Counterfactual, Decision, Example, FlipCheck

ORDERS = (*queue.SORTS, "newest", "status", "label", "length")


@dataclass(frozen=True)
class Filter:
    """Every field that is set must hold. status: live statuses; 'pending' for undecided.

    label: the text's own; target: aimed at; source: generator kind; flips: by the present teacher; second: phase of
    a second opinion; before_guideline: decided under an older version than this; text: in either text or a kept column, any case.
    """

    status: tuple[str, ...] = ()
    label: str | None = None
    target: str | None = None
    source: str | None = None
    reason: str | None = None
    annotator: str | None = None
    flips: bool | None = None
    disagrees: bool = False
    second: str | None = None
    before_guideline: int | None = None
    text: str = ""


class Card(Protocol):
    """What a filter reads of a card. offered: the proposal shown first. disagrees: teacher and gold label differ."""

    @property
    def example(self) -> Example: ...
    @property
    def offered(self) -> Counterfactual | None: ...
    @property
    def check(self) -> FlipCheck | None: ...
    @property
    def decision(self) -> Decision | None: ...
    @property
    def stale(self) -> bool: ...
    @property
    def disagrees(self) -> bool: ...
    @property
    def second(self) -> str: ...


C = TypeVar("C", bound=Card)
Condition = Callable[[Card, Filter], bool]


def status_of(card: Card) -> str:
    """The card's live status; 'pending' where nothing was decided."""
    return card.decision.status if card.decision else "pending"


def _is_older(card: Card, version: int | None) -> bool:
    return version is None or (card.decision is not None and card.decision.guideline_version < version)


def _flips(card: Card) -> bool:
    """Whether the present teacher changes its class on the offered text, to the target."""
    return card.check is not None and not card.stale and card.check.valid


def _holds_words(card: Card, words: str) -> bool:
    needle = words.casefold().strip()
    texts = [card.example.text, *card.example.metadata.values(), card.example.source_id or ""]
    return any(needle in text.casefold() for text in [*texts, *([card.offered.text] if card.offered is not None else [])])


CONDITIONS: Mapping[str, Condition] = {
    "status": lambda card, wanted: not wanted.status or status_of(card) in wanted.status,
    "label": lambda card, wanted: card.example.label == wanted.label,
    "target": lambda card, wanted: card.offered is not None and card.offered.target == wanted.target,
    "source": lambda card, wanted: card.offered is not None and card.offered.origin.kind == wanted.source,
    "reason": lambda card, wanted: card.decision is not None and wanted.reason in card.decision.reasons,
    "annotator": lambda card, wanted: card.decision is not None and card.decision.annotator == wanted.annotator,
    "flips": lambda card, wanted: _flips(card) == wanted.flips,
    "disagrees": lambda card, wanted: card.disagrees or not wanted.disagrees,
    "second": lambda card, wanted: card.second == wanted.second,
    "before_guideline": lambda card, wanted: _is_older(card, wanted.before_guideline),
    "text": lambda card, wanted: _holds_words(card, wanted.text),
}
"""Field of Filter -> whether a card passes it. Asked only of fields that differ from their default."""


def conditions(wanted: Filter) -> list[Condition]:
    """The conditions that are set."""
    return [CONDITIONS[f.name] for f in fields(Filter) if getattr(wanted, f.name) != f.default]


def matches(card: Card, wanted: Filter) -> bool:
    """Whether a card passes every condition that is set."""
    return all(holds(card, wanted) for holds in conditions(wanted))


def arranged(cards: Sequence[C], wanted: Filter, order: str = "upload", downwards: bool = False) -> list[C]:
    """The cards that pass, in the order asked for; undecided ones come last by `newest`. Raises BadInput."""
    if order not in ORDERS:
        raise BadInput(f"Unknown order {order!r}. Choose one of: {', '.join(ORDERS)}.")
    asked = conditions(wanted)
    passed = [card for card in cards if all(holds(card, wanted) for holds in asked)] if asked else list(cards)
    if order in queue.SORTS:
        passed = queue.order(passed, order)
    else:
        passed.sort(key=_KEYS[order])
    return passed[::-1] if downwards else passed


_KEYS: Mapping[str, Callable[[Card], str | int]] = {
    "newest": lambda card: -card.decision.number if card.decision else 1,
    "status": status_of,
    "label": lambda card: card.example.label or "",
    "length": lambda card: len(card.example.text),
}
