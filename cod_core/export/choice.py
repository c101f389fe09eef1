"""What of a curated set leaves: a person's choice, and which pairs may leave at all; how a student does. Knows no store and no file."""

from dataclasses import dataclass
from typing import Any

from cod_core.export.record import ExportItem
from cod_core.types import KEPT, Decision, FlipCheck

STUDENT_FORMS = ("folder", "sentence-transformers", "transformers")
"""How a student leaves: with a loader of a dozen lines; for sentence-transformers, SetFit and scikit-learn; for the
text-classification pipeline of transformers."""


@dataclass(frozen=True)
class ExportChoice:
    """Every field that is set must hold. splits, labels (of the original), statuses: what to take.

    flips_only: leave out what was kept although it does not flip. guideline_from: decided under this version or a
    newer one. anonymise: A1, A2, ... in place of names, in the order of their first decision. rejected: add the
    rejected pairs in a file of their own.
    """

    statuses: tuple[str, ...] = KEPT
    splits: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    flips_only: bool = False
    guideline_from: int | None = None
    anonymise: bool = True
    rejected: bool = False

    def takes(self, item: ExportItem) -> bool:
        """Whether an item passes; its status is looked at by the writer, except that a kept one must be wanted."""
        made = item.decision
        return not (
            (made.status in KEPT and made.status not in self.statuses)
            or (self.splits and item.example.split not in self.splits)
            or (self.labels and item.example.label not in self.labels)
            or (self.flips_only and made.status in KEPT and not (item.check and item.check.valid))
            or (self.guideline_from is not None and made.guideline_version < self.guideline_from)
        )

    def as_filters(self) -> dict[str, Any]:
        """The choice as the manifest tells it."""
        return {
            "statuses": list(self.statuses),
            "splits": list(self.splits),
            "labels": list(self.labels),
            "flips_only": self.flips_only,
            "guideline_from": self.guideline_from,
            "anonymised": self.anonymise,
        }


def exportable(decision: Decision, check: FlipCheck | None) -> bool:
    """Whether a kept pair may leave: it flips the present teacher to its target, or carries a reason for keeping it all the same.

    With three labels or more a new teacher may flip to a third one: then the pair's label is no longer what it says.
    """
    return bool(decision.override_reason) or (check is not None and check.valid)
