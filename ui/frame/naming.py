"""Who is speaking: the name is asked once, at the first act that goes on record, and stands in the sidebar from then on."""

import functools
from collections.abc import Callable
from typing import Any, ParamSpec

import streamlit as st

from cod_core.roles import MOST_NAME
from cod_core.said import msg
from ui.frame import errors, layout, state
from ui.frame.words import t

P = ParamSpec("P")
_WAITS = "waits_for_a_name"
_ASKED, _CHANGED = "name-asked", "name-changed"
WHY = msg("It stands beside what you decide, so that others know whom to ask. A pseudonym will do.")


def signed(act: Callable[P, Any]) -> Callable[P, None]:
    """An act that goes on record under the person's name: where there is none yet, it waits until one is given."""

    @functools.wraps(act)
    def asked(*args: P.args, **kwargs: P.kwargs) -> None:
        if state.name() is None:
            st.session_state[_WAITS] = functools.partial(act, *args, **kwargs)
            state.redraw()
        else:
            act(*args, **kwargs)

    return asked


def ask() -> None:
    """The question, while an act waits for the answer; drawn once a run, by the frame."""
    if _WAITS in st.session_state:
        st.dialog(t("Who is deciding?"), on_dismiss=_forget)(_dialog)()


def _forget() -> None:
    st.session_state.pop(_WAITS, None)


def _dialog() -> None:
    if waiting := state.take_notice():
        errors.box(*waiting)
    with st.form("name-form", border=False):
        st.text_input(t("Your name"), max_chars=MOST_NAME, key=_ASKED, autocomplete="name")
        st.caption(t(WHY))
        st.form_submit_button(t("Save and go on"), type="primary", on_click=_given)
    if _WAITS not in st.session_state:
        st.rerun()


@errors.callback
def _given() -> None:
    """The name is there: what waited for it is done now."""
    state.take_name(st.session_state.get(_ASKED) or "")
    act = st.session_state.pop(_WAITS, None)
    if act is not None:
        act()


def sidebar() -> None:
    """The name, and the field that changes it."""
    if state.signing_in():
        return
    name = state.name()
    with st.sidebar, st.popover(layout.plain(name, 30) if name else t("Your name"), icon=":material/person:", type="tertiary"):
        st.text_input(
            t("Your name"), name or "", max_chars=MOST_NAME, key=f"{_CHANGED}-{name}", on_change=_change, args=(f"{_CHANGED}-{name}",)
        )
        st.caption(t("What was decided before keeps the name it has.") if name else t(WHY))


@errors.callback
def _change(key: str) -> None:
    state.take_name(st.session_state.get(key) or "")
