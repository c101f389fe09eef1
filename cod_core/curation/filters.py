"""Which cards a table shows, and in which order. Pure: cards in, cards out; knows no screen."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from cod_core.curation import queue
from cod_core.errors import BadInput

ORDERS = (*queue.SORTS, "newest", "status", "label", "length")


@dataclass(frozen=True)
class Filter:
    """Every field that is set must hold. status: live statuses; 'pending' for undecided.

    label: the text's own; target: aimed at; source: generator kind; flips: by the present teacher; second: phase of
    a second opinion; before_guideline: decided under an older version than this; text: in either text, any case.
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


def status_of(card: Any) -> str:
    """The card's live status; 'pending' where nothing was decided."""
    return card.decision.status if card.decision else "pending"


def matches(card: Any, wanted: Filter) -> bool:
    """Whether a card passes every condition that is set."""
    made, check, cf = card.decision, card.check, card.offered
    needle = wanted.text.casefold().strip()
    return not (
        (wanted.status and status_of(card) not in wanted.status)
        or (wanted.label is not None and card.example.label != wanted.label)
        or (wanted.target is not None and cf.target != wanted.target)
        or (wanted.source is not None and cf.origin.kind != wanted.source)
        or (wanted.reason is not None and (made is None or wanted.reason not in made.reasons))
        or (wanted.annotator is not None and (made is None or made.annotator != wanted.annotator))
        or (wanted.flips is not None and (check is not None and not card.stale and check.valid) != wanted.flips)
        or (wanted.disagrees and not card.disagrees)
        or (wanted.second is not None and card.second != wanted.second)
        or (wanted.before_guideline is not None and (made is None or made.guideline_version >= wanted.before_guideline))
        or (needle and needle not in card.example.text.casefold() and needle not in cf.text.casefold())
    )


def arranged(cards: Sequence, wanted: Filter, order: str = "upload", downwards: bool = False) -> list:
    """The cards that pass, in the order asked for; undecided ones come last by `newest`. Raises BadInput."""
    if order not in ORDERS:
        raise BadInput(f"Unknown order {order!r}. Choose one of: {', '.join(ORDERS)}.")
    found = [card for card in cards if matches(card, wanted)] if wanted != Filter() else list(cards)
    if order in queue.SORTS:
        found = queue.order(found, order)
    else:
        found.sort(key=_KEYS[order])
    return found[::-1] if downwards else found


_KEYS: dict[str, Callable] = {
    "newest": lambda card: -(card.decision.seq or 0) if card.decision else 1,
    "status": status_of,
    "label": lambda card: card.example.label or "",
    "length": lambda card: len(card.example.text),
}
