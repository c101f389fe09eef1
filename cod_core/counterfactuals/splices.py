"""Splices: a stretch of a text exchanged for a stretch of another one, wherever both junctions hold. Pure.

The words that make a text of a class are in the person's own texts of that class. `splices` lists what may be put in where;
`worth` orders it by what it costs and by how well it seems to fit, before any model reads it. Knows no teacher.
"""

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from cod_core.counterfactuals.moves import Move
from cod_core.counterfactuals.pieces import pieces_of
from cod_core.counterfactuals.segments import EDGE, Tagged, clause_edges, sentences

SOURCE = "own texts"
MOST_TOKENS, MOST_OF_A_CLAUSE = 14, 30
FULL = 0.8  # of a text of several sentences that whole sentences may take the place of
_OPENS = frozenset(("CC", "IN", "TO", "WRB", "WP", "WDT"))  # Penn tags of words that begin a phrase of their own


@dataclass(frozen=True)
class Splice:
    """Tokens start:end of a text become the donor's tokens first:last. target: the donor's class.

    edits: tokens taken out or put in, whichever is more. left, right: words before (after) the stretches that both texts
    share, up to 2; the edge of a sentence counts as 2. whole: both stretches are whole clauses;
    full: whole sentences.
    """

    start: int
    end: int
    donor: int
    first: int
    last: int
    target: str
    edits: int
    left: int
    right: int
    whole: bool
    full: bool = False


class Habits:
    """Which three words in a row the person's own texts use. told: whether they say themselves often enough that a joint which none of
    them has is a sign of two halves that do not belong together: half of their threes stand in another place too."""

    def __init__(self, texts: Sequence[Tagged]):
        self._seen = Counter(three for one in texts for three in _threes(one.lower))
        total = sum(self._seen.values())
        self.told = total > 0 and sum(n for n in self._seen.values() if n > 1) >= total / 2

    def strange(self, text: Tagged, start: int, end: int, put_in: Sequence[str]) -> int:
        """How many of the threes across the joints no own text has, when tokens start:end of a text become these words."""
        new = [*text.lower[:start], *put_in, *text.lower[end:]]
        first, last = max(0, start - 2), start + len(put_in) + 2
        around = new[first:last]
        padded = [*([EDGE] * (2 if first == 0 else 0)), *around, *([EDGE] if last > len(new) else [])]
        return sum(three not in self._seen for three in zip(padded, padded[1:], padded[2:]))


def _threes(words: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    padded = [EDGE, EDGE, *words, EDGE]
    return zip(padded, padded[1:], padded[2:])


class ClassWeights:
    """What words and word pairs say for each class, in log-odds with add-one smoothing (naive Bayes, no priors)."""

    def __init__(self, texts: Sequence[Tagged], labels: Sequence[str], names: Sequence[str]):
        self.names = tuple(names)
        counts = {name: Counter[str]() for name in names}
        self.pairs: Counter[tuple[str, str]] = Counter()
        for one, label in zip(texts, labels, strict=True):
            counts[label].update(set(one.lower))
            self.pairs.update(pairs_of(one))
        known = Counter[str]()
        for of_class in counts.values():
            known.update(of_class)
        rows = {}
        sizes = Counter(labels)
        for word in known:
            shares = np.array([(counts[n][word] + 0.5) / (sizes[n] + 1.0) for n in names])
            rows[word] = np.log(shares) - float(np.log(shares).mean())
        self._rows: dict[str, np.ndarray] = rows
        self._none = np.zeros(len(names))

    def of(self, words: Iterable[str]) -> np.ndarray:
        """(C,) summed log-odds of the distinct words, in the order in which they come: a sum in a set's order, which is another one in each
        process, ends in other last digits."""
        return sum((self._rows.get(word, self._none) for word in dict.fromkeys(words)), self._none)


def pairs_of(one: Tagged) -> list[tuple[str, str]]:
    """Neighbouring words of a text, the edges of its sentences included."""
    return [(one.left[i], one.right[i]) for i in range(len(one) + 1)]


def splices(text: Tagged, donor: Tagged, number: int, target: str, editable: Sequence[bool], most: float = 0.6) -> list[Splice]:
    """Every firm splice of one donor into a text, stretches that begin or end alike cut down to where they differ.

    Firm: a word or the edge of a sentence is shared before the stretches; two words, an edge or a word that opens a phrase after
    them. A junction by part of speech alone leaves half a sentence over more often than not (docs/experiments.md).

    number: the donor's. editable: of each token of the text, whether it may be taken out. most: tokens edited at most, as a
    share of the text's. A stretch of up to 14 tokens, 30 where both are whole clauses. The text keeps its last sign.
    """
    limit, several = max(1, int(most * len(text))), len(sentences(text)) > 1
    most_of_all = max(limit, int(FULL * len(text))) if several else limit
    found: dict[tuple[int, int, int, int], Splice] = {}
    for (i, j, k, last), whole in _stretches(text, donor, editable):
        cut = _cut(text, donor, i, j, k, last)
        if cut in found or cut[0] == cut[1] and cut[2] == cut[3]:
            continue
        made = _spliced(text, donor, number, target, cut, whole, several)
        if _firm(made, limit, most_of_all) and _sound(text, donor, *cut):
            found[cut] = made
    return list(found.values())


def _stretches(text: Tagged, donor: Tagged, editable: Sequence[bool]) -> Iterator[tuple[tuple[int, int, int, int], bool]]:
    """((start, end of the text's stretch, first, last of the donor's), whether both are whole clauses) whose junctions look alike."""
    lefts, rights = _alike(text.left, donor.left), _alike(text.right, donor.right)
    edges_x, edges_y, frozen_after = clause_edges(text), clause_edges(donor), _next_frozen(editable)
    for i, k in ((start, first) for start in range(len(text) + 1) for first in lefts[start]):
        clause = i in edges_x and k in edges_y
        for j in range(i, min(frozen_after[i], i + MOST_OF_A_CLAUSE) + 1):
            for last in (place for place in rights[j] if place >= k):
                whole = clause and j in edges_x and last in edges_y
                if max(j - i, last - k) <= (MOST_OF_A_CLAUSE if whole else MOST_TOKENS):
                    yield (i, j, k, last), whole


def _spliced(text: Tagged, donor: Tagged, number: int, target: str, cut: tuple[int, int, int, int], whole: bool, several: bool) -> Splice:
    """The cut as a Splice, with how firmly it holds. several: whether the text has several sentences."""
    i, j, k, last = cut
    left, right = _held_left(text, donor, i, k), _held_right(text, donor, j, last, several)
    return Splice(i, j, number, k, last, target, max(j - i, last - k), left, right, whole, _full(text, donor, *cut))


def _firm(made: Splice, limit: int, limit_of_sentences: int) -> bool:
    """Whether both junctions hold and no more is changed than may be."""
    return bool(made.left) and made.right == 2 and made.edits <= (limit_of_sentences if made.full else limit)


def _alike(a: Sequence[str], b: Sequence[str]) -> list[list[int]]:
    """For each place of a text the places of the donor that look the same to a junction."""
    at: dict[str, list[int]] = {}
    for k, word in enumerate(b):
        at.setdefault(word, []).append(k)
    return [at.get(word, []) for word in a]


def _full(text: Tagged, donor: Tagged, i: int, j: int, k: int, last: int) -> bool:
    """Whether both stretches are whole sentences."""
    return i < j and k < last and (text.left[i], text.right[j], donor.left[k], donor.right[last]) == (EDGE,) * 4


def _next_frozen(editable: Sequence[bool]) -> list[int]:
    """For each position the first token from there on that must stay."""
    out, following = [len(editable)] * (len(editable) + 1), len(editable)
    for i in range(len(editable) - 1, -1, -1):
        following = following if editable[i] else i
        out[i] = following
    return out


def _cut(text: Tagged, donor: Tagged, i: int, j: int, k: int, last: int) -> tuple[int, int, int, int]:
    """The stretches without the words that both begin or end with."""
    while i < j and k < last and text.lower[i] == donor.lower[k]:
        i, k = i + 1, k + 1
    while i < j and k < last and text.lower[j - 1] == donor.lower[last - 1]:
        j, last = j - 1, last - 1
    return i, j, k, last


def _sound(text: Tagged, donor: Tagged, i: int, j: int, k: int, last: int) -> bool:
    """Whether the joined text repeats no word across a junction, leaves no sign alone and ends as the text ends."""
    put_in = donor.lower[k:last]
    before, after = text.lower[:i], text.lower[j:]
    if len(before) + len(put_in) + len(after) < 0.6 * len(text):
        return False
    if not (_joined(put_in, before, after) and _new(text, put_in, i, j) if put_in else _closed(before, after)):
        return False
    return j < len(text) or _ends_alike(text.lower, (*before, *put_in))


def _joined(put_in: Sequence[str], before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether no word stands twice at a junction."""
    return not (before and before[-1] == put_in[0] or after and after[0] == put_in[-1])


def _closed(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether a text reads on where a stretch was taken out: no word twice, no two signs in a row."""
    if not before or not after:
        return True
    return before[-1] != after[0] and (before[-1][0].isalnum() or after[0][0].isalnum())


def _new(text: Tagged, put_in: Sequence[str], i: int, j: int) -> bool:
    """Whether what is put in says something that the rest of the text does not say already."""
    before, after = text.lower[:i], text.lower[j:]
    content = {w for w in put_in if w[0].isalnum() and w not in text.language.function_words}
    kept = {w for w in (*before, *after) if w[0].isalnum()} - set(text.lower[i:j])
    return len(content & kept) <= len(content) / 2 and not _twice(put_in, before, after)


def _ends_alike(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether both end with the same sign, or both with a word."""
    last = [words[-1] if words and not words[-1][0].isalnum() else "" for words in (one, other)]
    return last[0] == last[1]


def _twice(put_in: Sequence[str], *kept: Sequence[str]) -> bool:
    """Whether two words in a row that are put in stand in a row in what is kept too."""
    new = {pair for pair in zip(put_in, put_in[1:]) if pair[0][0].isalnum() and pair[1][0].isalnum()}
    return any(pair in new for part in kept for pair in zip(part, part[1:]))


def _held_left(text: Tagged, donor: Tagged, i: int, k: int) -> int:
    """How firmly the stretches hang on what is before them: 2 where two words or the edge of a sentence are shared, 1 for one
    word, 0 where the donor's sentence began with what is shared and the text's did not."""
    run = 0
    while text.left[i - run] == donor.left[k - run]:
        if text.left[i - run] == EDGE:
            return 2
        run += 1
    return 0 if _edge(donor.left[k - run]) else min(run, 2)


def _held_right(text: Tagged, donor: Tagged, j: int, last: int, several: bool) -> int:
    """As _held_left, for what is after them; one word is enough where it opens a phrase in both, and
    the text is of one sentence."""
    run = 0
    while text.right[j + run] == donor.right[last + run]:
        if text.right[j + run] == EDGE:
            return 2
        run += 1
    if run == 0 or _edge(donor.right[last + run]):
        return 0
    opens = not text.right[j][0].isalnum() or (text.tags and donor.tags and text.tags[j] == donor.tags[last] and text.tags[j] in _OPENS)
    return 2 if opens and not several else min(run, 2)


def _edge(word: str) -> bool:
    return not word[0].isalnum()


def repeats(words: Sequence[str], function_words: Container[str] = ()) -> int:
    """How often a text says itself again: pairs of words in a row, and words of meaning told by their first six letters."""
    pairs = Counter(pair for pair in zip(words, words[1:]) if pair[0][0].isalnum() and pair[1][0].isalnum())
    stems = Counter(word[:6] for word in words if word[0].isalnum() and word not in function_words)
    return sum(n - 1 for n in pairs.values()) + sum(n - 1 for n in stems.values())


def move_of(text: Tagged, donor: Tagged, splice: Splice, names: frozenset[str] = frozenset()) -> Move:
    """The splice as an edit of the text. A capital that only began a sentence goes or comes. names: words always written with one."""
    new = _at_the_same_time(text, donor, splice)
    if new and text.language.forms:
        began, begins = donor.left[splice.first] == EDGE, text.left[splice.start] == EDGE
        own = donor.lower[splice.first]
        if began and not begins and own not in names and own != "i" and not new[:2].isupper():
            new = new[:1].lower() + new[1:]
        elif begins and (splice.start == len(text) or text.piece(splice.start, splice.start + 1)[:1].isupper()):
            new = new[:1].upper() + new[1:]
    kind = "insert" if splice.start == splice.end else "delete" if not new else "replace"
    return Move(splice.start, splice.end, new, kind, SOURCE)


def _at_the_same_time(text: Tagged, donor: Tagged, splice: Splice) -> str:
    """What is put in, with the time of the text in the place of the donor's, where either has one and both are written alike."""
    new = donor.piece(splice.first, splice.last)
    [own, theirs] = [
        [piece.text for piece in pieces_of(one.text) if piece.kind == "time" and first <= piece.start and piece.end <= last]
        for one, first, last in ((text, splice.start, splice.end), (donor, splice.first, splice.last))
    ]
    alike = len(own) == len(theirs) == 1 and re.sub(r"\d", "0", own[0]) == re.sub(r"\d", "0", theirs[0])
    return new.replace(theirs[0], own[0]) if alike else new
