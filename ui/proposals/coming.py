"""The newest proposal of a run that is at work, so that nobody waits for the last text to see the first. Draws; starts nothing."""

import streamlit as st

from cod_core.project.project import Project
from ui.curate import callbacks
from ui.frame import errors, state
from ui.shared import text_diff

LOOK_S = 1.0


def draw(project: Project) -> None:
    """Show the newest proposal as soon as there is one; the first also draws the page anew, with the way to Curate."""
    st.fragment(_newest, run_every=LOOK_S)(project.id, bool(project.pairs.snapshot().by_example))


def _newest(pid: str, any_before: bool) -> None:
    with errors.shown():
        project = state.workspace().project(pid)
        proposals = project.pairs.snapshot().counterfactuals
        if not proposals:
            return
        if not any_before:
            st.rerun()
        card = project.cards.one(next(reversed(proposals.values())).example_id, state.annotator())
        st.html(text_diff.changes(card.example.text, card.offered.text, callbacks.note(card.offered)))
