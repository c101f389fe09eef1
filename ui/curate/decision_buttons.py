"""The row of decisions under the curation card, each button with its printed key.

What a press does is in `callbacks`; here is only which buttons there are and when they may be pressed.
"""

from collections.abc import Callable
from typing import Any

import streamlit as st

from ui.curate import callbacks, guideline
from ui.curate.callbacks import Shown
from ui.curate.shortcuts import digit, letter
from ui.frame import state
from ui.frame.words import t


def act(label: str, name: str, key: str | None, callback: Callable[..., Any], args: tuple[Any, ...] = (), **more: Any) -> None:
    """A button with its key printed on it. label: said already."""
    st.button(label, key=name, shortcut=key, on_click=callback, args=args, **more)


def buttons(shown: Shown, ok: bool | None) -> None:
    """Accept, reject, skip, flag, undo, previous and next; the reasons instead once reject was pressed.

    ok: whether what stands in the box flips to its target; None where the teacher was not asked yet.
    """
    state.card_shown(shown.token)
    if callbacks.rejecting(shown.example_id):
        _reasons(shown)
        return
    with st.container(horizontal=True, gap="small", key="decisions"):
        label = t("Accept my text") if shown.base_id is None else t("Accept my edit") if shown.edited else t("Accept")
        act(label, "accept", letter("accept"), callbacks.accept, (shown,), type="primary", disabled=ok is False)
        if not shown.bare:
            act(t("Reject"), "reject", letter("reject"), callbacks.start_reject, (shown,))
            act(t("Skip"), "skip", letter("skip"), callbacks.decide, (shown, "skipped"))
            act(t("Flag"), "flag", letter("flag"), callbacks.decide, (shown, "needs_review"), help=t("Ask for a second opinion"))
        act(t("Undo"), "undo", letter("undo"), callbacks.undo, (shown.pid,))
        act(t("Previous"), "previous", letter("previous"), callbacks.go_to, (shown.before,), type="tertiary")
        act(t("Next"), "next", letter("next"), callbacks.go_to, (shown.after,), type="tertiary")
        if state.plain_editor():
            act(t("Keep what stands in the box"), "keep", "Mod+Enter", callbacks.accept, (shown,), type="tertiary")
    if ok is False:
        _keep_anyway(shown)


def _keep_anyway(shown: Shown) -> None:
    with st.expander(t("Keep it although the teacher does not flip")):
        why = f"override-{shown.example_id}-{shown.base_id}"
        st.text_input(t("Why is this text right and the teacher wrong?"), key=why, max_chars=300)
        st.caption(t("It is exported with your reason, but never used for training as a counterfactual."))
        act(t("Keep with this reason"), "override", None, callbacks.accept, (shown, None, why))


def _reasons(shown: Shown) -> None:
    words = guideline.reason_words(shown.project.guideline.current())
    with st.container(border=True):
        st.markdown(t("**Why not?** One key rejects and goes on."))
        with st.container(horizontal=True, gap="small"):
            for number, (reason, label) in enumerate(words.items(), 1):
                act(label, f"reason-{reason}", digit(number), callbacks.decide, (shown, "rejected", (reason,)))
        with st.container(horizontal=True, gap="small"):
            act(t("Reject without a reason"), "reason-none", letter("reject"), callbacks.decide, (shown, "rejected"), type="tertiary")
            act(t("Back"), "reason-back", "Esc", callbacks.leave_reasons, type="tertiary")
