"""Which source of proposals does better on a person's texts: counted on the first few, in plain numbers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

OTHER = {"words": "splices", "splices": "words"}
_TOLD = {"words": "single changed words", "splices": "pieces of your own texts"}
TRIAL = 8  # texts on which the sources compete
LARGE, SLOW = 0.25, 0.01  # what the share of words changed, and a second, is worth against the share of texts with an offer


@dataclass(frozen=True)
class Tally:
    """Of one source. texts: tried. offered: with a proposal that the judges accept. fraction: sum of the shares of words changed
    there. seconds: of all."""

    texts: int = 0
    offered: int = 0
    fraction: float = 0.0
    seconds: float = 0.0

    @property
    def values(self) -> tuple[int, int, float, float]:
        return self.texts, self.offered, self.fraction, self.seconds

    def plus(self, fraction: float | None, seconds: float) -> "Tally":
        """With one more text. fraction: of its best proposal, None where there is none."""
        return Tally(self.texts + 1, self.offered + (fraction is not None), self.fraction + (fraction or 0.0), self.seconds + seconds)

    @property
    def worth(self) -> float:
        """Share of texts with an offer, each worth less the more it changes, less the time they take."""
        if not self.texts:
            return 0.0
        return (self.offered - LARGE * self.fraction - SLOW * self.seconds) / self.texts


def chosen(tally: Mapping[str, Tally]) -> str | None:
    """The better source, None while they still compete; changed words where both are worth the same."""
    if min(one.texts for one in tally.values()) < TRIAL:
        return None
    return max(OTHER, key=lambda source: tally[source].worth)


def hopeless(tally: Mapping[str, Tally]) -> bool:
    """Whether the sources competed and none gave anything that the judges accept."""
    return all(one.texts >= TRIAL and not one.offered for one in tally.values())


def told(source: str) -> str:
    """A source in plain words."""
    return _TOLD[source]
