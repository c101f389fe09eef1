"""What the decision log amounts to: pure replay, so that the state can be rebuilt from nothing."""

from collections.abc import Sequence

from cod_core.types import Decision


def standing(log: Sequence[Decision]) -> list[Decision]:
    """The decisions that hold: neither undone nor undoing, in order."""
    undone = {d.undoes for d in log if d.undoes is not None}
    return [d for d in log if d.undoes is None and d.seq not in undone]


def outcome(log: Sequence[Decision]) -> dict[str, Decision]:
    """example id -> its latest standing decision; texts whose every decision was undone are absent."""
    return {d.example_id: d for d in standing(log)}


def current(log: Sequence[Decision]) -> dict[str, Decision]:
    """counterfactual id -> its latest standing decision."""
    return {d.counterfactual_id: d for d in standing(log)}
