"""Labels that may be wrong: one text after the other, a person's word on each, and the teacher that is taught by it."""

from html import escape

import streamlit as st

from cod_core.models.choice import FinetuneOptions
from cod_core.project.project import Project
from cod_core.project.teacher.repair import Disagreement, TaughtReport
from cod_core.said import Said, say, together
from ui.frame import errors, layout, naming, state
from ui.frame.words import t
from ui.shared import jobs_panel, text_diff, verdict

SHOWN = 5
LOOKING = "repair-looking"


def panel(project: Project, busy: bool) -> None:
    """The list, the button that teaches, and what the last teaching would change. busy: whether a job is under way."""
    if project.teacher.generates():
        return  # the labels are the model's own
    with errors.shown(), st.container(border=True):
        st.markdown(f"**{t('Labels that may be wrong')}**")
        if LOOKING in st.session_state:
            _list(project)
        else:
            st.caption(t("The app looks for the texts whose label fits worst. You correct it, or say that the teacher is wrong."))
            st.button(t("Look for wrong labels"), key="repair-look", on_click=_look)
        _answered(project)
        _teach(project, busy)
    with errors.shown():
        if report := project.repair.taught():
            _taught(project, report, busy)


def _list(project: Project) -> None:
    """The most suspicious texts that nobody has answered for."""
    with st.spinner(t("Looking for labels that may be wrong …")):
        found = project.repair.disagreements(SHOWN)
    if not found:
        errors.box("No label stands out as wrong any more.", "ok")
    for number, one in enumerate(found):
        with st.container(border=True):
            _one(project, one, first=number == 0)


def _one(project: Project, one: Disagreement, first: bool) -> None:
    """A text, what speaks against its label, and the answers. Each is saved at once."""
    example, doubted = one.example, str(one.example.label)
    sure = {"yours": doubted, "sure": verdict.percent(one.said.prob(one.said.label)), "other": one.said.label}
    says = (
        t("Your label: {yours}. The teacher is {sure} sure that it is {other}.", **sure)
        if one.by_teacher
        else t("Your label: {yours}. A model that has not learnt this text is {sure} sure that it is {other}.", **sure)
    )
    st.html(f'<div class="cod-text" dir="auto">{text_diff.escape(example.text)}</div><div class="cod-why">{escape(says)}</div>')
    if example.split == "test":
        st.caption(t("A test text: if you correct it, distil again to renew your results."))
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        st.button(
            t("It is “{label}”", label=layout.plain(one.said.label, 40)),
            key=f"repair-other-{example.id}",
            type="primary" if first else "secondary",
            on_click=_correct,
            args=(project.id, example.id, one.said.label, doubted),
        )
        st.button(t("The label is right"), key=f"repair-right-{example.id}", on_click=_keep, args=(project.id, example.id, doubted))
        others = [label for label in project.row.task.labels if label not in (doubted, one.said.label)]
        if others:
            st.selectbox(
                t("Another label"),
                others,
                index=None,
                placeholder=t("Another label"),
                format_func=lambda label: layout.plain(label, 40),
                label_visibility="collapsed",
                key=f"repair-pick-{example.id}",
                on_change=_pick,
                args=(project.id, example.id, doubted),
            )


def _answered(project: Project) -> None:
    """How much was answered, and the way back."""
    mine = project.repair.standing().values()
    if not mine:
        return
    confirmed = sum(c.new_label is None for c in mine)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.caption(
            t("{labels} corrected, {confirmed} confirmed.", labels=layout.several(len(mine) - confirmed, "label"), confirmed=confirmed)
        )
        if any(c.annotator == state.annotator() for c in mine):
            st.button(t("Take back my last answer"), key="repair-undo", type="tertiary", on_click=_undo, args=(project.id,))


def _teach(project: Project, busy: bool) -> None:
    """The button that teaches, where a person has said anything that a teacher can learn."""
    lesson = project.repair.lesson()
    if not lesson.size:
        return
    own = len(lesson.edited) + len(lesson.kept)
    st.caption(
        t(
            "A new teacher learns from your texts as they are labelled now. {theirs} that you edited, or kept against the teacher, "
            "count too. You see what changes before you take it.",
            theirs=layout.several(own, "counterfactual"),
        )
        if own
        else t("A new teacher learns from your texts as they are labelled now. You see what changes before you take it.")
    )
    if st.button(t("Teach the teacher my corrections ({size})", size=lesson.size), key="repair-teach", disabled=busy):
        jobs_panel.start(project, "teach_teacher", FinetuneOptions())
        st.rerun()


def _taught(project: Project, report: TaughtReport, busy: bool) -> None:
    """What the new teacher changes, a label at a time, and the button that takes it."""
    if project.repair.in_use(report):
        st.caption(t("You taught this teacher: {lesson}.", lesson=_lesson(report)))
        return
    with st.container(border=True):
        st.markdown(f"**{t('A new teacher, taught by you')}**")
        st.html(f'<div class="cod-why">{escape(t(together(sentences(report))))}</div>')
        if report.by_class:
            layout.grid(
                [{t("label"): c.label, t("texts"): c.n, t("right before"): c.before, t("right now"): c.after} for c in report.by_class]
            )
        if st.button(t("Take the new teacher"), key="repair-take", type="primary", disabled=busy):
            with st.spinner(t("Loading the teacher …")):
                project.repair.take(report)
            state.mark_saved()
            state.notice("The teacher that you taught is in use.")
            st.rerun()


def _lesson(report: TaughtReport) -> Said:
    """'3 labels corrected, 1 confirmed, 2 of your counterfactuals'."""
    labels, own = layout.several(report.corrected, "label"), report.edited + report.kept
    if not own:
        return say("{labels} corrected, {confirmed} confirmed", labels=labels, confirmed=report.confirmed)
    return say(
        "{labels} corrected, {confirmed} confirmed, {own} of your counterfactuals", labels=labels, confirmed=report.confirmed, own=own
    )


def sentences(report: TaughtReport) -> list[Said]:
    """What a person must know before taking the teacher."""
    out = [say("It learnt from {texts}: {lesson}.", texts=layout.several(report.rows, "text"), lesson=_lesson(report))]
    if report.n:
        before, now = sum(c.before for c in report.by_class), sum(c.after for c in report.by_class)
        out.append(
            say(
                "It is right on {now} of {texts}; the teacher in use is right on {before}.",
                now=now,
                texts=_measured_on(report.measured_on),
                before=before,
            )
        )
    else:
        out.append(say("There are no labelled test texts on which to compare it with the teacher in use."))
    if report.pairs:
        out.append(
            say(
                "Of {pairs}, {lost} no longer flip and {won} flip for the first time.",
                pairs=layout.several(report.pairs, "accepted pair"),
                lost=report.lost,
                won=report.won,
            )
        )
        out.append(say("If you take it, check the proposals again."))
    return out


def _measured_on(words: str) -> str:
    """'30 test texts', as the record of the teaching has it."""
    count, _, which = words.partition(" ")
    if which == "test texts":
        return say("{count} test texts", count=count)
    return say("{count} development texts", count=count) if which == "development texts" else words


def _look() -> None:
    st.session_state[LOOKING] = True


@naming.signed
@errors.callback
def _correct(pid: str, example_id: str, label: str, seen: str) -> None:
    state.workspace().project(pid).repair.correct(example_id, label, state.annotator(), seen)
    state.mark_saved()


@errors.callback
def _pick(pid: str, example_id: str, seen: str) -> None:
    if label := st.session_state.get(f"repair-pick-{example_id}"):
        _correct(pid, example_id, label, seen)


@naming.signed
@errors.callback
def _keep(pid: str, example_id: str, seen: str) -> None:
    state.workspace().project(pid).repair.keep(example_id, state.annotator(), seen)
    state.mark_saved()


@errors.callback
def _undo(pid: str) -> None:
    taken = state.workspace().project(pid).repair.undo(state.annotator())
    state.mark_saved()
    if taken:
        state.notice(
            t("Your last answer is taken back: the label is {label!r} again.", label=taken.old_label)
            if taken.new_label
            else "Your last answer is taken back."
        )
