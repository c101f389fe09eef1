"""Three ways to a better student, on the Distil page: what labels, the teacher's answers and counterfactuals bring here."""

from collections.abc import Iterable
from html import escape

import streamlit as st

from cod_core.curation.pace import Pace
from cod_core.distill import minutes
from cod_core.distill.ways import BOTH, EXPECTED, LABELS, LINE, PAIRS, TEACHER, Ways, percent, sentences
from cod_core.project.project import Project
from cod_core.said import Said, msg
from ui.frame import errors, layout, state
from ui.frame.words import t

CALLED = {
    LABELS: msg("your labelled texts, with the teacher"),
    LINE: msg("your labelled texts, without a teacher"),
    TEACHER: msg("the teacher's answers on texts without a label"),
    PAIRS: msg("your counterfactuals and their texts"),
    BOTH: msg("the teacher's answers and your counterfactuals"),
}


def section(project: Project, busy: bool) -> None:
    """What was measured or what to expect, and the press that measures; nothing where there is nothing to measure with."""
    found, ready = project.ways.latest(), project.ways.can_measure()
    if found is None and not ready:
        return
    st.subheader(t("Three ways to a better student"), anchor=False)
    st.caption(t("Label more texts, let the teacher label texts for you, or curate counterfactuals. This compares them on your data."))
    pace = project.ways.pace()
    if found is None:
        st.html(_plain((EXPECTED, minutes.expected(pace))))
    else:
        _found(found, pace)
    st.caption(t(minutes.measured_or_assumed(pace)))
    if ready and st.button(t("Compare the ways") if found is None else t("Compare the ways again"), key="ways", disabled=busy):
        with errors.shown():
            project.jobs.start("ways")
            state.mark_saved()
            st.rerun()


def _plain(said: Iterable[Said]) -> str:
    return "".join(f'<div class="cod-plain">{escape(t(sentence))}</div>' for sentence in said)


def _found(found: Ways, pace: Pace) -> None:
    """The sentences and the table."""
    if found.stale:
        errors.box("Your texts or counterfactuals have changed since this was measured. Compare the ways again.", "warn")
    st.html(_plain(sentences(found)))
    if found.ways:
        layout.grid(rows_of(found, pace))
    st.caption(t("Measured on development texts with the quick student. The test texts have no say."))


def rows_of(found: Ways, pace: Pace) -> list[dict[str, object]]:
    """A row a way."""
    on = t("right on {texts:,} development texts", texts=found.n_dev)
    return [
        {
            t("learnt from"): t(CALLED[way.name]),
            t("rows"): way.rows,
            t("your work"): t(minutes.effort(way, found, pace).spoken()),
            on: percent(way.share),
        }
        for way in found.ways
    ]
