"""The one place where an error becomes something a person reads. Never a traceback, never Markdown.

A CodError's message is shown as it is (escaped), a disk that refuses in a sentence; anything else is a bug: it is logged by type and place,
without texts or keys, and the person is told that nothing saved is lost.
"""

import functools
import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import escape
from typing import ParamSpec, TypeVar

import streamlit as st

from cod_core.disk import refused
from cod_core.errors import CodError
from cod_core.said import Said, msg
from ui.frame import state
from ui.frame.words import t

P = ParamSpec("P")
T = TypeVar("T")
_ICONS = {"error": msg("Problem"), "warn": msg("Please note"), "info": msg("Note"), "ok": msg("Done")}
BUG = msg(
    "Something went wrong inside the app. Nothing that was saved is lost. Reload the page; if it happens "
    "again, the log of the app names the place."
)


def box(message: str, kind: str = "error") -> None:
    """A coloured box with plain text. kind: error, warn, info or ok. Line breaks are kept."""
    role = "alert" if kind == "error" else "status"
    st.html(f'<div class="cod-box cod-{kind}" role="{role}"><strong>{t(_ICONS[kind])}</strong><span>{escape(t(message))}</span></div>')


def said(error: CodError) -> str:
    """The error's message, with how it was made where it says that."""
    return error.args[0] if error.args and isinstance(error.args[0], Said) else str(error)


def log_bug(error: BaseException) -> None:
    """The stack of an unexpected error, frames only: messages may hold a person's text."""
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    places = " < ".join(f"{f.filename.rsplit('/', 1)[-1]}:{f.lineno} {f.name}" for f in reversed(frames))
    logging.getLogger("cod.app").error("%s at %s", type(error).__name__, places)


def told(error: Exception) -> str:
    """What to say of an error that is no CodError: what is wrong with the disk, else that it is a bug, which is logged."""
    if refusal := refused(error):
        return said(refusal)
    log_bug(error)
    return BUG


@contextmanager
def shown() -> Iterator[None]:
    """Show whatever goes wrong inside, here on the page, and go on after the block."""
    try:
        yield
    except CodError as error:
        box(said(error))
    except Exception as error:
        box(told(error))


def callback(function: Callable[P, T]) -> Callable[P, T | None]:
    """For widget callbacks, which run before the page: what goes wrong is shown at the top of the page."""

    @functools.wraps(function)
    def safe(*args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return function(*args, **kwargs)
        except CodError as error:
            state.notice(said(error), "error")
        except Exception as error:
            state.notice(told(error), "error")
        return None

    return safe
