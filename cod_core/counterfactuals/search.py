"""Teacher-guided search for minimal counterfactuals, second generation: any sources, any number of classes.

Candidate sources propose single edits; one backward pass through the teacher ranks them all (models.sensitivity), and
only the best are scored exactly. Where no single edit flips, a beam adds edits, each node ranked by its own backward
pass; where many are needed (topics), the best ones are made at once and every edit that is not needed is taken back.
Everything happens within a budget of scored texts, and every proposal says how many it took. Knows no store.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from cod_core.counterfactuals import words
from cod_core.counterfactuals.languages import language_of
from cod_core.counterfactuals.moves import Move, compatible, describe, render, rendered
from cod_core.counterfactuals.sources import CandidateSource, SearchContext
from cod_core.errors import CodError
from cod_core.text import is_unspaced, short_hash, token_spans, tokens
from cod_core.types import Counterfactual, Example, Origin, now

REVISION = "search/4"


class Sensitivity(Protocol):
    """First-order estimates: see models.sensitivity.FirstOrder.estimate."""

    def estimate(self, text: str, edits: Sequence[tuple[int, int, str]], aim: int) -> tuple[float, np.ndarray]: ...


@dataclass(frozen=True)
class SearchSettings:
    """budget: texts the teacher may score for one text. a_place: candidates of a source a place. batches: single
    edits scored, batch after batch while none flips; width: sums scored a depth; beam: nodes kept; max_edits: edits that
    the beam adds up before it makes many at once; max_fraction: most tokens edited, as a share of the text's;
    fit_weight: what a fully plausible move is worth in log-odds when the order of scoring is decided; band: p(target)
    wanted, for probing the boundary, None for the clearest flip (the default: it teaches best, METHOD.md section 7);
    at_least: p(target) below which more edits are added, as long as the budget and max_fraction allow it."""

    budget: int = 400
    a_place: int = 24
    batches: tuple[int, ...] = (12, 20, 40)
    width: int = 32
    beam: int = 3
    max_edits: int = 3
    max_fraction: float = 0.35
    fit_weight: float = 2.0
    band: tuple[float, float] | None = None
    at_least: float = 0.0


@dataclass(frozen=True)
class Flip:
    """A set of moves after which the teacher holds the target. margin: of the target, above 0. tokens: edited.
    p: probability of the target."""

    moves: tuple[Move, ...]
    margin: float
    tokens: int
    p: float = 1.0


@dataclass
class _Trial:
    """One text being searched: what is known of it so far. margins: set of moves -> exact margin of the target."""

    context: SearchContext
    aim: int
    margins: dict[frozenset, float] = field(default_factory=dict)
    probs: dict[frozenset, float] = field(default_factory=dict)
    fit: dict[Move, float] = field(default_factory=dict)
    scored: int = 0
    passes: int = 0

    def text(self, moves: Sequence[Move]) -> str:
        return render(self.context.text, self.context.spans, moves, self.context.english)


class SearchGenerator:
    """`Generator` by search. texts_scored: what the last propose() asked of the teacher, backward passes included."""

    name = "search"

    def __init__(self, score: Callable[[Sequence[str]], np.ndarray], labels: Sequence[str],
                 sources: Sequence[CandidateSource], settings: SearchSettings = SearchSettings(),
                 sensitivity: Sensitivity | None = None, frozen: Sequence[str] = (), task: str = "",
                 plausibility: Callable[[SearchContext, Sequence[Move]], np.ndarray] | None = None):
        """score: texts -> (n, C) log-probabilities of the teacher over labels. sensitivity: None where the teacher
        gives no gradients; its deletions are then scored one by one. frozen: words and phrases that must stay.
        plausibility: how well moves fit their places, about -1 to 1; it decides with the estimate what is scored."""
        self._plausibility = plausibility or (lambda context, moves: np.zeros(len(moves)))
        self._score, self._labels, self._sources = score, tuple(labels), tuple(sources)
        self.settings, self._sensitivity, self._frozen, self._task = settings, sensitivity, tuple(frozen), task
        self.texts_scored, self.failures = 0, []

    def propose(self, example: Example, source: str, target: str, n: int = 4) -> list[Counterfactual]:
        """Up to n flips of different kinds and places, fewest edits first; [] if none was found within the budget.

        source: the teacher's class at the text; target: the class to reach.
        """
        self.texts_scored, self.failures = 0, []
        context = context_of(example.text, source, target, self._labels, self._frozen, self._task)
        trial = _Trial(context, self._labels.index(target))
        flips = self._search(trial)
        self.texts_scored = trial.scored + trial.passes
        return [self._counterfactual(example, context, flip) for flip in diverse(flips, n, self.settings.band)]

    def _search(self, trial: _Trial) -> list[Flip]:
        """Flips of the first stage that finds any: single edits, sums of a few, many at once, a longer climb."""
        pool = self._pool(trial, dear=False)
        flips = self._singles(trial, pool) if pool else []
        if not flips and any(one.dear for one in self._sources):
            dear = [m for m in self._pool(trial, dear=True) if m not in pool]
            pool += dear
            flips = self._singles(trial, dear) if dear else []
        if not flips and pool:
            flips = self._sums(trial, pool) or self._many(trial, pool) or self._climb(trial, pool) or self._surest(trial)
        return flips + self._toward_band(trial, flips, pool) if self.settings.band and flips else flips

    def _toward_band(self, trial: _Trial, flips: list[Flip], pool: list[Move]) -> list[Flip]:
        """More flips at the places of the smallest ones, scored until some lie in the band: weaker words there."""
        low, high = self.settings.band
        aim = float(np.log((low + high) / (2 - low - high)))  # the margin in the middle of the band, for two classes
        found: list[Flip] = []
        for flip in sorted(flips, key=lambda f: (f.tokens, f.margin))[: self.settings.beam]:
            if any(low <= f.p <= high for f in [*flips, *found]):
                break
            for swapped in flip.moves:
                rest = tuple(m for m in flip.moves if m is not swapped)
                others = [m for m in pool if (m.start, m.end) == (swapped.start, swapped.end) and compatible(rest, m)]
                estimates = self._estimates(trial, rest, others)
                order = np.argsort(np.abs(estimates - aim), kind="stable")
                sets = [tuple(sorted((*rest, others[i]), key=lambda m: m.start)) for i in order if np.isfinite(estimates[i])]
                found += self._flips(trial, self._measure(trial, sets[: self.settings.width]))
        return found

    def _pool(self, trial: _Trial, dear: bool) -> list[Move]:
        """Every move of the sources, each once; a source that fails is left out and named in `failures`."""
        found: dict[tuple, Move] = {}
        for one in self._sources:
            if one.dear != dear:
                continue
            try:
                moves = one.moves(trial.context, self.settings.a_place)
            except CodError as error:
                self.failures.append(f"{one.name}: {error}")
                continue
            for move in moves:
                if not any(p in trial.context.frozen for p in range(move.start, move.end)):
                    found.setdefault((move.start, move.end, move.new), move)
        return list(found.values())

    # ---- scoring

    def _measure(self, trial: _Trial, sets: Sequence[tuple[Move, ...]]) -> list[tuple[Move, ...]]:
        """Score these sets of moves exactly, as many as the budget allows; returns those scored now."""
        new = list({frozenset(s): s for s in sets if frozenset(s) not in trial.margins}.values())
        new = new[: max(0, self.settings.budget - trial.scored - trial.passes)]
        if not new:
            return []
        rows = np.asarray(self._score([trial.text(s) for s in new]))
        margins = rows[:, trial.aim] - np.delete(rows, trial.aim, axis=1).max(axis=1)
        trial.scored += len(new)
        trial.margins.update({frozenset(s): float(m) for s, m in zip(new, margins)})
        trial.probs.update({frozenset(s): float(p) for s, p in zip(new, np.exp(rows[:, trial.aim]))})
        return new

    def _estimates(self, trial: _Trial, node: tuple[Move, ...], moves: Sequence[Move]) -> np.ndarray:
        """(m,) estimated margin of the target with each move added to the node; -inf where it cannot be."""
        out = np.full(len(moves), -np.inf)
        if self._sensitivity is None:
            base = trial.margins.get(frozenset(node), min(trial.margins.values(), default=0.0))
            for i, move in enumerate(moves):
                alone = trial.margins.get(frozenset((move,)))
                influence = max((trial.context.influence[p] for p in range(move.start, max(move.end, move.start + 1))
                                 if p < len(trial.context.influence)), default=0.0)
                if compatible(node, move):
                    out[i] = base + (alone - min(trial.margins.values()) if alone is not None else influence - i * 1e-6)
            return out
        text, places = rendered(trial.context.text, trial.context.spans, node, trial.context.english)
        edits = [(i, edit) for i, move in enumerate(moves) if compatible(node, move)
                 and (edit := _in_text(move, places, len(text))) is not None]
        trial.passes += 1
        margin, gains = self._sensitivity.estimate(text, [edit for _, edit in edits], trial.aim)
        trial.margins.setdefault(frozenset(node), margin)
        out[[i for i, _ in edits]] = margin + gains
        return out

    def _fit(self, trial: _Trial, moves: Sequence[Move]) -> np.ndarray:
        """(m,) plausibility in the units of the margin; each move is looked at once."""
        new = [m for m in moves if m not in trial.fit]
        trial.fit.update(zip(new, self.settings.fit_weight * self._plausibility(trial.context, new), strict=True))
        return np.array([trial.fit[m] for m in moves])

    def _flips(self, trial: _Trial, sets: Sequence[tuple[Move, ...]]) -> list[Flip]:
        return [Flip(s, trial.margins[frozenset(s)], edited_tokens(s), trial.probs.get(frozenset(s), 1.0)) for s in sets
                if trial.margins[frozenset(s)] > 0 and trial.probs.get(frozenset(s), 1.0) >= self.settings.at_least]

    def _surest(self, trial: _Trial) -> list[Flip]:
        """The surest flip seen where none is as sure as wanted."""
        sets = [s for s, margin in trial.margins.items() if s and margin > 0]
        best = max(sets, key=lambda s: trial.probs.get(s, 0.0), default=None)
        return [] if best is None else [Flip(tuple(sorted(best, key=lambda m: m.start)), trial.margins[best],
                                             edited_tokens(tuple(best)), trial.probs.get(best, 1.0))]

    # ---- stages

    def _singles(self, trial: _Trial, pool: list[Move]) -> list[Flip]:
        if self._sensitivity is None:
            self._weigh_by_deletion(trial)
        estimates = self._estimates(trial, (), pool) + self._fit(trial, pool)
        order = [pool[i] for i in np.argsort(-estimates, kind="stable") if np.isfinite(estimates[i])]
        order = [m for m in order if edited_tokens((m,)) <= self._most_tokens(trial)]
        for size in self.settings.batches:
            batch = spread([m for m in order if frozenset((m,)) not in trial.margins], size)
            scored = self._measure(trial, [(m,) for m in batch])
            flips = self._flips(trial, scored)
            if any(f.moves[0].kind != "delete" for f in flips) or not scored:
                return flips + self._flips(trial, [(m,) for m in order if frozenset((m,)) in trial.margins and (m,) not in scored])
        return self._flips(trial, [(m,) for m in order if frozenset((m,)) in trial.margins])

    def _weigh_by_deletion(self, trial: _Trial) -> None:
        """Influence of each place by what its deletion does: for teachers without gradients. In a text with many places
        it weighs as many, evenly spread, as half the budget allows, so that the other half is left for candidates."""
        context, most = trial.context, max(1, self.settings.budget // 2)
        step = max(1.0, len(context.places) / most)
        weighed = [context.places[int(i * step)] for i in range(min(most, len(context.places)))]
        drops = [Move(p, p + 1, "", "delete", "deletion") for p in weighed]
        self._measure(trial, [(m,) for m in drops])
        influence, least = [0.0] * len(context.spans), min(trial.margins.values(), default=-np.inf)
        for p in context.places:
            influence[p] = trial.margins.get(frozenset((Move(p, p + 1, "", "delete", "deletion"),)), least)
        places = tuple(sorted(context.places, key=lambda p: -influence[p]))
        from dataclasses import replace
        trial.context = replace(context, influence=tuple(influence), places=places)

    def _sums(self, trial: _Trial, pool: list[Move]) -> list[Flip]:
        """Beam from the single edits up to sums of max_edits."""
        singles = [tuple(s) for s in trial.margins if len(s) == 1]
        return self._beam(trial, pool, singles, self.settings.max_edits - 1)

    def _climb(self, trial: _Trial, pool: list[Move]) -> list[Flip]:
        """The beam taken up again where making many at once failed (one backward pass is a poor guide that far), up to
        the largest edit allowed; then the moves not needed taken back."""
        most = self._most_tokens(trial)
        few = [tuple(s) for s in trial.margins if 0 < len(s) <= self.settings.max_edits]
        flips = self._beam(trial, pool, few, most - 1)
        return [self._minimal(trial, min(flips, key=lambda f: (f.tokens, -f.margin)))] if flips else []

    def _beam(self, trial: _Trial, pool: list[Move], nodes: list[tuple[Move, ...]], depths: int) -> list[Flip]:
        """Flips of the first depth that has any: each of the best nodes gets the moves that its own gradient ranks first."""
        for _ in range(depths):
            nodes = sorted(nodes, key=lambda s: -trial.margins[frozenset(s)])[: self.settings.beam]
            wanted: dict[frozenset, float] = {}
            for node in nodes:
                estimates = self._estimates(trial, node, pool) + self._fit(trial, pool)
                for i in np.argsort(-estimates)[: 2 * self.settings.width]:
                    both = (*node, pool[i])
                    if np.isfinite(estimates[i]) and edited_tokens(both) <= self._most_tokens(trial):
                        wanted[frozenset(both)] = float(estimates[i])
            best = sorted(wanted, key=lambda s: -wanted[s])[: self.settings.width]
            nodes = self._measure(trial, [tuple(sorted(s, key=lambda m: m.start)) for s in best])
            flips = self._flips(trial, nodes)
            if flips or not nodes:
                return flips
        return []

    def _many(self, trial: _Trial, pool: list[Move]) -> list[Flip]:
        """The best moves one on top of another up to the largest edit allowed; then those not needed taken back."""
        node: tuple[Move, ...] = ()
        while True:
            estimates = self._estimates(trial, node, pool) + self._fit(trial, pool)
            ladder, sets = node, []
            for i in np.argsort(-estimates):
                if not np.isfinite(estimates[i]) or edited_tokens(ladder) >= self._most_tokens(trial):
                    break
                if compatible(ladder, pool[i]) and edited_tokens((*ladder, pool[i])) <= self._most_tokens(trial):
                    ladder = tuple(sorted((*ladder, pool[i]), key=lambda m: m.start))
                    sets.append(ladder)
            scored = self._measure(trial, sets)
            flips = self._flips(trial, scored)
            if flips:
                return [self._minimal(trial, min(flips, key=lambda f: f.tokens))]
            if not scored:
                return []
            best = max(scored, key=lambda s: trial.margins[frozenset(s)])
            node = best[: max(1, len(best) // 2)] if len(best) > 1 and best != node else ()
            if not node:
                return []

    def _minimal(self, trial: _Trial, flip: Flip) -> Flip:
        """The flip without every move that it does not need: 1-minimal in moves, within the budget."""
        while len(flip.moves) > 1:
            sets = [tuple(m for m in flip.moves if m is not gone) for gone in flip.moves]
            self._measure(trial, sets)
            left = self._flips(trial, [s for s in sets if frozenset(s) in trial.margins])
            if not left:
                return flip
            flip = max(left, key=lambda f: f.margin)
        return flip

    def _most_tokens(self, trial: _Trial) -> int:
        return max(1, int(self.settings.max_fraction * len(trial.context.spans)))

    def _counterfactual(self, example: Example, context: SearchContext, flip: Flip) -> Counterfactual:
        text = render(example.text, context.spans, flip.moves, context.english)
        made = sorted(flip.moves, key=lambda m: m.start)
        note = "; ".join(describe(example.text, context.spans, m) for m in made)
        used = ", ".join(dict.fromkeys(m.source for m in made if m.source))
        return Counterfactual(
            id=short_hash(example.id, text, context.target, "search", ""), example_id=example.id, text=text,
            source=context.source, target=context.target, created_at=now(),
            origin=Origin("search", f"teacher-guided search ({used})" if used else "teacher-guided search", REVISION),
            note=f"{note} ({self.texts_scored} texts scored)")


def context_of(text: str, source: str, target: str, labels: Sequence[str] = (), frozen: Sequence[str] = (),
               task: str = "") -> SearchContext:
    """The context of a text: its tokens, and the places that may be edited (no function words, nothing frozen)."""
    spans, language = token_spans(text), language_of(text)
    found = [text[a:b] for a, b in spans]
    kept = frozen_positions(found, frozen)
    places = tuple(i for i, word in enumerate(found) if word[0].isalpha() and i not in kept and not _possessive(word)
                   and (len(word) > 1 or is_unspaced(word)) and word.lower().replace("’", "'") not in language.function_words)
    return SearchContext(text, spans, source, target, places, labels=tuple(labels), task=task, english=language.forms,
                         frozen=kept, tags=words.tags(found) if language.forms else ())


def _possessive(word: str) -> bool:
    """Whether a token holds an apostrophe: a name with its s, a short form. Neither has a form to replace it with."""
    return "'" in word or "’" in word


def frozen_positions(found: Sequence[str], frozen: Sequence[str]) -> frozenset[int]:
    """Token positions covered by any of the frozen words or phrases, ignoring case."""
    lower, out = [t.casefold() for t in found], set()
    for phrase in frozen:
        wanted = [t.casefold() for t in tokens(phrase)]
        for i in range(len(lower) - len(wanted) + 1):
            if wanted and lower[i : i + len(wanted)] == wanted:
                out.update(range(i, i + len(wanted)))
    return frozenset(out)


def edited_tokens(moves: Sequence[Move]) -> int:
    """Tokens that the moves change: of each, what it takes out or puts in, whichever is more."""
    return sum(max(m.end - m.start, len(tokens(m.new)) if m.new else 0) for m in moves)


def spread(moves: Sequence[Move], n: int) -> list[Move]:
    """The first n moves in order, at most a third of them at one place and a quarter of them bare deletions."""
    taken, later, places = [], [], {}
    for move in moves:
        kind = "delete" if move.kind == "delete" else move.start
        limit = max(1, n // 4) if kind == "delete" else max(1, n // 3)
        places[kind] = places.get(kind, 0) + 1
        (taken if places[kind] <= limit else later).append(move)
        if len(taken) == n:
            break
    return (taken + later)[:n]


def diverse(flips: Sequence[Flip], n: int, band: tuple[float, float] | None = None) -> list[Flip]:
    """Up to n flips: fewest tokens edited, replacements before bare deletions, clearest first; then one a place and kind.
    With a band of p(target), those inside it come before all others."""
    ranked = sorted(flips, key=lambda f: (bool(band) and not band[0] <= f.p <= band[1], f.tokens,
                                          all(m.kind == "delete" for m in f.moves), -f.margin))
    chosen, seen, later = [], set(), []
    for flip in ranked:
        kind = tuple((m.start, m.kind) for m in flip.moves)
        (later if kind in seen else chosen).append(flip)
        seen.add(kind)
    return (chosen + later)[:n]


def _in_text(move: Move, places: dict[int, tuple[int, int]], length: int) -> tuple[int, int, str] | None:
    """A move as (start, end, new) in characters of a text whose untouched tokens stand at `places`."""
    if move.start == move.end:
        at = places[move.start][0] if move.start in places else places[move.start - 1][1] if move.start - 1 in places else None
        return None if at is None else (at, at, move.new)
    if any(p not in places for p in range(move.start, move.end)):
        return None
    return places[move.start][0], places[move.end - 1][1], move.new
