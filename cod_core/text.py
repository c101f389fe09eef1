"""Texts as tokens: hashes, tokens, diffs and edit measures. Knows nothing of models or labels.

Tokens are words and punctuation by Unicode classes; scripts written without spaces count one token a
character. The name in TOKENIZER goes into every export, since edit fractions depend on it.
"""

import hashlib
import re
import unicodedata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from functools import lru_cache

import regex
from rapidfuzz.distance import Levenshtein

from cod_core.errors import BadInput
from cod_core.said import say

TOKENIZER = "cod-words/1"
_UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD = rf"[[\p{{L}}\p{{M}}\p{{N}}_]--[{_UNSPACED}]]"
_TOKEN = regex.compile(rf"[{_UNSPACED}]\p{{M}}*|{_WORD}+(?:['’\-]{_WORD}+)*|[^\s\p{{L}}\p{{N}}]", regex.VERSION1)


CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""Characters that are no text: they move a terminal's cursor, end a string, or are a trace of a wrong encoding."""
TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction in which what follows is shown, so that a screen says something else than the text."""


def within(words: str, most: int) -> str:
    """The words as they are. Raises BadInput where they are more than `most` characters, which a field does not let through, but a
    forged message does."""
    if len(words) > most:
        raise BadInput(say("This has {n:,} characters; {most:,} are the most. Shorten it.", n=len(words), most=most))
    return words


def text_hash(text: str) -> str:
    """sha256 of the exact text as 64 hex digits: the key of every cache."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def short_hash(*parts: object) -> str:
    """16 hex digits that identify a tuple of printable parts."""
    return hashlib.sha256("\x1f".join(map(str, parts)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def most_pieces(text: str) -> int:
    """An upper bound on the tokens of a text for any model: a letter may be several, none is less than a byte; 4 for its marks."""
    return len(text.encode("utf-8", "surrogatepass")) + 4


def folded(text: str) -> str:
    """The text as duplicates are compared: case, blanks and the way accents are written do not count."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def letters(text: str) -> str:
    """Letters and digits alone, case aside: what one sentence keeps in any typography. A text without any, as it is."""
    return "".join(c for c in text.casefold() if c.isalnum()) or text.strip()


_UNSPACED_CHAR = regex.compile(rf"[{_UNSPACED}。，、！？；：「」『』]", regex.VERSION1)


def is_unspaced(character: str) -> bool:
    """Whether a character belongs to a script written without spaces, its punctuation included."""
    return bool(_UNSPACED_CHAR.match(character))


@lru_cache(maxsize=4096)
def token_spans(text: str) -> tuple[tuple[int, int], ...]:
    """(start, end) in code points of every token, in order."""
    return tuple([m.span() for m in _TOKEN.finditer(text)])


def tokens(text: str) -> list[str]:
    """The token strings, case kept."""
    return [text[a:b] for a, b in token_spans(text)]


@dataclass(frozen=True)
class Edit:
    """One edit: characters a_start:a_end of the first text become b_start:b_end of the second.

    op: 'replace', 'delete' or 'insert'; offsets in code points.
    """

    op: str
    a_start: int
    a_end: int
    b_start: int
    b_end: int
    a_text: str
    b_text: str


def _edge(spans: tuple[tuple[int, int], ...], first: int, last: int, length: int) -> tuple[int, int]:
    """Character range of tokens first:last; where empty, the point just before token `first`."""
    if first < last:
        return spans[first][0], spans[last - 1][1]
    point = spans[first - 1][1] if first > 0 else (spans[0][0] if spans else length)
    return point, point


def diff(a: str, b: str) -> list[Edit]:
    """Minimal token edits from a to b, adjacent edits merged into one span, in order."""
    spans_a, spans_b = token_spans(a), token_spans(b)
    groups: list[list[int]] = []
    for opcode in Levenshtein.opcodes(tokens(a), tokens(b)):
        if opcode.tag == "equal":
            continue
        box = [opcode.src_start, opcode.src_end, opcode.dest_start, opcode.dest_end]
        if groups and groups[-1][1] == box[0] and groups[-1][3] == box[2]:
            groups[-1][1], groups[-1][3] = box[1], box[3]
        else:
            groups.append(box)
    edits = []
    for i, j, m, n in groups:
        a0, a1 = _edge(spans_a, i, j, len(a))
        b0, b1 = _edge(spans_b, m, n, len(b))
        op = "insert" if i == j else "delete" if m == n else "replace"
        edits.append(Edit(op, a0, a1, b0, b1, a[a0:a1], b[b0:b1]))
    return edits


def apply_edits(a: str, b: str, edits: list[Edit], chosen: set[int]) -> str:
    """The text a with only the chosen edits (indices into edits = diff(a, b)) made.

    Each edit takes the spacing on both its sides from b, everything else is a's: two edits always have a token
    between them that both texts share, so the sides never overlap. All edits chosen: exactly b; none: exactly a.
    Raises IndexError where an index is not one of the edits.
    """
    if chosen and not 0 <= min(chosen) <= max(chosen) < len(edits):
        raise IndexError(f"edits are numbered 0 to {len(edits) - 1}, got {sorted(chosen)}")
    if not chosen:
        return a
    if len(chosen) == len(edits):
        return b
    out, at = [], 0
    for index in sorted(chosen):
        edit = edits[index]
        first, last = _with_gaps(a, edit.a_start, edit.a_end)
        start, end = _with_gaps(b, edit.b_start, edit.b_end)
        out += [a[at:first], b[start:end]]
        at = last
    return "".join([*out, a[at:]])


def _with_gaps(text: str, start: int, end: int) -> tuple[int, int]:
    """The range start:end widened to the nearest tokens on both sides, or to the ends of the text."""
    spans = token_spans(text)
    before = bisect_right(spans, start, key=lambda span: span[1])
    after = bisect_left(spans, end, lo=before, key=lambda span: span[0])
    return (spans[before - 1][1] if before else 0), (spans[after][0] if after < len(spans) else len(text))


def token_distance(a: str, b: str) -> int:
    """Levenshtein distance in tokens."""
    return Levenshtein.distance(tokens(a), tokens(b))


def char_distance(a: str, b: str) -> int:
    """Levenshtein distance in code points."""
    return Levenshtein.distance(a, b)


def edit_fraction(a: str, b: str) -> float:
    """Token Levenshtein distance over the tokens of a (at least 1)."""
    return token_distance(a, b) / max(1, len(token_spans(a)))
