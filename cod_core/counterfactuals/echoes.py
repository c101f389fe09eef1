"""Replies that are no change of the text: the instructions said again, or words about the task. Pure.

A small model hands back "the whole text after your change", and a teacher that must name a class says of it what it says; so it
passed for a counterfactual that flips (docs/experiments.md, language models).
"""

import re
from functools import lru_cache

from cod_core.counterfactuals.prompts import templates
from cod_core.text import folded, tokens

RUN = 4  # words in a row that stand in the instructions and not in the text
MOST = 0.5  # of a reply's words that such runs may cover, where less than half of them are the text's
FEWEST = 8  # words of a text from which a change of it keeps one of them at least


def no_change(original: str, text: str) -> str | None:
    """Why a text is no change of the original (a key of replies.REASONS); None where it may be one."""
    before, after = _words(original), _words(text)
    kept = set(before) & set(after)
    if after and 2 * len(kept) < len(set(after)) and _said(after, before) >= MOST * len(after):
        return "echo"
    return "another_text" if len(before) >= FEWEST and after and not kept else None


def _said(after: list[str], before: list[str]) -> int:
    """How many words of a reply stand in runs that the instructions have and the text has not."""
    known, at = _instructions() - _runs(before), set[int]()
    for i in range(len(after) - RUN + 1):
        if tuple(after[i : i + RUN]) in known:
            at.update(range(i, i + RUN))
    return len(at)


@lru_cache(maxsize=1)
def _instructions() -> frozenset[tuple[str, ...]]:
    """Runs of words that the templates consist of, what is filled in left out."""
    parts = (part for one in templates().values() for text in (one.system, one.user, one.worked) for part in re.split(r"\$\{\w+\}", text))
    return frozenset(run for part in parts for run in _runs(_words(part)))


def _words(text: str) -> list[str]:
    return [word for word in tokens(folded(text)) if word[0].isalnum()]


def _runs(words: list[str]) -> frozenset[tuple[str, ...]]:
    return frozenset(zip(*(words[at:] for at in range(RUN))))
