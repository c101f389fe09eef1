"""Curate: one card at a time, the teacher's verdict beside it, one key a decision."""

import streamlit as st

from ui.curate import callbacks, card_view, live_strip, queue_bar
from ui.frame import errors, layout, state
from ui.shared import recheck

layout.through_app()

project = layout.need_project()


def nothing_listed(show: str) -> None:
    """The end of a list, and what to do now."""
    state.show_item(None)
    if queue.view.filtered:
        errors.box("No text is in this list with these filters.", "info")
        st.button("Show all again", key="q-clear-list", type="primary", on_click=queue_bar.clear)
    elif show == "todo":
        flagged = sum(row.status == "needs_review" for row in queue.narrowed)
        waiting = f" {layout.several(flagged, 'text')} flagged for a second opinion: see the page Review." if flagged else ""
        errors.box(f"Every proposal is decided.{waiting} You can still look at them under Kept, or undo.", "ok")
        with st.container(horizontal=True):
            if not waits:
                layout.next_step("distill", "Go on to Distil")
            card_view.undo_button(project.id)
    else:
        errors.box("No text is in this list.", "info")


layout.header("Curate", "Read the change, see the verdict, decide. One key decides and moves on.")
callbacks.take_moved()
queue = project.cards.queue(state.view(), state.annotator())
if not queue.total:
    layout.empty(
        "There is nothing to curate yet",
        "Let the app propose counterfactuals for some of your texts; they appear here one by one.",
        "proposals",
        "Propose counterfactuals",
    )
else:
    waits = recheck.needed(project, state.summary(project), page="curate")
    queue_bar.bar(project, queue)
    live = st.container()
    current = card_view.current(project, queue)
    if current is None:
        nothing_listed(queue.view.show)
    else:
        state.show_item(current)
        card_view.draw(project.id, current, queue)
        if not state.plain_editor():
            project.teacher.warm()
    with live:
        live_strip.draw(project)
