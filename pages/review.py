"""Review: everything in one table, second opinions, how far people agree, the guideline, the history."""

import streamlit as st

from ui import agreeing, history, layout, opinions, table, writing

layout.through_app()

SECTIONS = {"table": "All texts", "opinions": "Second opinions", "agreement": "Agreement", "guideline": "Guideline", "history": "History"}

w, project = layout.need_project()
layout.header("Review", "Look over everything that was decided, alone or together.")
section = st.segmented_control(
    "What to look at",
    list(SECTIONS),
    default="table",
    required=True,
    format_func=SECTIONS.get,
    key="review-section",
    label_visibility="collapsed",
)
draw = {
    "table": table.section,
    "opinions": opinions.section,
    "agreement": agreeing.section,
    "guideline": writing.section,
    "history": history.section,
}
draw[section or "table"](w, project)
