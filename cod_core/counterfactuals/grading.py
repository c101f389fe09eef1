"""Whether a proposal is one that an expert would accept, as far as judges can tell that share nothing with the teacher.

Four of them: the teacher must be sure; a line and the nearest own texts must take it for the target too; a language model must
find it as fluent as the original; and what is left when the new words are taken out may not say the old class any more. Only
what all agree on is offered. Knows no source of proposals and no project.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from rapidfuzz.distance import Levenshtein

from cod_core.counterfactuals.independent import OwnTexts
from cod_core.text import edit_fraction, token_spans, tokens

TELLING = 0.4  # of a text's words that have to be left for what is left of it to say anything


class TextRead(Protocol):
    """A text as a language model reads it: nats a token, and of its ending where it ends (models.junctions.Read)."""

    @property
    def closing(self) -> float: ...

    @property
    def mean(self) -> float: ...

    @property
    def whole(self) -> float: ...

    def between(self, start: int, end: int) -> float: ...


class Reader(Protocol):
    """models.junctions.JunctionReader."""

    def read(self, text: str) -> TextRead: ...

    def changed(self, original: str, texts: Sequence[str]) -> Sequence[TextRead]: ...


@dataclass(frozen=True)
class Limits:
    """What a proposal may not exceed. sure: least p(target); line: least probability by the line; excess: nats a token above
    the original; tail: nats that the words after a change cost more; closing: nats that the ending costs more; whole: nats by which the
    whole text is less likely than the original; left_over: p(source)
    once the new words are taken out; fraction: tokens changed as a share of the text's; unread: tokens changed where
    no language model reads."""

    sure: float = 0.6
    line: float = 0.5
    excess: float = 0.6
    tail: float = 1.0
    closing: float = 1.0
    whole: float = 2.0
    left_over: float = 0.5
    fraction: float = 0.8
    unread: float = 0.35


@dataclass(frozen=True)
class Draft:
    """A changed text before it is judged. prior: how well it seems to fit by the words alone, larger is better. own: what is new are
    whole sentences that the person wrote, so that only what stands around them can read badly. settled: and what stands around them are
    sentences that stand in texts of the target too, so that nothing can."""

    text: str
    target: str
    prior: float = 0.0
    own: bool = False
    settled: bool = False


@dataclass(frozen=True)
class Grade:
    """What the judges said of a draft. agrees: line and own texts prefer the target. excess, tail, closing, whole: as in Limits;
    excess is None where nobody read."""

    draft: Draft
    p: float
    line: float
    agrees: bool
    fraction: float
    left_over: float = 0.0
    excess: float | None = None
    tail: float = 0.0
    closing: float = 0.0
    whole: float = 0.0

    def acceptable(self, limits: Limits) -> bool:
        """Whether all judges agree."""
        held = self.agrees and self.p >= limits.sure and self.line >= limits.line and self.left_over <= limits.left_over
        if not held or self.fraction > limits.fraction:
            return False
        if self.excess is None:
            return self.fraction <= limits.unread and self.draft.prior > 0
        if self.draft.settled:
            return True
        reads = self.draft.own or (self.excess <= limits.excess and self.whole <= limits.whole)
        return reads and self.tail <= limits.tail and self.closing <= limits.closing

    @property
    def score(self) -> float:
        """Orders what is acceptable, the best largest."""
        excess = 0.0 if self.draft.own else self.excess or 0.0
        reads = -1.5 * max(0.0, excess + 0.2)
        if not self.draft.settled:
            reads -= 0.3 * max(0.0, self.tail) + 0.4 * max(0.0, self.closing)
        return reads - 3.0 * self.fraction + self.line + 0.5 * self.p - 0.7 * self.left_over + 0.1 * self.draft.prior


class Judges:
    """Grades drafts of one text. scored: texts that the teacher was asked about since `begin`."""

    def __init__(
        self,
        score: Callable[[Sequence[str]], np.ndarray],
        embed: Callable[[Sequence[str]], np.ndarray],
        own: OwnTexts,
        labels: Sequence[str],
        reader: Reader | None,
        limits: Limits = Limits(),
    ):
        """score: texts -> (n, C) log-probabilities of the teacher. embed: texts -> (n, d) unit rows. reader: None where no
        language model is installed; then only short changes that fit by the words alone are acceptable."""
        self._score, self._embed, self._own, self.labels = score, embed, own, tuple(labels)
        self.reader, self.limits, self.scored = reader, limits, 0

    def line(self, phi: np.ndarray) -> np.ndarray:
        """(n, C) probabilities by the line on own texts alone. phi: (n, d) unit rows."""
        return self._own(phi).line

    def flips(self, drafts: Sequence[Draft]) -> list[tuple[Draft, float]]:
        """The drafts that the teacher takes for their target, each with p(target)."""
        if not drafts:
            return []
        self.scored += len(drafts)
        probs = np.exp(np.asarray(self._score([one.text for one in drafts])))
        aims = [self.labels.index(one.target) for one in drafts]
        return [(one, float(row[aim])) for one, aim, row in zip(drafts, aims, probs) if row.argmax() == aim]

    def grade(self, original: str, source: str, drafts: Sequence[Draft], most_read: int = 20) -> list[Grade]:
        """Grades of the drafts that flip, best first. The costly judges see only what the cheap ones let pass, the
        `most_read` likeliest of it; the others come last, unread and not acceptable."""
        flipped = self.flips(drafts)
        if not flipped:
            return []
        phi = self._embed([original, *(one.text for one, _ in flipped)])
        opinion = self._own(phi[1:], phi[0])
        aims = np.array([self.labels.index(one.target) for one, _ in flipped])
        agree = opinion.agree(self.labels.index(source), aims)
        graded = [
            Grade(one, p, float(opinion.line[i, aims[i]]), bool(agree[i]), edit_fraction(original, one.text))
            for i, (one, p) in enumerate(flipped)
        ]
        graded.sort(key=lambda g: -(g.score + 0.4 * g.draft.prior))
        passed = [g for g in graded if g.agrees and g.p >= self.limits.sure and g.line >= self.limits.line][: 2 * most_read]
        passed = self._without_left_over(original, source, passed)[:most_read]
        read = self._read(original, passed)
        seen = {id(g.draft) for g in read}
        return sorted(read, key=lambda g: -g.score) + [_refused(g) for g in graded if id(g.draft) not in seen]

    def _without_left_over(self, original: str, source: str, graded: Sequence[Grade]) -> list[Grade]:
        """Those in which nothing says the source any more once the new words are taken out."""
        if not graded:
            return []
        rests = [without_new(original, g.draft.text) for g in graded]
        self.scored += len(rests)
        left = np.exp(np.asarray(self._score([rest or "." for rest in rests])))[:, self.labels.index(source)]
        told = [len(tokens(rest)) >= TELLING * len(tokens(original)) for rest in rests]
        made = [replace(g, left_over=float(p) if tells else 0.0) for g, p, tells in zip(graded, left, told)]
        return [g for g in made if g.left_over <= self.limits.left_over]

    def _read(self, original: str, graded: Sequence[Grade]) -> list[Grade]:
        if self.reader is None or not graded:
            return list(graded)
        before, out = self.reader.read(original), []
        for g, after in zip(graded, self.reader.changed(original, [g.draft.text for g in graded])):
            text = g.draft.text
            same = _shared_end(original, text)
            tail = after.between(len(text) - same, len(text)) - before.between(len(original) - same, len(original))
            dearer = after.whole - before.whole
            out.append(replace(g, excess=after.mean - before.mean, tail=tail, closing=after.closing - before.closing, whole=dearer))
        return out


def _refused(grade: Grade) -> Grade:
    """A draft that was not read: it cannot be offered."""
    return replace(grade, agrees=False)


def _shared_end(a: str, b: str) -> int:
    """Characters that two texts end with alike."""
    count = 0
    while count < min(len(a), len(b)) and a[-1 - count] == b[-1 - count]:
        count += 1
    return count


def without_new(original: str, text: str) -> str:
    """The changed text without the words that the original does not have at that place."""
    spans, before = token_spans(text), tokens(original)
    kept = [
        (spans[i][0], spans[i][1])
        for op in Levenshtein.opcodes([t.casefold() for t in before], [t.casefold() for t in tokens(text)])
        if op.tag == "equal"
        for i in range(op.dest_start, op.dest_end)
    ]
    return " ".join(text[a:b] for a, b in kept)
