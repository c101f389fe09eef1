"""One text being searched: what was asked of its judges within the budget, and what they said. Knows no sources.

The teacher judges every set of moves that is measured. A second judge, where there is one, has to share the flip: it is
asked only about sets on which the teacher flips, and the smaller of the two margins counts.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cod_core.counterfactuals.moves import Move, compatible, render, rendered
from cod_core.counterfactuals.sources import SearchContext
from cod_core.text import tokens


class Sensitivity(Protocol):
    """First-order estimates: see models.sensitivity.FirstOrder.estimate."""

    def estimate(self, text: str, edits: Sequence[tuple[int, int, str]], aim: int) -> tuple[float, np.ndarray]: ...


@dataclass(frozen=True)
class Judge:
    """score: texts -> (n, C) log-probabilities over the labels. sensitivity: None where it gives no gradients."""

    score: Callable[[Sequence[str]], np.ndarray]
    sensitivity: Sensitivity | None = None

    def measure(self, texts: Sequence[str], aim: int) -> tuple[np.ndarray, np.ndarray]:
        """(margins of class `aim`, its probabilities), one a text."""
        rows = np.asarray(self.score(texts))
        return rows[:, aim] - np.delete(rows, aim, axis=1).max(axis=1), np.exp(rows[:, aim])


@dataclass(frozen=True)
class SearchSettings:
    """budget: texts the teacher may score for one text. a_place: candidates of a source a place. batches: single
    edits scored, batch after batch while none flips; width: sums scored a depth; beam: nodes kept; max_edits: edits that
    the beam adds up before it makes many at once, of which `additions` are scored one by one and `rungs` together at each
    node; max_fraction: most tokens edited, as a share of the text's;
    fit_weight: what a fully plausible move is worth in log-odds when the order of scoring is decided; band: p(target)
    wanted, for probing the boundary, None for the clearest flip (the default: it teaches best, docs/method.md section 7);
    at_least: p(target) below which more edits are added, as long as the budget and max_fraction allow it. With a second
    judge both have to be that sure."""

    budget: int = 400
    a_place: int = 24
    batches: tuple[int, ...] = (12, 20, 40)
    width: int = 32
    beam: int = 3
    max_edits: int = 3
    additions: int = 16
    rungs: int = 6
    max_fraction: float = 0.35
    fit_weight: float = 2.0
    band: tuple[float, float] | None = None
    at_least: float = 0.0


@dataclass(frozen=True)
class Flip:
    """A set of moves after which the judges hold the target. margin: of the target, above 0. tokens: edited.
    p: probability of the target."""

    moves: tuple[Move, ...]
    margin: float
    tokens: int
    p: float = 1.0


@dataclass
class Trial:
    """What is known of one text so far. margins: set of moves -> exact margin of the target, the smaller one of two
    judges; shared: the sets that both judged. scored, passes: texts and backward passes asked of the teacher."""

    context: SearchContext
    aim: int
    settings: SearchSettings
    teacher: Judge
    surrogate: Judge | None = None
    plausibility: Callable[[SearchContext, Sequence[Move]], np.ndarray] | None = None
    margins: dict[frozenset[Move], float] = field(default_factory=dict)
    probs: dict[frozenset[Move], float] = field(default_factory=dict)
    shared: set[frozenset[Move]] = field(default_factory=set)
    fit: dict[Move, float] = field(default_factory=dict)
    scored: int = 0
    passes: int = 0

    @property
    def most_tokens(self) -> int:
        return max(1, int(self.settings.max_fraction * len(self.context.spans)))

    @property
    def demanding(self) -> bool:
        """Whether a flip alone is not enough: it has to be sure, or shared by a second judge."""
        return self.settings.at_least > 0.5 or self.surrogate is not None

    @property
    def gradients(self) -> bool:
        """Whether estimates come from gradients; else the places have to be weighed by deletion."""
        return self.teacher.sensitivity is not None

    def text(self, moves: Sequence[Move]) -> str:
        return render(self.context.text, self.context.spans, moves, self.context.english)

    def measure(self, sets: Sequence[tuple[Move, ...]]) -> list[tuple[Move, ...]]:
        """Score these sets of moves exactly, as many as the budget allows; returns those scored now."""
        new = list({frozenset(s): s for s in sets if frozenset(s) not in self.probs}.values())
        new = new[: max(0, self.settings.budget - self.scored - self.passes)]
        if not new:
            return []
        texts = [self.text(s) for s in new]
        margins, probs = self.teacher.measure(texts, self.aim)
        self.scored += len(new)
        if self.surrogate is not None and (flipped := np.flatnonzero(margins > 0)).size:
            theirs = self.surrogate.measure([texts[i] for i in flipped], self.aim)
            margins[flipped], probs[flipped] = np.minimum(margins[flipped], theirs[0]), np.minimum(probs[flipped], theirs[1])
            self.shared.update(frozenset(new[i]) for i in flipped)
        self.margins.update({frozenset(s): float(m) for s, m in zip(new, margins)})
        self.probs.update({frozenset(s): float(p) for s, p in zip(new, probs)})
        return new

    def promise(self, moves: Sequence[Move]) -> tuple[bool, float]:
        """Sorts sets of moves, most promising last: those on which the teacher flips after those on which it does not."""
        return frozenset(moves) in self.shared, self.margins[frozenset(moves)]

    def estimates(self, node: tuple[Move, ...], moves: Sequence[Move]) -> np.ndarray:
        """(m,) estimated margin of the target with each move added to the node; -inf where it cannot be."""
        out = np.full(len(moves), -np.inf)
        sensitivity = self.teacher.sensitivity
        if sensitivity is None:
            return self._by_influence(node, moves, out)
        text, places = rendered(self.context.text, self.context.spans, node, self.context.english)
        edits = [
            (i, edit) for i, move in enumerate(moves) if compatible(node, move) and (edit := in_text(move, places, len(text))) is not None
        ]
        self.passes += 1
        margin, gains = sensitivity.estimate(text, [edit for _, edit in edits], self.aim)
        if self.surrogate is not None and self.surrogate.sensitivity is not None:
            theirs, more = self.surrogate.sensitivity.estimate(text, [edit for _, edit in edits], self.aim)
            margin, estimated = min(margin, theirs), (margin + gains + theirs + more) / 2
        else:
            estimated = margin + gains
        self.margins.setdefault(frozenset(node), margin)
        out[[i for i, _ in edits]] = estimated
        return out

    def _by_influence(self, node: tuple[Move, ...], moves: Sequence[Move], out: np.ndarray) -> np.ndarray:
        """Estimates without gradients: what each move did alone, or how much its place holds the text back."""
        context, least = self.context, min(self.margins.values(), default=0.0)
        base = self.margins.get(frozenset(node), least)
        for i, move in enumerate(moves):
            alone = self.margins.get(frozenset((move,)))
            influence = max(
                (context.influence[p] for p in range(move.start, max(move.end, move.start + 1)) if p < len(context.influence)), default=0.0
            )
            if compatible(node, move):
                out[i] = base + (alone - least if alone is not None else influence - i * 1e-6)
        return out

    def ranked(self, node: tuple[Move, ...], moves: Sequence[Move]) -> np.ndarray:
        """Estimates plus plausibility in units of the margin: the order in which moves are worth scoring."""
        new = [m for m in moves if m not in self.fit]
        fits = np.zeros(len(new)) if self.plausibility is None else self.plausibility(self.context, new)
        self.fit.update(zip(new, self.settings.fit_weight * fits, strict=True))
        order: np.ndarray = self.estimates(node, moves) + np.array([self.fit[m] for m in moves])
        return order

    def flips(self, sets: Sequence[tuple[Move, ...]]) -> list[Flip]:
        """Those of the measured sets that flip, as surely as wanted."""
        return [self.flip(s) for s in sets if self.held(s) and self.probs[frozenset(s)] >= self.settings.at_least]

    def held(self, moves: Collection[Move]) -> bool:
        """Whether every judge holds the target after these moves."""
        return self.probs.get(frozenset(moves)) is not None and self.margins[frozenset(moves)] > 0

    def flip(self, moves: Collection[Move]) -> Flip:
        key = frozenset(moves)
        made = tuple(sorted(key, key=lambda m: m.start))
        return Flip(made, self.margins[key], edited_tokens(made), self.probs[key])

    def surest(self) -> list[Flip]:
        """The surest flip seen where none is as sure as wanted; [] where nothing flipped."""
        sets = [s for s in self.margins if s and self.held(s)]
        surest = max(sets, key=lambda s: self.probs[s], default=None)
        return [] if surest is None else [self.flip(surest)]


def edited_tokens(moves: Sequence[Move]) -> int:
    """Tokens that the moves change: of each, what it takes out or puts in, whichever is more."""
    return sum(max(m.end - m.start, len(tokens(m.new)) if m.new else 0) for m in moves)


def in_text(move: Move, places: dict[int, tuple[int, int]], length: int) -> tuple[int, int, str] | None:
    """A move as (start, end, new) in characters of a text whose untouched tokens stand at `places`."""
    if move.start == move.end:
        at = places[move.start][0] if move.start in places else places[move.start - 1][1] if move.start - 1 in places else None
        return None if at is None else (at, at, move.new)
    if any(p not in places for p in range(move.start, move.end)):
        return None
    return places[move.start][0], places[move.end - 1][1], move.new
