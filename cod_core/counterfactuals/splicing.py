"""`SpliceGenerator`: counterfactuals made of a text and a stretch of one of the person's own texts of the target class.

From the texts of each class that are nearest to the text, every stretch that fits is put in (splices.py); the words alone
decide which of them the teacher is asked about, the judges (grading.py) which are offered. Where no single splice is good, a
second one of the same class is put beside it. In a text of many sentences the pieces are its clauses. Knows no store.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cod_core.counterfactuals.effort import with_effort
from cod_core.counterfactuals.grading import Draft, Grade, Judges, Limits
from cod_core.counterfactuals.languages import Language, usual_language
from cod_core.counterfactuals.moves import Move, compatible, render, told
from cod_core.counterfactuals.search import frozen_positions
from cod_core.counterfactuals.segments import Tagged, sentences, tagged
from cod_core.counterfactuals.sentences import Cut, Frame, SaidIn, Spoken, speaking
from cod_core.counterfactuals.splices import SOURCE, ClassWeights, Habits, Splice, move_of, repeats, splices
from cod_core.counterfactuals.verify import READ
from cod_core.text import folded, short_hash, tokens
from cod_core.types import Counterfactual, Example, Origin, now

REVISION = f"splice/4 {READ}"
NAME = f"spliced from {SOURCE}"
DONORS, FEWEST_A_CLASS = 240, 12  # texts that stretches are taken from, and at least so many of a class
LONGEST = 60  # tokens of a text or a donor that is read whole; longer ones are cut into their sentences
USUAL = 14  # tokens of a text up to which all of the budget is spent
STRICT = Limits(excess=0.1, closing=0.3, tail=0.5)  # for two splices, whose halves fit each other less often
STRANGE = 1  # threes of words across its joints that no own text has, from which a splice is out of the question
STAYS = 2.0  # worth of taking out one more sentence that a line takes for the old class
STRENGTH = 8.0  # log-odds from which more word evidence counts for nothing


@dataclass(frozen=True)
class SpliceSettings:
    """asked: spliced texts that the teacher is asked about; read: those that the language model reads; pairs: texts of two
    splices; fraction: most tokens changed, as a share of the text's."""

    asked: int = 110
    read: int = 20
    pairs: int = 40
    fraction: float = 0.6


@dataclass(frozen=True)
class Made:
    """One spliced text: its edits, and what was known of it before any model read it."""

    draft: Draft
    moves: tuple[Move, ...]


@dataclass
class OwnCorpus:
    """The person's texts that the teacher sees as the person does. phi: (n, d) unit rows. classes: (n,) indices of names.

    A long text is held as its sentences, each with the class of the whole. telling: the sentence of each text of several that says
    its class most (sentences.telling): what is put in for whole sentences holds it, since "X-ray ordered" says no class by itself.
    """

    texts: list[str]
    classes: np.ndarray
    phi: np.ndarray
    names: tuple[str, ...]
    known: frozenset[str] = frozenset()
    usual: Language | None = None
    tagged: list[Tagged] = field(default_factory=list)
    weights: ClassWeights | None = None
    habits: Habits | None = None
    capital: frozenset[str] = frozenset()
    said: SaidIn | None = None
    telling: Sequence[Cut | None] = ()
    frames: Sequence[Frame] = ()

    def __post_init__(self) -> None:
        self.usual = usual_language(self.texts)
        self.tagged = [tagged(text, self.usual) for text in self.texts]
        self.weights = ClassWeights(self.tagged, [self.names[c] for c in self.classes], self.names)
        self.habits = Habits(self.tagged)
        self.said = SaidIn(self.tagged, [int(c) for c in self.classes])
        self.frames = [self.said.frame(one) for one in self.tagged]
        self.known = self.known or frozenset(map(folded, self.texts))
        self.capital = names_in(self.texts)

    def says_its_class(self, donor: int, first: int, last: int) -> bool:
        """Whether these tokens of a text hold the sentence that says its class most; True where that is not known."""
        most = self.telling[donor] if self.telling else None
        return most is None or (first <= most[0] and most[1] <= last)

    def nearest(self, phi: np.ndarray, target: int, n: int, itself: str) -> list[int]:
        """The n texts of a class nearest to an embedding, nearest first."""
        of = np.flatnonzero(self.classes == target)
        order = of[np.argsort(-(self.phi[of] @ phi), kind="stable")]
        return [int(i) for i in order if self.texts[i] != itself][:n]


def names_in(texts: Iterable[str]) -> frozenset[str]:
    """Words, in lower case, that stand with a capital inside sentences more often than not."""
    seen, capital = Counter[str](), Counter[str]()
    for text in texts:
        found = tokens(text)
        for before, word in zip(found, found[1:]):
            if before[0].isalpha() or before == ",":
                seen[word.lower()] += 1
                capital[word.lower()] += word[:1].isupper()
    return frozenset(word for word, n in capital.items() if 2 * n > seen[word])


def signs_left(text: str) -> int:
    """How many quotation marks and brackets lack their partner, and final signs stand beside another one."""
    alone = sum(sum(map(text.count, marks)) % 2 for marks in ('"', "“”„", "()", "[]", "«»"))
    ends = [char in ".!?。！？" for char in text if not char.isspace()]
    return alone + sum(a and b for a, b in zip(ends, ends[1:]))


class SpliceGenerator:
    """Proposals for one project by splicing."""

    name = "splice"

    def __init__(
        self,
        corpus: OwnCorpus,
        judges: Judges,
        embed: Callable[[Sequence[str]], np.ndarray],
        frozen: Sequence[str] = (),
        settings: SpliceSettings = SpliceSettings(),
    ):
        """embed: texts -> (n, d) unit rows. frozen: words and phrases that must stay."""
        self._corpus, self._judges, self._embed, self._frozen, self._settings = corpus, judges, embed, tuple(frozen), settings
        self.texts_scored = 0

    def propose(
        self, example: Example, source: str, targets: Sequence[str], n: int = 4, handicap: Mapping[str, float] | None = None
    ) -> list[tuple[Counterfactual, Grade]]:
        """Up to n proposals that all judges agree on, best first; [] where there is none.

        source: the teacher's class at the text. targets: classes to choose from. handicap: class -> what its proposals must be
        better by, so that a set of texts aims at each about as often.
        """
        self._judges.scored = 0
        made = self.drafts(example.text, source, targets)
        graded = self._judges.grade(example.text, source, [one.draft for one in made], self._settings.read)
        good = [g for g in graded if g.acceptable(self._judges.limits)]
        if not good and (twice := self._twice(example.text, made, graded)):
            made += twice
            graded = self._judges.grade(example.text, source, [one.draft for one in twice], self._settings.read)
            good = [g for g in graded if g.acceptable(STRICT if self._judges.reader else self._judges.limits)]
        self.texts_scored = self._judges.scored
        by_text = {one.draft.text: one for one in made}
        good.sort(key=lambda g: -(g.score - (handicap or {}).get(g.draft.target, 0.0)))
        return [(self._counterfactual(example, source, by_text[g.draft.text]), g) for g in good[:n]]

    def drafts(self, text: str, source: str, targets: Sequence[str]) -> list[Made]:
        """Texts of one splice, likeliest first, spread over classes and places. Asks no model but the encoder."""
        corpus, own = self._corpus, tagged(text, self._corpus.usual)
        kept = frozen_positions([text[a:b] for a, b in own.spans], self._frozen)
        editable = [i not in kept for i in range(len(own))]
        phi, several = self._embed([text])[0], len(sentences(own)) > 1
        assert corpus.said is not None
        says = speaking(own, corpus.names.index(source), lambda found: self._judges.line(self._embed(found)), corpus.said)
        each = max(FEWEST_A_CLASS, self._fewer(DONORS, len(own)) // max(1, len(targets)))
        found: list[tuple[float, Splice]] = []
        for target in targets:
            aim = corpus.names.index(target)
            for donor in corpus.nearest(phi, aim, each, text):
                if len(corpus.tagged[donor]) > LONGEST:
                    continue
                for one in splices(own, corpus.tagged[donor], donor, target, editable, self._settings.fraction):
                    if (worth := self._worth(own, one, source, several, says)) is not None:
                        found.append((worth, one))
        found.sort(key=lambda pair: -pair[0])
        return self._spread(text, own, found, len(targets))

    @staticmethod
    def _fewer(most: int, length: int) -> int:
        """Fewer texts where each is long, so that every text takes about as long; a third of them at least."""
        return max(most // 3, min(most, most * USUAL // max(1, length)))

    def _worth(self, own: Tagged, one: Splice, source: str, several: bool, says: Spoken) -> float | None:
        """How well a splice seems to fit and to turn the text, by the words alone; None where it is out of the question.

        In a text of several sentences a clause of another matter does not fit beside what is left of the sentence, so whole
        sentences are exchanged there, and words between the same words. says: as in _exchanged.
        """
        corpus, donor = self._corpus, self._corpus.tagged[one.donor]
        assert corpus.weights is not None
        change = corpus.weights.of(donor.lower[one.first : one.last]) - corpus.weights.of(own.lower[one.start : one.end])
        gain = float(change[corpus.names.index(one.target)] - change[corpus.names.index(source)])
        if gain <= 0 or several and not one.full and not (one.left == one.right == 2 and not one.whole):
            return None
        fits = self._exchanged(one, says) if one.full else self._joined(own, one)
        if fits is None:
            return None
        held = 0.6 * one.left + 0.5 * one.whole + 0.7 * self._seen(own, one)
        return 0.5 * min(gain, STRENGTH) - 4.0 * one.edits / max(1, len(own)) + held + fits

    def _exchanged(self, one: Splice, says: Spoken) -> float | None:
        """What speaks against a splice of whole sentences; None where it does not bring the sentence that says its text's class,
        leaves one that says the source for sure ("Second fall this week"), or takes a part of the frame along ("Night shift:",
        "Family aware"). Others that say the source had better go too."""
        corpus = self._corpus
        gone = [one.start <= start and end <= one.end for start, end in says.must]
        if not all(gone) or not corpus.says_its_class(one.donor, one.first, one.last):
            return None
        (no_start, no_end), (no_first, no_last) = says.frame, corpus.frames[one.donor]
        if one.start in no_start or one.end in no_end or one.first in no_first or one.last in no_last:
            return None
        return -STAYS * sum(not (one.start <= start and end <= one.end) for start, end in says.better)

    def _joined(self, own: Tagged, one: Splice) -> float | None:
        """What speaks against the joints of a splice within sentences; None where two halves do not belong together."""
        habits = self._corpus.habits
        assert habits is not None
        strange = habits.strange(own, one.start, one.end, self._corpus.tagged[one.donor].lower[one.first : one.last])
        return None if habits.told and strange > STRANGE else -0.3 * strange

    def _seen(self, own: Tagged, one: Splice) -> int:
        """At how many of its two joints own texts have the same two words side by side."""
        donor, put_in = self._corpus.tagged[one.donor], one.first < one.last
        assert self._corpus.weights is not None
        pairs = self._corpus.weights.pairs
        before = pairs[own.left[one.start], donor.right[one.first] if put_in else own.right[one.end]] > 0
        after = pairs[donor.left[one.last] if put_in else own.left[one.start], own.right[one.end]] > 0
        return before + after

    def _spread(self, text: str, own: Tagged, found: Sequence[tuple[float, Splice]], classes: int) -> list[Made]:
        """The best as texts, at most so many a class and four a place."""
        asked = self._fewer(self._settings.asked, len(own))
        most = max(12, 2 * asked // max(1, classes)) if classes > 1 else asked
        made: dict[str, Made] = {}
        of_class, at_place = Counter[str](), Counter[tuple[int, int, str]]()
        for worth, one in found:
            place = (one.start, one.end, one.target)
            if len(made) == asked:
                break
            if of_class[one.target] >= most or at_place[place] >= (16 if one.full else 4):
                continue
            move = move_of(own, self._corpus.tagged[one.donor], one, self._corpus.capital)
            changed = render(text, own.spans, [move], own.language.forms)
            if changed in made or self._stale(own, changed):
                continue
            made[changed] = Made(Draft(changed, one.target, worth, one.full, one.full and self._settled(own, one, changed)), (move,))
            of_class[one.target] += 1
            at_place[place] += 1
        return list(made.values())

    def _settled(self, own: Tagged, one: Splice, changed: str) -> bool:
        """Whether the sentences that stay stand in own texts of the target too, or in texts of several classes, and no sign is left
        over."""
        if signs_left(changed) > signs_left(own.text):
            return False
        said, aim = self._corpus.said, self._corpus.names.index(one.target)
        assert said is not None
        stay = [cut for cut in sentences(own) if cut[1] <= one.start or cut[0] >= one.end]
        return all(said.common(own, cut) or said.in_class(own, cut, aim) for cut in stay)

    def _stale(self, own: Tagged, changed: str) -> bool:
        """Whether a text is one of the project's already, or says something twice that the original says once."""
        words = [word.lower() for word in tokens(changed)]
        listed = own.language.function_words
        return folded(changed) in self._corpus.known or repeats(words, listed) > repeats(own.lower, listed)

    def _twice(self, text: str, made: Sequence[Made], graded: Sequence[Grade]) -> list[Made]:
        """Texts of two splices of one class that stand apart, the likeliest of the single ones joined."""
        own, out = tagged(text, self._corpus.usual), dict[str, Made]()
        tried = {one.draft.text for one in made}
        best = sorted(made, key=lambda one: -one.draft.prior)[:60]
        for i, one in enumerate(best):
            for other in best[i + 1 :]:
                if one.draft.target != other.draft.target or not compatible(one.moves, other.moves[0]):
                    continue
                moves = tuple(sorted((*one.moves, *other.moves), key=lambda m: m.start))
                if moves[0].end == moves[1].start or sum(m.end - m.start for m in moves) > self._settings.fraction * len(own):
                    continue
                changed = render(text, own.spans, moves, own.language.forms)
                if changed not in tried and not self._stale(own, changed):
                    prior = min(one.draft.prior, other.draft.prior) - 0.5
                    out.setdefault(changed, Made(Draft(changed, one.draft.target, prior), moves))
                if len(out) == self._settings.pairs:
                    return list(out.values())
        return list(out.values())

    def _counterfactual(self, example: Example, source: str, made: Made) -> Counterfactual:
        spans = tagged(example.text, self._corpus.usual).spans
        return Counterfactual(
            id=short_hash(example.id, made.draft.text, made.draft.target, "splice", ""),
            example_id=example.id,
            text=made.draft.text,
            source=source,
            target=made.draft.target,
            created_at=now(),
            origin=Origin("search", NAME, REVISION),
            note=with_effort(told(example.text, spans, made.moves), self._judges.scored),
        )


def as_pieces(texts: Sequence[str], labels: Sequence[int], usual: Language | None = None) -> tuple[list[str], list[int]]:
    """Texts with their classes, those of more than 60 tokens as their sentences of 4 tokens and more."""
    out, classes = [], []
    for text, label in zip(texts, labels, strict=True):
        one = tagged(text, usual)
        if len(one) <= LONGEST:
            out.append(text)
            classes.append(label)
            continue
        for start, end in sentences(one):
            if 4 <= end - start <= LONGEST:
                out.append(one.piece(start, end))
                classes.append(label)
    return out, classes
