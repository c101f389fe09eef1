"""What a proposal changes, as its note keeps it in English, in the language of the screen; and what a decision just did.

A note of no known form stays as it is.
"""

import re

from cod_core.said import msg
from ui.frame.words import language, t
from ui.shared import stored

EDITS = (
    msg("replaced “{old}” with “{new}”"),
    msg("added “{new}”"),
    msg("deleted “{old}”"),
    msg("took out the negation"),
    msg("tightened: {n} of {of} edits taken back"),
    msg("written by a person"),
    msg("edited by a person"),
    msg("written by {model}, told what was wrong with an earlier try"),
    msg("written by {model}"),
    msg("from {file}"),
)
COUNTS = (msg("{n} replaced"), msg("{n} added"), msg("{n} left out"))
_SCORED = " texts scored)"
_COUNTED = re.compile(r"\d{1,9} (?:replaced|added|left out)(?:, \d{1,9} (?:replaced|added|left out))*")

DONE = {
    "accepted": msg("Accepted and saved"),
    "rejected": msg("Rejected and saved"),
    "skipped": msg("Skipped and saved"),
    "needs_review": msg("Flagged and saved"),
}


def inside(words: str) -> str:
    """Words of a list inside a sentence: small in English; German words stay as they are."""
    return t(words).lower() if language() == "en" else t(words)


def spoken(note: str) -> str:
    """The note in the language of the screen."""
    if language() == "en" or not note:
        return note
    what, _, scored = note.removesuffix(_SCORED).rpartition(" (")
    if note.endswith(_SCORED) and scored.isdecimal() and len(scored) < 10:
        return t("{what} ({n} texts scored)", what=spoken(what), n=int(scored))
    if _COUNTED.fullmatch(note):
        return ", ".join(stored.spoken(part, COUNTS) for part in note.split(", "))
    return "; ".join(stored.spoken(part, EDITS) for part in note.split("; "))
