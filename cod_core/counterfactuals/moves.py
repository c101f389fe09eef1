"""Single edits of a text as values, and the text that a set of them makes. Knows no model and no source.

A move works on token positions of the original text (cod_core.text.token_spans), so moves at different places can be
joined in any order and each renders to one exact text.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from cod_core.counterfactuals import words
from cod_core.text import is_unspaced

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


def describe(text: str, spans, move: Move) -> str:
    """What a move did, in words: the note beside a proposal."""
    old = text[spans[move.start][0] : spans[move.end - 1][1]] if move.start < move.end else ""
    if move.kind == "replace":
        return f"replaced “{old}” with “{move.new}”"
    if move.kind == "insert":
        return f"added “{move.new}”"
    if move.kind == "delete":
        return f"deleted “{old}”"
    return "added “not”" if move.kind == "negate" else "took out the negation"


def told(text: str, spans, moves: Sequence[Move]) -> str:
    """What moves did, in words: each of up to three; how many of each kind where there are more, since the marked changes
    say the rest."""
    if len(moves) <= 3:
        return "; ".join(describe(text, spans, move) for move in moves)
    counts = Counter("replaced" if m.kind == "replace" else "left out" if m.kind in ("delete", "affirm") else "added" for m in moves)
    return ", ".join(f"{counts[name]} {name}" for name in ("replaced", "added", "left out") if counts[name])


def render(text: str, spans, moves: Sequence[Move], english: bool = True) -> str:
    """The text with the moves made; they must not touch one another.

    Spaces are closed after a deletion and put around an insertion (none in scripts without spaces); with `english`
    a / an agree with the word that follows. A text that began with a capital still does.
    """
    return rendered(text, spans, moves, english)[0]


def rendered(text: str, spans, moves: Sequence[Move], english: bool = True) -> tuple[str, dict[int, tuple[int, int]]]:
    """(the text of render, position -> (start, end) there of every token that the moves left as it was)."""
    made = sorted(moves, key=lambda m: (m.start, m.end))
    if english:
        made = with_articles(text, spans, made)
    out, at = [], 0
    kept: list[tuple[int, int]] = []  # where a piece of the original starts there, and in the new text
    length = 0

    def copy(start: int, end: int) -> None:
        nonlocal length
        kept.append((start, length))
        out.append(text[start:end])
        length += end - start

    for move in made:
        start = spans[move.start][0] if move.start < len(spans) else len(text)
        end = spans[move.end - 1][1] if move.end > move.start else start
        copy(at, start)
        at = end
        piece = spaced(text, start, move.new) if move.start == move.end else move.new
        if not piece:
            if out[-1].endswith(" ") or not out[-1] and move.start == 0:  # one of the two blanks goes
                if at < len(text) and text[at] == " ":
                    at += 1
                else:
                    length -= len(out[-1]) - len(out[-1].rstrip(" "))
                    out[-1] = out[-1].rstrip(" ")
        out.append(piece)
        length += len(piece)
    copy(at, len(text))
    result = "".join(out)
    touched = {i for move in made for i in range(move.start, move.end)}
    places = {}
    for i, (a, b) in enumerate(spans):
        if i not in touched:
            start, where = next(piece for piece in reversed(kept) if piece[0] <= a)
            places[i] = (where + a - start, where + b - start)
    return (result[:1].upper() + result[1:] if text[:1].isupper() else result), places


def spaced(text: str, at: int, new: str) -> str:
    """`new` with the space it needs when put at character `at`."""
    before, after = text[at - 1 : at], text[at : at + 1]
    if (not before or is_unspaced(before)) and (not after or is_unspaced(after)):
        return new
    if not before or before.isspace():
        return f"{new} " if after else new
    return f" {new}"


def with_articles(text: str, spans, made: list[Move]) -> list[Move]:
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
