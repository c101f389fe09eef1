"""Candidate source: words and phrases of the target class among the person's own texts; what fits a place.

A word counts for a class by its weighted log-odds against the other classes (Monroe, Colaresi & Quinn 2008,
"Fightin' Words"), and stays only where the teacher, asked about the word alone, leans to that class too. Knows the
teacher as a function.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from cod_core.counterfactuals import words
from cod_core.counterfactuals.languages import language_of, usual_language
from cod_core.counterfactuals.moves import Move
from cod_core.counterfactuals.neighbours import EmbeddingNeighbours, same_stem
from cod_core.counterfactuals.pieces import plain_tokens
from cod_core.counterfactuals.sources import SearchContext
from cod_core.text import is_unspaced, tokens

TOP = 400
MAX_TEXTS = 5000


class ClassWords:
    """`CandidateSource` "words of the target class": replacements of the same form, and insertions before a noun."""

    name, dear = "words of the target class", False

    def __init__(
        self, texts: Sequence[str], labels: Sequence[str], names: Sequence[str], score: Callable[[Sequence[str]], np.ndarray] | None = None
    ):
        """texts with their labels (of `names`). score: texts -> (n, C) log-probabilities of the teacher, None to trust counts."""
        self._names, self._score, self.usual = tuple(names), score, usual_language(texts[:MAX_TEXTS])
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in names}
        self._inner_capitals: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        for text, label in list(zip(texts, labels, strict=True))[:MAX_TEXTS]:
            self._read(text, label)
        self._of_class: dict[str, list[tuple[str, float]]] = {}
        self._modifying: dict[str, list[str]] = {}

    @property
    def words(self) -> frozenset[str]:
        """All words of the texts but function words, in lower case."""
        return frozenset().union(*self._counts.values())

    def _read(self, text: str, label: str) -> None:
        found = plain_tokens(text)
        self._count_capitals(found)
        if label in self._counts:
            self._counts[label].update(content_words(found, language_of(text, self.usual).function_words))

    def _count_capitals(self, found: Sequence[str]) -> None:
        """How often each word stands after another one, and how often with a capital there: names do."""
        for before, token in zip(found, found[1:]):
            if before[0].isalpha():
                self._seen[token.lower()] += 1
                if token[0].isupper():
                    self._inner_capitals[token.lower()] += 1

    def of_class(self, target: str) -> list[tuple[str, float]]:
        """(word, weight) of the class, strongest first; weight: the teacher's margin on the word alone, or log-odds."""
        if target not in self._of_class:
            found = self._by_counts(target)
            if self._score is not None and found:
                aim = self._names.index(target)
                rows = np.asarray(self._score([self.surface(w) for w, _ in found]))
                margins = rows[:, aim] - np.delete(rows, aim, axis=1).max(axis=1)
                middle = float(np.median(margins))
                found = sorted(((w, float(m)) for (w, _), m in zip(found, margins) if m >= min(0.0, middle)), key=lambda pair: -pair[1])
            self._of_class[target] = found
        return self._of_class[target]

    def _by_counts(self, target: str) -> list[tuple[str, float]]:
        """Weighted log-odds with a prior of the whole corpus; only words that lean to the class."""
        mine = self._counts[target]
        rest: Counter[str] = Counter()
        for name, counts in self._counts.items():
            if name != target:
                rest.update(counts)
        n_mine, n_rest = max(1, sum(mine.values())), max(1, sum(rest.values()))
        total, scored = n_mine + n_rest, []
        for word, count in mine.items():
            prior = 50.0 * (count + rest[word]) / total + 0.01
            delta = math.log((count + prior) / (n_mine + 50.0 - count - prior + 1)) - math.log(
                (rest[word] + prior) / (n_rest + 50.0 - rest[word] - prior + 1)
            )
            z = delta / math.sqrt(1 / (count + prior) + 1 / (rest[word] + prior))
            if z > 0:
                scored.append((word, z))
        return sorted(scored, key=lambda pair: (-pair[1], pair[0]))[:TOP]

    def is_name(self, word: str) -> bool:
        """Whether the word is mostly written with a capital inside sentences."""
        lower = word.lower()
        return self._inner_capitals[lower] * 2 > max(1, self._seen[lower])

    def surface(self, word: str) -> str:
        """The word as it is written inside a sentence."""
        return word[:1].upper() + word[1:] if self.is_name(word) else word

    def moves(self, context: SearchContext, n: int) -> list[Move]:
        """Replacements at each place and, in English, insertions before nouns, 2n a place at most."""
        present = {t.lower() for t in tokens(context.text)}
        ranked = [w for w, _ in self.of_class(context.target) if w not in present]
        found = []
        for place in context.places:
            word = context.word(place)
            fitting = [
                w
                for w in ranked
                if is_unspaced(w[0]) == is_unspaced(word[0])
                and not same_stem(w, word.lower())
                and (not context.english or self._fits(context.tags[place], w))
            ][: 2 * n]
            found += [Move(place, place + 1, words.like(self.surface(w), word), "replace", self.name) for w in fitting]
            if context.english and self._takes_modifier(context, place):
                found += [Move(place, place, w, "insert", self.name) for w in self._modifiers(context.target, present)[:n]]
        return found

    def _fits(self, tag: str, word: str) -> bool:
        """Names for names, and words of the dictionary whose usual tag is the place's."""
        if self.is_name(word) or tag.startswith("NNP"):
            return self.is_name(word) and tag.startswith("NNP")
        return words.fits_tag(tag, word)

    @staticmethod
    def _takes_modifier(context: SearchContext, place: int) -> bool:
        """A noun directly after an article, a preposition or a conjunction: another word reads well before it."""
        return (
            place > 0
            and context.tags[place] in ("NN", "NNS")
            and context.tags[place - 1] in ("DT", "IN", "CC", "PRP$")
            and place not in context.frozen
        )

    def _modifiers(self, target: str, present: set[str]) -> list[str]:
        if target not in self._modifying:
            self._modifying[target] = [w for w, _ in self.of_class(target) if not self.is_name(w) and words.can_modify(w)]
        return [w for w in self._modifying[target] if w not in present]


def content_words(found: Sequence[str], function_words: frozenset[str]) -> set[str]:
    """The words of a text's tokens that may tell its class, lower case; in scripts without spaces pairs of characters too."""
    unspaced = bool(found) and is_unspaced(found[0][0])
    pairs = [a + b for a, b in zip(found, found[1:]) if is_unspaced(a[0]) and is_unspaced(b[0])] if unspaced else []
    lower = {token.lower() for token in [*found, *pairs] if token[0].isalpha() and (len(token) > 2 or is_unspaced(token[0]))}
    return lower - function_words


class Plausibility:
    """How well a replacement fits its place, in [-1, 1] about: word pairs seen in the person's texts, and closeness."""

    def __init__(self, pairs: "WordPairs", neighbours: EmbeddingNeighbours):
        self._pairs, self._near = pairs, neighbours

    def __call__(self, context: SearchContext, moves: Sequence[Move]) -> np.ndarray:
        """(m,) a number a move; deletions and negations get 0."""
        out = np.zeros(len(moves))
        for i, move in enumerate(moves):
            if move.kind in ("replace", "insert"):
                before = context.word(move.start - 1).lower() if move.start else ""
                after = context.word(move.end).lower() if move.end < len(context.spans) else ""
                new, old = move.new.lower(), context.word(move.start).lower() if move.end > move.start else ""
                gained = self._pairs.likelihood(before, new) + self._pairs.likelihood(new, after)
                lost = (
                    self._pairs.likelihood(before, old) + self._pairs.likelihood(old, after)
                    if old
                    else self._pairs.likelihood(before, after) + self._pairs.usual
                )
                close = self._near.closeness(new, old) if old else 0.0
                out[i] = 0.5 * float(np.clip((gained - lost) / 6, -1, 1)) + close
        return out


class WordPairs:
    """Word pairs of the person's own texts as probabilities: an interpolated bigram model."""

    def __init__(self, texts: Sequence[str]):
        self._single: Counter[str] = Counter()
        self._pairs: dict[str, Counter[str]] = defaultdict(Counter)
        for text in list(texts)[:MAX_TEXTS]:
            row = ["", *(t.lower() for t in tokens(text)), ""]
            self._single.update(row[1:])
            for a, b in zip(row, row[1:]):
                self._pairs[a][b] += 1
        self._total = sum(self._single.values())
        self._kinds = len(self._single) + 1
        self.usual = -math.log(self._kinds)

    def likelihood(self, before: str, word: str) -> float:
        """Log-probability of a token after another (lower-case), Witten-Bell interpolation."""
        single = (self._single[word] + 1) / (self._total + self._kinds)
        following = self._pairs.get(before)
        if not following:
            return math.log(single)
        seen, kinds = following.total(), len(following)
        return math.log((following[word] + kinds * single) / (seen + kinds))
