"""Settings and help: your name on decisions, single keys, the data folder, deleting a project."""

import streamlit as st

from cod_core.roles import MOST_NAME, ROLE_NAMES
from cod_core.settings import open_to_others
from ui.curate import shortcuts
from ui.frame import errors, layout, people, state
from ui.frame.words import t
from ui.settings import machines, people_list, under_way, whole_project

layout.through_app()


@errors.callback
def rename() -> None:
    """Another name for what comes. Who is signed in has a name already."""
    if not state.signing_in():
        state.take_name(st.session_state.get("name-input") or "")


layout.header("Settings and help", "What applies to you and this computer.")
st.subheader(t("You"), anchor=False)
if state.signing_in():
    st.text(t("Signed in as {name} ({role})", name=state.annotator(), role=ROLE_NAMES[people.role()]))
    st.button(t("Sign out"), on_click=people.sign_out, key="sign-out")
else:
    st.text_input(t("Your name (a pseudonym will do)"), state.name() or "", max_chars=MOST_NAME, key="name-input", on_change=rename)
on = st.toggle(t("Single keys act on the page Curate"), value=state.shortcuts_on(), key="keys-input")
st.session_state[state.SHORTCUTS] = on
st.session_state[state.PLAIN] = st.toggle(
    t("A plain text box instead of the live one"),
    value=state.plain_editor(),
    key="plain-input",
    help=t("The verdict then moves when you leave the box, not while you type. Some screen readers get on better with it."),
)
st.subheader(t("Keys on the page Curate"), anchor=False)
st.table(shortcuts.table(), hide_index=True)

st.subheader(t("Where things are kept"), anchor=False)
st.caption(t("Everything stays in one folder on this computer. Keys of language models are never stored."))
with errors.shown():
    st.code(str(state.workspace().settings.home), language=None)
    if readable := open_to_others(state.workspace().settings):
        errors.box(readable, "warn")

under_way.section()
machines.section()
people_list.section()
with errors.shown():
    if project := state.project():
        whole_project.section(project)
