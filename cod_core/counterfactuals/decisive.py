"""Which words a teacher decides by: those without which it is less sure. Knows the teacher as a Judge, no store.

By one backward pass where the teacher gives gradients, else by leaving each word out. A piece (a number, a link) counts as
one word.
"""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from cod_core.counterfactuals.languages import Language
from cod_core.counterfactuals.search import context_of
from cod_core.counterfactuals.trial import Judge

MOST_PLACES = 120
LEAST = 0.05  # of the margin's loss, below which a word hardly speaks


def speaking(judge: Judge, text: str, label: int, usual: Language | None = None) -> list[tuple[str, float]]:
    """(word or piece, margin of the class `label` that is lost without it), most first; those that speak for it alone.

    Of a text with many words the first MOST_PLACES are looked at. usual: the language of the texts around it.
    """
    context = context_of(text, "", "", usual=usual)
    units = [(piece.start, piece.end) for piece in context.pieces] + [(p, p + 1) for p in context.places]
    cuts = [(context.spans[a][0], context.spans[b - 1][1]) for a, b in sorted(units)[:MOST_PLACES]]
    if not cuts:
        return []
    if judge.sensitivity is not None:
        _, change = judge.sensitivity.estimate(text, [(a, b, "") for a, b in cuts], label)
    else:
        margins, _ = judge.measure([text, *(" ".join((text[:a] + text[b:]).split()) for a, b in cuts)], label)
        change = margins[1:] - margins[0]
    lost = [(text[a:b], -float(one)) for (a, b), one in zip(cuts, change) if np.isfinite(one) and -one >= LEAST]
    return sorted(lost, key=lambda pair: -pair[1])


def decisive(judge: Judge, texts: Sequence[str], labels: Sequence[int], most: int = 8, usual: Language | None = None) -> list[str]:
    """The words that decide most over these texts, each with its class: summed over the texts, first as they are written."""
    lost: defaultdict[str, float] = defaultdict(float)
    written: dict[str, str] = {}
    for text, label in zip(texts, labels, strict=True):
        for word, much in speaking(judge, text, label, usual):
            lost[word.casefold()] += much
            written.setdefault(word.casefold(), word)
    return [written[word] for word in sorted(lost, key=lambda w: -lost[w])[:most]]
