"""The history of one text as a timeline: what was proposed, written, decided and taken back. Pure; nothing is hidden."""

from collections.abc import Sequence
from dataclasses import dataclass

from cod_core.said import say, together
from cod_core.types import Counterfactual, Decision


@dataclass(frozen=True)
class Event:
    """kind: proposed, written, decided, undone or draft. who: a pseudonym. detail: what exactly, as data.

    undone: a decision that was taken back later.
    """

    at: str
    kind: str
    who: str = ""
    status: str = ""
    reasons: tuple[str, ...] = ()
    detail: str = ""
    undone: bool = False


def timeline(cfs: Sequence[Counterfactual], log: Sequence[Decision], drafts: Sequence[tuple[str, str, str]] = ()) -> list[Event]:
    """Every event of one text, oldest first. log: all its decisions. drafts: (saved at, annotator, text)."""
    by_seq = {d.seq: d for d in log}
    undone = {d.undoes for d in log if d.undoes is not None}
    author = {d.counterfactual_id: d.annotator for d in reversed(log) if d.status == "edited"}
    made = [_made(cf, author.get(cf.id, "")) for cf in cfs]
    acts = [_decided(d, d.seq in undone) if d.undoes is None else _undone(d, by_seq.get(d.undoes)) for d in log]
    open_ = [Event(saved_at, "draft", who) for saved_at, who, _ in drafts]
    return sorted([*made, *acts, *open_], key=lambda e: e.at)


def _made(cf: Counterfactual, author: str) -> Event:
    by_hand = cf.origin.kind == "human"
    kind, who = ("written", author) if by_hand else ("proposed", cf.origin.name)
    return Event(cf.created_at, kind, who, detail=cf.note or cf.origin.kind)


def _decided(d: Decision, undone: bool) -> Event:
    because = say("kept because: {why}", why=d.override_reason) if d.override_reason else ""
    return Event(d.decided_at, "decided", d.annotator, d.status, d.reasons, together([d.comment, because], " · "), undone)


def _undone(undo: Decision, former: Decision | None) -> Event:
    """Taking back; `former` is the decision that was taken back."""
    return Event(undo.decided_at, "undone", undo.annotator, former.status if former else "")
