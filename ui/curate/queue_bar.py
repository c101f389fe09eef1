"""Above the card: progress, which list, in which order, narrowed how. What is chosen is in the address of the page."""

from collections.abc import Mapping
from dataclasses import replace
from html import escape

import streamlit as st

from cod_core.curation.view import View
from cod_core.project.curation.cards import Queue
from cod_core.project.project import Project
from cod_core.said import msg
from ui.curate import callbacks, edit_notes
from ui.frame import errors, layout, state
from ui.frame.words import t

SHOW = {
    "todo": msg("To do"),
    "kept": msg("Kept"),
    "left": msg("Left out"),
    "flagged": msg("Flagged"),
    "own": msg("No proposal"),
    "all": msg("All"),
}
SORTS = {
    "upload": msg("As uploaded"),
    "boundary": msg("Closest calls"),
    "edit": msg("Smallest edit"),
    "similar": msg("Most similar"),
    "recent": msg("Last decided"),
}
ORIGINS = {
    "search": msg("Search on this computer"),
    "llm": msg("Language model"),
    "human": msg("Written by a person"),
    "import": msg("Imported"),
}
FINDER = "q-find"


def bar(project: Project, queue: Queue) -> None:
    """Progress and the choices."""
    if queue.total:
        with st.container(key="queue-progress"):
            st.progress(
                queue.decided / queue.total,
                text=t("{decided} of {total} texts decided · {kept} kept", decided=queue.decided, total=queue.total, kept=queue.kept),
            )
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="queue-bar"):
        shown = {k: f"{t(v)} {queue.counts[k]}" for k, v in SHOW.items() if k != "own" or queue.counts[k] or queue.view.show == k}
        _choice(t("Show"), "show", shown, queue.view)
        with st.popover(t("Order"), icon=":material/sort:", help=t("Now: {order}", order=edit_notes.inside(SORTS[queue.view.sort]))):
            _choice(t("Order"), "sort", SORTS, queue.view)
        with st.popover(t("Filter"), icon=":material/filter_list:"):
            _filters(project, queue.view)
    if queue.view.filtered:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f'<div class="cod-why">{escape(t("Only: {filters}", filters=said(queue.view)))}</div>')
            st.button(t("Show all again"), key="q-clear", type="tertiary", on_click=clear)


def said(view: View) -> str:
    """The filters of a view in words."""
    parts = [
        t("the teacher says {label}", label=view.label) if view.label else "",
        t("from {origin}", origin=edit_notes.inside(ORIGINS.get(view.origin, view.origin))) if view.origin else "",
        t("left out because: {reason}", reason=edit_notes.inside(callbacks.REASONS.get(view.reason, view.reason))) if view.reason else "",
        t("decided by {name}", name=view.who) if view.who else "",
        t("the teacher does not agree with your label") if view.differs else "",
        t("with “{words}” in the text", words=view.find) if view.find else "",
    ]
    return "; ".join(part for part in parts if part)


def _choice(label: str, name: str, options: Mapping[str, str], view: View) -> None:
    value = getattr(view, name)
    key = f"q-{name}-{value}"
    st.segmented_control(
        label,
        list(options),
        default=value,
        required=True,
        key=key,
        format_func=layout.words(options),
        on_change=_chosen,
        args=(name, key),
        label_visibility="collapsed",
    )


def _filters(project: Project, view: View) -> None:
    """One row of choices a filter; only what occurs in the project is offered."""
    rows = project.cards.rows(state.annotator())
    offered: dict[str, tuple[str, dict[str, str]]] = {
        "label": (t("What the teacher says of the original"), {r.source: layout.plain(r.source, 30) for r in rows}),
        "origin": (t("Where a proposal came from"), {o: t(ORIGINS.get(o, o)) for r in rows for o in r.origins}),
        "differs": (t("Your label"), {"1": t("The teacher does not agree")} if any(r.differs for r in rows) else {}),
        "reason": (t("Left out because"), {x: t(callbacks.REASONS.get(x, x)) for r in rows if r.decision for x in r.decision.reasons}),
        "who": (t("Decided by"), {r.decision.annotator: layout.plain(r.decision.annotator, 30) for r in rows if r.decision}),
    }
    for name, (label, options) in offered.items():
        value = getattr(view, name)
        if options:
            key = f"q-{name}-{value}"
            st.pills(
                label,
                sorted(options),
                default=value if value in options else None,
                key=key,
                format_func=layout.words(options),
                on_change=_chosen,
                args=(name, key),
            )
    key = f"{FINDER}-{view.find}"
    st.text_input(t("Words in the text"), view.find, max_chars=100, key=key, on_change=_chosen, args=("find", key))


@errors.callback
def _chosen(name: str, key: str) -> None:
    value = st.session_state.get(key) or ""
    state.set_view(replace(state.view(), **{name: str(value).strip()}))


@errors.callback
def show(name: str) -> None:
    """Another list, whole."""
    state.set_view(View(show=name))


@errors.callback
def clear() -> None:
    """Take every filter away; list and order stay."""
    state.set_view(View(show=state.view().show, sort=state.view().sort))
