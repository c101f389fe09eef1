"""Single edits of a text as values, and the text that a set of them makes. Knows no model and no source.

A move works on token positions of the original text (cod_core.text.token_spans), so moves at different places can be
joined in any order and each renders to one exact text.
"""

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


def render(text: str, spans, moves: Sequence[Move], english: bool = True) -> str:
    """The text with the moves made; they must not touch one another.

    Spaces are closed after a deletion and put around an insertion (none in scripts without spaces); with `english`
    a / an agree with the word that follows. A text that began with a capital still does.
    """
    made = sorted(moves, key=lambda m: (m.start, m.end))
    if english:
        made = _with_articles(text, spans, made)
    out, at = [], 0
    for move in made:
        start = spans[move.start][0] if move.start < len(spans) else len(text)
        end = spans[move.end - 1][1] if move.end > move.start else start
        out.append(text[at:start])
        at = end
        if move.start == move.end:
            out.append(_spaced(text, start, move.new))
        elif move.new:
            out.append(move.new)
        else:
            at = _close(out, text, at, first=move.start == 0)
    out.append(text[at:])
    result = "".join(out)
    return result[:1].upper() + result[1:] if text[:1].isupper() else result


def _close(out: list[str], text: str, at: int, first: bool) -> int:
    """Drop one of the two spaces that a deletion leaves; returns where to go on."""
    before = "".join(out[-2:])
    if before.endswith(" ") or not before and first:
        if at < len(text) and text[at] == " ":
            return at + 1
        out[-1] = out[-1].rstrip(" ")
    return at


def _spaced(text: str, at: int, new: str) -> str:
    """`new` with the space it needs when put at character `at`."""
    before, after = text[at - 1 : at], text[at : at + 1]
    if (not before or is_unspaced(before)) and (not after or is_unspaced(after)):
        return new
    if not before or before.isspace():
        return f"{new} " if after else new
    return f" {new}"


def _with_articles(text: str, spans, made: list[Move]) -> list[Move]:
    """The moves and those that turn a into an, or back, where the following word changed."""
    taken = {i for move in made for i in range(move.start, move.end)}
    first_at = {move.start: move.new for move in made if move.new}
    extra = []
    for move in made:
        before = move.start - 1
        following = move.new or first_at.get(move.end) or (
            text[slice(*spans[move.end])] if move.end < len(spans) else "")
        if before >= 0 and before not in taken:
            old = text[slice(*spans[before])]
            new = words.article_for(old, following)
            if new != old:
                extra.append(Move(before, before + 1, new, "replace"))
    once = {move.start: move for move in extra}.values()
    return sorted([*once, *made], key=lambda m: (m.start, m.end))
