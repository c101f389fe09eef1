"""Where a text may be cut: its sentences and clauses, and what a word is to the words beside it. Knows no model.

A splice joins two texts at a junction, which holds where the word beside it is the same in both; the edges of sentences are
alike whatever sign stands there. One rule for every language; where a tagger reads it, parts of speech tell phrases apart.
"""

from dataclasses import dataclass
from functools import lru_cache

from cod_core.counterfactuals import words
from cod_core.counterfactuals.languages import ENGLISH, Language, language_of
from cod_core.text import token_spans

EDGE = "\x02"  # stands for the edge of a sentence, on the left and on the right
_ENDS, _HEADS = frozenset(".!?。！？…"), frozenset(".!?:。！？：…")


@dataclass(frozen=True)
class Tagged:
    """A text in tokens. lower: each in lower case. tags: a Penn tag each, () where no tagger reads the language.

    left, right: what a junction sees of the token that stands before (after) it, one more than there are tokens: left[i] is of
    token i - 1 and right[j] of token j, EDGE at the edge of a sentence.
    """

    text: str
    spans: tuple[tuple[int, int], ...]
    lower: tuple[str, ...]
    tags: tuple[str, ...]
    left: tuple[str, ...]
    right: tuple[str, ...]
    language: Language = ENGLISH

    def __len__(self) -> int:
        return len(self.lower)

    def piece(self, start: int, end: int) -> str:
        """The characters from token `start` up to token `end`."""
        return self.text[self.spans[start][0] : self.spans[end - 1][1]] if end > start else ""


@lru_cache(maxsize=20_000)
def tagged(text: str, usual: Language | None = None) -> Tagged:
    """usual: the language of the texts around it."""
    spans, language = token_spans(text), language_of(text, usual)
    found = [text[a:b] for a, b in spans]
    lower = tuple(t.lower() for t in found)
    parts = tuple(b == len(text) or not text[b].isalnum() for _, b in spans)  # not the sign in 18.4 or 19:05
    left = tuple(EDGE if i == 0 or (lower[i - 1] in _HEADS and parts[i - 1]) else lower[i - 1] for i in range(len(lower) + 1))
    right = tuple(EDGE if j == len(lower) or (lower[j] in _ENDS and parts[j]) else lower[j] for j in range(len(lower) + 1))
    return Tagged(text, spans, lower, words.tags(found) if language.forms else (), left, right, language)


def sentences(one: Tagged) -> list[tuple[int, int]]:
    """(first token, one past the last) of every sentence, its final sign included; a quotation mark or bracket that closes after it
    too."""
    found, start = [], 0
    for i in range(len(one)):
        if i >= start and one.right[i] == EDGE and (i + 1 == len(one) or one.right[i + 1] != EDGE):
            end = i + 1
            while end < len(one) and not one.lower[end][0].isalnum() and one.spans[end][0] == one.spans[end - 1][1]:
                end += 1
            found.append((start, end))
            start = end
    found += [(start, len(one))] if start < len(one) else []
    whole: list[tuple[int, int]] = []
    for a, b in found:
        if whole and not any(word[0].isalnum() for word in one.lower[a:b]):
            whole[-1] = whole[-1][0], b
        else:
            whole.append((a, b))
    return whole


def clause_edges(one: Tagged) -> frozenset[int]:
    """Positions at which a clause begins or ends: the edges of sentences, and on either side of a comma or its like."""
    marks = {i for i, word in enumerate(one.lower) if not word[0].isalnum() and word not in "'’\"-()"}
    return frozenset({0, len(one)} | marks | {i + 1 for i in marks})
