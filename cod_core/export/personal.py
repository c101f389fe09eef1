"""Likely personal data in texts, by pattern: mail addresses, phone numbers, account and identity numbers.

A warning, not a guarantee: names and descriptions of people are not found. Checksums keep chance hits out where the
number has one.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_PATTERNS = {
    "mail address": re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,4}"),
    "bank account (IBAN)": re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b"),
    "network address": re.compile(r"(?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?!\d|\.\d)"),
    "card number": re.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])"),
    "social security number": re.compile(r"(?<!\d)(?!000|666|9\d\d)\d{3}-(?!00)\d\d-(?!0000)\d{4}(?!\d)"),
    "patient or case number": re.compile(
        r"\b(?:MRN|NHS|patient(?:en)?(?:\s?id)?|case|chart|insurance|Fall|Vers(?:icherungs)?)[\s.-]?"
        r"(?:no|nr|number|nummer|id)?[\s.:#-]{0,3}\d(?:[ -]?\d){5,19}",
        re.I,
    ),
    "date of birth": re.compile(
        r"\b(?:born|d\.?o\.?b\.?|date of birth|geb(?:oren)?\.?)\b[^.\n]{0,15}?\d{1,4}[./-]\d{1,2}[./-]\d{1,4}", re.I
    ),
    "phone number": re.compile(
        r"(?<![\w.+-])(?:\+|00|\(?0)\d(?:[\s./()-]{0,2}\d){6,13}(?!\w)|(?<![\w-])\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?!\w)"
    ),
}

_CHECKED = ("bank account (IBAN)", "card number", "network address")


@dataclass(frozen=True)
class Hit:
    """kind: in words. found: the piece itself, to be shown to the person only."""

    kind: str
    found: str


def hits(text: str) -> Iterator[Hit]:
    """Likely personal data in one text, each piece once."""
    taken = bytearray(len(text))  # one byte a character: a text of nothing but numbers has thousands of hits
    for kind, pattern in _PATTERNS.items():
        for match in pattern.finditer(text):
            piece = match.group().strip()
            start, end = match.span()
            if any(taken[start:end]):
                continue
            if kind in _CHECKED:
                taken[start:end] = b"\1" * (end - start)  # looks like one: where its checksum fails it is no phone number either
            if not _plausible(kind, piece):
                continue
            taken[start:end] = b"\1" * (end - start)
            yield Hit(kind, piece)


def counts(texts: Iterable[str]) -> dict[str, int]:
    """kind -> how many texts hold one."""
    out: dict[str, int] = {}
    for text in texts:
        for kind in {hit.kind for hit in hits(text)}:
            out[kind] = out.get(kind, 0) + 1
    return out


def _plausible(kind: str, piece: str) -> bool:
    digits = re.sub(r"\D", "", piece)
    if kind == "card number":
        return 13 <= len(digits) <= 19 and _luhn(digits)
    if kind == "bank account (IBAN)":
        return _iban(re.sub(r"\s", "", piece))
    if kind == "phone number":
        return 7 <= len(digits) <= 15 and len(set(digits)) > 2
    if kind == "network address":
        return all(int(part) < 256 for part in piece.split("."))
    return True


def _luhn(digits: str) -> bool:
    total = 0
    for at, d in enumerate(map(int, reversed(digits))):
        total += d if at % 2 == 0 else (d * 2 - 9 if d > 4 else d * 2)
    return total % 10 == 0 and len(set(digits)) > 1


def _iban(text: str) -> bool:
    """ISO 13616: the rearranged number leaves 1 modulo 97."""
    return 15 <= len(text) <= 34 and int("".join(str(int(c, 36)) for c in text[4:] + text[:4])) % 97 == 1
