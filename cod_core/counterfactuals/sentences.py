"""What a sentence says by itself: which class, or none. Knows no teacher and no source of proposals.

In "Late entry: Fell in shower. Family aware." the first sentence says the class; the second stands in notes of every class, and so does
the heading. Whole sentences are exchanged by this: one that says its class comes in, all that say the old class go out, and what
stands in notes of every class, the frame, stays as it is.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cod_core.counterfactuals.segments import EDGE, Tagged, sentences
from cod_core.text import folded

Cut = tuple[int, int]  # first token of a sentence, one past the last without its final sign, which both sides of a junction share
Frame = tuple[frozenset[int], frozenset[int]]  # tokens at which a stretch that is exchanged may not begin, at which it may not end
SAYS = 0.6  # probability from which a sentence says a class by itself
OFTEN = 2  # texts of one class, and of no other, that hold a sentence which says that class
HEADING = 4  # words of a heading at most: what a sentence begins with up to a colon


@dataclass(frozen=True)
class Spoken:
    """The sentences of a text that say a class. must: the one that says it most, and those that only texts of this class hold: the
    class is not gone before they are. better: others that a line takes for the class. frame: what must stay (SaidIn.frame)."""

    must: tuple[Cut, ...] = ()
    better: tuple[Cut, ...] = ()
    frame: Frame = (frozenset(), frozenset())


class SaidIn:
    """How many of a person's texts of each class hold a sentence, told by its words."""

    def __init__(self, texts: Sequence[Tagged], classes: Sequence[int]):
        """classes: of the texts, as indices."""
        self._headed: dict[str, set[int]] = defaultdict(set)
        self._held: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for one, of_class in zip(texts, classes, strict=True):
            for start, end in sentences(one):
                if (begin := _after_heading(one, start, end)) > start:
                    self._headed[_heading(one, start, begin)].add(int(of_class))
        for one, of_class in zip(texts, classes, strict=True):
            for words in {self._words(one, cut) for cut in sentences(one)}:
                self._held[words][int(of_class)] += 1

    def core(self, one: Tagged, cut: Cut) -> Cut:
        """A sentence without the signs that it ends with, and without a heading that texts of two classes and more have."""
        start, end = cut
        begin = _after_heading(one, start, end)
        if begin > start and len(self._headed.get(_heading(one, start, begin), ())) > 1:
            start = begin
        return without_sign(one, start, end)

    def frame(self, one: Tagged) -> Frame:
        """Where a stretch would take part of the frame along, which says no class: a sentence or a heading of texts of every class."""
        starts, ends = set[int](), set[int]()
        for start, end in sentences(one):
            begin, last = self.core(one, (start, end))
            if self.common(one, (start, end)):
                starts |= {start, begin}
                ends |= {last, end}
            elif begin > start:
                starts.add(start)
        return frozenset(starts), frozenset(ends)

    def common(self, one: Tagged, cut: Cut) -> bool:
        """Whether texts of two classes and more hold this sentence: it says none."""
        return len(self._held.get(self._words(one, cut), ())) > 1

    def alone(self, one: Tagged, cut: Cut, of_class: int) -> bool:
        """Whether texts of this class hold it again and again, and those of no other."""
        held = self._held.get(self._words(one, cut), {})
        return set(held) == {of_class} and held[of_class] >= OFTEN

    def in_class(self, one: Tagged, cut: Cut, of_class: int) -> bool:
        """Whether a text of this class holds it."""
        return of_class in self._held.get(self._words(one, cut), ())

    def _words(self, one: Tagged, cut: Cut) -> str:
        return folded(one.piece(*self.core(one, cut)))


def telling(
    texts: Sequence[Tagged], classes: Sequence[int], probabilities: Callable[[Sequence[str]], np.ndarray], said: SaidIn | None = None
) -> list[Cut | None]:
    """For each text of several sentences the one that says its class most; None for others.

    classes: of the texts, as columns of what `probabilities` gives for n sentences, (n, C). said: sentences that stand in
    texts of several classes do not count, unless there are no others.
    """
    cuts = [found if len(found := sentences(one)) > 1 else [] for one in texts]
    core = said.core if said else lambda one, cut: without_sign(one, *cut)
    pieces = [one.piece(*core(one, cut)) for one, found in zip(texts, cuts, strict=True) for cut in found]
    if not pieces:
        return [None] * len(texts)
    rows, done, out = probabilities(pieces), 0, list[Cut | None]()
    for one, found, of_class in zip(texts, cuts, classes, strict=True):
        own, done = rows[done : done + len(found), of_class], done + len(found)
        out.append(core(one, found[_most(one, found, own, said)]) if found else None)
    return out


def speaking(one: Tagged, of_class: int, probabilities: Callable[[Sequence[str]], np.ndarray], said: SaidIn) -> Spoken:
    """The sentences of a text of several that say a class by themselves, the one that says it most first; none of a single one.

    That one is there even where none says the class with SAYS.
    """
    found = sentences(one)
    if len(found) < 2:
        return Spoken()
    own = probabilities([one.piece(*said.core(one, cut)) for cut in found])[:, of_class]
    first = _most(one, found, own, said)
    rest = [i for i, cut in enumerate(found) if i != first and not said.common(one, cut)]
    alone = [i for i in rest if said.alone(one, found[i], of_class)]
    heard = [i for i in rest if i not in alone and own[i] >= SAYS]
    must, better = (tuple(said.core(one, found[i]) for i in some) for some in ((first, *alone), heard))
    return Spoken(must, better) if said.common(one, found[first]) else Spoken(must, better, said.frame(one))


def _most(one: Tagged, found: Sequence[Cut], own: np.ndarray, said: SaidIn | None) -> int:
    """Which sentence says the class most. own: (n,) probabilities of the class."""
    counts = [i for i, cut in enumerate(found) if said is None or not said.common(one, cut)] or range(len(found))
    return max(counts, key=lambda i: float(own[i]))


def _after_heading(one: Tagged, start: int, end: int) -> int:
    """Where a sentence begins after its heading, `start` where it has none: "Night shift: fell in shower"."""
    for i in range(start + 1, min(start + HEADING, end - 2) + 1):
        if one.lower[i] in (":", "：") and one.left[i + 1] == EDGE:
            return i + 1
    return start


def _heading(one: Tagged, start: int, begin: int) -> str:
    return folded(one.piece(start, begin - 1))


def without_sign(one: Tagged, start: int, end: int) -> Cut:
    """A sentence without the signs that it ends with."""
    while end > start + 1 and not one.lower[end - 1][0].isalnum():
        end -= 1
    return start, end
