"""Rows that are columns: the person writes one sentence with the columns in braces, and sees what comes of it."""

from typing import Any

import streamlit as st

from cod_core.data.sentences import default_template, to_sentence
from cod_core.errors import BadInput
from ui.frame import errors, layout

MOST_COLUMNS = 12


def offered(w: Any, pid: str, table: Any, key: str) -> tuple[Any, list[str]]:
    """(the table, with a column of sentences where the person wants it; the columns that must be kept for it)."""
    if len(table.columns) < 3 and w.project(pid).uploads.template() is None:
        return table, []
    known = w.project(pid).uploads.template()
    if not st.toggle("My rows are columns: make a sentence of them", value=known is not None, key=f"{key}-tabular"):
        return table, []
    template = st.text_area(
        "The sentence, with the names of columns in braces",
        known or default_template(table.columns[:-1][:MOST_COLUMNS]),
        key=f"{key}-template",
        height=100,
        max_chars=4000,
        help="Edits to the sentence are led back to the columns in the export. Leave the label out of it.",
    )
    try:
        made, _, named = w.project(pid).uploads.rows_as_sentences(table, template)
    except BadInput as error:
        errors.box(str(error), "warn")
        return table, []
    if table.rows:
        st.caption("The first row becomes:")
        st.text(to_sentence(template, dict(zip(table.columns, table.rows[0]))))
    st.caption(f"Kept so that edits can be led back: {', '.join(layout.plain(c, 40) for c in named)}.")
    return made, named
