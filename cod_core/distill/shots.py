"""Which numbers of training rows are worth a comparison, and which of them can be drawn evenly. Plain numbers in and out.

k counts training rows, counterfactuals included: k/2 texts with their k/2 counterfactuals beside k texts. A k below twice the number
of labels has no room for a text and a counterfactual of each label, so it is neither offered nor called a gain or a loss.
"""

from collections.abc import Sequence

LADDER = (8, 16, 32, 64, 128, 256, 512)
FEW_LABELS = LADDER[0] // 2  # labels up to which the smallest k of the ladder holds a text and a counterfactual of each
STEPS = len(LADDER)


def least(labels: int) -> int:
    """The smallest k that compares so many labels."""
    return 2 * labels


def ladder(labels: int) -> tuple[int, ...]:
    """The usual k: of the paper for few labels, a text and a counterfactual of each label and its doubles for many."""
    return LADDER if labels <= FEW_LABELS else tuple(least(labels) * 2**step for step in range(STEPS))


def evenly(labels: int, even: int, pool: int) -> list[int]:
    """k of the ladder that can be drawn with as many texts of each label. even: pairs that a balanced draw can use. pool: labelled
    training texts."""
    small = [*([2 * even] if 0 < 2 * even < 8 else []), *([least(labels)] if even and pool < 8 else [])]
    return sorted(k for k in {*ladder(labels), *small} if k >= least(labels) and k // 2 <= even and k <= max(pool, 2))


def offered(labels: int, even: int, pairs: int, pool: int) -> list[int]:
    """evenly, then those for which rows of rare labels have to count more, up to all pairs: 30 accepted pairs are used as 30.

    pairs: all that can be learnt from. None where a label has no pair (even is 0).
    """
    if not even:
        return []
    more = [k for k in ladder(labels) if least(labels) <= k <= pool and k // 2 <= pairs]
    return sorted({*evenly(labels, even, pool), *more, 2 * pairs})


def drawn_evenly(shots: Sequence[int], labels: int, even: int, pairs: int) -> list[int]:
    """Of the k of a sweep those whose draws are balanced and share one order. The k of all pairs has an order of its own beside
    others, so that offering it changes no other draw. While a label has no pair (even is 0) nothing can be compared, and draws are even."""
    if not even:
        return list(shots)
    apart = {2 * pairs} - set(ladder(labels)) if len(set(shots)) > 1 else set()
    return [k for k in shots if (k // 2 <= even or k // 2 > pairs) and k not in apart]
