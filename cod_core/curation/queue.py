"""The order in which an expert meets the cards. Works on any card with a check."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from cod_core.errors import BadInput
from cod_core.types import FlipCheck

SORTS = ("upload", "boundary", "edit", "similar")


class Checked(Protocol):
    """A card with the verdict on the proposal it offers, None where there is none."""

    @property
    def check(self) -> FlipCheck | None: ...


C = TypeVar("C", bound=Checked)


def order(cards: Sequence[C], sort: str) -> list[C]:
    """Cards in the order asked for; those without a verdict last, ties in upload order.

    boundary: smallest distance of the offered text to the decision boundary first; edit: smallest edit fraction;
    similar: most similar first; upload: as they came.
    """
    if sort not in SORTS:
        raise BadInput(f"Unknown order {sort!r}. Choose one of: {', '.join(SORTS)}.")
    if sort == "upload":
        return list(cards)

    def key(card: C) -> tuple[int, float]:
        check = card.check
        if check is None:
            return (1, 0.0)
        if sort == "boundary":
            return (0, abs(check.after.margin_of(check.target)))
        if sort == "edit":
            return (0, check.edit_fraction)
        return (0, -(check.similarity if check.similarity is not None else -1.0))

    return sorted(cards, key=key)
