"""What a model wrote between tags, <think> and the like, found in one pass.

A pattern with .*? between an opening tag and its closing one starts again at every opening tag: a reply of nothing but opening
tags, or of blank lines, then holds the whole process for minutes. Here a closing tag that is missing is looked for once.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

THOUGHTS = ("think", "thinking", "reasoning")


@lru_cache(maxsize=16)
def _opening(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"<({'|'.join(map(re.escape, names))})>", re.I)


def tagged(text: str, names: tuple[str, ...]) -> Iterator[tuple[int, int, str]]:
    """(start, end, what stands between) of each <name>...</name>, leftmost first; letter case does not count, none overlap."""
    opening, done, missing = _opening(names), 0, set[str]()
    for found in opening.finditer(text):
        name = found.group(1).casefold()
        if found.start() < done or name in missing:
            continue
        closing = re.compile(f"</{re.escape(name)}>", re.I).search(text, found.end())
        if closing is None:
            missing.add(name)
            continue
        done = closing.end()
        yield found.start(), done, text[found.end() : closing.start()]


def without_thoughts(text: str) -> str:
    """The text without what a model thought aloud before it answered."""
    kept, at = [], 0
    for start, end, _ in tagged(text, THOUGHTS):
        kept.append(text[at:start])
        at = end
    return "".join([*kept, text[at:]])
