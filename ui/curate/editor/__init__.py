"""The live editor: a text box that tells the page what stands in it while a person types.

A Streamlit component of its own (editor.html, editor.css, editor.js) because st.text_area speaks only when it is
left. COD_PLAIN_EDITOR=1, or the switch in Settings, puts st.text_area in its place: for tests that have no browser,
and for assistive software that gets on better with it.
"""

import secrets
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from cod_core.settings import MAX_CHARS
from ui.frame import state
from ui.frame.words import language, t

NAME, SESSION = "editor", "editor_session"
_HERE = Path(__file__).parent


@cache
def _component() -> Callable[..., Any]:
    html, css, js = ((_HERE / f"editor.{kind}").read_text(encoding="utf-8") for kind in ("html", "css", "js"))
    return st.components.v2.component("cod_editor", html=html, css=css, js=js, isolate_styles=False)


def show(
    item: str,
    text: str,
    label: str,
    typed: Callable[..., None],
    submitted: Callable[..., None],
    kept: Callable[..., None],
    spoken: str = "",
    insert: dict[str, Any] | None = None,
) -> None:
    """The box with `text` in it, under its label, which is said already. item: names the text and where it started; another
    item replaces the text.

    typed(item, text) is called while a person types, submitted(item, text) on Ctrl+Enter, kept(phrase) where words of
    the original were marked to be kept. All run before the page, as callbacks do. spoken: the verdict for a screen
    reader, said when it changes. insert: {"number", "item", "phrase"} of a phrase to put in, once a number.
    """
    if state.plain_editor():
        _plain(item, text, label, typed)
        return

    def value(event: str) -> dict[str, str]:
        return (st.session_state.get(NAME) or {}).get(event) or {}

    def on_typed() -> None:
        if (said := value("typed")).get("item") == item:
            typed(item, said["text"])

    def on_submitted() -> None:
        if (said := value("submitted")).get("item") == item:
            submitted(item, said["text"])

    def on_kept() -> None:
        if (said := value("kept")).get("item") == item:
            kept(said["phrase"])

    data = {
        "item": item,
        "text": text,
        "label": label,
        "keys": state.shortcuts_on(),
        "limit": MAX_CHARS,
        "spoken": spoken,
        "insert": insert,
        "words": {
            "characters": t("{n} characters"),
            "foot": t("Ctrl+Enter keeps it · Esc leaves the box"),
            "keep": t("Keep the marked words"),
            "language": language(),
        },
        "session": st.session_state.setdefault(SESSION, secrets.token_hex(4)),
    }
    _component()(key=NAME, data=data, on_typed_change=on_typed, on_submitted_change=on_submitted, on_kept_change=on_kept)


def _plain(item: str, text: str, label: str, typed: Callable[..., None]) -> None:
    name = f"plain-{item}"
    if name not in st.session_state:
        st.session_state[name] = text
    st.text_area(label, key=name, height="content", max_chars=MAX_CHARS, on_change=lambda: typed(item, st.session_state.get(name, "")))
