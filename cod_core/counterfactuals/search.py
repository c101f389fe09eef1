"""Teacher-guided search for minimal counterfactuals, second generation: any sources, any number of classes.

Candidate sources propose single edits; one backward pass through the teacher ranks them all (models.sensitivity), and
only the best are scored exactly. Where no single edit flips, a beam adds edits, each node ranked by its own backward
pass; where many are needed (topics), the best ones are made at once and every edit that is not needed is taken back.
Everything happens within a budget of scored texts, and every proposal says how many it took. Knows no store.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from cod_core.counterfactuals import words
from cod_core.counterfactuals.effort import with_effort
from cod_core.counterfactuals.languages import Language, language_of
from cod_core.counterfactuals.moves import Move, compatible, render, told, with_articles
from cod_core.counterfactuals.sources import CandidateSource, SearchContext
from cod_core.counterfactuals.trial import Flip, Judge, SearchSettings, Trial, edited_tokens
from cod_core.errors import CodError
from cod_core.text import is_unspaced, short_hash, token_spans, tokens
from cod_core.types import Counterfactual, Example, Origin, now

REVISION = "search/5"
SHARED = "teacher-guided search with a second judge"  # how the origin of such a proposal begins


class SearchGenerator:
    """`Generator` by search. texts_scored: what the last propose() asked of the teacher, backward passes included."""

    name = "search"

    def __init__(
        self,
        teacher: Judge,
        labels: Sequence[str],
        sources: Sequence[CandidateSource],
        settings: SearchSettings = SearchSettings(),
        frozen: Sequence[str] = (),
        task: str = "",
        plausibility: Callable[[SearchContext, Sequence[Move]], np.ndarray] | None = None,
        second: Judge | None = None,
        usual: Language | None = None,
        own_words: frozenset[str] = frozenset(),
    ):
        """labels: the classes that the judges' columns stand for. frozen: words and phrases that must stay.
        plausibility: how well moves fit their places, about -1 to 1; it decides with the estimate what is scored.
        second: a judge that has to share every flip, None where the teacher alone decides. usual: the language of the
        project's texts (usual_language); own_words: their words."""
        self._teacher, self._second, self._plausibility = teacher, second, plausibility
        self._labels, self._sources = tuple(labels), tuple(sources)
        self.settings, self._frozen, self._task, self._usual, self._own_words = settings, tuple(frozen), task, usual, own_words
        self.texts_scored = 0
        self.failures: list[str] = []

    def propose(self, example: Example, source: str, target: str, n: int = 4, avoid: Iterable[str] = ()) -> list[Counterfactual]:
        """Up to n flips of different kinds and places, fewest edits first; [] if none was found within the budget.

        source: the teacher's class at the text; target: the class to reach. avoid: words not to be put in, in any case.
        """
        self.texts_scored, self.failures = 0, []
        context = context_of(example.text, source, target, self._labels, self._frozen, self._task, self._usual, self._own_words)
        trial = Trial(context, self._labels.index(target), self.settings, self._teacher, self._second, self._plausibility)
        flips = self._search(trial, frozenset(word.casefold() for word in avoid))
        self.texts_scored = trial.scored + trial.passes
        return [self._counterfactual(example, context, flip) for flip in diverse(flips, n, self.settings.band)]

    def _search(self, trial: Trial, avoid: frozenset[str] = frozenset()) -> list[Flip]:
        """Flips of the first stage that finds any: single edits, sums of a few, many at once, a longer climb."""
        pool = self._pool(trial, avoid, dear=False)
        flips = singles(trial, pool) if pool else []
        if not flips and any(one.dear for one in self._sources):
            dear = [m for m in self._pool(trial, avoid, dear=True) if m not in pool]
            pool += dear
            flips = singles(trial, dear) if dear else []
        if not flips and pool:
            flips = several(trial, pool)
        return flips + toward_band(trial, flips, pool)

    def _pool(self, trial: Trial, avoid: frozenset[str], dear: bool) -> list[Move]:
        """Every move of the sources, each once, that puts in no word to avoid; a source that fails is left out and named
        in `failures`."""
        found: dict[tuple[int, int, str], Move] = {}
        for one in self._sources:
            if one.dear != dear:
                continue
            try:
                moves = one.moves(trial.context, self.settings.a_place)
            except CodError as error:
                self.failures.append(f"{one.name}: {error}")
                continue
            for move in moves:
                if avoid and not avoid.isdisjoint(tokens(move.new.casefold())):
                    continue
                if not touches_frozen(trial.context, move):
                    found.setdefault((move.start, move.end, move.new), move)
        return list(found.values())

    def _counterfactual(self, example: Example, context: SearchContext, flip: Flip) -> Counterfactual:
        text = render(example.text, context.spans, flip.moves, context.english)
        made = sorted(flip.moves, key=lambda m: m.start)
        used = ", ".join(dict.fromkeys(m.source for m in made if m.source))
        name = "teacher-guided search" if self._second is None else SHARED
        return Counterfactual(
            id=short_hash(example.id, text, context.target, "search", ""),
            example_id=example.id,
            text=text,
            source=context.source,
            target=context.target,
            created_at=now(),
            origin=Origin("search", f"{name} ({used})" if used else name, REVISION),
            note=with_effort(told(example.text, context.spans, made), self.texts_scored),
        )


# ---- stages: each takes a trial and the moves at hand, and returns flips


def singles(trial: Trial, pool: list[Move]) -> list[Flip]:
    """Single edits, batch after batch in the order of their estimates, until one flips that is no bare deletion."""
    if not trial.gradients:
        weigh_by_deletion(trial)
    order = best_first(trial, pool)
    enough = sum(trial.settings.batches[:2]) if trial.demanding else np.inf
    for size in trial.settings.batches:
        batch = spread([m for m in order if frozenset((m,)) not in trial.margins], size)
        scored = trial.measure([(m,) for m in batch])
        flips = trial.flips(scored)
        if any(f.moves[0].kind != "delete" for f in flips) or not scored:
            return flips + trial.flips([alone for alone in measured_alone(trial, order) if alone not in scored])
        if len(trial.probs) >= enough:
            break
    return trial.flips(measured_alone(trial, order))


def best_first(trial: Trial, pool: list[Move]) -> list[Move]:
    """The moves within the largest edit allowed, in the order in which they are worth scoring as single edits."""
    estimates = trial.ranked((), pool)
    order = [pool[i] for i in np.argsort(-estimates, kind="stable") if np.isfinite(estimates[i])]
    return [m for m in order if edited_tokens((m,)) <= trial.most_tokens]


def measured_alone(trial: Trial, order: list[Move]) -> list[tuple[Move, ...]]:
    """Those of the moves that were scored as single edits."""
    return [(m,) for m in order if frozenset((m,)) in trial.margins]


def several(trial: Trial, pool: list[Move]) -> list[Flip]:
    """Flips that take several edits, by the first way that finds any; the surest seen where none is as sure as wanted."""
    flips = sums(trial, pool) if within_reach(trial) else []
    return flips or many(trial, pool) or (trial.demanding and trial.surest()) or climb(trial, pool) or trial.surest()


def within_reach(trial: Trial) -> bool:
    """Whether max_edits single edits like the best so far could flip, if their gains added up. Not where more than a flip
    is asked for: in 40 AG News texts such sums were enough for 2 and took a fifth of the budget."""
    if trial.demanding:
        return False
    base, best = trial.margins.get(frozenset()), max((m for s, m in trial.margins.items() if len(s) == 1), default=None)
    if base is None or best is None:
        return True
    return base + trial.settings.max_edits * (best - base) >= 0


def weigh_by_deletion(trial: Trial) -> None:
    """Influence of each place by what its deletion does: for teachers without gradients. In a text with many places
    it weighs as many, evenly spread, as half the budget allows, so that the other half is left for candidates."""
    context, most = trial.context, max(1, trial.settings.budget // 2)
    step = max(1.0, len(context.places) / most)
    weighed = [context.places[int(i * step)] for i in range(min(most, len(context.places)))]
    drops = [Move(p, p + 1, "", "delete", "deletion") for p in weighed]
    trial.measure([(m,) for m in drops])
    influence, least = [0.0] * len(context.spans), min(trial.margins.values(), default=-np.inf)
    for p in context.places:
        influence[p] = trial.margins.get(frozenset((Move(p, p + 1, "", "delete", "deletion"),)), least)
    places = tuple(sorted(context.places, key=lambda p: -influence[p]))
    trial.context = replace(context, influence=tuple(influence), places=places)


def sums(trial: Trial, pool: list[Move]) -> list[Flip]:
    """Beam from the single edits up to sums of max_edits."""
    return beam(trial, pool, [tuple(s) for s in trial.margins if len(s) == 1], trial.settings.max_edits - 1)


def climb(trial: Trial, pool: list[Move]) -> list[Flip]:
    """The beam taken up again where making many at once failed (one backward pass is a poor guide that far), up to
    the largest edit allowed; then the moves not needed taken back."""
    few = [tuple(s) for s in trial.margins if 0 < len(s) <= trial.settings.max_edits]
    flips = beam(trial, pool, few, trial.most_tokens - 1)
    return [minimal(trial, min(flips, key=lambda f: (f.tokens, -f.margin)))] if flips else []


def beam(trial: Trial, pool: list[Move], nodes: list[tuple[Move, ...]], depths: int) -> list[Flip]:
    """Flips of the first depth that has any: each of the best nodes gets the moves that its own gradient ranks first."""
    width = trial.settings.width
    for _ in range(depths):
        nodes = sorted(nodes, key=trial.promise, reverse=True)[: trial.settings.beam]
        wanted: dict[frozenset[Move], float] = {}
        for node in nodes:
            estimates = trial.ranked(node, pool)
            for i in np.argsort(-estimates)[: 2 * width]:
                both = (*node, pool[i])
                if np.isfinite(estimates[i]) and edited_tokens(both) <= trial.most_tokens:
                    wanted[frozenset(both)] = float(estimates[i])
        best = sorted(wanted, key=lambda s: -wanted[s])[:width]
        nodes = trial.measure([tuple(sorted(s, key=lambda m: m.start)) for s in best])
        flips = trial.flips(nodes)
        if flips or not nodes:
            return flips
    return []


def many(trial: Trial, pool: list[Move]) -> list[Flip]:
    """Several edits at once, from node to node: the best single additions are scored exactly, then made one on top of
    another up to the largest edit allowed; the best rung is the next node. At the end the moves not needed are taken back."""
    node: tuple[Move, ...] = ()
    added = [tuple(s) for s in trial.margins if len(s) == 1]
    while True:
        if node:
            estimates = trial.ranked(node, pool)
            order = [pool[i] for i in np.argsort(-estimates) if np.isfinite(estimates[i])]
            order = [m for m in order if edited_tokens((*node, m)) <= trial.most_tokens]
            added = trial.measure([(*node, m) for m in spread(order, trial.settings.additions)])
        scored = [*added, *trial.measure(rungs(trial, node, added))]
        flips = trial.flips(scored)
        if flips:
            return [minimal(trial, min(flips, key=lambda f: (f.tokens, -f.margin)))]
        best = max(scored, key=trial.promise, default=node)
        if len(best) <= len(node) or (node and trial.promise(best) <= trial.promise(node)):
            return []
        node = best


def rungs(trial: Trial, node: tuple[Move, ...], added: Sequence[tuple[Move, ...]]) -> list[tuple[Move, ...]]:
    """The node with the best additions made one on top of another, up to the largest edit allowed: a set a rung.

    added: sets of the node and one move each.
    """
    out: list[tuple[Move, ...]] = []
    ladder = node
    for more in sorted(added, key=trial.promise, reverse=True):
        (move,) = set(more) - set(node)
        if compatible(ladder, move) and edited_tokens((*ladder, move)) <= trial.most_tokens:
            ladder = (*ladder, move)
            out.append(ladder)
        if len(out) == trial.settings.rungs:
            break
    return out


def minimal(trial: Trial, flip: Flip) -> Flip:
    """The flip without every move that it does not need: 1-minimal in moves, within the budget."""
    while len(flip.moves) > 1:
        sets = [tuple(m for m in flip.moves if m is not gone) for gone in flip.moves]
        trial.measure(sets)
        left = trial.flips(sets)
        if not left:
            return flip
        flip = max(left, key=lambda f: f.margin)
    return flip


def toward_band(trial: Trial, flips: list[Flip], pool: list[Move]) -> list[Flip]:
    """More flips at the places of the smallest ones, scored until some lie in the band: weaker words there. [] without a band."""
    if trial.settings.band is None:
        return []
    low, high = trial.settings.band
    aim = float(np.log((low + high) / (2 - low - high)))  # the margin in the middle of the band, for two classes
    found: list[Flip] = []
    for flip in sorted(flips, key=lambda f: (f.tokens, f.margin))[: trial.settings.beam]:
        if any(low <= f.p <= high for f in [*flips, *found]):
            break
        for swapped in flip.moves:
            rest = tuple(m for m in flip.moves if m is not swapped)
            others = [m for m in pool if (m.start, m.end) == (swapped.start, swapped.end) and compatible(rest, m)]
            estimates = trial.estimates(rest, others)
            order = np.argsort(np.abs(estimates - aim), kind="stable")
            sets = [tuple(sorted((*rest, others[i]), key=lambda m: m.start)) for i in order if np.isfinite(estimates[i])]
            found += trial.flips(trial.measure(sets[: trial.settings.width]))
    return found


def context_of(
    text: str,
    source: str,
    target: str,
    labels: Sequence[str] = (),
    frozen: Sequence[str] = (),
    task: str = "",
    usual: Language | None = None,
    own_words: frozenset[str] = frozenset(),
) -> SearchContext:
    """The context of a text: its tokens, and the places that may be edited (no function words, nothing frozen)."""
    spans, language = token_spans(text), language_of(text, usual)
    found = [text[a:b] for a, b in spans]
    kept = frozen_positions(found, frozen)
    places = tuple(
        i
        for i, word in enumerate(found)
        if word[0].isalpha()
        and i not in kept
        and not _possessive(word)
        and (len(word) > 1 or is_unspaced(word))
        and word.lower().replace("’", "'") not in language.function_words
    )
    return SearchContext(
        text,
        spans,
        source,
        target,
        places,
        labels=tuple(labels),
        task=task,
        language=language,
        frozen=kept,
        own_words=own_words,
        tags=words.tags(found) if language.forms else (),
    )


def _possessive(word: str) -> bool:
    """Whether a token holds an apostrophe: a name with its s, a short form. Neither has a form to replace it with."""
    return "'" in word or "’" in word


def frozen_positions(found: Sequence[str], frozen: Sequence[str]) -> frozenset[int]:
    """Token positions covered by any of the frozen words or phrases, ignoring case."""
    lower = [t.casefold() for t in found]
    out: set[int] = set()
    for phrase in frozen:
        wanted = [t.casefold() for t in tokens(phrase)]
        for i in range(len(lower) - len(wanted) + 1):
            if wanted and lower[i : i + len(wanted)] == wanted:
                out.update(range(i, i + len(wanted)))
    return frozenset(out)


def touches_frozen(context: SearchContext, move: Move) -> bool:
    """Whether the move, or the article that would have to agree with it, changes a word that must stay."""
    made = with_articles(context.text, context.spans, [move]) if context.english and context.frozen else [move]
    return any(p in context.frozen for one in made for p in range(one.start, one.end))


def spread(moves: Sequence[Move], n: int) -> list[Move]:
    """The first n moves in order, at most a third of them at one place and a quarter of them bare deletions."""
    taken: list[Move] = []
    later: list[Move] = []
    places: dict[int | str, int] = {}
    for move in moves:
        kind: int | str = "delete" if move.kind == "delete" else move.start
        limit = max(1, n // 4) if kind == "delete" else max(1, n // 3)
        places[kind] = places.get(kind, 0) + 1
        (taken if places[kind] <= limit else later).append(move)
        if len(taken) == n:
            break
    return (taken + later)[:n]


def diverse(flips: Sequence[Flip], n: int, band: tuple[float, float] | None = None) -> list[Flip]:
    """Up to n flips: fewest tokens edited, replacements before bare deletions, clearest first; then one a place and kind.
    With a band of p(target), those inside it come before all others."""
    ranked = sorted(
        flips,
        key=lambda f: (band is not None and not band[0] <= f.p <= band[1], f.tokens, all(m.kind == "delete" for m in f.moves), -f.margin),
    )
    chosen: list[Flip] = []
    later: list[Flip] = []
    seen: set[tuple[tuple[int, str], ...]] = set()
    for flip in ranked:
        kind = tuple((m.start, m.kind) for m in flip.moves)
        (later if kind in seen else chosen).append(flip)
        seen.add(kind)
    return (chosen + later)[:n]
