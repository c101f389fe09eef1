"""Bringing ready counterfactuals in: a table with the original and the changed text side by side."""

from typing import Any

import streamlit as st

from ui import errors, imports, layout, state


def counterfactuals(w: Any, pid: str, primary: bool) -> None:
    """Ready counterfactuals from a table, matched to the project's texts."""
    st.caption(
        "A table with one column for the original text and one for the changed text. The originals must be "
        "texts of this project; the teacher checks every pair."
    )
    found = imports.table_of("in-cf")
    if found is None:
        return
    table, digest, _ = found
    imports.preview(table)
    if len(table.columns) < 2:
        errors.box("The table needs two columns: the original text and the changed text.", "warn")
        return

    def like(*words: str) -> str | None:
        return next((c for c in table.columns if any(word in c.lower() for word in words)), None)

    left, middle, right = st.columns(3)
    with left:
        original = imports.column("Original text", table, like("original", "source", "text"), f"cf-o-{digest[:8]}")
    with middle:
        changed = imports.column(
            "Changed text", table, like("counterfactual", "revised", "changed"), f"cf-c-{digest[:8]}"
        )
    with right:
        label = imports.column(
            "New label (optional)", table, like("label", "target"), f"cf-l-{digest[:8]}", optional=True
        )
    if st.button("Add these counterfactuals", type="primary" if primary else "secondary", disabled=original == changed):
        columns = {"original": original, "counterfactual": changed} | ({"label": label} if label else {})
        done = None
        with errors.shown(), st.spinner("The teacher checks every pair …"):
            done = w.import_counterfactuals(pid, table, columns)
        if done:
            state.mark_saved()
            errors.box(f"{done['added']} counterfactuals added; {done['flipped']} of them flip the teacher.", "ok")
            if done["problems"]:
                layout.problem_list(done["problems"])
