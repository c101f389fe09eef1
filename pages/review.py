"""Review: everything in one table, second opinions, how far people agree, the guideline, the history."""

import streamlit as st

from ui.frame import layout
from ui.frame.words import t
from ui.review import agreement, audit_trail, guideline_editor, second_opinions, table

layout.through_app()

SECTIONS = {"table": "All texts", "opinions": "Second opinions", "agreement": "Agreement", "guideline": "Guideline", "history": "History"}

project = layout.need_project()
layout.header("Review", "Look over everything that was decided, alone or together.")
section = st.segmented_control(
    t("What to look at"),
    list(SECTIONS),
    default="table",
    required=True,
    format_func=layout.words(SECTIONS),
    key="review-section",
    label_visibility="collapsed",
)
draw = {
    "table": table.section,
    "opinions": second_opinions.section,
    "agreement": agreement.section,
    "guideline": guideline_editor.section,
    "history": audit_trail.section,
}
draw[section or "table"](project)
