"""The app: page config, style, sidebar, navigation. `streamlit run app.py` opens it on 127.0.0.1:8501."""

import streamlit as st

from ui.frame import errors, layout, people, state

st.set_page_config(page_title="Counterfactual Curation", page_icon="ui/frame/icon.png", layout="wide")
layout.style()
state.begin_run()
people.gate()
state.adopt_url()
page = layout.navigate()
if page.title == layout.PAGES["start"][1]:  # its first words need no database: they are on screen while that opens
    with errors.shown():
        layout.run(page)
    layout.sidebar()
else:
    layout.sidebar()
    with errors.shown():
        layout.run(page)
    people.remember(page.url_path)
