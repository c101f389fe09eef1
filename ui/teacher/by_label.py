"""What the teacher knows of each label: the sentence that names a dead one with the button that helps, tables, pictures."""

from collections.abc import Callable
from html import escape

import streamlit as st

from cod_core.figures.teacher import FEW_LABELS
from cod_core.project.teacher import by_label
from cod_core.project.teacher.trust import Advice, TeacherReport
from ui.frame import errors, layout
from ui.shared import charts

SHOWN = 3  # labels with a box of their own; the others stand in the table, worst first
TALL = 700  # pixels: the frame in which a figure of many labels scrolls


def warnings(report: TeacherReport, train: Callable[[], None], busy: bool) -> None:
    """Which labels it does not know, with the button that helps; else its hardest one. train: trains again until it has learnt.
    busy: whether a job runs already."""
    advice = report.advice
    for one in advice[:SHOWN]:
        errors.box(f"{one.found.sentence} {one.remedy}", "info" if one.found.unjudged else "warn")
    if len(advice) > SHOWN:
        errors.box(f"{len(advice) - SHOWN} more labels are known poorly or not judged: see the table, worst first.", "warn")
    if not advice:
        for sentence in report.sentences:
            st.html(f'<p class="cod-lead">{escape(sentence)}</p>')
    _buttons(advice, train, busy)


def tables(report: TeacherReport) -> None:
    """A row a label, and what it mixes up."""
    if report.by_class is None:
        return
    table, mixed = by_label.labels_of(report), by_label.mixed_up(report)
    with st.expander("Label by label", expanded=bool(report.advice)):
        st.caption(table.caption)
        layout.grid(table.rows)
        if mixed.rows:
            st.text(mixed.lead)
            layout.grid(mixed.rows)
            charts.numbers(mixed.for_file, mixed.id)


def dead(advice: list[Advice]) -> bool:
    """Whether there is a label of which it names no text right."""
    return any(one.found.dead for one in advice)


def _buttons(advice: list[Advice], train: Callable[[], None], busy: bool) -> None:
    """What helps: training again, or more texts."""
    if any(one.retrain for one in advice):
        if st.button("Train again until it has learnt", type="primary" if dead(advice) else "secondary", key="train-again", disabled=busy):
            train()
    if any(not one.retrain for one in advice):
        if st.button("Add texts on the Data page", key="add-texts", icon=":material/upload:"):
            layout.go("data")


def technical(report: TeacherReport) -> None:
    """The matrix, in a frame that scrolls where there are many labels, and the picture of how sure it is."""
    many = report.by_class is not None and len(report.by_class.labels) > FEW_LABELS
    for section in by_label.technical(report):
        st.markdown(f"**{section.title}**")
        with st.container(height=TALL if many and section.figures else "content"):
            for at, figure in enumerate(section.figures):
                charts.chart(figure, f"{section.id}-{at}")
        if section.caption:
            st.caption(section.caption)
        if section.notes:
            charts.note(*section.notes)
