"""What a proposal changes, as its note keeps it in English, in the language of the screen. A note of no known form stays as it is."""

import re

from cod_core.said import Said, msg, say
from ui.frame.words import language, t

_FORMS = (
    (r"replaced “(?P<old>.*)” with “(?P<new>.*)”", msg("replaced “{old}” with “{new}”")),
    (r"added “(?P<new>.*)”", msg("added “{new}”")),
    (r"deleted “(?P<old>.*)”", msg("deleted “{old}”")),
    (r"took out the negation", msg("took out the negation")),
    (r"(?P<n>\d{1,9}) replaced", msg("{n} replaced")),
    (r"(?P<n>\d{1,9}) added", msg("{n} added")),
    (r"(?P<n>\d{1,9}) left out", msg("{n} left out")),
    (r"tightened: (?P<n>\d{1,9}) of (?P<of>\d{1,9}) edits taken back", msg("tightened: {n} of {of} edits taken back")),
    (r"written by a person", msg("written by a person")),
    (r"edited by a person", msg("edited by a person")),
    (
        r"written by (?P<model>.*), told what was wrong with an earlier try",
        msg("written by {model}, told what was wrong with an earlier try"),
    ),
    (r"written by (?P<model>.*)", msg("written by {model}")),
    (r"from (?P<file>.*)", msg("from {file}")),
)
_SCORED = re.compile(r"(?P<what>.*) \((?P<n>\d{1,9}) texts scored\)", re.DOTALL)


def spoken(note: str) -> str:
    """The note in the language of the screen."""
    if language() == "en" or not note:
        return note
    if scored := _SCORED.fullmatch(note):
        return t("{what} ({n} texts scored)", what=spoken(scored["what"]), n=int(scored["n"]))
    return "; ".join(_list(part) for part in note.split("; "))


def _list(part: str) -> str:
    """One edit, or how many of each kind."""
    whole = _part(part)
    return t(whole) if isinstance(whole, Said) else ", ".join(t(_part(one)) for one in part.split(", "))


def _part(part: str) -> str:
    for form, template in _FORMS:
        if found := re.fullmatch(form, part, re.DOTALL):
            return say(str(template), **found.groupdict())
    return part
