"""Curate: one card at a time, the teacher's verdict beside it, one key a decision."""

import streamlit as st

from cod_core.said import say, together
from ui.curate import callbacks, card_view, live_strip, queue_bar
from ui.frame import errors, layout, state
from ui.frame.words import t
from ui.shared import jobs_panel, recheck, whats_next

layout.through_app()

project = layout.need_project()


def go_on(first: bool = True) -> None:
    """What is next beyond this list. first: its button is the page's primary one."""
    if not waits:
        busy = jobs_panel.running(project.jobs.newest())
        whats_next.draw(project, [step for step in project.next.steps() if step.page != "curate"], "curated", busy, primary=first)


def write_own() -> None:
    """The way to the texts that nothing was found for."""
    if n := queue.counts["own"]:
        texts = layout.several(n, "text")
        errors.box(t("No proposal was found for {texts}. You can write them yourself.", texts=texts), "info")
        st.button(t("Write your own for {texts}", texts=texts), key="write-own", on_click=queue_bar.show, args=("own",))


def nothing_listed(show: str) -> None:
    """The end of a list, and what to do now."""
    state.show_item(None)
    if queue.rows:
        left = len(queue.rows)
        errors.box(
            t("1 text is left, and somebody else has it on the screen just now. Come back in a few minutes.")
            if left == 1
            else t("{n:,} texts are left, and others have them on the screen just now. Come back in a few minutes.", n=left),
            "info",
        )
        st.button(t("Look again"), key="look-again", type="primary")
        go_on(first=False)
    elif queue.view.filtered:
        errors.box("No text is in this list with these filters.", "info")
        st.button(t("Show all again"), key="q-clear-list", type="primary", on_click=queue_bar.clear)
        go_on(first=False)
    elif show == "todo":
        flagged = sum(row.status == "needs_review" for row in queue.narrowed)
        texts = layout.several(flagged, "text")
        waiting = say("{texts} flagged for a second opinion: see the page Review.", texts=texts) if flagged else ""
        if queue.total:
            done, look = say("Every proposal is decided."), say("You can still look at them under Kept, or undo.")
            errors.box(together([done, waiting, look]), "ok")
        write_own()
        go_on()
        card_view.undo_button(project.id)
    elif show == "own":
        errors.box("Every text has a proposal, or words of your own.", "ok")
        st.button(t("Show what is to do"), key="show-todo", on_click=queue_bar.show, args=("todo",))
        card_view.undo_button(project.id)
    else:
        errors.box("No text is in this list.", "info")


queue = project.cards.queue(state.view(), state.annotator())
empty = not queue.total and not queue.counts["own"]
layout.header("Curate", t("Read the change, see the verdict, decide. One key decides and moves on.") if empty else "")
callbacks.take_moved()
if done := state.take_toast():
    st.toast(t(done), icon=":material/check:")
if empty:
    layout.empty("There is nothing to curate yet", "Proposals appear here, one text at a time.")
    whats_next.draw(project, project.next.steps(), "nothing", most=1)
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
