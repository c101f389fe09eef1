"""Rows that are columns: the person writes one sentence with the columns in braces, and sees what comes of it."""

from collections.abc import Sequence

import streamlit as st

from cod_core.data.reading import Table
from cod_core.data.sentences import default_template, to_sentence
from cod_core.errors import BadInput
from cod_core.project.project import Project
from ui.frame import errors, layout
from ui.frame.words import t

MOST_COLUMNS = 12


def offered(project: Project, table: Table, key: str, texts: Sequence[str] = ()) -> tuple[Table, list[str]]:
    """(the table, with a column of sentences where the person wants it; the columns that must be kept for it).

    texts: columns that hold texts; two or more can be joined.
    """
    last = project.uploads.template()
    joined = len(texts) > 1
    if len(table.columns) < 3 and last is None and not joined:
        return table, []
    if joined:
        both = t(" and ").join(t("“{name}”", name=layout.plain(name, 40)) for name in texts[:4])
        st.caption(t("The columns {columns} hold texts. Join them, or pick one of them below.", columns=both))
    words = t("Join the columns with texts into one text") if joined else t("Make one text of several columns")
    if not st.toggle(words, value=last is not None, key=f"{key}-tabular"):
        return table, []
    template = st.text_area(
        t("The text, with the names of columns in braces"),
        last or (" ".join(f"{{{name}}}" for name in texts[:4]) if joined else default_template(table.columns[:-1][:MOST_COLUMNS])),
        key=f"{key}-template",
        height=100,
        max_chars=4000,
        help=t("Edits to the sentence are led back to the columns in the export. Leave the label out of it."),
    )
    try:
        made, _, named = project.uploads.rows_as_sentences(table, template)
    except BadInput as error:
        errors.box(errors.said(error), "warn")
        return table, []
    if table.rows:
        st.caption(t("The first row becomes:"))
        st.text(to_sentence(template, dict(zip(table.columns, table.rows[0]))))
    st.caption(t("Kept so that edits can be led back: {columns}.", columns=", ".join(layout.plain(c, 40) for c in named)))
    return made, named
