"""A record as labelled rows, a text each: the original, then its counterfactual. What every tool's file is written from.

Knows records; neither a tool's format nor a file.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from cod_core.export.record import Record

FLIPS, NO_FLIP, NOT_CHECKED = "yes", "no", "not checked"


@dataclass(frozen=True)
class Row:
    """One text on its way to another tool.

    id: unique among the rows of a set. pair_id: the same for both rows of a pair. flips: of the pair, whether the counterfactual
    turns the teacher to its label: yes, no, not checked. predicted: the teacher's class, "" where it was not asked; score: its
    probability. document: where the text came from, "" where unknown. metadata: columns that the person kept.
    """

    id: str
    text: str
    label: str
    pair_id: str
    role: Literal["original", "counterfactual"]
    split: str
    flips: str
    teacher: str = ""
    predicted: str = ""
    score: float | None = None
    annotator: str = ""
    document: str = ""
    metadata: dict[str, str] = field(default_factory=dict)

    def about(self) -> dict[str, str]:
        """What the row is besides its text and label, as text: the columns that the person kept, then ours."""
        own = {"id": self.id, "pair_id": self.pair_id, "role": self.role, "split": self.split, "flips": self.flips}
        if self.document:
            own["source_id"] = self.document
        return {key: value for key, value in self.metadata.items() if key not in ("text", "label", *own)} | own


def flips_of(record: Record) -> str:
    """Whether a pair's counterfactual turns the teacher to its label: yes, no, not checked."""
    found = record.verification
    if found is None:
        return NOT_CHECKED
    return FLIPS if found.flipped and found.reached_target else NO_FLIP


def rows_of(record: Record) -> Iterator[Row]:
    """The two rows of a record, the original first."""
    found, teacher = record.verification, f"{record.teacher.id}@{record.teacher.revision}" if record.verification else ""
    metadata = {str(key): str(value) for key, value in json.loads(record.metadata).items()}
    sides: tuple[tuple[Literal["original", "counterfactual"], str, str, str, str, list[float]], ...] = (
        ("original", f"{record.id}-original", record.text, record.label, *(
            (found.original_pred, found.original_probs) if found else ("", [])
        )),
        ("counterfactual", record.id, record.counterfactual_text, record.counterfactual_label, *(
            (found.counterfactual_pred, found.counterfactual_probs) if found else ("", [])
        )),
    )  # fmt: skip
    for role, name, text, label, predicted, probs in sides:
        yield Row(
            name,
            text,
            label,
            record.pair_id,
            role,
            record.split,
            flips_of(record),
            teacher,
            predicted,
            max(probs) if probs else None,
            record.decision.annotator_id,
            record.source or "",
            metadata,
        )
