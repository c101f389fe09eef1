"""Distil: what the accepted pairs allow, one button, and the job at work."""

from typing import Any

import streamlit as st

from cod_core.distill.kinds import LINEAR, OFFERED, kind_of
from cod_core.distill.memory import check_encoder
from cod_core.distill.settings import StudentSettings, SweepPlan
from cod_core.project.students.preflight import Preflight
from ui.distill import students
from ui.frame import errors, layout, state
from ui.shared import jobs_panel, recheck

layout.through_app()

w, project = state.workspace(), layout.need_project()
row = project.row
pid = project.id
LABEL_PRIOR = 1.5  # docs/experiments.md
ARMS = ["kd", "half", "cod", "cod_plus"]
COMPARED = (
    "{} ways are compared at each number: your texts alone; half as many texts; half texts and half counterfactuals; all "
    "texts with their counterfactuals{}."
)
FIFTH = "; fewer texts, each changed to every other label"


def spoken(seconds: float) -> str:
    """An expected duration in words."""
    if seconds < 60:
        return f"about {max(5, round(seconds / 5) * 5)} seconds"
    return f"about {round(seconds / 60)} minutes" if seconds < 5400 else f"about {seconds / 3600:.1f} hours"


def ways() -> list[str]:
    """The arms that are compared; a fifth one where there are three labels or more."""
    return ARMS + (["cod_all"] if len(row.task.labels) > 2 else [])


def preflight(student: str, seeds: int, shots: list[int]) -> Preflight | None:
    """What is known before the start, in plain words."""
    check: Preflight | None = None
    with errors.shown():
        check = project.preflight.check(student, seeds, shots, ways())
    if check is None:
        return None
    layout.counts(
        [
            (check.n_kept, "accepted pair" if check.n_kept == 1 else "accepted pairs"),
            (max(check.shots_allowed, default=0), "largest number of training rows"),
            (check.n_test, "test texts"),
            (spoken(check.seconds_estimate), "expected time"),
        ]
    )
    for message in check.others:  # what is waited for is said above, with the button
        errors.box(message, "warn" if check.blocked else "info")
    return check


def options(student: str, allowed: list[int]) -> tuple[list[int], dict[str, Any]]:
    """(numbers of training rows, the job's other parameters) as chosen; no numbers where the model turns out not to be there."""
    shots = st.pills(
        "Numbers of training rows to compare", allowed, selection_mode="multi", default=allowed, key=f"shots-{student}-{len(allowed)}"
    )
    seeds = st.number_input("Draws (each is another random choice of rows)", 1, 50, kind_of(student).draws, key=f"seeds-{student}")
    st.caption(COMPARED.format("Five", FIFTH) if "cod_all" in ways() else COMPARED.format("Four", ""))
    more = students.expert_options(w, student) if state.technical() else {}
    kind = kind_of(student)
    if kind.label_prior and st.toggle(
        "Let the names of the labels help",
        key="names",
        help="The student starts from what your label names mean in plain language, so choose names that say it. "
        "Helps most with few texts, with and without counterfactuals.",
    ):
        more["label_prior"] = LABEL_PRIOR
    energy = st.toggle("Estimate the electricity", key="energy", help="Needs the optional package codecarbon.")
    there = True
    if not kind.solved and st.toggle("Check the memory first", key="memory"):
        there = False
        with errors.shown():
            memory = project.plan.memory(StudentSettings.of({"student": student, **more}))
            errors.box(memory.sentence, "info" if memory.rows else "warn")
            there = True
    return sorted(shots) if there else [], {"seeds": int(seeds), "energy": energy, **more}


def distil(finished: bool, allowed: list[int]) -> None:
    """The choice of a student, what is known before the start, and the button that starts."""
    student = (
        st.segmented_control(
            "Student",
            [kind.name for kind in OFFERED],
            default=LINEAR.name,
            required=True,
            format_func=lambda name: kind_of(name).offer,
            key="student",
        )
        or LINEAR.name
    )
    st.caption(kind_of(student).explained)
    known = st.container()  # filled after the options, which decide how long it takes
    with st.expander("Options"):
        shots, more = options(student, allowed)
    with known:
        check = preflight(student, more["seeds"], shots)
    if check is not None and st.button(
        "Distil and compare", type="secondary" if finished else "primary", key="distil", disabled=busy or check.blocked or not shots
    ):
        with errors.shown():
            plan = SweepPlan.of({"student": student, "shots": shots, "arms": ways(), "method": "kd", **more})
            check_encoder(plan.student.encoder or "")
            project.jobs.start("distill", plan)
            state.mark_saved()
            st.rerun()


layout.header("Distil", "Train small students from the teacher, with and without your counterfactuals, and compare them.")
job = jobs_panel.panel(project, ("distill", "pack_student"))
summary = state.summary(project)
if not summary.n_accepted:
    layout.empty(
        "No accepted counterfactuals yet",
        "Accept a few on the page Curate; eight are enough for a first look.",
        "curate" if summary.n_proposed_texts else "proposals",
        "Go to Curate" if summary.n_proposed_texts else "Propose counterfactuals",
    )
else:
    busy = jobs_panel.running(job)
    finished = job is not None and job.kind == "distill" and job.state == "done"
    if finished:
        errors.box("The comparison is ready.", "ok")
        layout.next_step("results", "See the results")
    waits = recheck.needed(project, summary, busy, "distill")
    allowed = project.plan.shots_allowed()
    if not waits or allowed:
        distil(finished, allowed)
kept = []
with errors.shown():
    kept = project.store.kept()
if kept:
    students.try_any_text(w, pid)
    students.small_model(w, pid, job, jobs_panel.running(job))
    students.costs(w, pid)
