"""Results: first the sentence, then the curves, the lines, the map, the answers, the worth of each counterfactual."""

from html import escape

import streamlit as st

from cod_core.curation import goal
from cod_core.project.results import chapters
from cod_core.said import msg
from ui.distill import students
from ui.frame import errors, layout, state
from ui.frame.words import t
from ui.results import cache, sections
from ui.shared import charts, jobs_panel, whats_next

layout.through_app()

project = layout.need_project()


def report_button() -> None:
    """The whole page as one file for a colleague, made when it is asked for."""
    name = f"results-{project.id}.html"
    ready = st.session_state.get("report-file")
    mark = project.results.marker()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        charts.picture_format()
        if ready and ready[0] == (project.id, mark):
            st.download_button(
                t("Save the report (.html)"), ready[1], name, "text/html", on_click="ignore", icon=":material/download:", key="report-save"
            )
        elif st.button(t("Make a report to send"), icon=":material/description:", key="report-make"):
            with errors.shown(), st.spinner(t("Making the report")):
                st.session_state["report-file"] = ((project.id, mark), project.report.html())
                st.rerun()
        st.page_link(layout.PAGES["compare"][0], label=t("Compare runs"), icon=":material/compare_arrows:", query_params=state.params())
        st.page_link(layout.PAGES["moons"][0], label=t("Why it helps: two moons"), icon=":material/dark_mode:", query_params=state.params())


results = project.results.latest()
measured = results is not None and bool(results.runs) and not results.outdated
LEAD = msg("What your counterfactuals bought, as honestly as the test texts allow.")
layout.header("Results", "" if measured else LEAD)
jobs_panel.panel(project, ("distill", "diagnose"))
if results is None or not results.runs:
    layout.empty("No results yet", "They appear here once students were compared.")
    whats_next.draw(project, goal.most_needed(project.next.steps()), "results", most=2)
elif results.outdated:
    errors.box(results.sentence, kind="warn")
    if st.button(t("Compute them again"), type="primary", key="renew"):
        with errors.shown():
            project.results.renew_report()
            st.rerun()
else:
    if results.stale:
        errors.box("Decisions, texts or the teacher changed since this was computed. Distil again to bring it up to date.", "warn")
    worth = results.worth
    st.html(f'<p class="cod-quote" id="result-sentence">{escape(t(worth.decider() if worth else results.sentence))}</p>')
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        section = st.segmented_control(
            t("Look at"),
            list(sections.SECTIONS),
            default="bought",
            required=True,
            key="results-section",
            format_func=lambda name: t(sections.SECTIONS[name]),
            label_visibility="collapsed",
        )
        layout.next_step("export", "Go on to Export")
    notes = [*([worth.expert()] if worth else []), *chapters.left_out(results)]
    lines = "".join(f"<div>{escape(t(line))}</div>" for line in notes)
    student = f'<div class="cod-why" id="result-student">{escape(t(students.measured_on(results)))}</div>'
    st.html(f'<div class="cod-plain" id="result-expert">{lines}{student}</div>')
    with errors.shown():
        sections.DRAW[section or "bought"](project, results)
        labels = project.row.task.labels
        cache.ahead(project, results.effects[-1]["k"] if results.effects else None, labels[-1] if len(labels) > 2 else None)
    st.divider()
    report_button()
