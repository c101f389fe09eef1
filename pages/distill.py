"""Distil: what the accepted pairs allow, one button, and the job at work."""

from dataclasses import replace

import streamlit as st

from cod_core.curation import goal
from cod_core.distill.kinds import LINEAR, OFFERED, kind_of
from cod_core.distill.memory import check_encoder
from cod_core.distill.settings import StudentSettings, SweepPlan, usual_arms
from cod_core.distill.shots import FEW_LABELS
from cod_core.project.students.preflight import Preflight
from cod_core.said import Said, say, together
from cod_core.types import FREE
from ui.distill import students, ways_section
from ui.frame import errors, layout, state
from ui.frame.words import t
from ui.shared import early_warning, jobs_panel, recheck, whats_next

layout.through_app()

project = layout.need_project()
row = project.row
LABEL_PRIOR = 1.5  # docs/experiments.md


def spoken(seconds: float) -> Said:
    """An expected duration in words."""
    if seconds < 60:
        return say("about {seconds} seconds", seconds=max(5, round(seconds / 5) * 5))
    if seconds < 5400:
        return say("about {minutes} minutes", minutes=round(seconds / 60))
    return say("about {hours:.1f} hours", hours=seconds / 3600)


def ways(student: str) -> list[str]:
    """The arms that are compared; one more for three labels or four: with more, a text would have to be changed many times."""
    usual = list(usual_arms(student))
    free = [] if FREE in usual or not st.session_state.get(f"free-{student}") else [FREE]
    kept = ["override"] if project.plan.overrides() else []
    return usual + free + kept + (["cod_all"] if 2 < len(project.plan.compared()) <= FEW_LABELS else [])


def preflight(plan: SweepPlan) -> Preflight | None:
    """What is known before the start, in plain words."""
    check: Preflight | None = None
    with errors.shown():
        check = project.preflight.check(plan.student.student, len(plan.draws), list(plan.shots or ()), plan.compared)
    if check is None:
        return None
    layout.counts(
        [
            (check.n_kept, t("accepted pair") if check.n_kept == 1 else t("accepted pairs")),
            (max(check.shots_allowed, default=0), t("largest number of training rows")),
            (check.n_test, t("test texts")),
            (t(spoken(check.seconds_estimate)), t("expected time")),
        ]
    )
    for message in check.others:  # what is waited for is said above, with the button
        errors.box(message, "warn" if check.blocked else "info")
    return check


def options(student: str, allowed: list[int]) -> SweepPlan:
    """The sweep as chosen; without numbers of training rows where no such student can be made."""
    shots = st.pills(
        t("Numbers of training rows to compare"), allowed, selection_mode="multi", default=allowed, key=f"shots-{student}-{len(allowed)}"
    )
    seeds = st.number_input(t("Draws (each is another random choice of rows)"), 1, 50, kind_of(student).draws, key=f"seeds-{student}")
    if FREE not in usual_arms(student):
        st.toggle(
            t("Compare with any of your texts too"),
            key=f"free-{student}",
            help=t("Your texts alone come from those with a counterfactual. This trains students on any of your texts beside them."),
        )
    arms = ways(student)
    named = t(together([say(students.ARMS[arm]) for arm in arms], "; "))
    st.caption(t("{n} ways are compared at each number: {ways}.", n=len(arms), ways=named))
    chosen, there, kind = StudentSettings(student), True, kind_of(student)
    if state.technical():
        there = False
        with errors.shown():
            chosen, there = students.expert_options(student), True
    if kind.label_prior and st.toggle(
        t("Let the names of the labels help"),
        key="names",
        help=t(
            "The student starts from what your label names mean in plain language, so choose names that say it. "
            "Helps most with few texts, with and without counterfactuals."
        ),
    ):
        chosen = replace(chosen, label_prior=LABEL_PRIOR)
    energy = st.toggle(t("Estimate the electricity"), key="energy", help=t("Needs the optional package codecarbon."))
    if not kind.solved and there and st.toggle(t("Check the memory first"), key="memory"):
        there = False
        with errors.shown():
            memory = project.plan.memory(chosen)
            errors.box(memory.sentence, "info" if memory.rows else "warn")
            there = True
    chosen = replace(chosen, method=chosen.method or "kd")
    return SweepPlan(chosen, tuple(sorted(shots)) if there else (), int(seeds), arms=tuple(arms), energy=energy)


def distil(finished: bool, allowed: list[int]) -> None:
    """The choice of a student, what is known before the start, and the button that starts."""
    student = (
        st.segmented_control(
            t("Student"),
            [kind.name for kind in OFFERED],
            default=LINEAR.name,
            required=True,
            format_func=lambda name: t(kind_of(name).offer),
            key="student",
        )
        or LINEAR.name
    )
    st.caption(t(kind_of(student).explained))
    known = st.container()  # filled after the options, which decide how long it takes
    with st.expander(t("Options")):
        plan = options(student, allowed)
    with known:
        check = preflight(plan)
    if check is not None and st.button(
        t("Distil and compare"), type="secondary" if finished else "primary", key="distil", disabled=busy or check.blocked or not plan.shots
    ):
        with errors.shown():
            check_encoder(plan.student.encoder or "")
            project.jobs.start("distill", plan)
            state.mark_saved()
            st.rerun()


layout.header("Distil", "Train small students from the teacher, with and without your counterfactuals, and compare them.")
job = jobs_panel.panel(project, ("distill", "ways", "pack_student"))
summary = state.summary(project)
busy = jobs_panel.running(job)
finished = job is not None and job.kind == "distill" and job.state == "done"
if finished:
    found = project.results.latest()
    ready = say("The comparison is ready.")
    errors.box(together((ready, found.worth.expert())) if found and found.worth else ready, kind="ok")
    layout.next_step("results", "See the results")
whats_next.left_out(project)
steps = project.next.steps()
allowed = project.plan.shots_allowed() if summary.n_accepted else []
if recheck.needed(project, summary, busy, "distill"):
    pass  # said there, with its button
elif not allowed or goal.blocking(steps):
    whats_next.draw(project, goal.most_needed(steps), "distil", busy)
else:
    if thin := [step for step in steps if step.name != "distil" and step.labels]:
        whats_next.draw(project, thin, "thin", busy, most=1, primary=False)
    distil(finished, allowed)
early_warning.on_distil(project, summary.n_accepted)
ways_section.section(project, busy)
kept = []
with errors.shown():
    kept = project.store.kept()
if kept:
    students.try_any_text(project)
    students.costs(project)
