"""Proposals that wait for a teacher: the same sentence on every page, and the one press that goes on."""

import streamlit as st

from cod_core.project.project import Project
from cod_core.project.summary import Summary
from ui.frame import errors, layout, state
from ui.frame.words import t
from ui.shared import jobs_panel


def needed(project: Project, summary: Summary, busy: bool = False, page: str = "proposals") -> bool:
    """Whether proposals wait for the teacher's verdict; says so and offers the way on. page: where this is drawn."""
    said = project.pairs.waiting()
    if not said:
        return False
    errors.box(said, "warn")
    if summary.teacher_label:
        if st.button(t("Check again"), key="recheck", type="primary", icon=":material/fact_check:", disabled=busy):
            with errors.shown():
                jobs_panel.start(project, "recheck")
                state.mark_saved()
                layout.go("proposals")
    elif page != "teacher":
        layout.next_step("teacher", "Choose a teacher")
    return True
