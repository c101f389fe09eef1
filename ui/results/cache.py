"""What the Results page reads from the record: kept until decisions or results change, and made ahead of the click."""

import threading
from typing import Any

import streamlit as st

from cod_core import figures
from cod_core.project.project import Project
from cod_core.project.results.influence import Worth
from cod_core.project.results.maps import TextMap
from ui.frame import errors


@st.cache_data(show_spinner="Reading what is on record", max_entries=64)
def _text_map(_project: Project, mark: str, label: str | None) -> TextMap:
    return _project.maps.text_map(label)


@st.cache_resource(show_spinner=False, max_entries=8)
def _drawn(_project: Project, mark: str, label: str | None) -> Any:
    seen = _text_map(_project, mark, label)
    return figures.text_map_plot(seen.dots, seen.pairs, seen.axis_label)


@st.cache_data(show_spinner="Reading what is on record", max_entries=64)
def _confusion(_project: Project, mark: str, k: int) -> dict[str, Any]:
    return _project.maps.confusion(k)


@st.cache_data(show_spinner="Reading what is on record", max_entries=64)
def _worth(_project: Project, mark: str) -> Worth | None:
    return _project.influence.measure()


def _mark(project: Project) -> str:
    return f"{project.place.settings.home}:{project.id}:{project.results.marker()}"


def text_map(project: Project, label: str | None) -> TextMap:
    """The map of the texts for one label's margin (the task's last where None)."""
    return _text_map(project, _mark(project), label)


def text_map_figure(project: Project, label: str | None) -> Any:
    """The map as a figure: wrapping and escaping two thousand texts takes longer than a click may."""
    return _drawn(project, _mark(project), label)


def confusion(project: Project, k: int) -> dict[str, Any]:
    """Which labels are mixed up, and the texts won and lost, at k training rows."""
    return _confusion(project, _mark(project), k)


def worth(project: Project) -> Worth | None:
    """What each kept counterfactual was worth."""
    return _worth(project, _mark(project))


def ahead(project: Project, k: int | None, label: str | None) -> None:
    """Begin to make what the other sections show: while the first one is read, they are made.

    k: training rows whose answers are looked at first. label: the class of the map, None for the task's last.
    """
    _begun(project, _mark(project), k, label)


@st.cache_resource(show_spinner=False, max_entries=64)
def _begun(_project: Project, mark: str, k: int | None, label: str | None) -> threading.Thread:
    def make() -> None:
        for step in (lambda: _drawn(_project, mark, label), lambda: k and _confusion(_project, mark, k), lambda: _worth(_project, mark)):
            try:
                step()
            except Exception as error:  # said on the page when the section is opened
                errors.log_bug(error)

    thread = threading.Thread(target=make, daemon=True, name="results-ahead")
    thread.start()
    return thread
