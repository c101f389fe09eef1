"""The order in which an expert meets the cards. Works on any card with example, offered and check."""

from collections.abc import Sequence

from cod_core.errors import BadInput

SORTS = ("upload", "boundary", "edit", "similar")


def order(cards: Sequence, sort: str) -> list:
    """Cards in the order asked for; those without a verdict last, ties in upload order.

    boundary: smallest distance of the offered text to the decision line first; edit: smallest edit fraction;
    similar: most similar first; upload: as they came.
    """
    if sort not in SORTS:
        raise BadInput(f"Unknown order {sort!r}. Choose one of: {', '.join(SORTS)}.")
    if sort == "upload":
        return list(cards)

    def key(card):
        check = card.check
        if check is None:
            return (1, 0.0)
        if sort == "boundary":
            return (0, abs(check.after.margin_of(check.target)))
        if sort == "edit":
            return (0, check.edit_fraction)
        return (0, -(check.similarity if check.similarity is not None else -1.0))

    return sorted(cards, key=key)
