"""Where counterfactuals do not pay so far: said where a person decides whether to go on, with what to do instead.

The numbers are made beside the page (cod_core/project/results/live.py), so nothing here waits for them.
"""

import streamlit as st

from cod_core.diagnostics.early import FIRST, RIGHT, TASKS, Early
from cod_core.diagnostics.sentence import percent, points
from cod_core.project.project import Project
from cod_core.project.results.live import Live
from cod_core.said import Said, say, together
from ui.frame import errors, layout, state
from ui.frame.words import t

LOOK_AGAIN = 2.0  # seconds
TRIED = say("Tried on {tasks} public tasks after 20 decisions, this rule was right on {right}.", tasks=TASKS, right=RIGHT)


def on_curate(project: Project, live: Live | None) -> None:
    """The warning with the way that may pay more, until the person goes on regardless."""
    if live is None or live.early is None or not live.early.warns or st.session_state.get(_key(project)):
        return
    errors.box(together(sentences(live.early, live.measured_on)[:2]), "warn")  # the card below it has to stay in sight
    with st.container(horizontal=True, key="early-warning"):
        if project.ways.can_measure():
            layout.next_step("distill", "Compare the ways", primary=False)
        else:
            layout.next_step("data", "Add texts", primary=False)
        if st.button(t("Go on curating"), key="early-go-on", type="tertiary"):
            st.session_state[_key(project)] = True
            st.rerun()


def on_distil(project: Project, accepted: int) -> None:
    """The warning above the comparison of the ways; nothing below so many accepted pairs."""
    if accepted < FIRST:
        return
    with errors.shown():
        live, last = project.live.now()
        st.fragment(_shown, run_every=None if last else LOOK_AGAIN)(project.id, live if last else None)


def _shown(pid: str, live: Live | None) -> None:
    if live is None:
        with errors.shown():
            live, last = state.workspace().project(pid).live.now()
            if not last:
                return
            st.rerun()
    if live is not None and live.early is not None and live.early.warns:
        errors.box(together(sentences(live.early, live.measured_on)), "warn")


def _key(project: Project) -> str:
    return f"early-{project.id}"


def sentences(early: Early, measured_on: str) -> list[Said]:
    """What was found, its figures, how far to trust it, what to do."""
    return [
        say(
            "So far counterfactuals do not pay here: {half} texts with their counterfactuals teach a student no more than "
            "{rows} labelled texts.",
            half=early.rows // 2,
            rows=early.rows,
        ),
        say(
            "It is {share} sure of the right label instead of {before} ({difference} points, 95 % interval {low} to {high}; {n} {texts}).",
            share=percent(early.with_, 1),
            before=percent(early.without, 1),
            difference=points(early.gain, 1),
            low=points(early.low, 1),
            high=points(early.high, 1),
            n=early.n_dev,
            texts=measured_on,
        ),
        TRIED,
        say("More labels, or the teacher's answers on texts without a label, may help more."),
    ]
