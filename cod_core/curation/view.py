"""A view of the queue: which texts, in which order, and why a text is at its place. Pure; knows no store.

A view is a handful of plain values, so that it fits in a web address and can be shared.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields

from cod_core.errors import BadInput
from cod_core.said import Said, msg, say
from cod_core.types import KEPT, STATUSES, Decision

SHOWS = ("todo", "kept", "left", "flagged", "own", "all")
ORDERS = ("upload", "boundary", "edit", "similar", "recent")


@dataclass(frozen=True)
class View:
    """show: one of SHOWS. sort: one of ORDERS. label: the teacher's class at the text. origin: kind of a proposal.

    reason: a reason for rejecting. who: who decided. differs: teacher and gold label differ. find: words in the
    texts. Empty values do not filter.
    """

    show: str = "todo"
    sort: str = "upload"
    label: str = ""
    origin: str = ""
    reason: str = ""
    who: str = ""
    differs: str = ""
    find: str = ""

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "View":
        """The view that plain values name (a web address); what is unknown is left out, so an old link still opens."""
        named = {f.name: str(values[f.name])[:200] for f in fields(cls) if values.get(f.name)}
        if named.get("show") not in SHOWS:
            named.pop("show", None)
        if named.get("sort") not in ORDERS:
            named.pop("sort", None)
        return cls(**named)

    def values(self) -> dict[str, str]:
        """The plain values that differ from the default view."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}

    @property
    def filtered(self) -> bool:
        """Whether anything but the list and its order is chosen."""
        return any((self.label, self.origin, self.reason, self.who, self.differs, self.find))


@dataclass(frozen=True)
class Row:
    """One text of the queue with the numbers of its best proposal; nothing of its words.

    source: the teacher's class at the text. margin: of the target, zero on the decision boundary; None where unchecked.
    sure: p(target). valid: some proposal flips to its target. bare: nothing was found for it, it waits for words of one's own.
    """

    example_id: str
    position: int
    label: str | None
    source: str
    target: str
    origins: frozenset[str]
    margin: float | None
    sure: float | None
    edit_fraction: float
    token_edits: int
    similarity: float | None
    valid: bool
    decision: Decision | None = None
    bare: bool = False

    @property
    def differs(self) -> bool:
        """The teacher does not agree with the gold label."""
        return self.label is not None and self.source != self.label

    @property
    def status(self) -> str:
        return self.decision.status if self.decision else "bare" if self.bare else "pending"


_LISTED = {
    "todo": frozenset({"pending", "skipped"}),
    "kept": frozenset(KEPT),
    "left": frozenset({"rejected"}),
    "flagged": frozenset({"needs_review"}),
    "own": frozenset({"bare"}),
    "all": frozenset(STATUSES),
}


def belongs(row: Row, show: str) -> bool:
    """Whether a row is in the list that `show` names. Skipped ones stay to do."""
    return row.status in _LISTED[show]


def counts(rows: Iterable[Row]) -> dict[str, int]:
    """How many rows each list holds, by its name."""
    by_status = Counter(row.status for row in rows)
    return {show: sum(by_status[status] for status in listed) for show, listed in _LISTED.items()}


def narrowed(rows: Iterable[Row], view: View, found: set[str] | None = None) -> list[Row]:
    """The rows that the filters leave, of every list. found: ids of the texts that hold the words of view.find."""
    if not view.filtered:
        return list(rows)
    return [row for row in rows if fits(row, view) and (found is None or row.example_id in found)]


def fits(row: Row, view: View) -> bool:
    """Whether a row passes the filters, the words in its texts aside."""
    if (view.label and row.source != view.label) or (view.origin and view.origin not in row.origins):
        return False
    if view.differs and not row.differs:
        return False
    return not (view.reason or view.who) or (row.decision is not None and _decided_so(row.decision, view))


def _decided_so(decision: Decision, view: View) -> bool:
    return (not view.reason or view.reason in decision.reasons) and (not view.who or decision.annotator == view.who)


def ordered(rows: Iterable[Row], sort: str) -> list[Row]:
    """Rows in the order asked for; those without a verdict last, ties in upload order."""
    keys: dict[str, Callable[[Row], tuple[bool, float]]] = {
        "boundary": lambda r: (r.margin is None, abs(r.margin or 0.0)),
        "edit": lambda r: (r.margin is None, r.edit_fraction),
        "similar": lambda r: (r.similarity is None, -(r.similarity or 0.0)),
        "recent": lambda r: (r.decision is None, -r.decision.number if r.decision else 0),
    }
    if sort not in ORDERS:
        raise BadInput(f"Unknown order {sort!r}. Choose one of: {', '.join(ORDERS)}.")
    if sort == "upload":
        return sorted(rows, key=lambda r: r.position)
    return sorted(rows, key=lambda r: (*keys[sort](r), r.position))


def following(rows: list[Row], current: str | None, show: str, taken: frozenset[str] = frozenset()) -> str | None:
    """Id of the next text in the list after `current`, going round; None where there is none.

    Skipped ones come after those never seen. taken: texts that others are working on, passed over.
    """
    ids = [r.example_id for r in rows]
    start = ids.index(current) + 1 if current in ids else 0
    turned = [r for r in rows[start:] + rows[:start] if r.example_id != current and belongs(r, show) and r.example_id not in taken]
    if show == "todo":
        turned.sort(key=lambda r: r.status == "skipped")
    return turned[0].example_id if turned else None


PLACES = {
    "todo": msg("{place} of {n} to do, {order}."),
    "kept": msg("{place} of {n} kept, {order}."),
    "left": msg("{place} of {n} left out, {order}."),
    "flagged": msg("{place} of {n} flagged, {order}."),
    "own": msg("{place} of {n} without a proposal, {order}."),
    "all": msg("{place} of {n} in the list, {order}."),
}


def nth(n: int) -> Said:
    """'1st', '2nd', '3rd', '11th'."""
    last = 0 if 10 <= n % 100 <= 20 else n % 10
    if last == 1:
        return say("{k}st", k=n)
    return say("{k}nd", k=n) if last == 2 else say("{k}rd", k=n) if last == 3 else say("{k}th", k=n)


def place(row: Row, listed: list[Row], view: View) -> str:
    """Why this text is at its place in the list, in one sentence; '' where it is not in the list."""
    ids = [r.example_id for r in listed]
    if row.example_id not in ids:
        return ""
    number, n = ids.index(row.example_id) + 1, len(ids)
    return say(PLACES[view.show], place=nth(number), n=n, order=_because(row, view.sort))


def _because(row: Row, sort: str) -> Said:
    """Why the list is in this order, and what that is here."""
    if sort == "boundary":
        if row.sure is None:
            return say("not checked yet")
        return say("closest calls first: the teacher is {sure} % sure here", sure=min(99, max(1, round(row.sure * 100))))
    if sort == "edit":
        return say("smallest edits first: {share} % of the words change here", share=max(1, round(row.edit_fraction * 100)))
    if sort == "similar":
        if row.similarity is None:
            return say("most similar first")
        return say("most similar first: {similarity:.2f} of 1 here", similarity=row.similarity)
    return say("latest decisions first") if sort == "recent" else say("in the order of your upload")
