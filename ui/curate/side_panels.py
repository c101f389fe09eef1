"""What opens beside the card: guideline, keys, history, technical details. One key each; nothing covers the card."""

from html import escape

import streamlit as st

from cod_core.curation.history import Event
from cod_core.project.curation.cards import Card
from cod_core.project.project import Project
from cod_core.said import msg
from cod_core.types import Counterfactual, FlipCheck
from ui.curate import callbacks, decision_buttons, edit_notes, guideline, more_proposals, phrases, shortcuts
from ui.curate.callbacks import Shown
from ui.curate.shortcuts import letter
from ui.frame import state
from ui.frame.words import language, t
from ui.shared import stored, verdict

WAYS = (
    msg("search"),
    msg("teacher-guided search with a second judge"),
    msg("teacher-guided search with a second judge ({sources})"),
    msg("teacher-guided search"),
    msg("teacher-guided search ({sources})"),
    msg("your words, placed by search"),
)
"""Names that the search gives itself; its sources keep theirs."""


def row(shown: Shown) -> None:
    """The buttons that open and close."""
    side = st.session_state.get("side_by_side", False)
    with st.container(horizontal=True, gap="small"):
        decision_buttons.act(t("Changes in place") if side else t("Side by side"), "diff", letter("diff"), _flip_diff, type="tertiary")
        decision_buttons.act(t("Guideline"), "guide", letter("guide"), state.toggle_panel, ("guide",), type="tertiary")
        decision_buttons.act(t("Keys"), "help", letter("help"), state.toggle_panel, ("help",), type="tertiary")


def _flip_diff() -> None:
    st.session_state["side_by_side"] = not st.session_state.get("side_by_side", False)


def below(project: Project, card: Card, shown: Shown, cf: Counterfactual, check: FlipCheck | None) -> None:
    """The open panel, then history and, where wanted, technical details."""
    if state.panel() == "guide":
        _guide(project)
    if state.panel() == "help":
        _keys()
    phrases.panel(project, shown)
    more_proposals.panel(project, card, shown, cf, check)
    with st.expander(t("History of this text"), icon=":material/history:"):
        _history(project, shown)
    if state.technical():
        _technical(cf, check)


def _guide(project: Project) -> None:
    task = project.row.task
    meanings = task.descriptions or ("",) * len(task.labels)
    rows = "".join(f"<li><b>{escape(label)}</b> {escape(about)}</li>" for label, about in zip(task.labels, meanings))
    st.html(
        f'<div class="cod-card"><div class="cod-cap">{escape(t("The question"))}</div><p class="cod-name">{escape(task.name)}</p>'
        f'<ul class="cod-list">{rows}</ul></div>'
    )
    st.html(guideline.panel(project.guideline.current()))


def _keys() -> None:
    rows = "".join(f"<kbd>{escape(shortcuts.key_name(key))}</kbd><span>{escape(t(what))}</span>" for key, what in shortcuts.KEYS.values())
    with st.container(border=True):
        st.html(f'<div class="cod-keys" role="note" aria-label="{escape(t("keys"))}">{rows}</div>')
        on = state.shortcuts_on()
        st.button(t("Switch single keys off") if on else t("Switch single keys on"), key="keys-switch", on_click=_switch_keys)


def _switch_keys() -> None:
    st.session_state[state.SHORTCUTS] = not state.shortcuts_on()


def _history(project: Project, shown: Shown) -> None:
    events = project.cards.history(shown.example_id, state.annotator())
    rows = "".join(
        f'<li class="{"cod-undone" if e.undone else ""}"><time datetime="{escape(e.at)}">{escape(when(e.at))}'
        f"{' · ' + escape(_who(e)) if e.who else ''}</time>{escape(sentence(e))}</li>"
        for e in events
    )
    st.html(f'<ol class="cod-time">{rows}</ol>')


def _who(event: Event) -> str:
    """Whose act it is: a person, a model, or a way of the search."""
    return stored.spoken(event.who, WAYS) if event.kind == "proposed" else event.who


def when(time: str) -> str:
    """'2026-11-24T11:10:56Z' as a person reads it, local time."""
    from datetime import datetime

    try:
        at = datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone()
    except ValueError:
        return time
    return at.strftime("%-d %b %Y, %H:%M" if language() == "en" else "%d.%m.%Y, %H:%M")


KINDS = {"proposed": msg("Proposed"), "written": msg("Written"), "draft": msg("Draft in the text box"), "undone": msg("Taken back")}


def sentence(event: Event) -> str:
    """One event of an item's history as a sentence."""
    status = event.status or ""
    words = t(KINDS[event.kind] if event.kind in KINDS else callbacks.STATUS_WORDS.get(status, status))
    reasons = ", ".join(edit_notes.inside(callbacks.REASONS.get(r, r)) for r in event.reasons)
    detail = edit_notes.spoken(event.detail) if event.kind in ("proposed", "written") else t(event.detail) if event.detail else ""
    parts = [words + (f": {reasons}" if reasons else ""), detail, t("(taken back later)") if event.undone else ""]
    return " ".join(part for part in parts if part)


def _technical(cf: Counterfactual, check: FlipCheck | None) -> None:
    """Numbers and provenance, for those who want them."""
    with st.expander(t("Technical details"), icon=":material/code:", expanded=True):
        if check is not None:
            st.json(verdict.technical(check))
        st.text(f"{cf.origin.kind}: {cf.origin.name} {cf.origin.revision}")
        if cf.raw_reply:
            st.code(cf.raw_reply, language=None, wrap_lines=True)
