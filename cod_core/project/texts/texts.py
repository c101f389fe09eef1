"""The texts of a project: by split, by label, those to train on, those that students are judged on."""

from collections.abc import Iterable

from cod_core.project.place import Place, Room
from cod_core.store import items
from cod_core.text import folded
from cod_core.types import Example


class Texts(Room):
    """What the project holds."""

    def __init__(self, place: Place):
        super().__init__(place)
        self._judged: tuple[object, frozenset[str]] | None = None

    def judging(self) -> tuple[int, int]:
        """(labelled test texts, unlabelled texts): what students can be judged on."""
        counts = items.count_examples(self.db, self.id)
        return (
            sum(n for (split, label), n in counts.items() if split == "test" and label is not None),
            sum(n for (split, _), n in counts.items() if split == "unlabelled"),
        )

    def eval_sets(self) -> tuple:
        """(test, development, unlabelled) texts that students are judged on, as EvalSets."""
        from cod_core.distill.sweep import EvalSet

        return tuple(
            EvalSet(tuple(e.text for e in rows), tuple(e.label for e in rows) if split != "unlabelled" else None)
            for split in ("test", "validation", "unlabelled")
            for rows in [items.examples(self.db, self.id, split=split)]
        )

    def pool(self) -> dict[str, Example]:
        """Labelled training texts by id."""
        return {e.id: e for e in items.examples(self.db, self.id, split="train") if e.label is not None}

    def pool_of(self, ids: Iterable[str]) -> dict[str, Example]:
        """Those of these texts that are labelled training texts, by id."""
        return {e.id: e for e in items.examples(self.db, self.id, ids=list(ids)) if e.split == "train" and e.label is not None}

    def judged(self) -> frozenset[str]:
        """The texts that students are judged on (test, validation, without labels), as duplicates are told."""
        counts = items.count_examples(self.db, self.id)
        if self._judged is None or self._judged[0] != counts:  # texts are never taken out: what is new, or moved, changes the counts
            found = (
                folded(e.text) for split in ("test", "validation", "unlabelled") for e in items.examples(self.db, self.id, split=split)
            )
            self._judged = counts, frozenset(found)
        return self._judged[1]

    def examples(self, split: str | None = None) -> list[Example]:
        """The texts of a split (train, validation, test, unlabelled), all where None, in upload order."""
        return items.examples(self.db, self.id, split=split)
