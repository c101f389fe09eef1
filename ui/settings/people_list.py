"""The list of people and their roles on the page Settings."""

import streamlit as st

from cod_core.roles import ROLE_NAMES
from cod_core.store.people import ROLES
from ui.frame import errors, layout, naming, people, state
from ui.frame.words import t


def section() -> None:
    """Everybody on the list; owners change it."""
    listed = state.workspace().people
    roles = listed.roles()
    st.subheader(t("People"), anchor=False)
    st.caption(
        t(
            "With sign-in set up, roles protect. Without it, names are a courtesy among people who share this computer: "
            "anybody can take any name."
        )
        if not state.signing_in()
        else t("Whoever signs in for the first time becomes a curator.")
    )
    for role, words in people.ROLE_WORDS.items():
        people_in_it = layout.several(sum(r == role for r in roles.values()), "person", "people")
        st.caption(f"{t(words)}. {t(people_in_it)}.")
    if roles:
        layout.grid([{t("name"): n, t("role"): t(ROLE_NAMES[r])} for n, r in roles.items()])
    if not people.allowed("people"):
        return
    with st.expander(t("Add a person, or change a role"), icon=":material/group_add:"):
        with st.form("person", border=False):
            name = st.text_input(t("Name, or mail address where people sign in"), max_chars=120)
            role = st.selectbox(t("Role"), ROLES, format_func=layout.words(ROLE_NAMES))
            if st.form_submit_button(t("Save")):
                _set_role(name.strip().lower() if "@" in name else name, role)
                st.rerun()
        names = list(roles)
        if names:
            place = st.selectbox(t("Take off the list"), range(len(names)), format_func=lambda i: layout.plain(names[i]))
            st.button(t("Take this person off"), on_click=_remove, args=(names[place],), key="person-off")


@naming.signed
@errors.callback
def _set_role(name: str, role: str) -> None:
    state.workspace().people.set_role(name, role, state.annotator())
    state.mark_saved()
    state.notice(t("{name} is a {role} now.", name=layout.plain(name), role=ROLE_NAMES[role]))


@errors.callback
def _remove(name: str) -> None:
    state.workspace().people.remove(name)
    state.notice(t("{name} was taken off the list. What they decided stays.", name=layout.plain(name)))
