"""Single edits of a text as values, and the text that a set of them makes. Knows no model and no source.

A move works on token positions of the original text (cod_core.text.token_spans), so moves at different places can be
joined in any order and each renders to one exact text.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cod_core.counterfactuals import words
from cod_core.text import is_unspaced

Spans = Sequence[tuple[int, int]]  # (start, end) of each token, in characters
KINDS = ("replace", "insert", "delete", "negate", "affirm")


@dataclass(frozen=True)
class Move:
    """One edit: tokens start:end become `new`. start == end inserts before token `start`; new == "" deletes.

    kind: one of KINDS. source: name of the candidate source that proposed it, shown beside a proposal.
    """

    start: int
    end: int
    new: str
    kind: str
    source: str = ""

    def touches(self, other: "Move") -> bool:
        """Whether the two cannot be made together: they share a token, or insert at the same place."""
        if self.start == self.end or other.start == other.end:
            return self.start <= other.end and other.start <= self.end
        return self.start < other.end and other.start < self.end


def compatible(moves: Sequence[Move], new: Move) -> bool:
    """Whether `new` touches none of `moves`."""
    return not any(move.touches(new) for move in moves)


def describe(text: str, spans: Spans, move: Move) -> str:
    """What a move did, in words: the note beside a proposal."""
    old = text[spans[move.start][0] : spans[move.end - 1][1]] if move.start < move.end else ""
    if move.kind == "replace":
        return f"replaced “{old}” with “{move.new}”"
    if move.kind == "insert":
        return f"added “{move.new}”"
    if move.kind == "delete":
        return f"deleted “{old}”"
    return "added “not”" if move.kind == "negate" else "took out the negation"


def told(text: str, spans: Spans, moves: Sequence[Move]) -> str:
    """What moves did, in words: each of up to three; how many of each kind where there are more, since the marked changes
    say the rest."""
    if len(moves) <= 3:
        return "; ".join(describe(text, spans, move) for move in moves)
    counts = Counter("replaced" if m.kind == "replace" else "left out" if m.kind in ("delete", "affirm") else "added" for m in moves)
    return ", ".join(f"{counts[name]} {name}" for name in ("replaced", "added", "left out") if counts[name])


def render(text: str, spans: Spans, moves: Sequence[Move], english: bool = True) -> str:
    """The text with the moves made; they must not touch one another.

    Spaces are closed after a deletion and put around an insertion (none in scripts without spaces); with `english`
    a / an agree with the word that follows. A text that began with a capital still does.
    """
    return rendered(text, spans, moves, english)[0]


def rendered(text: str, spans: Spans, moves: Sequence[Move], english: bool = True) -> tuple[str, dict[int, tuple[int, int]]]:
    """(the text of render, position -> (start, end) there of every token that the moves left as it was)."""
    made = sorted(moves, key=lambda m: (m.start, m.end))
    if english:
        made = with_articles(text, spans, made)
    pieces = _pieces(text, spans, made)
    result = "".join(piece for _, piece in pieces)
    touched = {i for move in made for i in range(move.start, move.end)}
    places = _places(pieces, {i: span for i, span in enumerate(spans) if i not in touched})
    return (result[:1].upper() + result[1:] if text[:1].isupper() else result), places


def _pieces(text: str, spans: Spans, made: Sequence[Move]) -> list[tuple[int | None, str]]:
    """The new text in pieces: (where the piece begins in the original, None for a new one; the piece)."""
    out: list[tuple[int | None, str]] = []
    at = 0
    for move in made:
        start = spans[move.start][0] if move.start < len(spans) else len(text)
        end = spans[move.end - 1][1] if move.end > move.start else start
        before, new = text[at:start], spaced(text, start, move.new) if move.start == move.end else move.new
        if not new and (before.endswith(" ") or not before and move.start == 0):  # one of the two blanks goes
            if text[end : end + 1] == " ":
                end += 1
            else:
                before = before.rstrip(" ")
        out += [(at, before), (None, new)]
        at = end
    return [*out, (at, text[at:])]


def _places(pieces: Sequence[tuple[int | None, str]], spans: Mapping[int, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """Where those tokens of the original stand in the text that the pieces make."""
    begins: list[tuple[int, int]] = []  # of the pieces that were there before: in the original, in the new text
    length = 0
    for begin, piece in pieces:
        if begin is not None:
            begins.append((begin, length))
        length += len(piece)
    places = {}
    for i, (a, b) in spans.items():
        start, new_start = next(begin for begin in reversed(begins) if begin[0] <= a)
        places[i] = (new_start + a - start, new_start + b - start)
    return places


def spaced(text: str, at: int, new: str) -> str:
    """`new` with the space it needs when put at character `at`."""
    before, after = text[at - 1 : at], text[at : at + 1]
    if (not before or is_unspaced(before)) and (not after or is_unspaced(after)):
        return new
    if not before or before.isspace():
        return f"{new} " if after else new
    return f" {new}"


def with_articles(text: str, spans: Spans, made: list[Move]) -> list[Move]:
    """The moves and those that turn a into an, or back, where the following word changed."""
    taken = {i for move in made for i in range(move.start, move.end)}
    first_at = {move.start: move.new for move in made if move.new}
    extra = []
    for move in made:
        before = move.start - 1
        following = move.new or first_at.get(move.end) or (text[slice(*spans[move.end])] if move.end < len(spans) else "")
        if before >= 0 and before not in taken:
            old = text[slice(*spans[before])]
            new = words.article_for(old, following)
            if new != old:
                extra.append(Move(before, before + 1, new, "replace"))
    once = {move.start: move for move in extra}.values()
    return sorted([*once, *made], key=lambda m: (m.start, m.end))
