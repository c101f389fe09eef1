"""Everything else about the teacher in use, folded away: what it was trained on, what it got wrong, what it cost, which model it is."""

import streamlit as st

from cod_core.project.project import Project
from cod_core.project.teacher.trust import TeacherReport
from cod_core.said import say
from ui.frame import errors, layout
from ui.frame.words import number, t
from ui.shared import verdict
from ui.teacher import by_label


def more(project: Project, measured: TeacherReport) -> None:
    """Everything else about the teacher in use."""
    if measured.n_left_out:
        st.caption(t("{some:,} of your texts were used to train this teacher and are left out of its numbers.", some=measured.n_left_out))
    memory(project)
    by_label.mistakes(measured)
    if project.teacher.generates():
        disagreements(measured)
    lost(measured)
    technical(project, measured)


def lost(measured: TeacherReport) -> None:
    """The texts without an answer, each with the reason."""
    if not measured.lost or measured.kind == "generative":
        return
    with st.expander(t("See the {texts} without an answer", texts=layout.several(len(measured.lost), "text"))):
        layout.grid([{t("text"): e.text, t("your label"): e.label, t("why"): t(why)} for e, why in measured.lost])


def disagreements(measured: TeacherReport) -> None:
    """The prompts whose label says something else than the judge. Other labels are corrected in "Labels that may be wrong"."""
    if measured.disagreements:
        st.markdown(f"**{t('Prompts where it disagrees with your label')}**")
        layout.grid(
            [
                {t("text"): e.text, t("your label"): e.label, t("teacher says"): p.label, t("how sure"): verdict.percent(p.prob(p.label))}
                for e, p in measured.disagreements
            ]
        )


def technical(project: Project, measured: TeacherReport) -> None:
    """Which model it is, exactly, how it was trained, and the pictures."""
    lines = [t(measured.name), t("revision {revision}", revision=measured.revision), t("kind {kind}", kind=measured.kind)]
    if measured.covered is not None:
        lines.append(
            t("share of prompts answered {share:.3f}", share=measured.covered)
            if measured.kind == "generative"
            else t("share of the answers' probability on your labels {share:.3f}", share=measured.covered)
        )
    how = project.training.how()
    if how is not None:
        lines.append(
            t(
                "rounds {rounds:g}{ended}{dropped}, learning rate {rate:g}",
                rounds=how.learnt.rounds,
                ended="" if how.learnt.settled else say(", cut off at the limit"),
                dropped=say(", the line it started from was kept") if how.line else "",
                rate=how.learnt.learning_rate,
            )
        )
        lines.append(t("held-out texts {held_out:,}, temperature {temperature:.2f}", held_out=how.held_out, temperature=how.temperature))
    st.markdown(f"**{t('Technical details')}**")
    st.text("\n".join(lines))
    by_label.technical(measured)


def memory(project: Project) -> None:
    """What is remembered of a language model's answers, and what they cost."""
    held = project.teacher.soft_label_memory()
    if held is None:
        return
    cost = t("not known") if held.cost_usd is None else f"{number(held.cost_usd, '.4f')} USD"
    rate = "–" if held.hit_rate is None else f"{held.hit_rate * 100:.0f} %"
    layout.counts(
        [
            (held.size, t("answers remembered")),
            (rate, t("of questions answered from memory")),
            (held.calls, t("calls made")),
            (cost, t("spent on them")),
        ]
    )
    if held.reads == "votes":
        errors.box("This service gives no probabilities: how sure the teacher is comes from votes of several answers.", "info")
