"""A curator's own words tried in every place of a text: the answer to "try again, with this word".

Each word or phrase replaces one token, or is put before one; the teacher scores all of it in one batch. Knows the
teacher as a function, no store. What the curator wants kept is not touched.
"""

from collections.abc import Callable, Sequence

import numpy as np

from cod_core import text as tx
from cod_core.counterfactuals.moves import spaced
from cod_core.types import Counterfactual, Example, Origin, now

REVISION = "hinted/1"
MOST_PHRASES, MOST_TEXTS = 6, 600


def phrases_of(hint: str) -> list[str]:
    """'dull, far too long' as its phrases: what stands between commas, semicolons or line ends, at most six."""
    parts = [part.strip() for part in hint.replace(";", ",").replace("\n", ",").split(",")]
    return list(dict.fromkeys(part for part in parts if part))[:MOST_PHRASES]


def kept_spans(text: str, keep: Sequence[str]) -> list[tuple[int, int]]:
    """Character ranges of every occurrence of the phrases that must stay."""
    found = []
    for phrase in keep:
        at = text.find(phrase) if phrase else -1
        while at >= 0:
            found.append((at, at + len(phrase)))
            at = text.find(phrase, at + len(phrase))
    return found


def tries(text: str, phrases: Sequence[str], keep: Sequence[str] = ()) -> list[tuple[str, str]]:
    """(text, what was done) with each phrase in each place that may be touched; at most 600, replacements first."""
    spans, kept = tx.token_spans(text), kept_spans(text, keep)
    free = [(a, b) for a, b in spans if not any(a < end and b > start for start, end in kept)]
    gaps = [a for a, _ in spans if not any(start < a < end for start, end in kept)]
    out: dict[str, str] = {}
    for phrase in phrases:
        for a, b in free:
            if text[a:b] != phrase:
                out.setdefault(text[:a] + _like(phrase, text[a:b]) + text[b:], f"replaced “{text[a:b]}” with “{phrase}”")
    for phrase in phrases:
        for a in gaps:
            out.setdefault(text[:a] + spaced(text, a, phrase) + text[a:], f"added “{phrase}”")
    return [(made, note) for made, note in out.items() if made != text][:MOST_TEXTS]


def _like(phrase: str, word: str) -> str:
    return phrase[:1].upper() + phrase[1:] if word[:1].isupper() and phrase[:1].islower() else phrase


def with_words(
    example: Example,
    source: str,
    target: str,
    phrases: Sequence[str],
    keep: Sequence[str],
    score: Callable[[Sequence[str]], np.ndarray],
    labels: Sequence[str],
    n: int = 2,
    most: int = MOST_TEXTS,
) -> list[Counterfactual]:
    """Up to n texts with one of the phrases in one place that reach the target, clearest first; [] where none does.

    most: texts that the teacher may score; of more, as many evenly spread over places and phrases.
    """
    tried = tries(example.text, phrases, keep)
    if not tried:
        return []
    tried = [tried[int(i * len(tried) / most)] for i in range(most)] if len(tried) > most else tried
    rows, aim = np.asarray(score([made for made, _ in tried])), list(labels).index(target)
    margins = rows[:, aim] - np.delete(rows, aim, axis=1).max(axis=1)
    best = [i for i in np.argsort(-margins) if margins[i] > 0][:n]
    return [
        Counterfactual(
            tx.short_hash(example.id, tried[i][0], target, "hint", ""),
            example.id,
            tried[i][0],
            source,
            target,
            Origin("search", "your words, placed by search", REVISION),
            note=tried[i][1],
            created_at=now(),
        )
        for i in best
    ]
