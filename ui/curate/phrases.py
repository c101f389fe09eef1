"""A palette of the target label's phrases, from the person's own texts: one press puts one into the text box."""

import streamlit as st

from cod_core.project.project import Project
from ui.curate import callbacks
from ui.curate.callbacks import Shown
from ui.frame import layout
from ui.frame.words import t


def panel(project: Project, shown: Shown) -> None:
    """The closed palette under the card."""
    name = layout.plain(shown.target, 40)
    with st.expander(t("Phrases of “{name}” from your texts", name=name), icon=":material/format_quote:", expanded=shown.bare):
        found = project.retry.palette(shown.target)
        if not found:
            st.caption(t("No phrase sets your texts of “{name}” apart yet. Add labelled texts.", name=name))
            return
        st.caption(t("Press one to put it into the text box, where you were writing."))
        with st.container(horizontal=True, gap="small"):
            for number, phrase in enumerate(found):
                st.button(layout.plain(phrase, 60), key=f"phrase-{number}", on_click=callbacks.insert, args=(shown, phrase))
