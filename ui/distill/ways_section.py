"""Three ways to a better student, on the Distil page: what labels, the teacher's answers and counterfactuals bring here."""

from html import escape

import streamlit as st

from cod_core.distill.ways import BOTH, EXPECTED, LABELS, LINE, PAIRS, TEACHER, Ways, percent, sentences
from cod_core.project.project import Project
from cod_core.said import msg
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
    if found is None:
        st.html(f'<div class="cod-plain">{escape(t(EXPECTED))}</div>')
    else:
        _found(found)
    if ready and st.button(t("Compare the ways") if found is None else t("Compare the ways again"), key="ways", disabled=busy):
        with errors.shown():
            project.jobs.start("ways")
            state.mark_saved()
            st.rerun()


def _found(found: Ways) -> None:
    """The sentences and the table."""
    if found.stale:
        errors.box("Your texts or counterfactuals have changed since this was measured. Compare the ways again.", "warn")
    st.html("".join(f'<div class="cod-plain">{escape(t(sentence))}</div>' for sentence in sentences(found)))
    if found.ways:
        layout.grid(rows_of(found))
    st.caption(t("Measured on development texts with the quick student. The test texts have no say."))


def rows_of(found: Ways) -> list[dict[str, object]]:
    """A row a way."""
    on = t("right on {texts:,} development texts", texts=found.n_dev)
    return [{t("learnt from"): t(CALLED[way.name]), t("rows"): way.rows, on: percent(way.share)} for way in found.ways]
