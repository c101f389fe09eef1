"""Rows that are columns: the person writes one sentence with the columns in braces, and sees what comes of it."""

import streamlit as st

from cod_core.data.reading import Table
from cod_core.data.sentences import default_template, to_sentence
from cod_core.errors import BadInput
from cod_core.project.project import Project
from ui.frame import errors, layout

MOST_COLUMNS = 12


def offered(project: Project, table: Table, key: str) -> tuple[Table, list[str]]:
    """(the table, with a column of sentences where the person wants it; the columns that must be kept for it)."""
    last = project.uploads.template()
    if len(table.columns) < 3 and last is None:
        return table, []
    if not st.toggle("My rows are columns: make a sentence of them", value=last is not None, key=f"{key}-tabular"):
        return table, []
    template = st.text_area(
        "The sentence, with the names of columns in braces",
        last or default_template(table.columns[:-1][:MOST_COLUMNS]),
        key=f"{key}-template",
        height=100,
        max_chars=4000,
        help="Edits to the sentence are led back to the columns in the export. Leave the label out of it.",
    )
    try:
        made, _, named = project.uploads.rows_as_sentences(table, template)
    except BadInput as error:
        errors.box(str(error), "warn")
        return table, []
    if table.rows:
        st.caption("The first row becomes:")
        st.text(to_sentence(template, dict(zip(table.columns, table.rows[0]))))
    st.caption(f"Kept so that edits can be led back: {', '.join(layout.plain(c, 40) for c in named)}.")
    return made, named
