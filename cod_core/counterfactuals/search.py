"""Teacher-guided search for minimal counterfactuals, second generation: any sources, any number of classes.

Candidate sources propose single edits; one backward pass through the teacher ranks them all (models.sensitivity), and
only the best are scored exactly. Where no single edit flips, a beam adds edits, each node ranked by its own backward
pass; where many are needed (topics), the best ones are made at once and every edit that is not needed is taken back.
Everything happens within a budget of scored texts, and every proposal says how many it took. Knows no store.
"""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from cod_core.counterfactuals import words
from cod_core.counterfactuals.effort import with_effort
from cod_core.counterfactuals.languages import Language, language_of
from cod_core.counterfactuals.moves import Move, render, told, with_articles
from cod_core.counterfactuals.pieces import guarded, pieces_of, torn
from cod_core.counterfactuals.sources import CandidateSource, SearchContext
from cod_core.counterfactuals.stages import several, singles, toward_band
from cod_core.counterfactuals.trial import Flip, Judge, SearchSettings, Trial
from cod_core.errors import CodError
from cod_core.text import is_unspaced, short_hash, token_spans, tokens
from cod_core.types import Counterfactual, Example, Origin, now

REVISION, EARLIER = "search/6", "search/5"  # what an earlier one tried counts as tried
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
        surrogate: Judge | None = None,
        usual: Language | None = None,
        own_words: frozenset[str] = frozenset(),
    ):
        """labels: the classes that the judges' columns stand for. frozen: words and phrases that must stay.
        plausibility: how well moves fit their places, about -1 to 1; it decides with the estimate what is scored.
        surrogate: a judge that has to share every flip, None where the teacher alone decides. usual: the language of the
        project's texts (usual_language); own_words: their words."""
        self._teacher, self._surrogate, self._plausibility = teacher, surrogate, plausibility
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
        trial = Trial(context, self._labels.index(target), self.settings, self._teacher, self._surrogate, self._plausibility)
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
        name = "teacher-guided search" if self._surrogate is None else SHARED
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
    """The context of a text: its tokens, its pieces, and the words that may be edited (no function words, nothing frozen)."""
    spans, language, pieces = token_spans(text), language_of(text, usual), pieces_of(text)
    found = [text[a:b] for a, b in spans]
    kept = frozen_positions(found, frozen) | guarded(text)
    taken = {i for piece in pieces for i in range(piece.start, piece.end)}
    places = tuple(
        i
        for i, word in enumerate(found)
        if word[0].isalpha()
        and i not in kept
        and i not in taken
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
        pieces=pieces,
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
    """Whether the move, or the article that would have to agree with it, changes a word that must stay or takes a piece apart."""
    made = with_articles(context.text, context.spans, [move]) if context.english and context.frozen else [move]
    return any(p in context.frozen for one in made for p in range(one.start, one.end)) or torn(context.pieces, move.start, move.end)


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
