"""What finished students can do, on the Distil page: try any text, and what it all cost."""

from collections.abc import Sequence
from dataclasses import replace
from html import escape

import streamlit as st

from cod_core import figures
from cod_core.distill.kinds import kind_of
from cod_core.distill.settings import AUTO, StudentSettings
from cod_core.distill.take_home import ARM
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.project.project import Project
from cod_core.project.results.sweep import SweepResults
from cod_core.project.students.students import Said
from cod_core.said import Said as Words
from cod_core.said import msg, say
from ui.frame import errors, layout
from ui.frame.words import t
from ui.shared import spoken

ARMS = {
    "kd": msg("your texts alone"),
    "kd_free": msg("your texts alone, any of them"),
    "half": msg("half of your texts"),
    "cod": msg("half texts, half counterfactuals"),
    "cod_plus": msg("all texts with their counterfactuals"),
    "override": msg("half texts, half counterfactuals, those that you kept against the teacher too"),
    "cod_all": msg("fewer texts, each changed to every other label"),
    "swap": msg("half texts, half random changes"),
    "unverified": msg("half texts, half unchecked proposals"),
    "tightened": msg("half texts, half tightened counterfactuals"),
}
METHODS = {"kd": msg("soft labels"), "lwd": msg("soft labels and layers (LWD)"), "ted": msg("soft labels and filtered layers (TED)")}
SOFT = {"teacher": msg("the teacher's"), "scaled": msg("calibrated on development texts"), "off": msg("none"), "random": msg("random")}


def expert_options(student: str) -> StudentSettings:
    """The student with the settings that a person who knows the method may change; shown with the technical details only.

    Raises BadInput for settings that no such student can have.
    """
    chosen, kind = StudentSettings(student), kind_of(student)
    encoder = st.text_input(
        t("Model to start from"),
        key=f"encoder-{student}",
        placeholder=DEFAULT_ENCODER,
        help=t("A Hugging Face name or a folder. all-MiniLM-L6-v2@4,6 reads two of its layers."),
    )
    soft = st.segmented_control(
        t("Soft labels"), list(SOFT), default="teacher", required=True, format_func=lambda name: t(SOFT[name]), key=f"soft-{student}"
    )
    fewer = st.toggle(
        t("Fewer counterfactuals above 128 rows"), kind.cf_share == AUTO, key=f"share-{student}", help=t("An eighth instead of half.")
    )
    chosen = replace(chosen, encoder=encoder.strip() or None, soft_labels=soft or "teacher", cf_share=AUTO if fewer else 0.5)
    if not kind.exact:  # a head that is solved exactly cannot learn from layers
        method = st.segmented_control(
            t("What the student learns from"),
            list(METHODS),
            default="kd",
            required=True,
            format_func=lambda name: t(METHODS[name]),
            key="method",
        )
        chosen = replace(chosen, method=method or "kd")
    if not kind.solved and (chosen.method or "kd") == "kd":
        usual = int(kind.recipe(chosen.encoder or DEFAULT_ENCODER).get("frozen_layers", 0))
        frozen = st.number_input(t("Lower layers left as they are"), 0, 48, usual, key=f"frozen-{student}-{usual}")
        chosen = replace(chosen, frozen_layers=int(frozen))
    return chosen


def called(student: str, arm: str, rows: int, real: int) -> Words:
    """A student in plain words, from what its RunConfig says."""
    kind = say(kind_of(student).called)
    if arm == ARM:
        return say("{kind} to take home: everything, {rows} rows", kind=kind, rows=rows)
    learnt = say(ARMS[arm]) if arm in ARMS else arm
    if arm == "cod" and rows != 2 * real:
        learnt = say("{texts} texts, {changed} counterfactuals", texts=real, changed=rows - real)
    return say("{kind}: {learnt}, {rows} rows", kind=kind, learnt=learnt, rows=rows)


def name_of(said: Said) -> Words:
    """Who speaks, in plain words."""
    if said.run_id is None:
        return say("Teacher")
    return called(said.name, said.arm or "", said.rows or 0, said.real or 0)


def measured_on(found: SweepResults) -> Words:
    """Which students a result speaks of, and over how many draws: 'Measured on a quick student, 20 draws.'"""
    kinds = dict.fromkeys(kind_of(r.config).one for r in found.runs)
    draws = layout.several(len({r.config.seed for r in found.runs}), "draw")
    return say("Measured on {students}, {draws} of training texts.", students=_and([say(kind) for kind in kinds]), draws=draws)


def _and(parts: Sequence[Words]) -> Words:
    """'a quick student and a strong student'."""
    said = parts[0]
    for part in parts[1:]:
        said = say("{first} and {second}", first=said, second=part)
    return said


def answers(said: Sequence[Said]) -> None:
    """One line a classifier: its answer and how sure it is; a word, not colour alone, where a student differs."""
    lines, teacher = [], said[0].prediction.label
    for one in said:
        label, sure = one.prediction.label, one.prediction.prob(one.prediction.label)
        percent = round(100 * sure)
        note = (
            t("{percent} % sure", percent=percent)
            if label == teacher
            else t("{percent} % sure (differs from the teacher)", percent=percent)
        )
        lines.append(
            f"<tr><th scope='row'>{escape(t(name_of(one)))}</th><td>{escape(label)}</td>"
            f"<td><meter min='0' max='1' value='{sure:.3f}'></meter> {escape(note)}</td></tr>"
        )
    st.html(f'<table class="cod-said"><tbody>{"".join(lines)}</tbody></table>')


def try_any_text(project: Project) -> None:
    """A box for any text; teacher and students answer side by side."""
    st.subheader(t("Try any text"), anchor=False)
    with st.form(f"try-{project.id}", border=False):
        text = st.text_area(t("A text of your own"), key=f"try-text-{project.id}", height=80, max_chars=5000)
        pressed = st.form_submit_button(t("Ask teacher and students"), icon=":material/compare_arrows:")
    if pressed:
        with errors.shown():
            answers(project.students.predict_side_by_side([text])[0])


def costs(project: Project) -> None:
    """Accuracy against electricity and money, where something was measured."""
    with errors.shown():
        rows = [row.__dict__ for row in project.costs.table()]
        priced = [row for row in rows if row["usd"]]
        if not any(row["kwh"] for row in rows) and not priced:
            return
        with st.expander(t("What it cost")):
            if any(row["kwh"] for row in rows):
                st.plotly_chart(spoken.figure(figures.cost_plot(rows)), key="cost-kwh", config={"displayModeBar": False})
                st.caption(
                    t(
                        "Each point is one number of training rows. Counted: finding the counterfactuals by search, reading the "
                        "rows, training; not what a language model took. An estimate by codecarbon; nothing was sent."
                    )
                )
            if priced:
                st.plotly_chart(spoken.figure(figures.cost_plot(rows, "usd")), key="cost-usd", config={"displayModeBar": False})
                st.caption(t("Money paid for the counterfactuals that a language model wrote."))
