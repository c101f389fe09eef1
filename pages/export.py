"""Export: take the curated set and the student away."""

import functools
from html import escape

import streamlit as st

from cod_core.curation import goal
from cod_core.export.choice import ExportChoice
from cod_core.said import msg
from ui.export import compared, export_options, hub_push, other_tools, take_home
from ui.frame import errors, layout, state
from ui.frame.words import t
from ui.shared import jobs_panel, recheck, whats_next

layout.through_app()

project = layout.need_project()
row = project.row
NAMES = {
    "exported": msg("pairs to take away"),
    "rejected": msg("rejected"),
    "other": msg("flagged or skipped, left out"),
    "stale": msg("to be checked first, left out"),
    "unflipped": msg("no longer flip the teacher to their label, left out"),
}


def downloads(choice: ExportChoice, primary: bool) -> None:
    """The set in its three forms. primary: the zip is the page's primary action."""
    with st.container(horizontal=True):
        st.download_button(
            t("Download the data set (.zip)"),
            functools.partial(project.exports.bundle, choice=choice),
            "counterfactuals.zip",
            "application/zip",
            type="primary" if primary else "secondary",
            on_click="ignore",
            icon=":material/download:",
            key="bundle",
        )
        st.download_button(
            t("Only the pairs (.jsonl)"),
            functools.partial(project.exports.jsonl, choice),
            "counterfactuals.jsonl",
            "application/jsonl",
            on_click="ignore",
            icon=":material/download:",
            key="jsonl",
        )
        st.download_button(
            t("Two rows a pair (.tsv)"),
            functools.partial(project.exports.cad, choice),
            "cad_paired.tsv",
            "text/tab-separated-values",
            on_click="ignore",
            icon=":material/download:",
            key="cad",
        )
        if project.uploads.template():
            st.download_button(
                t("As columns again (.csv)"),
                project.exports.columns,
                "columns.csv",
                "text/csv",
                on_click="ignore",
                icon=":material/download:",
                key="columns",
            )
    st.caption(
        t(
            "The zip holds your accepted and edited pairs, the history of decisions and checksums. "
            "It opens in this app and, in Python, with datasets.load_dataset."
        )
    )


def inside(choice: ExportChoice) -> None:
    """The first records as they would leave."""
    st.subheader(t("What is inside"), anchor=False)
    records = project.exports.preview(5, choice)
    wide, narrow = st.column_config.TextColumn(width=320), st.column_config.TextColumn(width=130)
    layout.grid(
        [
            {
                t("original"): r.get("text"),
                t("label"): r.get("label"),
                t("counterfactual"): r.get("counterfactual_text"),
                t("new label"): r.get("counterfactual_label"),
            }
            for r in records
        ],
        row_height=40,
        column_config={t("original"): wide, t("counterfactual"): wide, t("label"): narrow, t("new label"): narrow},
    )
    if records:
        with st.expander(t("One full record"), icon=":material/code:"):
            st.json(records[0])


def report() -> None:
    """What the work added, and the results as one file, where there are some."""
    found = project.results.latest()
    if found is None:
        return
    if found.worth:
        fewer = t("The comparison trains on fewer texts than your student.") if summary.n_train > found.worth.pairs else ""
        st.html(f'<div class="cod-why">{escape(" ".join(filter(None, [t(found.worth.expert()), fewer])))}</div>')
    st.download_button(
        t("Download the report (.html)"),
        project.report.html,
        "report.html",
        "text/html",
        on_click="ignore",
        icon=":material/description:",
        key="report",
    )


layout.header("Export", "Take away the set you curated, and a small model that runs without this app.")
job = jobs_panel.panel(project, ("recheck", "take_home", "pack_student"))
busy = jobs_panel.running(job)
everything = project.exports.counts()
summary = state.summary(project)
steps = project.next.steps()
first = any(step.name == "export" for step in steps)  # the comparison is there, and no student was made of it yet
with errors.shown():
    first = take_home.section(project, job, busy, primary=first)
    report()
st.subheader(t("Your data set"), anchor=False)
if not everything["exported"] and not everything["stale"]:
    layout.empty("Nothing to export yet", "Pairs and students appear here once there are some.")
    whats_next.draw(project, goal.most_needed(steps), "export", busy, most=2)
elif not everything["exported"]:
    layout.counts([(everything["stale"], t(NAMES["stale"]))])
    recheck.needed(project, summary, busy, "export")
else:
    top = st.container()
    choice = export_options.choose(project)
    with top:
        counts = project.exports.counts(choice)
        layout.counts([(n, t(NAMES[k])) for k, n in counts.items() if k in NAMES and (n or k == "exported")])
        if counts["stale"]:
            recheck.needed(project, summary, busy, "export")
        downloads(choice, primary=not first)
        with errors.shown():
            export_options.personal(project, choice, counts["exported"])
    with errors.shown():
        export_options.card(project)
        other_tools.section(project, choice)
        compared.section(project, choice)
        hub_push.section(project, choice)
        inside(choice)
