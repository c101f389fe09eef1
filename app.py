"""The app: page config, style, sidebar, navigation. `streamlit run app.py` opens it on 127.0.0.1:8501."""

from pathlib import Path

import streamlit as st

from ui.frame import errors, layout, naming, people, serve, state
from ui.frame.words import t

st.set_page_config(
    page_title="Counterfactual Curation", page_icon=str(Path(__file__).with_name("ui") / "frame" / "icon.png"), layout="wide"
)
serve.ask_nobody_for_the_address()
layout.style()
state.begin_run()
people.gate()
state.adopt_url()
page = layout.navigate()
if page.title == t(layout.PAGES["start"][1]):  # its first words need no database: they are on screen while that opens
    with errors.shown():
        layout.run(page)
    layout.next_step_at(layout.sidebar())
else:
    following = layout.sidebar()
    with errors.shown():
        layout.run(page)
    layout.next_step_at(following, page.url_path)
    people.remember(page.url_path)
naming.sidebar()
naming.ask()
