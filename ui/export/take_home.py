"""The student to take home on the Export page: what it is made of, one press, what each part brought, the download."""

import functools
from html import escape
from typing import Any

import streamlit as st

from cod_core.distill.kinds import LINEAR, OFFERED, kind_of
from cod_core.distill.take_home import BEST, Made, TakeHome
from cod_core.jobs.queue import Job
from cod_core.project.project import Project
from cod_core.said import msg
from ui.frame import errors, layout, state
from ui.frame.words import t

OFFER = {**{kind.name: kind.offer for kind in OFFERED}, BEST: msg("The best of the three")}
FORMS = {"folder": msg("Any Python"), "sentence-transformers": msg("SetFit, scikit-learn"), "transformers": msg("transformers")}
FORM_SAID = {
    "folder": msg("It holds a loader of a dozen lines, and a card with its figures."),
    "sentence-transformers": msg(
        "It opens with sentence-transformers, and may need a short piece of code that lies beside it. Its card builds a scikit-learn "
        "pipeline or a SetFit model from it."
    ),
    "transformers": msg(
        'It opens with pipeline("text-classification") of transformers, and may need a short piece of code that lies beside it.'
    ),
}
EXPLAINED = {
    **{kind.name: kind.explained for kind in OFFERED},
    BEST: msg("All three are trained. The one that is right on most development texts is kept; the test texts have no say."),
}


def section(project: Project, job: Job | None, busy: bool, primary: bool) -> bool:
    """The heading, the student that there is, and the way to a (new) one; whether its button is the page's primary one, as the
    download is where the student is of now. primary: making one is the next thing to do."""
    st.subheader(t("Your student"), anchor=False)
    made = project.product.latest()
    if made is not None:
        _made(project, made)
    if made is None or made.stale:
        _make(project, busy, primary)
    else:
        with st.expander(t("Make it anew")):
            _make(project, busy, primary=False)
    if made is not None and project.product.at_hand(made):
        small_model(project, job, busy)
    return primary or (made is not None and not made.stale)


def _make(project: Project, busy: bool, primary: bool) -> None:
    """What it would learn from, the kind, and the press."""
    ready = project.product.ready()
    if not ready:
        st.caption(t("A student needs labelled texts and a teacher first."))
        return
    words = [t(one.words) for one in ready if one.rows]
    st.caption(t("Trained on everything that you have: {parts}.", parts=", ".join(words)))
    offered = [name for name in OFFER if name != BEST or project.product.can_choose()]
    chosen = st.segmented_control(
        t("Kind of student"), offered, default=LINEAR.name, required=True, format_func=layout.words(OFFER), key="take-home-kind"
    )
    st.caption(t(EXPLAINED[chosen or LINEAR.name]))
    if st.button(t("Make your student"), key="take-home", type="primary" if primary else "secondary", disabled=busy):
        with errors.shown():
            project.jobs.start("take_home", TakeHome(chosen or LINEAR.name))
            state.mark_saved()
            st.rerun()


def _made(project: Project, made: Made) -> None:
    """The student as it is: what it was trained on, its figures, what each ingredient brought, the download."""
    if made.stale:
        errors.box("There is more or other to learn from than when this student was made. Make it anew below.", "warn")
    elif project.product.made_otherwise(made):
        errors.box(
            "An earlier version made this student. Made anew below, it reads more of each text's meaning and is usually right more often.",
            "info",
        )
    st.html(f'<div class="cod-plain">{escape(figures_of(made))}</div>')
    if rows := brought(made):
        with st.expander(t("What each part brought, on development texts")):
            layout.grid(rows)
    if not project.product.at_hand(made):  # its labels have other names now, or its teacher is another
        return
    form = st.segmented_control(
        t("Written for"), list(FORMS), default="folder", required=True, format_func=layout.words(FORMS), key="take-home-form"
    )
    st.caption(t(FORM_SAID[form or "folder"]))
    st.download_button(
        t("Download your student (.zip)"),
        functools.partial(project.package.student, None, form or "folder"),
        "student.zip",
        "application/zip",
        type="secondary" if made.stale else "primary",
        on_click="ignore",
        icon=":material/download:",
        key="student",
    )


def figures_of(made: Made) -> str:
    """Kind, rows and test figures in two sentences."""
    first = t("{kind}, trained on {texts}.", kind=t(kind_of(made.student).called), texts=made.trained_on)
    right, n = made.test.get("accuracy"), int(made.test.get("n_gold", 0))
    if right is None:
        return f"{first} {t('There are no labelled test texts, so nothing is known of how often it is right.')}"
    return f"{first} {t('Right on {right:,} of {n:,} test texts, measured once.', right=round(right * n), n=n)}"


def brought(made: Made) -> list[dict[str, Any]]:
    """A row an ingredient: share right on development texts once it was added."""
    out, before = [], None
    for one in made.ingredients:
        if one.rows and one.dev is not None:
            change = "" if before is None else t("{points} points", points=f"{100 * (one.dev - before):+.0f}".replace("-", "−"))
            right = t("right on {n:,} development texts", n=made.n_dev)
            out.append({t("learnt from"): t(one.words), right: f"{one.dev:.0%}", t("change"): change})
            before = one.dev
    return out


def small_model(project: Project, job: Job | None, busy: bool) -> None:
    """The student as ONNX: packed as a job, measured beside the teacher, then a download."""
    with st.expander(t("For a small device")):
        packed = job.result if job is not None and job.kind == "pack_student" and job.state == "done" else None
        if packed is None:
            st.caption(t("Written as ONNX in full and in 8-bit precision, and checked against the original: about a minute."))
            if st.button(t("Make the small model"), key="pack", disabled=busy, icon=":material/compress:"):
                with errors.shown():
                    project.jobs.start("pack_student", None)
                    state.mark_saved()
                    st.rerun()
            return
        layout.grid(_measured(packed))
        st.caption(t("Measured on this machine, one processor core. It needs onnxruntime and tokenizers only."))
        st.download_button(
            t("Download the small model (.zip)"),
            functools.partial(project.package.packed, packed["file"]),
            "student.zip",
            "application/zip",
            on_click="ignore",
            icon=":material/download:",
            key="packed",
        )


def _measured(packed: dict[str, Any]) -> list[dict[str, Any]]:
    """A row a form of the model, the teacher last."""
    names = {"torch": "torch", "student.onnx": "ONNX", "student-int8.onnx": t("ONNX, 8 bits"), "teacher": t("the teacher")}
    every = [*packed["measured"], *([packed["teacher"] | {"agreement": None}] if packed.get("teacher") else [])]
    return [
        {
            t("form"): names[m["name"]],
            t("size, MB"): round(m["bytes"] / 1e6, 1),
            t("same answers as torch"): "–" if m["agreement"] is None else f"{100 * m['agreement']:.1f} %",
            t("one text, ms"): m["latency_ms"],
            t("texts a second"): m["texts_a_second"],
        }
        for m in every
    ]
