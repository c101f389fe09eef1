"""The open project as a whole, on the page Settings: back up, duplicate, put away, delete for good."""

import streamlit as st

from cod_core.project.project import Project
from cod_core.said import msg, say, together
from ui.frame import errors, layout, people, state
from ui.frame.words import t


def section(project: Project) -> None:
    """What can be done with the whole project."""
    row = project.row
    st.subheader(t("The open project"), anchor=False)
    if not people.only_for("backup", msg("Backing up, duplicating, putting away or deleting a project")):
        return
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            t("Back up as one file"), project.keeping.backup, "project-backup.zip", "application/zip",
            on_click="ignore", icon=":material/archive:", key="backup",
        )  # fmt: skip
        if st.button(t("Put away"), key="archive", help=t("It is kept, and found on the start screen under Projects put away.")):
            with errors.shown():
                project.keeping.archive()
                _left(msg("The project was put away."))
    st.caption(
        t(
            "The backup holds texts, proposals, decisions, answers of models and models trained here; no keys. Restore it "
            "on the start screen, here or on another computer."
        )
    )
    with st.expander(t("Duplicate"), icon=":material/content_copy:"):
        name = st.text_input(t("Name of the copy"), t("{name} (copy)", name=row.name)[:120], max_chars=120, key="copy-name")
        anew = st.toggle(t("Begin the curation anew (texts and proposals only)"), key="copy-anew")
        if st.button(t("Make the copy"), key="copy-go"):
            copy = None
            with errors.shown(), st.spinner(t("Copying …")):
                copy = state.workspace().duplicate(project, name, decisions=not anew)
            if copy:
                state.open_project(copy)
                state.notice("This is the copy.")
                layout.go("data")
    _delete(project, row.name)


def _delete(project: Project, its_name: str) -> None:
    st.subheader(t("Delete the open project"), anchor=False)
    st.caption(
        t(
            "Erases its texts, proposals, decisions, cached replies and models for good. Export first what you want to "
            "keep. To confirm, type the project's name:"
        )
    )
    st.code(its_name, language=None)
    key = f"confirm-{project.id}"
    typed = st.text_input(t("Name of the project"), key=key, label_visibility="collapsed", placeholder=t("name of the project"))
    if st.button(t("Delete this project"), disabled=typed.strip() != its_name.strip(), icon=":material/delete:"):
        with errors.shown():
            _left(together([say("The project was deleted."), project.keeping.delete()]))


def _left(notice: str) -> None:
    state.open_project(None)
    state.notice(notice)
    layout.go("start")
