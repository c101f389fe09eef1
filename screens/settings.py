"""Settings and help: your name on decisions, single keys, the data folder, deleting a project."""

import streamlit as st

from ui import errors, layout, shortcuts, state


@errors.callback
def rename() -> None:
    """The pseudonym goes into the URL, so that a refresh keeps it."""
    st.session_state[state.ANNOTATOR] = (st.session_state.get("name-input") or "me").strip()[:40] or "me"
    state.adopt_url()


layout.header("Settings and help", "What applies to you and this computer.")
st.subheader("You", anchor=False)
st.text_input(
    "Your name on decisions (a pseudonym will do)", state.annotator(), max_chars=40, key="name-input", on_change=rename
)
on = st.toggle("Single keys act on the page Curate", value=state.shortcuts_on(), key="keys-input")
st.session_state[state.SHORTCUTS] = on
st.session_state[state.PLAIN] = st.toggle(
    "A plain text box instead of the live one",
    value=state.plain_editor(),
    key="plain-input",
    help="The verdict then moves when you leave the box, not while you type. Some screen readers get on better with it.",
)
st.subheader("Keys on the page Curate", anchor=False)
st.table(shortcuts.table(), hide_index=True)

st.subheader("Where things are kept", anchor=False)
st.caption("Everything stays in one folder on this computer. Keys of chat models are never stored.")
with errors.shown():
    st.code(str(state.workspace().settings.home), language=None)

pid = state.project_id()
if pid is not None:
    st.subheader("Delete the open project", anchor=False)
    project = None
    with errors.shown():
        project = state.workspace().project(pid)
    if project is not None:
        st.caption(
            "Erases its texts, proposals, decisions, cached replies and models for good. Export first what you "
            "want to keep. To confirm, type the project's name:"
        )
        st.code(project.name, language=None)
        typed = st.text_input(
            "Name of the project", key=f"confirm-{pid}", label_visibility="collapsed", placeholder="name of the project"
        )
        if st.button("Delete this project", disabled=typed.strip() != project.name.strip(), icon=":material/delete:"):
            with errors.shown():
                state.workspace().delete_project(pid)
                state.open_project(None)
                state.notice("The project was deleted.")
                layout.go("start")
