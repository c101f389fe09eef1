"""Texts that will not flip: when a run should say so, and what it says. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FIRST, FEW = 10, 0.3  # texts that a run looks at before it says so; the share that flips below which it does


@dataclass(frozen=True)
class HardTexts:
    """A run on which few texts flip. words: what the teacher decides by over those that do not. better: what would do better,
    a sentence."""

    tried: int
    flipped: int
    words: tuple[str, ...]
    better: str

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> "HardTexts | None":
        """From what is on record; None where nothing is."""
        if not stored.get("tried"):
            return None
        return cls(int(stored["tried"]), int(stored["flipped"]), tuple(map(str, stored["words"])), str(stored["better"]))

    @property
    def sentence(self) -> str:
        """'Only 2 of 12 texts flip. The teacher seems to decide by: call, free, £1000. …'"""
        by = f" The teacher seems to decide by: {', '.join(self.words)}." if self.words else ""
        return f"Only {self.flipped} of {self.tried} texts flip.{by} {self.better}"


def few_flip(tried: int, flipped: int) -> bool:
    """Whether so few of the first texts flip that a person should know."""
    return tried >= FIRST and flipped < FEW * tried


def better(sources_off: bool, words_kept: bool, model: str) -> str:
    """Which source would do better. sources_off: whether some candidate sources are switched off; words_kept: whether words must
    stay; model: name of the language model used last, "" where there is none."""
    if sources_off:
        return "Switch all sources of new words on under Options, and try again."
    if words_kept:
        return "Let fewer words stay as they are, and try again."
    by = f"{model} changes" if model else "A language model changes"
    return f"{by} whole phrases and usually flips more here: choose “Language model”, or write your own on the page Curate."
