"""What the decision log amounts to: pure replay, so that the state can be rebuilt from nothing.

A text keeps the proposal that was accepted last. Rejecting, skipping or flagging another of its proposals concerns
that proposal only: the one that was kept stays kept. An undo is an entry of its own whose `undoes` names the entry
it takes back; undoing an undo is not a thing.
"""

from collections.abc import Iterable, Sequence

from cod_core.types import KEPT, Decision

MOVES = ("", "adjudication")


def standing(log: Sequence[Decision]) -> list[Decision]:
    """The decisions that hold: neither undone nor undoing, in order."""
    undone = {d.undoes for d in log if d.undoes is not None}
    return [d for d in log if d.undoes is None and d.seq not in undone]


def outcome(log: Sequence[Decision]) -> dict[str, Decision]:
    """example id -> the decision that its text stands at, so that one counterfactual a text is kept.

    Texts whose every decision was undone, or that were set back to pending, are absent.
    """
    return settled(d for d in standing(log) if d.purpose in MOVES)


def settled(acts: Iterable[Decision]) -> dict[str, Decision]:
    """As `outcome`, of decisions that stand already."""
    latest: dict[str, Decision] = {}
    for act in acts:
        held = latest.get(act.example_id)
        if held is not None and held.counterfactual_id != act.counterfactual_id and held.status in KEPT and act.status not in KEPT:
            continue
        latest[act.example_id] = act
    return {i: d for i, d in latest.items() if d.status != "pending"}


def current(log: Sequence[Decision]) -> dict[str, Decision]:
    """counterfactual id -> its latest standing decision; its last undo, which is pending, where none stands."""
    log = [d for d in log if d.purpose in MOVES]
    undos = {d.counterfactual_id: d for d in log if d.undoes is not None}
    return {**undos, **{d.counterfactual_id: d for d in standing(log)}}


def version(log: Sequence[Decision]) -> int:
    """Number of the last entry that moved the state of a text, undoing ones included; 0 where there is none."""
    return max((d.seq or 0 for d in log if d.purpose in MOVES), default=0)
