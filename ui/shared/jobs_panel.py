"""A job on the page: its start, progress with time left, cancel, resume. Polls only while something runs."""

import time
from collections.abc import Callable
from html import escape
from typing import Any

import streamlit as st

from cod_core.counterfactuals.options import LlmOptions
from cod_core.jobs.queue import Job, Storable
from cod_core.progress import time_left
from cod_core.project.project import Project
from cod_core.said import msg, say, several, together
from ui.frame import errors, state
from ui.frame.words import t
from ui.shared import stored

Sentence = tuple[str, str]
CLIMB = 1.5
ACTIVE = ("queued", "running")
KEPT = msg("What was finished is kept.")


def spoken(seconds: float | None) -> str:
    """Time left as a person says it; empty where it is not known yet."""
    if seconds is None:
        return ""
    if seconds < 10:
        return t("a few seconds left")
    if seconds < 90:
        return t("about {n} seconds left", n=round(seconds / 5) * 5)
    return t("about {n} minutes left", n=round(seconds / 60))


def estimate(seen: tuple[float, int] | None, clock: float, done: int, total: int) -> float | None:
    """Seconds left, from the speed since this session first saw the job at (clock, done)."""
    if seen is None or done <= seen[1]:
        return None
    return time_left(done - seen[1], total - seen[1], clock - seen[0])


def steadied(before: float | None, now: float | None) -> float | None:
    """Seconds left as they are shown: a small climb is noise of the mean speed, and is not shown; one by half or more is."""
    return before if before is not None and now is not None and before < now < CLIMB * before else now


def start(project: Project, kind: str, request: Storable | None = None, key: str | None = None) -> None:
    """Queue a job of the project. key: for the language model's address, never stored."""
    project.jobs.start(kind, request, key=key)


def running(job: Job | None) -> bool:
    """Whether the job is waiting or at work."""
    return job is not None and job.state in ACTIVE


def panel(project: Project, kinds: tuple[str, ...]) -> Job | None:
    """Show the project's newest job where it matters to this page, and return it.

    kinds: the jobs this page starts. Another page's job is shown while it runs, since only one runs at a time.
    """
    job = project.jobs.newest()
    if not running(job):
        project.jobs.expect()
    if job is None or (job.kind not in kinds and not running(job)):
        return job
    if running(job):
        st.fragment(_live, run_every=1.0)(project.id, job.id)
    elif job.state in ("failed", "cancelled"):
        _stopped(project, job)
    elif job.state == "done":
        found = outcome(job.kind, job.result or {}, job.params.get("k"))
        for kind in sorted({kind for kind, _ in found}, key=("warn", "info").index):
            errors.box("\n".join(t(stored.spoken(sentence, stored.FOUND)) for of, sentence in found if of == kind), kind)
    return job


def outcome(kind: str, result: dict[str, Any], asked: int | None = None) -> list[Sentence]:
    """(kind of box, sentence) of what a finished job found, where a person must know it. asked: texts it was to work on."""
    told = _OUTCOMES.get(kind)
    return told(result, asked) if told else []


def _generated(result: dict[str, Any], asked: int | None) -> list[Sentence]:
    said: list[Sentence] = []
    if asked and (n := result.get("texts", asked)) < asked:
        few = (
            say("1 text was worked on instead of {asked}:", asked=asked)
            if n == 1
            else say("{n} texts were worked on instead of {asked}:", n=n, asked=asked)
        )
        why = say("the teacher reads the others as another label than yours, so a change would prove nothing. See the Teacher page.")
        said.append(("info", together([few, why])))
    told = any(str(message).startswith("Nothing that reads well") for message in result.get("messages") or [])
    if (n := result.get("without")) and not told:
        for_them = several(n, "text")
        said.append(
            (
                "info",
                say("For {texts} no good change was found.", texts=for_them)
                if result.get("source")
                else say("For {texts} no change was found that flips the teacher.", texts=for_them),
            )
        )
    kind = "info" if result.get("source") else "warn"
    said += [(kind, str(message)) for message in result.get("messages") or []]
    if n := result.get("repaired"):
        said.append(("info", say("{texts} flipped in a later round.", texts=several(n, "text"))))
    if n := result.get("smaller"):
        said.append(
            ("info", say("1 proposal has a smaller version now.") if n == 1 else say("{n} proposals have a smaller version now.", n=n))
        )
    return said


def _tightened(result: dict[str, Any], _: int | None) -> list[Sentence]:
    if result.get("texts") is None:
        return []
    made = say("{n} of {of} proposals have a smaller version now; it is offered first.", n=result["tightened"], of=result["texts"])
    return [("info", made)]


def _labelled(result: dict[str, Any], _: int | None) -> list[Sentence]:
    if result.get("labelled") is None:
        return []
    silent, n = result["undecided"], result.get("apart")
    said = [
        say("{n} prompts have the label of their answer now.", n=result["labelled"]),
        say("To {n} the model answered nothing.", n=silent) if silent else "",
        say("{n} stay without: their words or source stand on another side of the split.", n=n) if n else "",
    ]
    return [("info", together(said))]


def _finetuned(result: dict[str, Any], _: int | None) -> list[Sentence]:
    said: list[Sentence] = []
    if result.get("estimate") is not None:
        said.append(
            (
                "info",
                say(
                    "There are no test texts to measure the trained teacher on. A simpler model, trained on parts of your texts, was "
                    "right on {share} % of the others. Add test texts to know about this teacher.",
                    share=round(result["estimate"] * 100),
                ),
            )
        )
    if result.get("warning"):
        said.append(("warn", str(result["warning"])))
    if result.get("line"):
        simpler = say("A simpler model did as well on the texts held back, so the teacher is that one. More texts may change that.")
        said.append(("info", simpler))
    elif result.get("settled") is False:
        limit = say("The training reached its limit while the teacher was still learning. If it is often wrong, train it longer.")
        said.append(("info", limit))
    return said


_OUTCOMES: dict[str, Callable[[dict[str, Any], int | None], list[Sentence]]] = {
    "generate": _generated,
    "tighten": _tightened,
    "label_prompts": _labelled,
    "finetune_teacher": _finetuned,
}
_NAMES = {
    "generate": msg("Proposing counterfactuals"),
    "distill": msg("Distilling students"),
    "finetune_teacher": msg("Training the teacher"),
    "teach_teacher": msg("Teaching the teacher"),
    "diagnose": msg("Comparing teacher and student"),
    "ways": msg("Comparing three ways"),
    "recheck": msg("Checking again"),
    "study": msg("Comparing prompts"),
    "fluency": msg("Reading the proposals"),
    "take_home": msg("Making your student"),
    "pack_student": msg("Making the small model"),
    "label_prompts": msg("Answering the prompts"),
    "tighten": msg("Making proposals smaller"),
}


def name_of(job: Job) -> str:
    """What a job does, in words that a screen says."""
    return _NAMES.get(job.kind, msg("Working"))


def _live(pid: str, job_id: str) -> None:
    with errors.shown():
        jobs = state.workspace().project(pid).jobs
        job = jobs.newest()
        if job is None or job.id != job_id or not running(job):
            state.mark_saved()
            st.rerun()
        seen = st.session_state.setdefault(f"job-seen-{job_id}", (time.monotonic(), job.done))
        key = f"job-left-{job_id}"
        left_now = steadied(st.session_state.get(key), estimate(seen, time.monotonic(), job.done, job.total))
        st.session_state[key], left = left_now, spoken(left_now)
        share = min(1.0, job.done / job.total) if job.total else 0.0
        name = t(name_of(job))
        counted = t("{done} of {total}", done=job.done, total=job.total) if job.total else t("starting…")
        with st.container(border=True):
            st.progress(share, text=" · ".join(p for p in (name, counted, left) if p))
            if job.message and job.message not in (f"{job.done} of {job.total}", "starting"):
                st.html(f'<div class="cod-cap">{escape(t(stored.spoken(job.message, stored.DOING)))}</div>')
            if job.cancel:
                st.caption(t("Stopping after the current item; what is finished is kept."))
            elif st.button(t("Cancel"), key=f"cancel-{job_id}", icon=":material/stop_circle:"):
                jobs.cancel(job_id)
                st.rerun(scope="fragment")


def _stopped(project: Project, job: Job) -> None:
    if job.kind == "finetune_teacher" and job.state == "cancelled":  # nothing of it is kept, so there is nothing to resume
        errors.box("The training was stopped. No teacher was changed. You can train again below.", "info")
        return
    if job.state == "cancelled":
        at = t("Stopped at {done} of {total}.", done=job.done, total=job.total) if job.total else t("Stopped before the first item.")
        errors.box(f"{at} {t(KEPT)}", "info")
    else:
        why = job.error or job.message or msg("The work stopped.")
        errors.box(t(why) if KEPT in why else f"{t(why)}\n{t(KEPT)}", "error")
    if st.button(t("Resume"), key=f"resume-{job.id}", icon=":material/play_arrow:"):
        with errors.shown():
            project.jobs.resume(job.id, key=state.llm_key(project.endpoints.address_of(LlmOptions.of(job.params.get("llm")))))
            st.rerun()
