"""Pieces of a text that are one thing though they are several tokens. Knows no label and no model.

Guarded pieces (HTML entities, placeholders, tags) belong to the form of a text and are never taken apart. Shaped pieces
(links, prices, codes, numbers, smileys) may carry the class: they are edited whole, see values.py.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import regex

from cod_core.text import token_spans

GUARDED = "guarded"
SHAPES = ("link", "price", "percent", "time", "code", "number", "smiley")
_SIGN = r"[£$€¥₹]"
_UNIT = r"(?:EUR|USD|GBP|CHF|euros?|dollars?|pounds?|[£$€¥₹])(?!\w)"
_DIGITS = r"\d(?:[\d.,]{0,14}\d)?"
_ALONE = r"(?<![\w.,:/\-])"  # nothing before it that it would be a part of
_LINK = regex.compile(
    r"(?:https?://|www\.)[^\s<>\"]{1,200}|(?<![\w.+\-])[\w.+\-]{1,64}@[\w\-]{1,60}(?:\.[\w\-]{1,30}){1,4}"
    r"|(?<![\w.@\-])(?:[a-zA-Z0-9\-]{1,40}\.){1,4}(?:com|net|org|info|biz|io|eu|uk|de|us|tv|me|co)(?![\w\-])(?:/[^\s<>\"]{0,200})?",
    regex.VERSION1,
)
# the first alternative: two entities and what they enclose are one placeholder, as in &lt;#&gt;
_GUARDED = regex.compile(
    r"&lt;[^&\s]{1,24}&gt;|&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,30});|</?[a-zA-Z][^<>\n]{0,200}>"
    r"|\{\{[^{}\n]{1,80}\}\}|\$?\{[\w.]{1,40}\}|%\([\w.]{1,40}\)[sd]|\[[\p{Lu}\d_ \-]{2,40}\]|\[\p{Ll}[\p{Ll}\d_]{1,30}\](?!\()"
    r"|(?<!\w)__\w{1,40}?__|(?<![\w@.])@\w{1,50}|(?<!\w)[Xx]{3,40}(?!\w)",
    regex.VERSION1,
)
_SHAPED = regex.compile(
    rf"(?P<price>{_SIGN}\s?{_DIGITS}|{_ALONE}{_DIGITS}\s?{_UNIT})|(?P<percent>{_ALONE}{_DIGITS}\s?%)"
    rf"|(?P<time>{_ALONE}\d{{1,2}}:\d\d(?:\s?[aApP]\.?[mM]\b)?|{_ALONE}\d{{1,2}}\s?[aApP][mM]\b"
    rf"|{_ALONE}\d{{1,4}}[./\-]\d{{1,2}}[./\-]\d{{1,4}}(?![\w/\-]))"
    rf"|(?P<number>{_ALONE}\+?\d[\d \-]{{5,16}}\d(?!\w))"
    r"|(?P<code>(?<![\w\-])(?:\p{L}{1,12}\d|\d{1,12}\p{L})[\p{L}\d]{0,16}(?:-[\p{L}\d]{1,16})?(?![\w\-]))"
    rf"|(?P<digits>{_ALONE}{_DIGITS}(?!\w))"
    r"|(?P<smiley>(?<!\w)[:;=8][\-'o]?[)(DPp/\\|*](?!\w)|<3|\p{Extended_Pictographic}\p{M}*)",
    regex.VERSION1,
)


@dataclass(frozen=True)
class Piece:
    """Tokens start:end of a text, which are one thing. kind: GUARDED, or one of SHAPES. text: as it is written."""

    start: int
    end: int
    kind: str
    text: str


@lru_cache(maxsize=4096)
def pieces_of(text: str) -> tuple[Piece, ...]:
    """The pieces of a text, in order; they do not overlap. Takes time in proportion to the text."""
    spans = token_spans(text)
    starts, ends = [a for a, _ in spans], [b for _, b in spans]
    found: list[Piece] = []
    taken: set[int] = set()
    for start, end, kind in _matches(text):
        first, last = bisect_right(ends, start), bisect_left(starts, end)
        whole = first < last and starts[first] == start and ends[last - 1] == end
        if first < last and (whole or kind == GUARDED) and taken.isdisjoint(range(first, last)):
            found.append(Piece(first, last, kind, text[starts[first] : ends[last - 1]]))
            taken.update(range(first, last))
    return tuple(sorted(found, key=lambda piece: piece.start))


def _matches(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, kind) of whatever looks like a piece; of those that overlap the first one counts."""
    for match in _LINK.finditer(text):
        yield match.start(), match.start() + len(match.group().rstrip(".,;:!?)'")), "link"
    for match in _GUARDED.finditer(text):
        yield *match.span(), GUARDED
    for match in _SHAPED.finditer(text):
        yield *match.span(), "number" if match.lastgroup == "digits" else str(match.lastgroup)


def guarded(text: str) -> frozenset[int]:
    """Token positions that belong to entities, placeholders and tags."""
    return frozenset(i for piece in pieces_of(text) if piece.kind == GUARDED for i in range(piece.start, piece.end))


def plain_tokens(text: str) -> list[str]:
    """The tokens that belong to no piece: words and punctuation."""
    taken = {i for piece in pieces_of(text) for i in range(piece.start, piece.end)}
    return [text[a:b] for i, (a, b) in enumerate(token_spans(text)) if i not in taken]


def torn(pieces: Sequence[Piece], start: int, end: int) -> bool:
    """Whether an edit of tokens start:end (an insertion where they are equal) changes a guarded piece or part of any piece."""
    for piece in pieces:
        if start == end:
            if piece.start < start < piece.end:
                return True
        elif start < piece.end and piece.start < end:
            if piece.kind == GUARDED or not (start <= piece.start and piece.end <= end):
                return True
    return False
