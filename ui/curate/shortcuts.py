"""The keys of the Curate page: one table that buttons, the help sheet and the settings read.

R and C are Streamlit's own; Space, Enter, arrows and Ctrl+Z belong to the text box and to screen readers.
"""

from cod_core.types import REJECT_REASONS
from ui.frame import state

KEYS = {
    "accept": ("A", "accept and go on to the next text"),
    "reject": ("X", f"reject; then 1 to {len(REJECT_REASONS)} names the reason and goes on"),
    "skip": ("S", "skip for now; it comes back at the end"),
    "flag": ("F", "flag for a second opinion"),
    "edit": ("E", "go into the text box; Esc leaves it"),
    "keep": ("Ctrl+Enter", "keep what stands in the text box and go on (on a Mac: ⌘ Enter)"),
    "undo": ("U", "undo your last decision, as often as you like"),
    "next": ("N", "next text"),
    "previous": ("P", "previous text"),
    "diff": ("D", "changes in place, or side by side"),
    "guide": ("G", "show or hide the guideline"),
    "help": ("H", "show or hide this list"),
}


def letter(name: str) -> str | None:
    """The single key of an action, None where single keys are switched off."""
    return KEYS[name][0] if state.shortcuts_on() else None


def digit(number: int) -> str | None:
    """The key of the n-th reason, None where single keys are switched off."""
    return str(number) if state.shortcuts_on() else None


def table() -> dict[str, list[str]]:
    """Keys and what they do, for a table."""
    return {"Key": [key for key, _ in KEYS.values()], "What it does": [what for _, what in KEYS.values()]}
