"""Stages of the search: each takes a trial and the moves at hand, and returns flips. Knows no source and no store.

Single edits first; then sums of a few; then many at once with what is not needed taken back; then a longer climb.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from cod_core.counterfactuals.moves import Move, compatible
from cod_core.counterfactuals.pieces import GUARDED
from cod_core.counterfactuals.trial import Flip, Trial, edited_tokens


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
    flips = flips or many(trial, pool) or (trial.surest() if trial.demanding else [])
    return flips or ([] if hopeless(trial) else climb(trial, pool)) or trial.surest()


def hopeless(trial: Trial) -> bool:
    """Whether the best of all edits up to the largest allowed went less than half the way to a flip: a longer climb then takes
    the rest of the budget and finds none (docs/experiments.md)."""
    base = trial.margins.get(frozenset())
    return base is not None and base < 0 and max(trial.margins.values()) < base / 2


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
    shaped = [
        (piece.start, piece.end)
        for piece in context.pieces
        if piece.kind != GUARDED and context.frozen.isdisjoint(range(piece.start, piece.end))
    ]
    whole = sorted([*shaped, *((p, p + 1) for p in context.places)])
    step = max(1.0, len(whole) / most)
    drops = {span: Move(*span, "", "delete", "deletion") for span in (whole[int(i * step)] for i in range(min(most, len(whole))))}
    trial.measure([(m,) for m in drops.values()])
    influence, least = [0.0] * len(context.spans), min(trial.margins.values(), default=-np.inf)
    for span in whole:
        of_span = trial.margins.get(frozenset((drops[span],)), least) if span in drops else least
        influence[slice(*span)] = [of_span] * (span[1] - span[0])
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
