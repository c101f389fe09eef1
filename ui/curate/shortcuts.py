"""The keys of the Curate page: one table that buttons, the help sheet and the settings read.

R and C are Streamlit's own; Space, Enter, arrows and Ctrl+Z belong to the text box and to screen readers.
"""

from cod_core.said import msg, say
from cod_core.types import REJECT_REASONS
from ui.frame import state
from ui.frame.words import t

KEYS = {
    "accept": ("A", msg("accept and go on to the next text")),
    "reject": ("X", say("reject; then 1 to {n} names the reason and goes on", n=len(REJECT_REASONS))),
    "skip": ("S", msg("skip for now; it comes back at the end")),
    "flag": ("F", msg("flag for a second opinion")),
    "edit": ("E", msg("go into the text box; Esc leaves it")),
    "keep": ("Ctrl+Enter", msg("keep what stands in the text box and go on (on a Mac: ⌘ Enter)")),
    "undo": ("U", msg("undo your last decision, as often as you like")),
    "next": ("N", msg("next text")),
    "previous": ("P", msg("previous text")),
    "diff": ("D", msg("changes in place, or side by side")),
    "guide": ("G", msg("show or hide the guideline")),
    "help": ("H", msg("show or hide this list")),
}


def letter(name: str) -> str | None:
    """The single key of an action, None where single keys are switched off."""
    return KEYS[name][0] if state.shortcuts_on() else None


def digit(number: int) -> str | None:
    """The key of the n-th reason, None where single keys are switched off."""
    return str(number) if state.shortcuts_on() else None


def key_name(key: str) -> str:
    """A key as it is printed on a keyboard of this language."""
    return key.replace("Ctrl", t("Ctrl"))


def table() -> dict[str, list[str]]:
    """Keys and what they do, for a table."""
    return {t("Key"): [key_name(key) for key, _ in KEYS.values()], t("What it does"): [t(what) for _, what in KEYS.values()]}
