"""The sections of the Results page: kept until decisions or results change, and made ahead of the click."""

import threading

import streamlit as st

from cod_core.export.sections import Section
from cod_core.project.project import Project
from ui.frame import errors
from ui.frame.words import t

NOT_KEPT = ("line",)  # it is measured by a job of its own, which no marker tells of


@st.cache_resource(show_spinner=False, max_entries=32)
def _sections(_project: Project, mark: str, chapter: str, k: int | None, label: str | None) -> list[Section]:
    return _project.report.sections(chapter, k, label)


def _mark(project: Project) -> str:
    return f"{project.place.settings.home}:{project.id}:{project.results.marker()}"


def sections(project: Project, chapter: str, k: int | None = None, label: str | None = None) -> list[Section]:
    """One chapter, figures and all: wrapping and escaping two thousand texts takes longer than a click may."""
    if chapter in NOT_KEPT:
        return project.report.sections(chapter, k, label)
    with st.spinner(t("Reading what is on record")):
        found: list[Section] = _sections(project, _mark(project), chapter, k, label)
    return found


def ahead(project: Project, k: int | None, label: str | None) -> None:
    """Begin to make what the other chapters show: while the first one is read, they are made.

    k: training rows whose answers are looked at first. label: the class of the map, None for the task's last.
    """
    _begun(project, _mark(project), k, label)


@st.cache_resource(show_spinner=False, max_entries=64)
def _begun(_project: Project, mark: str, k: int | None, label: str | None) -> threading.Thread:
    def make() -> None:
        for chapter, rows, line in (("map", None, label), ("answers", k, None), ("worth", None, None)):
            if chapter == "answers" and k is None:
                continue
            try:
                _sections(_project, mark, chapter, rows, line)
            except Exception as error:  # said on the page when the section is opened
                errors.log_bug(error)

    thread = threading.Thread(target=make, daemon=True, name="results-ahead")
    thread.start()
    return thread
