"""Whether a teacher's answers say anything about the labels. Plain labels in, yes or no out."""

from collections import Counter
from collections.abc import Sequence

from cod_core.diagnostics.fidelity import wilson

MAX_P = 0.05


def by_chance(gold: Sequence[str], said: Sequence[str]) -> float:
    """Share of right answers that would be had by chance, if `said` were dealt out anew among the texts."""
    n, own, others = len(gold), Counter(gold), Counter(said)
    return sum(own[label] * others[label] for label in own) / n**2 if n else 0.0


def guesses(gold: Sequence[str], said: Sequence[str]) -> bool:
    """Whether `said` does no better than guessing: not shown to be right more often than chance, and shown to be worse
    than half way from chance to always right.

    The second half keeps a few texts from raising an alarm: 4 right of 8 may well be a good teacher's. Chance knows how
    often each label is named, so whoever always names the commonest one guesses, and whoever finds a rare one does not.
    False where gold has one label only.
    """
    if len(set(gold)) < 2:
        return False
    from scipy.stats import binom

    n, chance = len(gold), by_chance(gold, said)
    right = sum(a == b for a, b in zip(gold, said, strict=True))
    highest = wilson(right, n).high
    better = float(binom.sf(right - 1, n, chance)) < MAX_P  # one-sided: so many right answers by chance
    return not better and highest is not None and highest < (1 + chance) / 2
