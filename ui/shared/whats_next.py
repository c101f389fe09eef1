"""What is next, on any page: the sentences of cod_core/curation/goal.py, each with the button that does it."""

from collections.abc import Sequence
from html import escape

import streamlit as st

from cod_core.counterfactuals.options import GenerateRequest
from cod_core.curation.goal import Step
from cod_core.curation.view import View
from cod_core.project.project import Project
from ui.frame import errors, layout, state
from ui.frame.words import t
from ui.shared import jobs_panel


def draw(project: Project, steps: Sequence[Step], key: str, busy: bool = False, most: int = 3, primary: bool = True) -> None:
    """The first steps, one box each, the first button as the page's primary one; the comparison itself is always among them
    where it can be made. key: of the place that draws them."""
    shown = list(steps[:most])
    shown += [step for step in steps[most:] if step.name == "distil"]
    for number, step in enumerate(shown):
        errors.box(step.sentence, "warn" if step.blocks else "info")
        with st.container(horizontal=True):
            press(project, step, f"{key}-{number}", busy, primary=primary and number == 0)
            if step.may_leave_out and step.blocks and len(step.labels) == 1:
                _leave_out(project, step.labels[0], f"{key}-{number}")


def press(project: Project, step: Step, key: str, busy: bool = False, primary: bool = True) -> None:
    """The button of a step; what it starts is refused while another job runs."""
    waits = busy and step.act in ("propose", "recheck")
    if st.button(
        layout.plain(t(step.button)),
        key=f"do-{key}-{step.name}",
        type="primary" if primary else "secondary",
        icon=":material/arrow_forward:",
        icon_position="right",
        disabled=waits,
        help=t("Another job is running. Wait until it is done.") if waits else None,
    ):
        with errors.shown():
            do(project, step)


def _leave_out(project: Project, label: str, key: str) -> None:
    """The other way past a label that nobody has pairs for."""
    if st.button(
        layout.plain(t("Compare without “{label}”", label=label)),
        key=f"leave-out-{key}",
        help=t("Its texts and pairs stay; you can bring it back."),
    ):
        with errors.shown():
            project.plan.leave_out([*project.plan.left_out(), label])
            state.mark_saved()
            st.rerun()


def left_out(project: Project) -> None:
    """Which labels are not compared, and the press that brings them back; nothing where all are."""
    out = project.plan.left_out()
    if not out:
        return
    named = t("Left out of the comparison: {labels}.", labels=", ".join(t("“{name}”", name=label) for label in out))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.html(f'<div class="cod-why">{escape(named)}</div>')
        if st.button(t("Compare with all labels"), key="all-labels", type="tertiary"):
            with errors.shown():
                project.plan.leave_out([])
                state.mark_saved()
                st.rerun()


def do(project: Project, step: Step) -> None:
    """What the button does, then the page where it shows."""
    if step.act == "propose":
        jobs_panel.start(project, "generate", GenerateRequest(step.n, labels=step.labels))
        state.mark_saved()
    elif step.act == "recheck":
        jobs_panel.start(project, "recheck")
        state.mark_saved()
    elif step.name in ("decide", "write"):
        state.set_view(View(label=step.labels[0] if len(step.labels) == 1 else ""))
    layout.go(step.page)
