"""The history of one text as a timeline: what was proposed, written, decided and taken back. Pure; nothing is hidden."""

from collections.abc import Sequence
from dataclasses import dataclass

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
    undone = {d.undoes: d for d in log if d.undoes is not None}
    by_seq = {d.seq: d for d in log}
    author = {d.counterfactual_id: d.annotator for d in reversed(log) if d.status == "edited"}
    made = [
        Event(
            cf.created_at,
            "written" if cf.origin.kind == "human" else "proposed",
            author.get(cf.id, "") if cf.origin.kind == "human" else cf.origin.name,
            detail=cf.note or cf.origin.kind,
        )
        for cf in cfs
    ]
    decided = []
    for d in log:
        if d.undoes is None:
            said = " · ".join(part for part in (d.comment, d.override_reason and f"kept because: {d.override_reason}") if part)
            decided.append(Event(d.decided_at, "decided", d.annotator, d.status, d.reasons, said, d.seq in undone))
        else:
            former = by_seq.get(d.undoes)
            decided.append(Event(d.decided_at, "undone", d.annotator, former.status if former else "", detail=""))
    open_ = [Event(at, "draft", who, detail="") for at, who, _ in drafts]
    return sorted([*made, *decided, *open_], key=lambda e: e.at)
