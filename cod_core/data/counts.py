"""How many texts a project has, by split and gold label. Plain numbers; knows no store."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """texts: (split, gold label or None) -> number of texts, 1 or more; absent where there are none."""

    texts: Mapping[tuple[str, str | None], int]

    @property
    def total(self) -> int:
        """All texts."""
        return sum(self.texts.values())

    def of(self, *splits: str) -> int:
        """Texts of these splits, with a gold label or without."""
        return sum(n for (split, _), n in self.texts.items() if split in splits)

    def labelled(self, *splits: str) -> int:
        """Texts with a gold label: of these splits, or of all if none is named."""
        return sum(n for (split, label), n in self.texts.items() if label is not None and (not splits or split in splits))

    def per_label(self, split: str, labels: Sequence[str]) -> dict[str, int]:
        """label -> texts of the split, in the order of `labels`; 0 where there are none. Other labels are left out."""
        return {label: self.texts.get((split, label), 0) for label in labels}

    def unjudged(self, labels: Sequence[str]) -> list[str]:
        """The labels that no test text has, where the test has texts of others: nothing measured on it speaks of them."""
        test = self.per_label("test", labels)
        return [label for label, n in test.items() if not n] if any(test.values()) else []

    @property
    def unlabelled(self) -> int:
        """Texts of the split "unlabelled"."""
        return self.of("unlabelled")

    @property
    def judged(self) -> list[tuple[str, str, int]]:
        """(split, label, texts) of everything but training texts, in a fixed order: what marks of results are made of."""
        return sorted((split, str(label), n) for (split, label), n in self.texts.items() if split != "train")
