"""Who is at the screen, what they may do, and which text is theirs just now. Draws little; knows no page.

Names on one machine are pseudonyms without accounts; with `st.login` set up they are mail addresses.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from cod_core import roles
from cod_core.errors import CodError
from cod_core.said import msg
from cod_core.settings import sign_in_days, trusts_unverified
from ui.frame import browser, errors, state
from ui.frame.words import t

if TYPE_CHECKING:  # the first paint needs no database
    from cod_core.project.project import Project

ROLE_WORDS = {
    "curator": msg("Curator: decides on texts"),
    "reviewer": msg("Reviewer: also bulk decisions, guideline, settling differences"),
    "owner": msg("Owner: also endpoints, keys, model folders, backups, people, deleting"),
}


def gate() -> None:
    """Where sign-in is set up: let nobody past who is not signed in and welcome. Draws the way in, and stops.

    Here alone people come onto the list (see cod_core.workspace.people.People.admit); what they may do is asked anew by every
    verb, since callbacks and fragments run without this gate.
    """
    if not state.signing_in():
        return
    for key in (state.ACTOR, state.ANNOTATOR):  # nobody, until the lines below know better
        st.session_state.pop(key, None)
    if not st.user.is_logged_in:
        title, lead = t("Counterfactual curation"), t("This app belongs to a team. Sign in to go on.")
        st.html(f'<div class="cod-hero"><h1>{title}</h1><p>{lead}</p></div>')
        st.button(t("Sign in"), type="primary", on_click=st.login, key="sign-in")
        st.stop()
    try:
        actor = roles.actor_of(st.user.to_dict(), trusts_unverified(), sign_in_days())
        state.shared_workspace().acting(actor).people.admit()
    except CodError as error:
        errors.box(errors.said(error), "warn")
        st.button(t("Sign out"), on_click=st.logout, key="sign-out")
        st.stop()
    st.session_state[state.ACTOR], st.session_state[state.ANNOTATOR] = actor, actor.name


@errors.callback
def sign_out() -> None:
    """Sign out here, and wherever the same sign-in or an earlier one is still open."""
    state.workspace().people.sign_out()
    st.logout()


def role() -> str:
    """The role of the person at the screen; only read. Raises CodError where they are not on the list (any more)."""
    return state.workspace().people.role()


def allowed(act: str) -> bool:
    """Whether the person at the screen may do this (a key of cod_core.roles.ALLOWED)."""
    return roles.may(role(), act)


def only_for(act: str, what: str) -> bool:
    """Whether the person may; where not, says so in one line. what: 'Setting an endpoint', marked by `msg`."""
    mine = role()
    if roles.may(mine, act):
        return True
    errors.box(
        t(
            "{what} needs the role {roles}; yours is {mine}. Ask an owner.",
            what=t(what),
            roles=roles.named(act),
            mine=roles.ROLE_NAMES[mine],
        ),
        "info",
    )
    return False


def holder() -> str:
    """This browser of this person: what holds a text. A refresh keeps it, another browser is another holder."""
    return f"{state.annotator()}@{browser.this()}"


def remember(page: str) -> None:
    """Keep where this person is, so that they can go on there: the page and the text, once a change."""
    pid = state.project_id()
    here = (pid, page, state.item_id() if page == "curate" else None)
    if pid is None or page in ("start", "settings") or st.session_state.get("place") == here:
        return
    st.session_state["place"] = here
    with errors.shown():
        state.workspace().project(pid).presence.record_location(state.annotator(), page, here[2])


def claim(project: "Project", wanted: Sequence[str]) -> str | None:
    """The first of the wanted texts that nobody else has on the screen; it is this browser's from now on."""
    return project.presence.claim(holder(), state.annotator(), wanted)


def renew_claim(pid: str, example_id: str) -> None:
    """Draw nothing, and renew the hold on the text every minute while the page is open."""

    @st.fragment(run_every=60)
    def renew() -> None:
        if state.item_id() == example_id:
            with errors.shown():
                state.workspace().project(pid).presence.claim(holder(), state.annotator(), [example_id])

    renew()
