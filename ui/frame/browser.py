"""Which browser this is, and the name that its person gave. Knows no project and no store.

A name comes from the address (?by=), from the variable COD_NAME, or from the data folder of an app that one person uses alone;
else it is asked at the first decision (ui/frame/naming.py). Until then a browser has a mark of its own in the name's place.
"""

import hashlib
import os
import secrets
from pathlib import Path

import platformdirs
import streamlit as st

from cod_core.errors import BadInput
from cod_core.roles import MOST_NAME, UNNAMED, refused_name

NAME, _BROWSER = "annotator", "browser_id"
_FILE = "name.txt"
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def this() -> str:
    """This browser, 16 hex digits. A refresh keeps it, another browser is another one."""
    if _BROWSER not in st.session_state:
        cookie = st.context.cookies.get("_streamlit_xsrf")
        cookie = cookie if cookie is None or isinstance(cookie, str) else "no browser"  # a test that has none
        browser = _unmasked(cookie) if cookie else secrets.token_hex(8)
        st.session_state[_BROWSER] = hashlib.sha256(browser.encode()).hexdigest()[:16]
    return str(st.session_state[_BROWSER])


def _unmasked(cookie: str) -> str:
    """The token in Streamlit's own cookie; it is written with another mask now and then."""
    parts = cookie.strip('"').split("|")
    try:
        mask, masked = bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
    except (IndexError, ValueError):
        return cookie
    return bytes(b ^ mask[i % len(mask)] for i, b in enumerate(masked)).hex()


def name() -> str | None:
    """The name under which this person decides; None where none was given yet."""
    given: str | None = st.session_state.get(NAME)
    return given or None


def stand_in() -> str:
    """What stands in the name's place until there is one; no record holds it."""
    return f"{UNNAMED}{this()[:8]}"


def adopt(asked: str | None, alone: bool) -> None:
    """Take the name from the address, from COD_NAME, or, where one person works here alone, from the data folder."""
    if name():
        return
    kept = _file()
    for given in (asked, os.environ.get("COD_NAME"), kept.read_text(encoding="utf-8") if alone and kept.is_file() else None):
        if given and not refused_name(given):
            st.session_state[NAME] = given.strip()[:MOST_NAME]
            return


def take(given: str, alone: bool) -> None:
    """Decide under this name from now on. alone: remember it for the next start of the app. Raises BadInput where it is none."""
    if why := refused_name(given):
        raise BadInput(why)
    st.session_state[NAME] = given.strip()[:MOST_NAME]
    if alone:
        _file().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _file().write_text(st.session_state[NAME], encoding="utf-8")


def on_loopback() -> bool:
    """Whether nobody at another machine reaches this app, and its store is its own."""
    return st.get_option("server.address") in _LOOPBACK and not os.environ.get("COD_DATABASE_URL")


def _file() -> Path:
    return Path(os.environ.get("COD_HOME") or platformdirs.user_data_dir("cod-curation")).expanduser() / _FILE
