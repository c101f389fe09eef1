"""What a model wrote between tags or in channels, <think> and the like, found in one pass.

A pattern with .*? between an opening tag and its closing one starts again at every opening tag: a reply of nothing but opening
tags, or of blank lines, then holds the whole process for minutes. Here every mark is looked at once.
"""

import re
from collections.abc import Iterator
from functools import lru_cache

THOUGHTS = ("think", "thinking", "thought", "thoughts", "reasoning", "reflection", "seed:think")
# how models that were not trained on <think> mark their thoughts: as written, or as a server that knows no better hands it on
_OTHER_MARKS = {
    "[think]": "<think>",
    "[/think]": "</think>",
    "◁think▷": "<think>",
    "◁/think▷": "</think>",
    "<|begin_of_thought|>": "<think>",
    "<|end_of_thought|>": "</think>",
    "<|start_thinking|>": "<think>",
    "<|end_thinking|>": "</think>",
    "<unused94>": "<think>",
    "<unused95>": "</think>",
    "<|channel>thought": "<think>",
    "<channel|>": "</think>",
}
_OTHER = re.compile("|".join(map(re.escape, _OTHER_MARKS)), re.I)
_MARK = re.compile(rf"<(/?)({'|'.join(map(re.escape, THOUGHTS))})>", re.I)
_FINAL = re.compile(r"<\|channel\|>\s*final\b[^<\n]{0,40}(?:<\|constrain\|>[^<\n]{0,40})?<\|message\|>", re.I)
_CHANNEL_END = re.compile(r"<\|(?:return|end|start|call|channel)\|>")
_BARE_FINAL = "assistantfinal"  # what is left of the channels where a server drops the special tokens


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


def without_thoughts(text: str, asked_about: str = "") -> str:
    """The text without what a model thought aloud before it answered; "" where it did nothing else.

    A closing tag without an opening one ends thoughts that began with the reply (servers cut the opening tag off with the
    prompt); an opening one without an end means that the reply broke off in the middle of them. asked_about: the text that the
    reply is about; where that holds such tags itself, nothing is taken away.
    """
    if _MARK.search(asked_about) or _OTHER.search(asked_about) or "<|channel|>" in asked_about:
        return text
    text = _OTHER.sub(lambda mark: _OTHER_MARKS[mark.group().lower()], _final_channel(text))
    kept: list[str] = []
    at, opened = 0, ""
    for mark in _MARK.finditer(text):
        name = mark.group(2).casefold()
        if not mark.group(1):
            if not opened:
                kept.append(text[at : mark.start()])
                opened = name
        elif opened in ("", name):
            kept = kept if opened else []
            at, opened = mark.end(), ""
    return "".join(kept if opened else [*kept, text[at:]])


def _final_channel(text: str) -> str:
    """What stands in the channel "final" of a reply in OpenAI's harmony format, "" where it broke off before; else the text."""
    finals = list(_FINAL.finditer(text))
    if finals:
        end = _CHANNEL_END.search(text, finals[-1].end())
        return text[finals[-1].end() : end.start() if end else len(text)]
    if "<|channel|>" in text:
        return ""
    at = text.rfind(_BARE_FINAL)
    return text[at + len(_BARE_FINAL) :] if at > 0 and text.lstrip().startswith("analysis") else text
