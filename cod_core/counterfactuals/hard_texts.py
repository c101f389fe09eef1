"""Texts that will not flip: when a run should say so, and what it says. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cod_core.said import msg, say, together

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
        only = say("Only {n} of {tried} texts flip.", n=self.flipped, tried=self.tried)
        by = say("The teacher seems to decide by: {words}.", words=", ".join(self.words)) if self.words else ""
        return together((only, by, self.better))


def few_flip(tried: int, flipped: int) -> bool:
    """Whether so few of the first texts flip that a person should know."""
    return tried >= FIRST and flipped < FEW * tried


def better(sources_off: bool, words_kept: bool, model: str) -> str:
    """Which source would do better. sources_off: whether some candidate sources are switched off; words_kept: whether words must
    stay; model: name of the language model used last, "" where there is none."""
    if sources_off:
        return msg("Switch all sources of new words on under Options, and try again.")
    if words_kept:
        return msg("Let fewer words stay as they are, and try again.")
    if model:
        return say(
            "{model} changes whole phrases and usually flips more here: choose “Language model”, or write your own on the page Curate.",
            model=model,
        )
    return msg(
        "A language model changes whole phrases and usually flips more here: choose “Language model”, or write your own on the page Curate."
    )
