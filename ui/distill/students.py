"""What finished students can do, on the Distil page: try any text, the small model to take away, what it all cost."""

import functools
from html import escape
from typing import Any

import streamlit as st

from cod_core import figures
from cod_core.distill.kinds import kind_of
from cod_core.distill.settings import AUTO
from cod_core.models.encoder import DEFAULT_ENCODER
from ui.frame import errors, layout, state

ARMS = {
    "kd": "your texts alone",
    "half": "half of your texts",
    "cod": "half texts, half counterfactuals",
    "cod_plus": "all texts with their counterfactuals",
    "cod_all": "fewer texts, each changed to every other label",
    "swap": "half texts, half random changes",
    "unverified": "half texts, half unchecked proposals",
    "tightened": "half texts, half tightened counterfactuals",
}
METHODS = {"kd": "soft labels", "lwd": "soft labels and layers (LWD)", "ted": "soft labels and filtered layers (TED)"}
SOFT = {"teacher": "the teacher's", "scaled": "calibrated on development texts", "off": "none", "random": "random"}


def expert_options(w: Any, student: str) -> dict[str, Any]:
    """Settings that a person who knows the method may change; shown with the technical details only."""
    out: dict[str, Any] = {}
    kind = kind_of(student)
    encoder = st.text_input(
        "Model to start from",
        key=f"encoder-{student}",
        placeholder="all-MiniLM-L6-v2",
        help="A Hugging Face name or a folder. all-MiniLM-L6-v2@4,6 reads two of its layers.",
    )
    if encoder.strip():
        out["encoder"] = encoder.strip()
    out["soft_labels"] = st.segmented_control(
        "Soft labels", list(SOFT), default="teacher", required=True, format_func=SOFT.__getitem__, key=f"soft-{student}"
    )
    fewer = st.toggle(
        "Fewer counterfactuals above 128 rows", kind.cf_share == AUTO, key=f"share-{student}", help="An eighth instead of half."
    )
    out["cf_share"] = AUTO if fewer else 0.5
    if not kind.exact:  # a head that is solved exactly cannot learn from layers
        method = st.segmented_control(
            "What the student learns from", list(METHODS), default="kd", required=True, format_func=METHODS.__getitem__, key="method"
        )
        out["method"] = method or "kd"
    if not kind.solved and out.get("method", "kd") == "kd":
        usual = int(kind.recipe(out.get("encoder", DEFAULT_ENCODER)).get("frozen_layers", 0))
        frozen = st.number_input("Lower layers left as they are", 0, 48, usual, key=f"frozen-{student}-{usual}")
        out["frozen_layers"] = int(frozen)
    return out


def called(student: str, arm: str, rows: int, real: int) -> str:
    """A student in plain words, from what its RunConfig says."""
    learnt = f"{real} texts, {rows - real} counterfactuals" if arm == "cod" and rows != 2 * real else ARMS.get(arm, arm)
    return f"{kind_of(student).called}: {learnt}, {rows} rows"


def name_of(said: Any) -> str:
    """Who speaks, in plain words."""
    return "Teacher" if said.run_id is None else called(said.name, said.arm, said.rows, said.real)


def described(run: Any) -> str:
    """A finished student in plain words, with what is known of it from the development texts."""
    told = ""
    if (right := run.dev.get("accuracy")) is not None:
        told = f", right on {round(100 * right)} % of the development texts"
    elif (same := run.dev.get("agreement")) is not None:
        told = f", the teacher's answer on {round(100 * same)} % of the development texts"
    return called(run.config.student, run.config.arm, run.config.shots, run.config.real_shots) + told


def measured_on(found: Any) -> str:
    """Which students a result speaks of, and over how many draws: 'Measured on a quick student, 20 draws.'"""
    kinds = dict.fromkeys(kind_of(r.config).called.lower() for r in found.runs)
    draws = len({r.config.seed for r in found.runs})
    return f"Measured on a {' and a '.join(kinds)}, {layout.several(draws, 'draw')} of training texts."


def answers(said: list[Any]) -> None:
    """One line a classifier: its answer and how sure it is; a word, not colour alone, where a student differs."""
    lines, teacher = [], said[0].prediction.label
    for one in said:
        label, sure = one.prediction.label, one.prediction.prob(one.prediction.label)
        note = "" if label == teacher else " (differs from the teacher)"
        lines.append(
            f"<tr><th scope='row'>{escape(name_of(one))}</th><td>{escape(label)}</td>"
            f"<td><meter min='0' max='1' value='{sure:.3f}'></meter> {round(100 * sure)} % sure{escape(note)}</td></tr>"
        )
    st.html(f'<table class="cod-said"><tbody>{"".join(lines)}</tbody></table>')


def try_any_text(w: Any, pid: str) -> None:
    """A box for any text; teacher and students answer side by side."""
    st.subheader("Try any text", anchor=False)
    with st.form(f"try-{pid}", border=False):
        text = st.text_area("A text of your own", key=f"try-text-{pid}", height=80, max_chars=5000)
        pressed = st.form_submit_button("Ask teacher and students", icon=":material/compare_arrows:")
    if pressed:
        with errors.shown():
            answers(w.project(pid).students.predict_side_by_side([text])[0])


def small_model(w: Any, pid: str, job: Any, busy: bool) -> None:
    """The student as ONNX: packed as a job, measured beside the teacher, then a download."""
    st.subheader("Take the student to a small device", anchor=False)
    packed = job.result if job is not None and job.kind == "pack_student" and job.state == "done" else None
    with errors.shown():
        st.caption(f"{described(w.project(pid).package.chosen(packed['run_id'] if packed else None))}.")
    if packed:
        rows = [
            {
                "form": {"torch": "torch", "student.onnx": "ONNX", "student-int8.onnx": "ONNX, 8 bits"}[m["name"]],
                "size, MB": round(m["bytes"] / 1e6, 1),
                "same answers as torch": "–" if m["agreement"] is None else f"{100 * m['agreement']:.1f} %",
                "one text, ms": m["latency_ms"],
                "texts a second": m["texts_a_second"],
            }
            for m in packed["measured"]
        ]
        if packed.get("teacher"):
            t = packed["teacher"]
            rows.append(
                {
                    "form": "the teacher",
                    "size, MB": round(t["bytes"] / 1e6, 1),
                    "same answers as torch": "–",
                    "one text, ms": t["latency_ms"],
                    "texts a second": t["texts_a_second"],
                }
            )
        layout.grid(rows)
        st.caption("Measured on this machine, one processor core. It needs onnxruntime and tokenizers only.")
        st.download_button(
            "Download the small model (.zip)",
            functools.partial(w.project(pid).package.packed, packed["file"]),
            "student.zip",
            "application/zip",
            on_click="ignore",
            icon=":material/download:",
            key="packed",
        )
    else:
        st.caption("Written as ONNX in full and in 8-bit precision, and checked against the original: about a minute.")
        if st.button("Make the small model", key="pack", disabled=busy, icon=":material/compress:"):
            with errors.shown():
                w.project(pid).jobs.start("pack_student", {})
                state.mark_saved()
                st.rerun()


def costs(w: Any, pid: str) -> None:
    """Accuracy against electricity and money, where something was measured."""
    with errors.shown():
        rows = [row.__dict__ for row in w.project(pid).costs.table()]
        priced = [row for row in rows if row["usd"]]
        if not any(row["kwh"] for row in rows) and not priced:
            return
        with st.expander("What it cost"):
            if any(row["kwh"] for row in rows):
                st.plotly_chart(figures.cost_plot(rows), key="cost-kwh", config={"displayModeBar": False})
                st.caption(
                    "Each point is one number of training rows. Counted: finding the counterfactuals by search, reading the "
                    "rows, training; not what a language model took. An estimate by codecarbon; nothing was sent."
                )
            if priced:
                st.plotly_chart(figures.cost_plot(rows, "usd"), key="cost-usd", config={"displayModeBar": False})
                st.caption("Money paid for the counterfactuals that a language model wrote.")
