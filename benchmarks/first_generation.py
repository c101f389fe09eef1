"""The first generation of the search (search/2), kept to be measured against: benchmarks/search.py.

Every single edit near the most decisive words is scored, with no gradient, no corpus words and no tagger.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from cod_core.counterfactuals import words
from cod_core.text import short_hash, token_spans
from cod_core.types import Counterfactual, Example, Origin, now

REVISION = "search/2"


@dataclass(frozen=True)
class SearchSettings:
    """Budget of the search. positions: words tried together (up to four times); neighbours: replacements a word;
    combinations: sums of single edits scored a depth."""

    positions: int = 3
    neighbours: int = 24
    combinations: int = 64
    max_edits: int = 4


@dataclass(frozen=True)
class _Step:
    """One edit: tokens[position] becomes `new` ("" deletes it); kind: replace, delete, negate, affirm."""

    position: int
    new: str
    kind: str


class EmbeddingNeighbours:
    """The nearest whole words in the encoder's own input-embedding table; antonyms lie close there."""

    def __init__(self, encoder):
        """encoder: models.encoder.Encoder, of which tokenizer and input embeddings are used."""
        table = encoder.model.get_input_embeddings().weight.detach().float().cpu().numpy()
        self._vectors = table / np.maximum(np.linalg.norm(table, axis=1, keepdims=True), 1e-9)
        vocabulary = encoder.tokenizer.get_vocab()
        self._words = [(w, i) for w, i in vocabulary.items() if len(w) > 2 and w.isascii() and w.isalpha()]
        self._ids = np.array([i for _, i in self._words])
        self._pieces = lambda word: encoder.tokenizer(word, add_special_tokens=False)["input_ids"]
        self.nearest = lru_cache(maxsize=10_000)(self._nearest)

    def _nearest(self, word: str, n: int) -> tuple[str, ...]:
        """Up to n words of the same form, nearest first; none that shares the word's stem."""
        pieces = self._pieces(word.lower())
        if not pieces:
            return ()
        query = self._vectors[pieces].mean(axis=0)
        order = np.argsort(-(self._vectors[self._ids] @ query))[: 6 * n]
        found = []
        for index in order:
            candidate = self._words[index][0]
            if candidate == word.lower() or words.is_function_word(candidate) or not words.fits(word, candidate):
                continue
            if candidate[:4] == word.lower()[:4] and abs(len(candidate) - len(word)) <= 3:
                continue
            found.append(candidate)
            if len(found) == n:
                break
        return tuple(found)


class SearchGenerator:
    """`Generator` by search. score: texts -> (n, C) log-probabilities of the teacher; labels: their order.

    texts_scored counts what the last propose() asked of the teacher.
    """

    name = "search"

    def __init__(
        self,
        score: Callable[[Sequence[str]], np.ndarray],
        labels: Sequence[str],
        neighbours: EmbeddingNeighbours,
        settings: SearchSettings = SearchSettings(),
    ):
        self._score, self._labels, self._near, self.settings = score, tuple(labels), neighbours, settings
        self.texts_scored = 0

    def propose(self, example: Example, source: str, target: str, n: int = 4) -> list[Counterfactual]:
        """Up to n flips found at the first depth that has any, of different kinds and places; [] if none flips.

        source: the teacher's class at the text; target: the class to reach.
        """
        text, self.texts_scored = example.text, 0
        spans = token_spans(text)
        singles = self._deletions(text, spans)
        if not singles:
            return []
        aim = self._labels.index(target)
        gains = dict(zip(singles, self._gain([render(text, spans, (s,)) for s in singles], aim)))
        ranked = sorted((s for s in singles if s.kind == "delete"), key=lambda s: -gains[s][0])
        places = [s.position for s in ranked]
        flips = [((s,), gains[s]) for s in singles if gains[s][1]]
        width = self.settings.positions
        for first in range(0, 4 * width, width):
            steps = [s for p in places[first : first + width] for s in self._replacements(text, spans, p)]
            scored = dict(zip(steps, self._gain([render(text, spans, (s,)) for s in steps], aim)))
            gains.update(scored)
            flips += [((s,), g) for s, g in scored.items() if g[1]]
            if not steps or any(s[0].kind == "replace" for s, _ in flips):
                break
        if not flips:
            flips = self._combine(text, spans, gains, aim)
        return [self._counterfactual(example, spans, steps, source, target) for steps, _ in diverse(flips, n)]

    def _gain(self, texts: list[str], aim: int) -> list[tuple[float, bool]]:
        """(log-odds style margin of the target, flipped to it) a text."""
        if not texts:
            return []
        self.texts_scored += len(texts)
        rows = np.asarray(self._score(texts))
        others = np.delete(rows, aim, axis=1).max(axis=1)
        return [(float(m), bool(m > 0)) for m in rows[:, aim] - others]

    def _deletions(self, text: str, spans) -> list[_Step]:
        """Single deletions of content words, and negations put in or taken out."""
        steps = []
        for i, (a, b) in enumerate(spans):
            word = text[a:b]
            plain = words.affirmed(word)
            if plain is not None:
                steps.append(_Step(i, plain, "affirm"))
            elif words.negatable(word) and not (i + 1 < len(spans) and words.affirmed(text[slice(*spans[i + 1])]) == ""):
                steps.append(_Step(i, f"{word} not", "negate"))
            elif word[0].isalpha() and len(word) > 1 and not words.is_function_word(word):
                steps.append(_Step(i, "", "delete"))
        return steps

    def _replacements(self, text: str, spans, position: int) -> list[_Step]:
        word = text[slice(*spans[position])]
        return [_Step(position, words.like(w, word), "replace") for w in self._near.nearest(word, self.settings.neighbours)]

    def _combine(self, text: str, spans, gains, aim: int):
        """Sums of single edits at different places, the most promising first; flips of the first depth with any."""
        base = min(g for g, _ in gains.values())
        best: dict[int, list[_Step]] = {}
        for step in sorted(gains, key=lambda s: -gains[s][0] + (1.0 if s.kind == "delete" else 0.0)):
            best.setdefault(step.position, []).append(step)
        pool = [s for steps in best.values() for s in steps[:4]]
        pool = sorted(pool, key=lambda s: -gains[s][0])[:32]
        beam = [((s,), gains[s][0]) for s in pool]
        for _ in range(2, self.settings.max_edits + 1):
            sums: dict[tuple, float] = {}
            for steps, margin in beam:
                for step in pool:
                    if step.position not in {s.position for s in steps}:
                        key = tuple(sorted((*steps, step), key=lambda s: s.position))
                        sums[key] = max(sums.get(key, -np.inf), margin + gains[step][0] - base)
            chosen = sorted(sums, key=lambda k: -sums[k])[: self.settings.combinations]
            scored = list(zip(chosen, self._gain([render(text, spans, k) for k in chosen], aim)))
            flips = [(k, g) for k, g in scored if g[1]]
            if flips or not scored:
                return flips
            beam = sorted(((k, g[0]) for k, g in scored), key=lambda kg: -kg[1])[:16]
        return []

    def _counterfactual(self, example: Example, spans, steps, source: str, target: str) -> Counterfactual:
        text = render(example.text, spans, steps)
        note = "; ".join(describe(example.text[slice(*spans[s.position])], s) for s in steps)
        return Counterfactual(
            id=short_hash(example.id, text, target, "search", ""),
            example_id=example.id,
            text=text,
            source=source,
            target=target,
            origin=Origin("search", "teacher-guided search", REVISION),
            note=note,
            created_at=now(),
        )


def diverse(flips, n: int):
    """Up to n flips: fewest edits, replacements before bare deletions, clearest first; then one a place and kind."""
    ranked = sorted(flips, key=lambda f: (len(f[0]), all(s.kind == "delete" for s in f[0]), -f[1][0]))
    chosen, seen, later = [], set(), []
    for steps, gain in ranked:
        kind = tuple((s.position, s.kind) for s in steps)
        (later if kind in seen else chosen).append((steps, gain))
        seen.add(kind)
    return (chosen + later)[:n]


def describe(old: str, step: _Step) -> str:
    """What a step did, in words: the note beside a proposal."""
    if step.kind == "replace":
        return f"replaced “{old}” with “{step.new}”"
    if step.kind == "delete":
        return f"deleted “{old}”"
    return "added “not”" if step.kind == "negate" else "took out the negation"


def render(text: str, spans, steps: Sequence[_Step]) -> str:
    """The text with the steps made; spaces closed after a deletion, a / an agreed with the word that follows."""
    pieces = {s.position: s.new for s in steps}
    for position in list(pieces):
        before, following = position - 1, pieces[position]
        if not following and position + 1 < len(spans):
            following = pieces.get(position + 1, text[slice(*spans[position + 1])])
        if before >= 0 and before not in pieces:
            pieces[before] = words.article_for(text[slice(*spans[before])], following)
    out, at = [], 0
    for position in sorted(pieces):
        start, end = spans[position]
        out.append(text[at:start])
        at = end
        new = pieces[position]
        if not new:
            if out[-1].endswith(" ") or not out[-1] and position == 0:
                if at < len(text) and text[at] == " ":
                    at += 1
                elif out[-1]:
                    out[-1] = out[-1].rstrip(" ")
        out.append(new)
    out.append(text[at:])
    result = "".join(out)
    return result[:1].upper() + result[1:] if text[:1].isupper() else result
