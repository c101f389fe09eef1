"""Ordinary augmentation, the control that counterfactuals are compared with: random words for random words."""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from cod_core.text import text_hash, token_spans

VOCABULARY = 5000


def vocabulary(texts: Iterable[str], size: int = VOCABULARY) -> list[str]:
    """The most frequent words of the texts, in lower case, most frequent first; ties by the alphabet."""
    counts = Counter(text[a:b].lower() for text in texts for a, b in token_spans(text) if text[a].isalpha())
    return [word for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:size]]


def random_swap(text: str, like: str, words: list[str], key: str) -> str:
    """`text` with as many of its words replaced as `like` changed (at least one). key: decides the draw.

    Words to replace and replacements are drawn uniformly; punctuation stays. The text itself where it has no word.
    """
    from rapidfuzz.distance import Levenshtein

    spans = [(a, b) for a, b in token_spans(text) if text[a].isalpha()]
    tokens = [[t[a:b] for a, b in token_spans(t)] for t in (text, like)]
    n = min(len(spans), max(1, Levenshtein.distance(*tokens)))
    if not n or not words:
        return text
    rng = np.random.default_rng(int(text_hash(f"{key}\x1f{text}")[:12], 16))
    chosen = {int(i) for i in rng.choice(len(spans), n, replace=False)}
    out, at = [], 0
    for place, (a, b) in enumerate(spans):
        if place in chosen:
            old = text[a:b]
            new = next((w for w in (words[int(rng.integers(len(words)))] for _ in range(20)) if w != old.lower()), old)
            out += [text[at:a], new.capitalize() if old[:1].isupper() else new]
            at = b
    return "".join(out) + text[at:]
