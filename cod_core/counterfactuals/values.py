"""Candidate source: numbers, prices, codes and links, in the shapes that the person's own texts of the target class show.

Whether a shape may be edited at all is decided by the labelled texts: only where having one, or how large it is, goes with
the class. In reviews a film's length says nothing and stays; in text messages a phone number says nearly all. Knows
the teacher as a function.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import regex

from cod_core.counterfactuals.moves import Move
from cod_core.counterfactuals.pieces import GUARDED, Piece, pieces_of, torn
from cod_core.counterfactuals.sources import SearchContext
from cod_core.text import token_spans

MAX_TEXTS, MOST_TOKENS, MOST_ASKED = 5000, 8, 200
TELLING = 2.0  # standard errors between two classes from which a shape tells them apart
_ENDS = frozenset(".!?;…。！？")


class Values:
    """`CandidateSource` "numbers, codes and links": values exchanged, left out with their clause, or put in with one."""

    name, dear = "numbers, codes and links", False

    def __init__(
        self, texts: Sequence[str], labels: Sequence[str], names: Sequence[str], score: Callable[[Sequence[str]], np.ndarray] | None = None
    ):
        """texts with their labels (of `names`). score: texts -> (n, C) log-probabilities of the teacher, by which clauses are
        ranked; None to take the most frequent ones first."""
        self._names, self._score = tuple(names), score
        self._texts: Counter[str] = Counter()
        self._having: dict[str, Counter[str]] = defaultdict(Counter)  # class -> shape -> texts with one
        self._values: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)  # (class, shape) -> values
        self._beside: dict[tuple[str, str], dict[str, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
        self._clauses: dict[str, Counter[tuple[str, str]]] = defaultdict(Counter)  # class -> (shape, clause)
        self._ranked: dict[tuple[str, str], list[str]] = {}
        for text, label in list(zip(texts, labels, strict=True))[:MAX_TEXTS]:
            if label in self._names:
                self._read(text, label)

    def _read(self, text: str, label: str) -> None:
        self._texts[label] += 1
        spans, pieces = token_spans(text), pieces_of(text)
        shaped = [piece for piece in pieces if piece.kind != GUARDED]
        self._having[label].update({piece.kind for piece in shaped})
        for piece in shaped:
            self._values[label, piece.kind][piece.text] += 1
            for word in beside(text, spans, piece):
                self._beside[label, piece.kind][word][piece.text] += 1
            if clause := clause_around(text, spans, pieces, piece):
                self._clauses[label][piece.kind, clause] += 1

    def leaning(self, kind: str, towards: str, other: str) -> float:
        """How much oftener texts of one class have the shape than those of another, in standard errors; below 0 more rarely."""
        n, m = self._texts[towards], self._texts[other]
        if not n or not m:
            return 0.0
        p, q = ((self._having[label][kind] + 0.5) / (count + 1) for label, count in ((towards, n), (other, m)))
        return (p - q) / math.sqrt(p * (1 - p) / n + q * (1 - q) / m)

    def tells(self, kind: str, a: str, b: str) -> bool:
        """Whether having the shape, or how large its values are, sets texts of two classes apart."""
        return abs(self.leaning(kind, a, b)) >= TELLING or self._larger(kind, a, b) >= TELLING

    def _larger(self, kind: str, a: str, b: str) -> float:
        """The difference of the values' ranks in two classes, in standard errors (Mann and Whitney); 0 where they are no numbers."""
        one, two = (sizes(self._values[label, kind]) for label in (a, b))
        n, m = len(one), len(two)
        if n < 5 or m < 5:
            return 0.0
        wins = (np.subtract.outer(one, two) > 0).sum() + 0.5 * (np.subtract.outer(one, two) == 0).sum()
        return float(abs(wins - n * m / 2) / math.sqrt(n * m * (n + m + 1) / 12))

    def moves(self, context: SearchContext, n: int) -> list[Move]:
        """Up to n values a piece; the piece, and its clause, left out; up to n clauses before and after the text."""
        found: list[Move] = []
        shaped = [piece for piece in context.pieces if piece.kind != GUARDED]
        for piece in shaped:
            if not self.tells(piece.kind, context.source, context.target):
                continue
            values = self._fitting(context, piece, n)
            found += [Move(piece.start, piece.end, value, "replace", self.name) for value in values]
            if self.leaning(piece.kind, context.source, context.target) >= TELLING:
                found += self._left_out(context, piece)
        return found + self._put_in(context, n)

    def _fitting(self, context: SearchContext, piece: Piece, n: int) -> list[str]:
        """Values of the shape in texts of the target: those that stand beside the same words first, then the most frequent."""
        key = (context.target, piece.kind)
        near: Counter[str] = Counter()
        for word in beside(context.text, context.spans, piece):
            near.update(self._beside[key].get(word, ()))
        order = [value for value, _ in near.most_common()] + [value for value, _ in self._values[key].most_common(n)]
        return [value for value in dict.fromkeys(order) if value != piece.text][:n]

    def _left_out(self, context: SearchContext, piece: Piece) -> list[Move]:
        """The clause with the piece; the piece alone where the clause is the whole text, or long: "Call now." says nothing."""
        start, end = clause_of(context.text, context.spans, piece)
        if end - start < len(context.spans) and end - start <= MOST_TOKENS:
            return [Move(start, end, "", "delete", self.name)]
        return [Move(piece.start, piece.end, "", "delete", self.name)]

    def _put_in(self, context: SearchContext, n: int) -> list[Move]:
        """Clauses with a value that the target has oftener: after the text's last sentence, or before the first."""
        size, clauses = len(context.spans), list[str]()
        for kind in self._having[context.target]:
            if self.leaning(kind, context.target, context.source) >= TELLING:
                clauses += self._of_class(context.target, kind)[:n]
        ends = size > 0 and context.word(size - 1) in _ENDS
        places = {0: True, size: False} if ends else {0: True}
        return [
            Move(place, place, clause + ("." if stop and clause[-1] not in _ENDS else ""), "insert", self.name)
            for place, stop in places.items()
            for clause in clauses
            if clause.casefold() not in context.text.casefold()
        ]

    def _of_class(self, label: str, kind: str) -> list[str]:
        """Clauses of a class with such a value, those first that the teacher is surest of on their own."""
        if (label, kind) not in self._ranked:
            found = [clause for (shape, clause), _ in self._clauses[label].most_common() if shape == kind][:MOST_ASKED]
            if self._score is not None and found:
                at = self._names.index(label)
                rows = np.asarray(self._score(found))
                margins = rows[:, at] - np.delete(rows, at, axis=1).max(axis=1)
                found = [found[i] for i in np.argsort(-margins, kind="stable")]
            self._ranked[label, kind] = found
        return self._ranked[label, kind]


def sizes(values: Counter[str], most: int = 400) -> np.ndarray:
    """(n,) the values as numbers, each as often as it occurs; those that are none are left out."""
    out: list[float] = []
    for value, count in values.items():
        digits = regex.search(r"\d[\d ]{0,15}(?:[.,]\d{1,6})?", value)
        if digits is not None and len(out) < most:
            out += [float(digits.group().replace(" ", "").replace(",", "."))] * min(count, most - len(out))
    return np.array(out)


def beside(text: str, spans: Sequence[tuple[int, int]], piece: Piece) -> list[str]:
    """The words left and right of a piece, each with its side: "call <" and "> mg"."""
    left = f"{text[slice(*spans[piece.start - 1])].casefold()} <" if piece.start else ""
    right = f"> {text[slice(*spans[piece.end])].casefold()}" if piece.end < len(spans) else ""
    return [word for word in (left, right) if word]


def clause_of(text: str, spans: Sequence[tuple[int, int]], piece: Piece) -> tuple[int, int]:
    """(start, end) in tokens of the sentence around a piece, its end sign included; line breaks end one too."""

    def ends(i: int) -> bool:
        return text[slice(*spans[i])] in _ENDS or "\n" in text[spans[i][1] : spans[i + 1][0] if i + 1 < len(spans) else len(text)]

    start, end = piece.start, piece.end
    while start > 0 and not ends(start - 1):
        start -= 1
    while end < len(spans) and not ends(end - 1):
        end += 1
    return start, end


def clause_around(text: str, spans: Sequence[tuple[int, int]], pieces: Sequence[Piece], piece: Piece) -> str:
    """The sentence around a piece where it is short, else from its beginning to the piece; "" where that is long too, or
    the piece stands alone."""
    start, end = clause_of(text, spans, piece)
    for stop in (end, piece.end):
        if 2 <= stop - start <= MOST_TOKENS and stop - start > piece.end - piece.start and not torn(pieces, start, stop):
            return " ".join(text[spans[start][0] : spans[stop - 1][1]].split())
    return ""
