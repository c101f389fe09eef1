"""What the teacher knows of each label: the sentence that names a dead one with the button that helps, tables, pictures."""

from collections.abc import Callable
from html import escape

import streamlit as st

from cod_core.figures.teacher import FEW_LABELS
from cod_core.project.teacher import by_label
from cod_core.project.teacher.trust import Advice, TeacherReport
from cod_core.said import say, together
from ui.frame import errors, layout
from ui.frame.words import t
from ui.shared import charts, spoken

SHOWN = 3  # sentences in the box; the other labels stand in the table, worst first
ROWS = 6  # of the table in view
TALL = 700  # pixels: the frame in which a figure of many labels scrolls


def warnings(report: TeacherReport, train: Callable[[], None], busy: bool) -> None:
    """What is wrong with the teacher, the most important first, in one box with the button that helps; else its hardest label.
    train: trains again until it has learnt. busy: whether a job runs already."""
    told = said(report)
    if told:
        serious = bool(report.warning or report.unanswered or any(not one.found.unjudged for one in report.advice))
        errors.box(together(told, "\n"), "warn" if serious else "info")
    elif not report.advice:
        for sentence in report.sentences:
            st.html(f'<p class="cod-lead">{escape(t(sentence))}</p>')
    _buttons(report.advice, train, busy)


def said(report: TeacherReport) -> list[str]:
    """The sentences of the box: of no use at all, labels that it does not know, texts without an answer, what could not be judged."""
    first = [report.warning] if report.warning else []
    labels: list[str] = [together((one.found.sentence, one.remedy)) for one in report.advice[:SHOWN]]
    if len(report.advice) > SHOWN:
        labels.append(
            say("{more} more labels are known poorly or not judged: see the table, worst first.", more=len(report.advice) - SHOWN)
        )
    last = [report.note] if report.note else []
    if report.accuracy is None and report.kind != "generative" and not last:
        last.append(say("There are no labelled texts yet on which to measure this teacher."))
    return first + labels + _unanswered(report) + last


def _unanswered(report: TeacherReport) -> list[str]:
    """Texts for which a language model gave no verdict."""
    if not report.unanswered:
        return []
    if report.kind == "generative":
        return [
            say(
                "To {prompts} the model answered nothing. These prompts count neither as right nor "
                "as wrong, and no proposal is made for them.",
                prompts=layout.several(report.unanswered, "prompt"),
            )
        ]
    return [
        say(
            "{right} No proposal is made for texts without an answer. Below you see the reasons. Say more clearly what each label "
            "means, or choose another model.",
            right=report.right,
        )
    ]


def table(report: TeacherReport) -> None:
    """A row a label, the worst first; more than ROWS scroll."""
    if report.by_class is None:
        return
    labels = by_label.labels_of(report)
    st.markdown(f"**{t('Label by label')}**")
    layout.grid(spoken.rows(labels.rows), most=ROWS)
    st.caption(t(labels.caption))


def mistakes(report: TeacherReport) -> None:
    """What it says in place of what, the most frequent first."""
    if report.by_class is None:
        return
    mixed = by_label.mixed_up(report)
    if mixed.rows:
        st.markdown(f"**{t('What the teacher mixes up')}**")
        st.text(t(mixed.lead))
        layout.grid(spoken.rows(mixed.rows), most=ROWS)
        charts.numbers(mixed.for_file, mixed.id)


def dead(advice: list[Advice]) -> bool:
    """Whether there is a label of which it names no text right."""
    return any(one.found.dead for one in advice)


def _buttons(advice: list[Advice], train: Callable[[], None], busy: bool) -> None:
    """What helps: training again, or more texts."""
    if any(one.retrain for one in advice):
        if st.button(
            t("Train again until it has learnt"), type="primary" if dead(advice) else "secondary", key="train-again", disabled=busy
        ):
            train()
    if any(not one.retrain for one in advice):
        if st.button(t("Add texts on the Data page"), key="add-texts", icon=":material/upload:"):
            layout.go("data")


def technical(report: TeacherReport) -> None:
    """The matrix, in a frame that scrolls where there are many labels, and the picture of how sure it is."""
    many = report.by_class is not None and len(report.by_class.labels) > FEW_LABELS
    for section in by_label.technical(report):
        st.markdown(f"**{t(section.title)}**")
        with st.container(height=TALL if many and section.id == by_label.MATRIX else "content"):
            for at, figure in enumerate(section.figures):
                charts.chart(spoken.figure(figure), f"{section.id}-{at}")
        if section.caption:
            st.caption(t(section.caption))
        if section.notes:
            charts.note(*section.notes)
