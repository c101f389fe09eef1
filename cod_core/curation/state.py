"""What the decision log amounts to: pure replay, so that the state can be rebuilt from nothing.

An undo is an entry of its own whose `undoes` names the entry it takes back; undoing an undo is not a thing.
"""

from collections.abc import Sequence

from cod_core.types import Decision


def standing(log: Sequence[Decision]) -> list[Decision]:
    """The decisions that hold: neither undone nor undoing, in order."""
    undone = {d.undoes for d in log if d.undoes is not None}
    return [d for d in log if d.undoes is None and d.seq not in undone]


def outcome(log: Sequence[Decision]) -> dict[str, Decision]:
    """example id -> its latest standing decision, so that one counterfactual a text is kept.

    Texts whose every decision was undone, or that were set back to pending, are absent.
    """
    return {i: d for i, d in {d.example_id: d for d in standing(log)}.items() if d.status != "pending"}


def current(log: Sequence[Decision]) -> dict[str, Decision]:
    """counterfactual id -> its latest standing decision; its last undo, which is pending, where none stands."""
    undos = {d.counterfactual_id: d for d in log if d.undoes is not None}
    return {**undos, **{d.counterfactual_id: d for d in standing(log)}}
