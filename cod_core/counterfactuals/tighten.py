"""From any counterfactual that flips to one that needs each of its edits; or to one of a chosen confidence.

The token diff gives edit spans (cod_core.text.diff). Spans are reverted while the teacher still holds the target:
first many at once, weakest first; then one at a time until no single span can be reverted (1-minimal); then a bounded
search over smaller subsets. Knows the teacher as a function, no store; works on hand-made counterfactuals too.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import numpy as np

from cod_core import text as tx
from cod_core.errors import BadInput

REVISION = "tighten/1"
BAND = (0.5, 0.8)


@dataclass(frozen=True)
class Tightened:
    """text: the tightened one. p: of the target there. kept, spans: edits left of those there were. fraction: tokens.

    last_flip, first_not: the bracket, the two texts one edit apart between which the teacher changes its mind;
    first_not is "" where one edit is all there is. scored: texts the teacher was asked. in_band: None in minimal mode.
    """

    text: str
    p: float
    p_before: float
    kept: int
    spans: int
    fraction: float
    fraction_before: float
    last_flip: str
    first_not: str
    scored: int
    in_band: bool | None = None


@dataclass
class _Reverting:
    """Sets of edits of one pair and the target's log-probability margin and probability at each."""

    original: str
    edited: str
    edits: list[tx.Edit]
    aim: int
    score: Callable[[Sequence[str]], np.ndarray]
    budget: int
    known: dict[frozenset[int], tuple[float, float]] = field(default_factory=dict)

    def text(self, chosen: frozenset[int]) -> str:
        return tx.apply_edits(self.original, self.edited, self.edits, set(chosen))

    def measure(self, sets: Sequence[frozenset[int]]) -> None:
        """Ask the teacher for these sets, as far as the budget goes; each set once."""
        new = [s for s in dict.fromkeys(sets) if s not in self.known][: max(0, self.budget - len(self.known))]
        if new:
            rows = np.asarray(self.score([self.text(s) for s in new]))
            margins = rows[:, self.aim] - np.delete(rows, self.aim, axis=1).max(axis=1)
            self.known.update({s: (float(m), float(np.exp(p))) for s, m, p in zip(new, margins, rows[:, self.aim])})

    def flips(self, chosen: frozenset[int]) -> bool:
        return self.known.get(chosen, (-1.0, 0.0))[0] > 0

    def size(self, chosen: frozenset[int]) -> int:
        """Tokens edited."""
        return sum(max(len(tx.tokens(self.edits[i].a_text)), len(tx.tokens(self.edits[i].b_text))) for i in chosen)


def tighten(
    original: str,
    edited: str,
    aim: int,
    score: Callable[[Sequence[str]], np.ndarray],
    budget: int = 300,
    band: tuple[float, float] | None = None,
) -> Tightened:
    """The counterfactual with every edit reverted that the flip does not need.

    aim: index of the target class. score: texts -> (n, C) log-probabilities. budget: texts asked at most.
    band: (low, high) of p(target) wanted instead of the fewest edits; where no subset lies in it, the minimal one.
    Raises BadInput where the texts are equal or the edited one does not reach the target.
    """
    edits = tx.diff(original, edited)
    if not edits:
        raise BadInput("The two texts have the same words, so there is nothing to tighten.")
    state = _Reverting(original, edited, edits, aim, score, budget)
    whole = frozenset(range(len(edits)))
    state.measure([whole])
    if not state.flips(whole):
        raise BadInput("This text does not change the teacher's mind to the target, so it cannot be tightened.")
    minimal = _smaller(state, _one_minimal(state, _drop_many(state, whole)))
    chosen, inside = minimal, None
    if band is not None:
        chosen = _in_band(state, minimal, band)
        inside = band[0] <= state.known[chosen][1] <= band[1]
    nearest = max((s for s in (minimal - {i} for i in minimal) if s and s in state.known), default=None, key=lambda s: state.known[s][0])
    text = state.text(chosen)
    return Tightened(
        text,
        state.known[chosen][1],
        state.known[whole][1],
        len(chosen),
        len(edits),
        tx.edit_fraction(original, text),
        tx.edit_fraction(original, edited),
        state.text(minimal),
        state.text(nearest) if nearest is not None else "",
        len(state.known),
        inside,
    )


def _drop_many(state: _Reverting, whole: frozenset[int]) -> frozenset[int]:
    """Weakest edits reverted together: the longest run of them (by what each is worth in the whole) that keeps the flip."""
    if len(whole) < 4:
        return whole
    state.measure([whole - {i} for i in whole])
    order = sorted(whole, key=lambda i: -state.known.get(whole - {i}, (-np.inf, 0))[0])
    best, low, high = whole, 0, len(order)
    while low < high:  # the margin falls with each revert, nearly always: so bisection finds the edge
        middle = (low + high + 1) // 2
        left = whole - frozenset(order[:middle])
        if not left:
            high = middle - 1
            continue
        state.measure([left])
        if state.flips(left):
            best, low = left, middle
        else:
            high = middle - 1
    return best


def _one_minimal(state: _Reverting, chosen: frozenset[int]) -> frozenset[int]:
    """Reverts the largest edit that can go, until none can."""
    while len(chosen) > 1:
        state.measure([chosen - {i} for i in chosen])
        free = [chosen - {i} for i in chosen if state.flips(chosen - {i})]
        if not free:
            return chosen
        chosen = min(free, key=lambda s: (state.size(s), -state.known[s][0]))
    return chosen


def _smaller(state: _Reverting, chosen: frozenset[int]) -> frozenset[int]:
    """A subset of all edits with fewer tokens than `chosen` that flips, looked for among the likeliest 64."""
    everything = range(len(state.edits))
    if len(state.edits) > 40 or state.size(chosen) <= 1:
        return chosen
    state.measure([frozenset((i,)) for i in everything])
    state.measure([frozenset()])
    base = state.known.get(frozenset(), (0.0, 0.0))[0]
    alone = {i: state.known.get(frozenset((i,)), (base, 0.0))[0] - base for i in everything}
    strong = sorted(everything, key=lambda i: -alone[i])[:10]
    options = [frozenset(c) for n in (1, 2, 3) if n <= len(chosen) for c in combinations(strong, n)]
    options = [s for s in options if state.size(s) < state.size(chosen)]
    options.sort(key=lambda s: -sum(alone[i] for i in s))
    state.measure(options[:64])
    found = [s for s in options if state.flips(s)]
    return _one_minimal(state, min(found, key=lambda s: (state.size(s), -state.known[s][0]))) if found else chosen


def _in_band(state: _Reverting, minimal: frozenset[int], band: tuple[float, float]) -> frozenset[int]:
    """The known set with p inside the band and fewest tokens; edits are added to, or swapped in, the minimal one first."""

    def inside() -> list[frozenset[int]]:
        return [s for s, (margin, p) in state.known.items() if s and margin > 0 and band[0] <= p <= band[1]]

    if not inside():
        others = [i for i in range(len(state.edits)) if i not in minimal]
        state.measure([minimal | {i} for i in others])
        state.measure([(minimal - {i}) | {j} for i in minimal for j in others])
    return min(inside(), key=lambda s: (state.size(s), state.known[s][1]), default=minimal)
