"""Review: everything in one table, second opinions, how far people agree, the guideline, the history."""

import streamlit as st

from cod_core.said import msg
from ui.frame import layout
from ui.frame.words import t
from ui.review import agreement, audit_trail, guideline_editor, second_opinions, table

layout.through_app()

SECTIONS = {
    "table": msg("All texts"),
    "opinions": msg("Second opinions"),
    "agreement": msg("Agreement"),
    "guideline": msg("Guideline"),
    "history": msg("History"),
}

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
