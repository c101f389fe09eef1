"""The set for another tool on the Export page: which one, the download, and what to do there."""

import functools

import streamlit as st

from cod_core.export.choice import ExportChoice
from cod_core.export.forms import FORMS, PLAIN
from cod_core.project.project import Project
from ui.frame import layout
from ui.frame.words import t

OFFERED = {form.key: form for form in sorted(FORMS, key=lambda form: form in PLAIN) if form not in PLAIN or form.key == "pairs"}
MIME = {"zip": "application/zip", "json": "application/json", "jsonl": "application/jsonl", "csv": "text/csv"}


def section(project: Project, choice: ExportChoice) -> None:
    """An option, folded away."""
    with st.expander(t("For another tool"), icon=":material/swap_horiz:"):
        key = st.selectbox(
            t("Which tool?"), list(OFFERED), format_func=layout.words({key: t(form.title) for key, form in OFFERED.items()}), key="x-tool"
        )
        form = OFFERED[key]
        st.caption(t(form.said))
        st.download_button(
            t("Download {name}", name=form.name),
            functools.partial(project.exports.form, key, choice),
            form.name,
            MIME[form.ending],
            on_click="ignore",
            icon=":material/download:",
            key="x-tool-file",
        )
        then = project.exports.then(key)
        if then.words:
            st.caption(t(then.words))
        if then.code:
            st.code(then.code, language=None, wrap_lines=True)
