"""What a sentence says by itself: which class, or none. Knows no teacher and no source of proposals.

In "Fell in shower. Family aware." the first sentence says the class; the second stands in notes of every class. Whole sentences
are exchanged by this: one that says its class comes in, all that say the old class go out, and what is left says neither.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from cod_core.counterfactuals.segments import Tagged, sentences
from cod_core.text import folded

Cut = tuple[int, int]  # first token of a sentence, one past the last without its final sign, which both sides of a junction share
SAYS = 0.6  # probability from which a sentence says a class by itself
OFTEN = 2  # texts of one class, and of no other, that hold a sentence which says that class


class SaidIn:
    """How many of a person's texts of each class hold a sentence, told by its words."""

    def __init__(self, texts: Sequence[Tagged], classes: Sequence[int]):
        """classes: of the texts, as indices."""
        self._held: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        for one, of_class in zip(texts, classes, strict=True):
            for words in {_words(one, cut) for cut in sentences(one)}:
                self._held[words][int(of_class)] += 1

    def common(self, one: Tagged, cut: Cut) -> bool:
        """Whether texts of two classes and more hold this sentence: it says none."""
        return len(self._held.get(_words(one, cut), ())) > 1

    def alone(self, one: Tagged, cut: Cut, of_class: int) -> bool:
        """Whether texts of this class hold it again and again, and those of no other."""
        held = self._held.get(_words(one, cut), {})
        return set(held) == {of_class} and held[of_class] >= OFTEN

    def in_class(self, one: Tagged, cut: Cut, of_class: int) -> bool:
        """Whether a text of this class holds it."""
        return of_class in self._held.get(_words(one, cut), ())


def telling(
    texts: Sequence[Tagged], classes: Sequence[int], probabilities: Callable[[Sequence[str]], np.ndarray], said: SaidIn | None = None
) -> list[Cut | None]:
    """For each text of several sentences the one that says its class most; None for others.

    classes: of the texts, as columns of what `probabilities` gives for n sentences, (n, C). said: sentences that stand in
    texts of several classes do not count, unless there are no others.
    """
    cuts = [found if len(found := sentences(one)) > 1 else [] for one in texts]
    pieces = [one.piece(*cut) for one, found in zip(texts, cuts, strict=True) for cut in found]
    if not pieces:
        return [None] * len(texts)
    rows, done, out = probabilities(pieces), 0, list[Cut | None]()
    for one, found, of_class in zip(texts, cuts, classes, strict=True):
        own, done = rows[done : done + len(found), of_class], done + len(found)
        out.append(without_sign(one, *found[_most(one, found, own, said)]) if found else None)
    return out


def speaking(one: Tagged, of_class: int, probabilities: Callable[[Sequence[str]], np.ndarray], said: SaidIn) -> list[Cut]:
    """The sentences of a text of several that say a class by themselves, the one that says it most first; [] of a single one.

    The first is there even where none says the class with SAYS.
    """
    found = sentences(one)
    if len(found) < 2:
        return []
    own = probabilities([one.piece(*cut) for cut in found])[:, of_class]
    first = _most(one, found, own, said)
    others = [
        cut
        for i, cut in enumerate(found)
        if i != first and not said.common(one, cut) and (own[i] >= SAYS or said.alone(one, cut, of_class))
    ]
    return [without_sign(one, *cut) for cut in (found[first], *others)]


def _most(one: Tagged, found: Sequence[Cut], own: np.ndarray, said: SaidIn | None) -> int:
    """Which sentence says the class most. own: (n,) probabilities of the class."""
    counts = [i for i, cut in enumerate(found) if said is None or not said.common(one, cut)] or range(len(found))
    return max(counts, key=lambda i: float(own[i]))


def _words(one: Tagged, cut: Cut) -> str:
    return folded(one.piece(*without_sign(one, *cut)))


def without_sign(one: Tagged, start: int, end: int) -> Cut:
    """A sentence without the signs that it ends with."""
    while end > start + 1 and not one.lower[end - 1][0].isalnum():
        end -= 1
    return start, end
