"""Candidate source: the nearest whole words in an encoder's own input-embedding table. Knows no teacher.

Antonyms lie close to one another there ("splendid" - "hideous"), so neighbours are not filtered to synonyms, unlike
TextFooler's (Jin et al. 2020). Works with word-piece vocabularies (##) and sentence-piece ones (leading ▁).
"""

from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from cod_core.counterfactuals import words
from cod_core.counterfactuals.languages import Language
from cod_core.counterfactuals.moves import Move
from cod_core.counterfactuals.sources import SearchContext

if TYPE_CHECKING:
    from cod_core.models.encoder import Encoder

MARK = "▁"


class EmbeddingNeighbours:
    """`CandidateSource` "encoder neighbours"."""

    name, dear = "encoder neighbours", False

    def __init__(self, encoder: "Encoder"):
        """encoder: models.encoder.Encoder, of which tokenizer and input embeddings are used."""
        table = encoder.model.get_input_embeddings().weight.detach().float().cpu().numpy()
        self._vectors = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
        vocabulary = encoder.tokenizer.get_vocab()
        marked = any(token.startswith(MARK) for token in vocabulary)
        whole = {(token[1:] if marked else token): i for token, i in vocabulary.items() if not marked or token.startswith(MARK)}
        self._words = [w for w in whole if w.isalpha() and (len(w) > 2 or not w.isascii())]
        self._whole = frozenset(whole)
        self._directions = self._vectors[[whole[w] for w in self._words]]
        self._tokenizer = encoder.tokenizer
        self._known: dict[str, np.ndarray] = {}
        self.nearest = lru_cache(maxsize=10_000)(self._nearest)
        self._own_table = lru_cache(maxsize=2)(self._own_words)

    def moves(self, context: SearchContext, n: int) -> list[Move]:
        """The n nearest fitting words for each place; of the project's own words where the table does not speak the language."""
        found, foreign = [], bool(context.own_words) and not self.speaks(context.language)
        for place in context.places:
            word = context.word(place)
            near = (
                self._own(word, n, context.own_words)
                if foreign
                else [
                    w for w in self.nearest(word, 2 * n, context.english) if not context.english or words.fits_tag(context.tags[place], w)
                ]
            )
            found += [Move(place, place + 1, words.like(w, word), "replace", self.name) for w in near[:n]]
        return found

    def speaks(self, language: Language) -> bool:
        """Whether half of a language's function words are whole words of the vocabulary; True where that tells nothing: for
        languages without a list, and scripts without spaces."""
        listed = language.function_words
        return not listed or not language.spaced or 2 * len(listed & self._whole) >= len(listed)

    def _own(self, word: str, n: int, own: frozenset[str]) -> list[str]:
        """The n own words nearest to a word, each read as the mean of its pieces."""
        known, directions = self._own_table(own)
        order = np.argsort(-(directions @ self._direction(word.lower())), kind="stable")
        near = (known[i] for i in order if known[i] != word.lower() and not same_stem(known[i], word.lower()))
        return list(islice(near, n))

    def _own_words(self, own: frozenset[str]) -> tuple[list[str], np.ndarray]:
        """(the words in alphabetical order, their directions (m, d))."""
        known = sorted(own)
        return known, np.stack([self._direction(word) for word in known])

    def closeness(self, a: str, b: str) -> float:
        """Cosine of two words in the table, in [-1, 1]; 0 where one has no pieces."""
        one, two = self._direction(a.lower()), self._direction(b.lower())
        return float(one @ two)

    def _pieces(self, word: str) -> list[int]:
        """Rows of the table that a word is read as."""
        found: list[int] = self._tokenizer(word, add_special_tokens=False)["input_ids"]
        return found

    def _direction(self, word: str) -> np.ndarray:
        if word not in self._known:
            pieces = self._pieces(word)
            mean = self._vectors[pieces].mean(axis=0) if pieces else np.zeros(self._vectors.shape[1])
            self._known[word] = mean / max(float(np.linalg.norm(mean)), 1e-9)
        return self._known[word]

    def _nearest(self, word: str, n: int, english: bool = True) -> tuple[str, ...]:
        """Up to n words, nearest first; none that shares the word's stem. english: of the same form, no function word."""
        lower = word.lower()
        pieces = self._pieces(lower)
        if not pieces:
            return ()
        near = self._directions @ self._vectors[pieces].mean(axis=0)
        count = min(6 * n, len(near))
        order = np.argpartition(-near, count - 1)[:count]
        found = []
        for index in order[np.argsort(-near[order])]:
            candidate = self._words[index]
            if candidate.lower() == lower or same_stem(candidate.lower(), lower):
                continue
            if english and (not candidate.isascii() or words.is_function_word(candidate) or not words.fits(word, candidate)):
                continue
            found.append(candidate)
            if len(found) == n:
                break
        return tuple(found)


def same_stem(a: str, b: str) -> bool:
    """Whether two words look like forms of one: the first four letters agree and the lengths differ by at most 3."""
    return len(a) > 3 and a[:4] == b[:4] and abs(len(a) - len(b)) <= 3
