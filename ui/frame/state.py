"""What a browser session remembers: the open project, the item, the annotator, when something was saved.

What must survive a refresh is in the store or in the URL (?project=ID&item=ID&by=NAME and the view of the queue);
this file only names the keys and keeps the URL in step. It does not know what the pages show.
"""

import os
import time
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from cod_core.curation.view import View
from cod_core.errors import BadInput
from cod_core.models.chat import site_of
from cod_core.roles import Actor
from ui.frame import browser, words

if TYPE_CHECKING:  # the first paint needs no database
    from cod_core.project.project import Project
    from cod_core.project.summary import Summary
    from cod_core.workspace import Workspace

PROJECT, ITEM, ANNOTATOR, ACTOR = "open_project", "open_item", browser.NAME, "actor"
SHORTCUTS, SAVED, NOTICE, LLM_KEY = "shortcuts_on", "saved_at", "notice", "llm_key"
VIEW, TECHNICAL, PLAIN, PANEL, MOVED, TOAST = "queue_view", "technical", "plain_editor", "open_panel", "moved", "toast"
_MANAGED = {"lang", "tour", "project", "item", "by", *View.__dataclass_fields__}
GUARD_SECONDS = 0.25
"""A decision that comes sooner than this after its card was shown was meant for the card before it."""


STAYS_S = 1.5
"""How long a notice outlives a new run of its page."""

_SUMMARIES: ContextVar[dict[str, "Summary"] | None] = ContextVar("summaries", default=None)


@st.cache_resource(show_spinner=False)
def _workspace(home: str, database: str) -> "Workspace":
    """That of the environment, which these name: a folder that is handed over would be opened without COD_DATABASE_URL."""
    from cod_core.workspace import Workspace

    return Workspace()


def shared_workspace() -> "Workspace":
    """The one Workspace of this data folder and database, made on first use; it does whatever it is asked, whoever asks."""
    return _workspace(os.environ.get("COD_HOME", ""), os.environ.get("COD_DATABASE_URL", ""))


def workspace() -> "Workspace":
    """The workspace as the person at this screen comes to it: every verb asks what they may do at that moment."""
    return shared_workspace().acting(actor())


def signing_in() -> bool:
    """Whether the app is set up for signing in ([auth] in secrets.toml)."""
    try:
        return "auth" in st.secrets
    except FileNotFoundError:
        return False


def actor() -> Actor:
    """The person at this screen: whoever signed in, nobody where the gate let nobody in, a pseudonym where nobody signs in."""
    who: Actor | None = st.session_state.get(ACTOR)
    return who or (Actor("This account", signed_in=True) if signing_in() else Actor(annotator()))


def project() -> "Project | None":
    """The open project, None where none is open. Raises BadInput where it does not exist (any more)."""
    pid = project_id()
    return None if pid is None else workspace().project(pid)


def begin_run() -> None:
    """First line of every run of the app: what was counted for the one before is forgotten."""
    _SUMMARIES.set({})
    words.adopt(st.query_params.get("lang"))


def summary(project: "Project") -> "Summary":
    """A project's counts, read once a run, so that sidebar and page say the same. Not for callbacks and fragments, which
    run by themselves: those ask the project."""
    counted = _SUMMARIES.get()
    if counted is None:
        return project.summary()
    if project.id not in counted:
        counted[project.id] = project.summary()
    return counted[project.id]


def open_project(pid: str | None, item: str | None = None) -> None:
    """Make `pid` the project of this session and of the URL; None closes it."""
    if pid != st.session_state.get(PROJECT):
        st.session_state.pop(ITEM, None)
    st.session_state[PROJECT] = pid
    if item:
        st.session_state[ITEM] = item
    _to_url()


def adopt_url() -> None:
    """Take project, item and annotator from the URL (a refresh, a bookmark), then write them back."""
    asked = st.query_params.get("project")
    if asked and asked != st.session_state.get(PROJECT):
        st.session_state[PROJECT] = asked
        st.session_state.pop(ITEM, None)
    if st.session_state.get(PROJECT) and (item := st.query_params.get("item")) and ITEM not in st.session_state:
        st.session_state[ITEM] = item
    browser.adopt(st.query_params.get("by"), alone())
    if VIEW not in st.session_state:
        st.session_state[VIEW] = View.of(st.query_params.to_dict())
    _to_url()


def params() -> dict[str, str]:
    """The query parameters that a link inside the app carries along."""
    out = {}
    if st.session_state.get(PROJECT):
        out["project"] = st.session_state[PROJECT]
    if (by := name()) and "@" not in by:
        out["by"] = by
    if st.session_state.get("tour"):
        out["tour"] = str(st.session_state["tour"])
    if (spoken := words.language()) != "en":
        out["lang"] = spoken
    return out


def _to_url() -> None:
    wanted = params()
    if "project" in wanted and st.session_state.get(ITEM):
        wanted["item"] = st.session_state[ITEM]
    wanted |= view().values()
    there = st.query_params.to_dict()
    wanted |= {name: value for name, value in there.items() if name not in _MANAGED}
    if there != wanted:
        st.query_params.from_dict(wanted)


def view() -> View:
    """Which list of the queue is shown, narrowed and ordered how. In the URL, so that it can be shared."""
    chosen: View | None = st.session_state.get(VIEW)
    return chosen or View()


def set_view(chosen: View) -> None:
    """Show another view of the queue; its first text comes next."""
    if chosen != view():
        st.session_state[VIEW] = chosen
        st.session_state.pop(ITEM, None)
        _to_url()


def project_id() -> str | None:
    """The open project's id, None where none is open."""
    pid: str | None = st.session_state.get(PROJECT)
    return pid


def show_item(example_id: str | None) -> None:
    """Make this text the one on the curation card, in the URL too."""
    st.session_state[ITEM] = example_id
    _to_url()


def item_id() -> str | None:
    """The text on the curation card."""
    example_id: str | None = st.session_state.get(ITEM)
    return example_id


def alone() -> bool:
    """Whether one person works here alone, so that the data folder may remember the name."""
    return not signing_in() and browser.on_loopback()


def name() -> str | None:
    """The name under which decisions are kept; None where the person has not given one yet."""
    return browser.name()


def annotator() -> str:
    """The same for what is read; a mark of this browser stands in until there is a name."""
    return browser.name() or browser.stand_in()


def take_name(given: str) -> None:
    """Decide under this name from now on; what was typed before there was one is the person's. Raises BadInput where it is none."""
    before = None if name() else annotator()
    browser.take(given, alone())
    if before:
        shared_workspace().people.take_over(before, annotator())
    _to_url()


def redraw() -> None:
    """Draw the whole page anew after this act, and not only the card that it came from."""
    st.session_state[MOVED] = True


def shortcuts_on() -> bool:
    """Whether single keys act on the curation screen."""
    return bool(st.session_state.get(SHORTCUTS, True))


def plain_editor() -> bool:
    """Whether the page's own text box stands in for the live editor."""
    return bool(st.session_state.get(PLAIN, os.environ.get("COD_PLAIN_EDITOR") == "1"))


def technical() -> bool:
    """Whether numbers, names of models and identifiers are shown beside the plain words."""
    return bool(st.session_state.get(TECHNICAL, False))


def toggle_technical() -> None:
    """Show the technical view on every page, or hide it again."""
    st.session_state[TECHNICAL] = not technical()


def panel() -> str | None:
    """The panel that is open beside the card: guide, help or None."""
    name: str | None = st.session_state.get(PANEL)
    return name


def toggle_panel(name: str) -> None:
    """Open a panel, or close it where it is open."""
    st.session_state[PANEL] = None if panel() == name else name


def keep_llm_key(address: str, key: str | None) -> None:
    """Remember a key in this session, for the host of this address only; no key forgets it. Raises BadInput for no address."""
    kept = {site: old for site, old in st.session_state.get(LLM_KEY, {}).items() if site != site_of(address)}
    st.session_state[LLM_KEY] = kept | ({site_of(address): key} if key else {})


def llm_key(address: str | None) -> str | None:
    """The key typed in this session for the host of this address, None where there is none."""
    keys: dict[str, str] = st.session_state.get(LLM_KEY, {})
    try:
        return keys.get(site_of(address)) if address else None
    except BadInput:
        return None


def mark_saved() -> None:
    """Remember that something was written to the store just now."""
    st.session_state[SAVED] = datetime.now().strftime("%H:%M")


def saved_at() -> str | None:
    """Local time of the last write as hh:mm."""
    at: str | None = st.session_state.get(SAVED)
    return at


def notice(message: str, kind: str = "ok") -> None:
    """A sentence for the top of the next page run. kind: ok, info, warn or error."""
    st.session_state[NOTICE] = (message, kind, None)


def toast(message: str) -> None:
    """Two or three words in the corner after the next run: what a key just did."""
    st.session_state[TOAST] = message


def take_toast() -> str | None:
    """The words that wait, once."""
    waiting: str | None = st.session_state.pop(TOAST, None)
    return waiting


def take_notice() -> tuple[str, str] | None:
    """The waiting sentence and its kind: once, and again where the same page runs anew within STAYS_S, since a component that answers
    or a job that ends redraws a page before anybody has read it."""
    waiting: tuple[str, str, tuple[str, float] | None] | None = st.session_state.get(NOTICE)
    if waiting is None:
        return None
    context = get_script_run_ctx()
    message, kind, drawn = waiting
    page = context.page_script_hash if context else ""
    if drawn and (drawn[0] != page or time.monotonic() - drawn[1] > STAYS_S):
        del st.session_state[NOTICE]
        return None
    st.session_state[NOTICE] = (message, kind, drawn or (page, time.monotonic()))
    return message, kind


def card_shown(token: str) -> None:
    """Note when the card with this token first came on the screen."""
    if st.session_state.get("card_token") != token:
        st.session_state["card_token"] = token
        st.session_state["card_since"] = time.monotonic()


def card_seconds(token: str) -> float | None:
    """Seconds that this card has been on screen; None where another card is, or the press came too soon."""
    if st.session_state.get("card_token") != token:
        return None
    seconds: float = time.monotonic() - st.session_state["card_since"]
    return seconds if seconds >= GUARD_SECONDS else None
