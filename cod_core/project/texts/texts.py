"""The texts of a project: by split, by label, those to train on, those that students are judged on."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from cod_core.data.counts import Counts
from cod_core.project.place import Latest, Place, Room
from cod_core.store import items
from cod_core.text import folded
from cod_core.types import Example

if TYPE_CHECKING:
    from cod_core.distill.cells import EvalSet

JUDGING = ("test", "validation", "unlabelled")  # splits that students are judged on


class Texts(Room):
    """What the project holds."""

    def __init__(self, place: Place):
        super().__init__(place)
        self.last = place.once("judged", Latest[tuple[tuple[Counts, int], frozenset[str]]])

    def counts(self) -> Counts:
        """How many texts the project has, by split and gold label."""
        return items.counts(self.db, self.id)

    def judging(self) -> tuple[int, int]:
        """(labelled test texts, unlabelled texts): what students can be judged on."""
        counts = self.counts()
        return counts.labelled("test"), counts.unlabelled

    def eval_sets(self, without: Iterable[str] = ()) -> "tuple[EvalSet, EvalSet, EvalSet]":
        """(test, development, unlabelled) texts that students are judged on, as EvalSets. without: labels left out."""
        from cod_core.distill.cells import EvalSet

        left_out = frozenset(without)

        def of(split: str) -> EvalSet:
            rows = self.examples(split)
            gold = tuple(e.label for e in rows) if split != "unlabelled" else None
            return EvalSet(tuple(e.text for e in rows), gold, left_out)

        return of("test"), of("validation"), of("unlabelled")

    def pool(self) -> dict[str, Example]:
        """Labelled training texts by id."""
        return {e.id: e for e in items.examples(self.db, self.id, split="train") if e.label is not None}

    def pool_of(self, ids: Iterable[str]) -> dict[str, Example]:
        """Those of these texts that are labelled training texts, by id."""
        return {e.id: e for e in items.examples(self.db, self.id, ids=list(ids)) if e.split == "train" and e.label is not None}

    def judged(self) -> frozenset[str]:
        """The texts that students are judged on (test, validation, without labels), as duplicates are told."""
        counts = self.counts()
        key = counts, self.row.settings.get("labellings", 0)  # corrected words change no count
        known = self.last.value
        if known is None or known[0] != key:
            known = self.last.value = key, frozenset(folded(e.text) for split in JUDGING for e in self.examples(split))
        return known[1]

    def examples(self, split: str | None = None) -> list[Example]:
        """The texts of a split (train, validation, test, unlabelled), all where None, in upload order."""
        return items.examples(self.db, self.id, split=split)
