"""Bytes to letters: UTF-8 where they are, a guess that is said where they are not, or what the person names."""

import codecs
import re
from collections.abc import Sequence
from dataclasses import dataclass

from cod_core.data.raw import UNREADABLE, Mend, nothing_to_mend
from cod_core.errors import BadInput
from cod_core.said import say

OFFERED: dict[str, str] = {
    "utf-8": "UTF-8",
    "cp1252": say("Windows-1252 (Western Europe)"),
    "mac_roman": "Mac Roman",
    "cp1250": say("Windows-1250 (Central Europe)"),
    "cp1251": say("Windows-1251 (Cyrillic)"),
    "koi8_r": say("KOI8-R (Russian)"),
    "cp1253": say("Windows-1253 (Greek)"),
    "cp1254": say("Windows-1254 (Turkish)"),
    "cp1256": say("Windows-1256 (Arabic)"),
    "cp932": say("Shift-JIS (Japanese)"),
    "euc_jp": say("EUC-JP (Japanese)"),
    "gb18030": say("GB2312, GBK or GB18030 (Chinese)"),
    "big5": say("Big5 (Chinese)"),
    "cp949": say("EUC-KR (Korean)"),
    "utf-16": "UTF-16",
}
"""Encodings by Python's name, with a name for people; the usual ones first."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_SAMPLE = 64 * 1024
_NEAR = 0.05  # two guesses as good as each other: the more usual one is taken


@dataclass(frozen=True)
class Decoded:
    """text: of the whole file. encoding: a key of OFFERED. guessed: neither UTF-8 nor named by the file or a person.

    mend: mends one cell, or gives None where it was fine; cells that cannot be mended hold UNREADABLE.
    """

    text: str
    encoding: str
    guessed: bool = False
    mend: Mend = nothing_to_mend


def known_encoding(name: str) -> str:
    """The key of OFFERED that a person means by a name such as "Shift-JIS" or "GB2312". Raises BadInput naming those there are."""
    plain = name.strip().lower().replace("_", "-")
    spoken = {"windows-1252": "cp1252", "latin-1": "cp1252", "shift-jis": "cp932", "sjis": "cp932", "mac": "mac_roman"}
    try:
        python = codecs.lookup(spoken.get(plain, plain)).name.replace("-", "_")
    except LookupError:
        python = ""
    same = {"gb2312": "gb18030", "gbk": "gb18030", "shift_jis": "cp932", "euc_kr": "cp949", "iso8859_1": "cp1252", "utf_8": "utf-8"}
    same |= {"ascii": "utf-8", "utf_8_sig": "utf-8", "utf_16": "utf-16", "utf_16_le": "utf-16", "utf_16_be": "utf-16"}
    found = same.get(python, python)
    if found not in OFFERED:
        raise BadInput(say("There is no encoding {name!r} here. Use one of: {encodings}.", name=name, encodings=", ".join(OFFERED)))
    return found


def decode(data: bytes, encoding: str = "") -> Decoded:
    """The text of a file. encoding: what the person says, "" to find out.

    UTF-8 comes first, and UTF-16 where the file says so or holds a NUL in every other byte. Other bytes are read as what
    they most likely are, as a whole; where most of a file is UTF-8, the cells that are not are marked instead.
    """
    if encoding:
        key = known_encoding(encoding)
        python = _utf16(data) or key if key == "utf-16" else "utf-8-sig" if key == "utf-8" else key
        return Decoded(data.decode(python, "replace").removeprefix("\ufeff"), key)
    if wide := _utf16(data):
        return Decoded(data.decode(wide, "replace").removeprefix("\ufeff"), "utf-16")
    text = data.decode("utf-8-sig", "surrogateescape")
    foreign = len(_SURROGATE.findall(text))
    if not foreign:
        return Decoded(text, "utf-8")
    if len(re.findall("[\x80-\ud7ff\ue000-\U0010ffff]", text)) >= foreign:
        return Decoded(text, "utf-8", mend=marked)
    key = likely(data)
    return Decoded(data.decode(key, "replace"), key, guessed=True)


def _utf16(data: bytes) -> str:
    """Python's name where the bytes are UTF-16 or UTF-32 by their first ones, or by a NUL in every other; else ''."""
    if data[:4] in (b"\xff\xfe\0\0", b"\0\0\xfe\xff"):
        return "utf-32"
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    head = data[:4000]
    if len(head) < 8:
        return ""
    even, odd = head[::2].count(0) / len(head) * 2, head[1::2].count(0) / len(head) * 2
    return "utf-16-le" if odd > 0.6 and even < 0.1 else "utf-16-be" if even > 0.6 and odd < 0.1 else ""


def marked(cell: str) -> str | None:
    """The cell with UNREADABLE for halves of surrogate pairs, which no database and no file can hold; None where there are none."""
    return re.sub("[\ud800-\udfff]+", UNREADABLE, cell) if _SURROGATE.search(cell) else None


def sample(data: bytes) -> bytes:
    """Lines that hold bytes beyond ASCII, up to 64 kB of them: what an encoding is told by."""
    held, out = 0, []
    for line in data[: 20 * _SAMPLE].splitlines(keepends=True):
        if not line.isascii():
            out.append(line)
            held += len(line)
            if held > _SAMPLE:
                break
    return b"".join(out)[:_SAMPLE]


def likely(data: bytes) -> str:
    """The encoding that bytes which are not UTF-8 are most likely in, by the letters that come out (charset-normalizer)."""
    from charset_normalizer import from_bytes

    tried, seen = [key for key in OFFERED if not key.startswith("utf")], sample(data)
    found = {key: match for match in from_bytes(seen, cp_isolation=tried) for key in match.could_be_from_charset if key in tried}
    if not found:
        return "cp1252"
    least = min(match.chaos for match in found.values())
    if "cp1252" in found and found["cp1252"].chaos <= least + _NEAR:
        return "cp1252"
    return max(found, key=lambda key: (-found[key].chaos, found[key].coherence, -tried.index(key)))


def letters(data: bytes, keys: Sequence[str] = tuple(OFFERED), most: int = 3) -> dict[str, list[str]]:
    """Key -> up to `most` lines that hold letters beyond ASCII, as they look in that encoding; those that cannot be so left out.

    data: the bytes of a text file. For a person who picks the encoding whose letters look right.
    """
    lines = [line for line in sample(data).splitlines() if line][:most]
    if not lines:
        return {}
    out = {}
    for key in keys:
        try:
            out[key] = [line.decode(key) for line in lines]
        except UnicodeError:
            continue
    return out
