"""Who is at the screen, what they may do, and which text is theirs just now. Draws little; knows no page.

Names on one machine are pseudonyms without accounts; with `st.login` set up they are mail addresses.
"""

import hashlib
import os
import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from cod_core import roles
from ui.frame import errors, state

if TYPE_CHECKING:  # the first paint needs no database
    from cod_core.project.project import Project

ROLE_WORDS = {
    "curator": "Curator: decides on texts",
    "reviewer": "Reviewer: also bulk decisions, guideline, settling differences",
    "owner": "Owner: also endpoints, keys, model folders, people, deleting",
}
_BROWSER = "browser_id"


def signing_in() -> bool:
    """Whether the app is set up for signing in ([auth] in secrets.toml)."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def gate() -> None:
    """Where sign-in is set up: let nobody past who is not signed in and welcome. Draws the way in, and stops.

    COD_MEMBERS, separated by commas, names who is welcome besides those on the list of people: mail addresses, or
    @domain. Where it is not set, everybody whom the identity provider lets through is.
    """
    if not signing_in():
        return
    user = st.user
    if not user.is_logged_in:
        st.html('<div class="cod-hero"><h1>Counterfactual curation</h1><p>This app belongs to a team. Sign in to go on.</p></div>')
        st.button("Sign in", type="primary", on_click=st.login, key="sign-in")
        st.stop()
    name = str(user.get("email") or user.get("preferred_username") or user.get("sub") or "").strip().lower()
    if not name or user.get("email_verified") is False or not _welcome(name):
        errors.box(f"{name or 'This account'} is not on the list of this team. Ask an owner to add you.", "warn")
        st.button("Sign out", on_click=st.logout, key="sign-out")
        st.stop()
    st.session_state[state.ANNOTATOR] = name


def _welcome(name: str) -> bool:
    members = [m.strip().lower() for m in os.environ.get("COD_MEMBERS", "").split(",") if m.strip()]
    if not members or name in members or name in owners() or "@" + name.rpartition("@")[2] in members:
        return True
    return name in state.workspace().people.roles()


def owners() -> list[str]:
    """Mail addresses that are always owners: COD_OWNERS, separated by commas."""
    return [name.strip().lower() for name in os.environ.get("COD_OWNERS", "").split(",") if name.strip()]


def role() -> str:
    """The role of the person at the screen (see cod_core.workspace.people.People.join)."""
    return state.workspace().people.join(state.annotator(), signing_in(), owners())


def allowed(act: str) -> bool:
    """Whether the person at the screen may do this (a key of cod_core.roles.ALLOWED)."""
    return roles.may(role(), act)


def only_for(act: str, what: str) -> bool:
    """Whether the person may; where not, says so in one line. what: 'Setting an endpoint'."""
    mine = role()
    if roles.may(mine, act):
        return True
    errors.box(f"{what} needs the role {' or '.join(roles.ALLOWED[act])}; yours is {mine}. Ask an owner.", "info")
    return False


def need(act: str) -> None:
    """Raises CodError where the person at the screen may not do this: for callbacks."""
    roles.need(role(), act)


def holder() -> str:
    """This browser of this person: what holds a text. A refresh keeps it, another browser is another holder."""
    if _BROWSER not in st.session_state:
        cookie = st.context.cookies.get("_streamlit_xsrf")
        cookie = cookie if cookie is None or isinstance(cookie, str) else "no browser"  # a test that has none
        browser = _unmasked(cookie) if cookie else secrets.token_hex(8)
        st.session_state[_BROWSER] = hashlib.sha256(browser.encode()).hexdigest()[:16]
    return f"{state.annotator()}@{st.session_state[_BROWSER]}"


def _unmasked(cookie: str) -> str:
    """The token in Streamlit's own cookie; it is written with another mask now and then."""
    parts = cookie.strip('"').split("|")
    try:
        mask, masked = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
    except (IndexError, ValueError):
        return cookie
    return bytes(b ^ mask[i % len(mask)] for i, b in enumerate(masked)).hex()


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
