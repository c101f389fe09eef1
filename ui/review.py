"""Which card comes next, and what its buttons do. Pure functions and callbacks; draws nothing.

A callback carries the token of the card it was pressed on (item, proposal, decision): a press meant for another
card, or one that comes within a quarter of a second of a new card, does nothing.
"""

from typing import Any

import streamlit as st

from ui import errors, state

SHOW = {"todo": "To do", "kept": "Kept", "left": "Left out", "flagged": "Flagged", "all": "All"}
SORTS = {"upload": "As uploaded", "boundary": "Nearest the line", "edit": "Smallest edit", "similar": "Most similar"}
REASONS = {
    "not_fluent": "Not fluent",
    "label_wrong": "Label is wrong",
    "not_minimal": "Changes too much",
    "changes_other_facts": "Changes other facts",
    "unrealistic_or_unsafe": "Unrealistic or unsafe",
    "duplicate": "Duplicate",
    "teacher_wrong": "Teacher is wrong",
    "other": "Other reason",
}
STATUS_WORDS = {
    "accepted": "Accepted",
    "edited": "Accepted with your edit",
    "rejected": "Rejected",
    "skipped": "Skipped",
    "needs_review": "Flagged for a second opinion",
    "pending": "To do",
}


def status(card: Any) -> str:
    """The card's live status; 'pending' where nothing was decided."""
    return card.decision.status if card.decision else "pending"


def belongs(card: Any, show: str) -> bool:
    """Whether a card is in the list that `show` names. Skipped ones stay to do."""
    now = status(card)
    return {
        "todo": now in ("pending", "skipped"),
        "kept": now in ("accepted", "edited"),
        "left": now == "rejected",
        "flagged": now == "needs_review",
        "all": True,
    }[show]


def following(cards: list[Any], current: str | None, show: str) -> str | None:
    """The example id of the next card in the list after `current`, going round; None where there is none.

    A skipped card comes after those never seen.
    """
    ids = [c.example.id for c in cards]
    start = ids.index(current) + 1 if current in ids else 0
    turned = [c for c in cards[start:] + cards[:start] if c.example.id != current and belongs(c, show)]
    if show == "todo":
        turned.sort(key=lambda c: status(c) == "skipped")
    return turned[0].example.id if turned else None


def neighbour(ids: list[str], current: str | None, step: int) -> str | None:
    """The id `step` places on in a list of ids, staying inside it."""
    if not ids:
        return None
    at = ids.index(current) if current in ids else 0
    return ids[max(0, min(len(ids) - 1, at + step))]


def token(card: Any, cf_id: str | None) -> str:
    """Identifies exactly what is on screen: text, proposal, state of decision."""
    return f"{card.example.id}/{cf_id}/{status(card)}"


def edit_key(example_id: str, base_id: str | None) -> str:
    """Session key of the editor of one proposal."""
    return f"edit-{example_id}-{base_id}"


@errors.callback
def save_draft(pid: str, example_id: str, base_id: str | None) -> None:
    """Keep what stands in the editor."""
    text = st.session_state.get(edit_key(example_id, base_id), "")
    state.workspace().save_draft(pid, example_id, state.annotator(), base_id, text)
    state.mark_saved()


@errors.callback
def choose(example_id: str, key: str) -> None:
    """Another alternative was picked: keep the choice for this text."""
    if st.session_state.get(key):
        st.session_state[f"chosen-{example_id}"] = st.session_state[key]


@errors.callback
def decide(
    pid: str,
    shown: str,
    example_id: str,
    cf_id: str,
    new: str,
    upcoming: str | None,
    reasons: tuple[str, ...] = (),
    override_key: str | None = None,
) -> None:
    """Record a decision and move on. override_key: session key of the reason for keeping a text that does not flip."""
    seconds = state.card_seconds(shown)
    if seconds is None:
        return
    why = (st.session_state.get(override_key) or "").strip() if override_key else None
    if override_key and not why:
        state.notice("Say in a few words why this text should be kept although the teacher does not flip.", "warn")
        return
    state.workspace().decide(
        pid, cf_id, new, state.annotator(), reasons=reasons, override_reason=why, lead_time_s=round(seconds, 1)
    )
    _moved(example_id, upcoming)


@errors.callback
def accept_edit(
    pid: str,
    shown: str,
    example_id: str,
    base_id: str | None,
    base_text: str,
    upcoming: str | None,
    override_key: str | None = None,
) -> None:
    """Keep what stands in the editor: the proposal itself where nothing was changed, else an edit of it."""
    if state.card_seconds(shown) is None:
        return
    text = st.session_state.get(edit_key(example_id, base_id), base_text)
    w, me = state.workspace(), state.annotator()
    why = (st.session_state.get(override_key) or "").strip() or None if override_key else None
    if text == base_text and base_id:
        w.decide(pid, base_id, "accepted", me, override_reason=why)
    else:
        w.save_draft(pid, example_id, me, base_id, text)
        w.edit_and_accept(pid, example_id, base_id, text, me, override_reason=why)
    _moved(example_id, upcoming)


@errors.callback
def undo(pid: str) -> None:
    """Take back this annotator's last act and show its card."""
    undone = state.workspace().undo(pid, state.annotator())
    if undone is None:
        state.notice("There is nothing of yours left to undo.", "info")
        return
    st.session_state.pop("rejecting", None)
    state.show_item(undone.example_id)
    state.mark_saved()


@errors.callback
def start_reject(shown: str, example_id: str) -> None:
    """Open the row of reasons."""
    if state.card_seconds(shown) is not None:
        st.session_state["rejecting"] = example_id


@errors.callback
def move(example_id: str | None) -> None:
    """Show another card without deciding."""
    st.session_state.pop("rejecting", None)
    state.show_item(example_id)


def _moved(example_id: str, upcoming: str | None) -> None:
    st.session_state.pop("rejecting", None)
    st.session_state.pop(f"chosen-{example_id}", None)
    state.mark_saved()
    state.show_item(upcoming)
