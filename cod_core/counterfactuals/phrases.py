"""Phrases that texts of a class have and others have not: a palette for somebody who writes their own. Pure; knows no model."""

import math
from collections import Counter
from collections.abc import Collection, Sequence

from cod_core.counterfactuals.languages import language_of, usual_language
from cod_core.counterfactuals.pieces import GUARDED, pieces_of
from cod_core.text import is_unspaced, token_spans

LONGEST, MAX_TEXTS = 5, 5000


def phrases_of(texts: Sequence[str], labels: Sequence[str], target: str, most: int = 24) -> list[str]:
    """Up to `most` phrases of one to five words, as they are written, that most set the target apart from all other labels.

    A phrase begins and ends with a word that is no function word, holds no sign, and stands in two texts of the target at
    least, where there are enough such; of two phrases that hold one another the one that tells more stays.
    """
    usual = usual_language(texts[:MAX_TEXTS])
    mine: Counter[str] = Counter()
    rest: Counter[str] = Counter()
    written: dict[str, str] = {}
    sizes: Counter[bool] = Counter()
    for text, label in list(zip(texts, labels, strict=True))[:MAX_TEXTS]:
        found = candidates(text, language_of(text, usual).function_words)
        sizes[label == target] += 1
        (mine if label == target else rest).update(found.keys())
        if label == target:
            for folded, phrase in found.items():
                written.setdefault(folded, phrase)
    scores = {phrase: _apart(n, sizes[True], rest[phrase], sizes[False]) for phrase, n in mine.items()}
    often = _chosen({p: s for p, s in scores.items() if mine[p] > 1}, most)
    return [written[phrase] for phrase in (often if len(often) >= min(most, 8) else _chosen(scores, most))]


def _chosen(scores: dict[str, float], most: int) -> list[str]:
    """The phrases that set the target apart most, longer ones first among equals, none of which holds another."""
    ranked = sorted((p for p, s in scores.items() if s > 0), key=lambda p: (-scores[p] * len(p.split()) ** 0.5, p))
    chosen: list[str] = []
    for phrase in ranked:
        if not any(_within(phrase, one) or _within(one, phrase) for one in chosen):
            chosen.append(phrase)
        if len(chosen) == most:
            break
    return chosen


def candidates(text: str, function_words: Collection[str]) -> dict[str, str]:
    """Phrase in folded case -> as it is written, of one text."""
    spans = token_spans(text)
    words = [text[a:b] for a, b in spans]
    out = {i for piece in pieces_of(text) if piece.kind == GUARDED for i in range(piece.start, piece.end)}
    plain = [i not in out and (word[0].isalnum()) for i, word in enumerate(words)]
    tells = [ok and word.casefold() not in function_words and (len(word) > 1 or is_unspaced(word)) for ok, word in zip(plain, words)]
    found: dict[str, str] = {}
    for start in range(len(words)):
        for end in range(start + 1, min(start + LONGEST, len(words)) + 1):
            if not plain[end - 1]:
                break
            if tells[start] and tells[end - 1]:
                phrase = " ".join(text[spans[start][0] : spans[end - 1][1]].split())
                found[phrase.casefold()] = phrase
    return found


def _apart(n: int, of: int, m: int, others: int) -> float:
    """Log-odds of a phrase in the target against the rest, in standard errors."""
    a, b = (n + 0.5) / (of + 1), (m + 0.5) / (others + 1)
    return (math.log(a / (1 - a + 1e-9)) - math.log(b / (1 - b + 1e-9))) / math.sqrt(1 / (n + 0.5) + 1 / (m + 0.5))


def _within(a: str, b: str) -> bool:
    return f" {a} " in f" {b} "
