"""Results: first the sentence, then two curves, then where teacher and student draw the line."""

import csv
import io
from html import escape
from typing import Any

import streamlit as st

from cod_core import figures
from ui import errors, jobs, layout

w, project = layout.need_project()
pid = project.id


def csv_of(rows: list[dict[str, Any]]) -> str:
    """Rows as CSV; numbers and fixed names only, so nothing a spreadsheet could run."""
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, fieldnames=list(dict.fromkeys(k for row in rows for k in row)))
        writer.writeheader()
        writer.writerows(rows)
    return out.getvalue()


def chart(figure: Any, key: str) -> None:
    """One plot, without the tool bar."""
    st.plotly_chart(figure, key=key, config={"displayModeBar": False})


def curves(found: Any) -> None:
    """Accuracy and agreement against the number of training rows."""
    left, right = st.columns(2)
    with left, errors.shown():
        st.subheader("Accuracy", anchor=False)
        if any(row.get("mean") is not None for row in found.table):
            chart(figures.accuracy_curve(found.table, found.teacher_accuracy, found.majority), "accuracy")
        else:
            st.caption("There are no labelled test texts, so accuracy cannot be measured.")
    with right, errors.shown():
        st.subheader("Agreement with the teacher", anchor=False)
        chart(figures.agreement_curve(found.table), "agreement")


def by_number(found: Any) -> None:
    """The same sentence at every number of rows, and what was left out."""
    if len(found.effects) > 1:
        with st.expander("The difference at every number of training rows"):
            for effect in found.effects:
                st.text(effect["sentence"])
    if found.messages:
        with st.expander("What could not be computed"):
            for message in found.messages[:50]:
                st.text(message)


def diagnostics() -> None:
    """Where teacher and student draw the line."""
    st.subheader("Where the line is drawn", anchor=False)
    found = None
    with errors.shown():
        found = w.diagnostics(pid)
    if not found:
        job = w.job(pid)
        st.caption(
            "How near your counterfactuals lie to the teacher's decision line, and how far the student's line is "
            "from the teacher's."
        )
        if st.button("Compare the lines", key="diagnose", disabled=jobs.running(job)):
            with errors.shown():
                w.start(pid, "diagnose", {})
                st.rerun()
        return
    left, right = st.columns(2)
    with left, errors.shown():
        st.markdown("**How near your counterfactuals are to the teacher's line**")
        chart(figures.margin_histogram(found["margins"]["originals"], found["margins"]["cfes"]), "margins")
    with right, errors.shown():
        st.markdown("**How far the student's line is from the teacher's**")
        chart(figures.crossing_gap_plot(found["gaps"], found.get("censored")), "gaps")
    st.caption(
        f"Measured on {layout.several(found['n_pairs'], 'pair')} that no student saw, at {found['k']} rows, in units "
        "of the median distance within a pair; smaller is better. A student that does not answer like the teacher "
        "at both ends of a pair counts with the whole distance."
    )


layout.header("Results", "What your counterfactuals bought, as honestly as the test texts allow.")
jobs.panel(w, pid, ("distill", "diagnose"))
results = w.results(pid)
if results is None or not results.runs:
    layout.empty(
        "No results yet",
        "Distil students from your accepted pairs first; it takes about a minute.",
        "distill",
        "Go to Distil",
    )
else:
    if results.stale:
        errors.box(
            "Decisions or the teacher changed since this was computed. Distil again to bring it up to date.", "warn"
        )
    st.html(f'<p class="cod-quote" id="result-sentence">{escape(results.sentence)}</p>')
    layout.next_step("export", "Go on to Export")
    curves(results)
    by_number(results)
    diagnostics()
    with st.expander("Every number", icon=":material/table:"):
        st.dataframe(results.table, hide_index=True)
        st.download_button(
            "Download the numbers (.csv)",
            csv_of(results.table),
            "results.csv",
            "text/csv",
            on_click="ignore",
            icon=":material/download:",
        )
