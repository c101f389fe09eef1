"""What the Results page reads from the record: kept until decisions or results change, and made ahead of the click."""

import threading
from typing import Any

import streamlit as st

from cod_core import figures
from ui import errors


@st.cache_data(show_spinner=False, max_entries=64)
def _read(_w: Any, verb: str, pid: str, mark: str, *args: Any) -> Any:
    return getattr(_w, verb)(pid, *args)


@st.cache_resource(show_spinner=False, max_entries=8)
def _drawn(_w: Any, pid: str, mark: str, label: str | None) -> Any:
    seen = _read(_w, "text_map", pid, mark, label)
    return figures.text_map_plot(seen.dots, seen.pairs, seen.axis_label)


def _mark(w: Any, pid: str) -> str:
    return f"{w.settings.home}:{w.marker(pid)}"


def ask(w: Any, verb: str, pid: str, *args: Any) -> Any:
    """What a reading verb of the workspace says now."""
    with st.spinner("Reading what is on record"):
        return _read(w, verb, pid, _mark(w, pid), *args)


def text_map(w: Any, pid: str, label: str | None) -> Any:
    """The map as a figure: wrapping and escaping two thousand texts takes longer than a click may."""
    return _drawn(w, pid, _mark(w, pid), label)


def ahead(w: Any, pid: str, k: int | None, label: str | None) -> None:
    """Begin to make what the other sections show: while the first one is read, they are made.

    k: training rows whose answers are looked at first. label: the class of the map, None for the task's last.
    """
    _begun(w, pid, _mark(w, pid), k, label)


@st.cache_resource(show_spinner=False, max_entries=64)
def _begun(_w: Any, pid: str, mark: str, k: int | None, label: str | None) -> threading.Thread:
    def make() -> None:
        for step in (
            lambda: _drawn(_w, pid, mark, label),
            lambda: k and _read(_w, "answers", pid, mark, k),
            lambda: _read(_w, "worth", pid, mark),
        ):
            try:
                step()
            except Exception as error:  # said on the page when the section is opened
                errors.log_bug(error)

    thread = threading.Thread(target=make, daemon=True, name="results-ahead")
    thread.start()
    return thread
