"""The row of decisions under the curation card, each button with its printed key.

What a press does is in `review`; here is only which buttons there are and when they may be pressed.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui import review, state


def letter(key: str) -> str | None:
    """The shortcut, or None where single keys are switched off."""
    return key if state.shortcuts_on() else None


def _act(label: str, name: str, key: str | None, callback: Callable, args: tuple, **more: Any) -> None:
    st.button(label, key=name, shortcut=key, on_click=callback, args=args, **more)


def buttons(pid: str, card: Any, cf: Any, text: str, check: Any, cards: list[Any], show: str) -> None:
    """Accept, reject, skip, flag, undo, previous and next; the reasons instead once reject was pressed."""
    shown = review.token(card, cf.id)
    state.card_shown(shown)
    example, upcoming = card.example.id, review.following(cards, card.example.id, show)
    common = (pid, shown, example)
    if st.session_state.get("rejecting") == example:
        _reasons(common, cf.id, upcoming)
        return
    edited, ok = text != cf.text, check is not None and check.valid
    accept_edit = (*common, cf.id, cf.text, upcoming)
    ids = [c.example.id for c in cards if review.belongs(c, show) or c.example.id == example]
    with st.container(horizontal=True, gap="small"):
        if edited:
            _act(
                "Accept my edit",
                "accept",
                letter("A"),
                review.accept_edit,
                accept_edit,
                type="primary",
                disabled=not ok,
            )
        else:
            accept = (*common, cf.id, "accepted", upcoming)
            _act("Accept", "accept", letter("A"), review.decide, accept, type="primary", disabled=not ok)
        _act("Reject", "reject", letter("X"), review.start_reject, (shown, example))
        _act("Skip", "skip", letter("S"), review.decide, (*common, cf.id, "skipped", upcoming))
        flag = (*common, cf.id, "needs_review", upcoming)
        _act("Flag", "flag", letter("F"), review.decide, flag, help="Ask for a second opinion")
        _act("Undo", "undo", letter("U"), review.undo, (pid,))
        before, after = review.neighbour(ids, example, -1), review.neighbour(ids, example, 1)
        _act("Previous", "previous", letter("P"), review.move, (before,), type="tertiary")
        _act("Next", "next", letter("N"), review.move, (after,), type="tertiary")
        _act(
            "Keep what stands in the box", "accept-edit", "Mod+Enter", review.accept_edit, accept_edit, type="tertiary"
        )
    if not ok:
        _keep_anyway(common, cf, edited, upcoming)


def _keep_anyway(common: tuple, cf: Any, edited: bool, upcoming: str | None) -> None:
    with st.expander("Keep it although the teacher does not flip"):
        why = f"override-{common[2]}-{cf.id}"
        st.text_input("Why is this text right and the teacher wrong?", key=why, max_chars=300)
        st.caption("It is exported with your reason, but never used for training as a counterfactual.")
        if edited:
            _act(
                "Keep with this reason", "override", None, review.accept_edit, (*common, cf.id, cf.text, upcoming, why)
            )
        else:
            accept = (*common, cf.id, "accepted", upcoming, (), why)
            _act("Keep with this reason", "override", None, review.decide, accept)


def _reasons(common: tuple, cf_id: str, upcoming: str | None) -> None:
    with st.container(border=True):
        st.markdown("**Why not?** One key rejects and goes on.")
        with st.container(horizontal=True, gap="small"):
            for number, (reason, label) in enumerate(review.REASONS.items(), 1):
                reject = (*common, cf_id, "rejected", upcoming, (reason,))
                _act(label, f"reason-{reason}", letter(str(number)), review.decide, reject)
        with st.container(horizontal=True, gap="small"):
            plain = (*common, cf_id, "rejected", upcoming)
            _act("Reject without a reason", "reason-none", letter("X"), review.decide, plain, type="tertiary")
            _act("Back", "reason-back", "Esc", review.move, (common[2],), type="tertiary")
