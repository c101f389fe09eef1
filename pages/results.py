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


def curves(found: Any) -> None:
    """Accuracy and agreement against the number of training rows."""
    left, right = st.columns(2)
    with left:
        st.subheader("Accuracy", anchor=False)
        with errors.shown():
            st.plotly_chart(figures.accuracy_curve(found.table, teacher=found.teacher_accuracy, majority=found.majority),
                            key="accuracy", config={"displayModeBar": False})
    with right:
        st.subheader("Agreement with the teacher", anchor=False)
        with errors.shown():
            st.plotly_chart(figures.agreement_curve(found.table), key="agreement", config={"displayModeBar": False})


def diagnostics() -> None:
    """Where teacher and student draw the line."""
    st.subheader("Where the line is drawn", anchor=False)
    found = None
    with errors.shown():
        found = w.diagnostics(pid)
    if not found:
        job = w.job(pid)
        st.caption("How near your counterfactuals lie to the teacher's decision line, and how far the student's line is "
                   "from the teacher's.")
        if st.button("Compare the lines", key="diagnose", disabled=jobs.running(job)):
            with errors.shown():
                w.start(pid, "diagnose", {})
                st.rerun()
        return
    left, right = st.columns(2)
    with left, errors.shown():
        st.plotly_chart(figures.margin_histogram(found["margins"]["originals"], found["margins"]["cfes"]), key="margins",
                        config={"displayModeBar": False})
    with right, errors.shown():
        st.plotly_chart(figures.crossing_gap_plot(found["gaps"]), key="gaps", config={"displayModeBar": False})


layout.header("Results", "What your counterfactuals bought, as honestly as the test texts allow.")
jobs.panel(w, pid, ("distill", "diagnose"))
results = w.results(pid)
if results is None or not results.runs:
    layout.empty("No results yet", "Distil students from your accepted pairs first; it takes about a minute.",
                 "distill", "Go to Distil")
else:
    if results.stale:
        errors.box("Decisions or the teacher changed since this was computed. Distil again to bring it up to date.", "warn")
    st.html(f'<p class="cod-quote" id="result-sentence">{escape(results.sentence)}</p>')
    layout.next_step("export", "Go on to Export")
    curves(results)
    diagnostics()
    with st.expander("Every number", icon=":material/table:"):
        st.dataframe(results.table, hide_index=True)
        st.download_button("Download the numbers (.csv)", csv_of(results.table), "results.csv", "text/csv",
                           on_click="ignore", icon=":material/download:")
