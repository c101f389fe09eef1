"""Proposals that wait for a teacher: the same sentence on every page, and the one press that goes on."""

from typing import Any

import streamlit as st

from ui.frame import errors, layout, state


def needed(w: Any, pid: str, summary: Any, busy: bool = False, page: str = "proposals") -> bool:
    """Whether proposals wait for the teacher's verdict; says so and offers the way on. page: where this is drawn."""
    said = w.project(pid).pairs.waiting()
    if not said:
        return False
    errors.box(said, "warn")
    if summary.teacher_label:
        if st.button("Check again", key="recheck", type="primary", icon=":material/fact_check:", disabled=busy):
            with errors.shown():
                w.project(pid).jobs.start("recheck", {})
                state.mark_saved()
                layout.go("proposals")
    elif page != "teacher":
        layout.next_step("teacher", "Choose a teacher")
    return True
