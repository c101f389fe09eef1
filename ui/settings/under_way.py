"""Who waits for what, on the page Settings: the jobs of all projects, with cancel."""

import time

import streamlit as st

from cod_core.jobs.queue import Job
from cod_core.roles import UNNAMED
from ui.frame import errors, layout, state
from ui.frame.words import t
from ui.shared import jobs_panel


def section() -> None:
    """The list; nothing where nothing runs."""
    st.subheader(t("Work under way"), anchor=False)
    with errors.shown():
        listed = state.workspace().under_way.listed()
        if not listed:
            st.caption(t("Nothing runs or waits at the moment."))
            return
        layout.grid(
            [
                {
                    t("what"): t(jobs_panel.name_of(one.job)),
                    t("project"): one.project,
                    t("person"): called(one.job.person),
                    t("state"): state_of(one.job),
                    t("since"): t("{n} min", n=since(one.job, time.time())),
                }
                for one in listed
            ]
        )
        for one in listed:
            if one.may_cancel:
                what = t(jobs_panel.name_of(one.job))
                label = t("Cancel: {what}, {project}", what=what, project=layout.plain(one.project))
                st.button(label, on_click=_cancel, args=(one.job.id,), key=f"under-way-{one.job.id}", disabled=one.job.cancel)


def called(name: str) -> str:
    """Who asked for it; the working name of somebody who has given none says nothing to others."""
    return t("no name given") if name.startswith(UNNAMED) else name or t("command line")


def state_of(job: Job) -> str:
    """How far it is, or what it waits for."""
    if job.cancel:
        return t("stopping")
    if job.state == "running":
        return t("{done} of {total}", done=job.done, total=job.total) if job.total else t("starting")
    return t(job.message) if job.message.startswith("waiting") else t("waiting")


def since(job: Job, now: float) -> int:
    """Whole minutes since it began, or since it waits."""
    return int(max(0.0, now - (job.started_at or job.created_at)) // 60)


@errors.callback
def _cancel(job_id: str) -> None:
    state.workspace().under_way.cancel(job_id)
    state.notice("It stops after the item in hand. What is finished is kept.")
