"""What a proposal took, as its note tells it: how many texts the teacher scored for it."""

import re

_SCORED = re.compile(r"\((\d{1,9}) texts scored\)$")


def with_effort(note: str, scored: int) -> str:
    """The note with the number of texts scored, backward passes counted as one."""
    return f"{note} ({scored} texts scored)"


def without_effort(note: str) -> str:
    """The note as it was before: what changed, in words."""
    return _SCORED.sub("", note).rstrip()


def texts_scored(note: str) -> int:
    """What such a note says; 1, the verdict on the proposal itself, where it says nothing."""
    found = _SCORED.search(note)
    return int(found[1]) if found else 1
