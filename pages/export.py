"""Export: take the curated set and the student away."""

import functools

import streamlit as st

from cod_core.export.choice import ExportChoice
from ui.distill import students
from ui.export import export_options, hub_push
from ui.frame import errors, layout, state
from ui.shared import jobs_panel, recheck

layout.through_app()

project = layout.need_project()
row = project.row
NAMES = {
    "exported": "pairs to take away",
    "rejected": "rejected",
    "other": "flagged or skipped, left out",
    "stale": "to be checked first, left out",
    "unflipped": "no longer flip the teacher to their label, left out",
}


def downloads(choice: ExportChoice) -> None:
    """The set in its three forms; the zip is the page's primary action."""
    with st.container(horizontal=True):
        st.download_button(
            "Download the data set (.zip)",
            functools.partial(project.exports.bundle, choice=choice),
            "counterfactuals.zip",
            "application/zip",
            type="primary",
            on_click="ignore",
            icon=":material/download:",
            key="bundle",
        )
        st.download_button(
            "Only the pairs (.jsonl)",
            functools.partial(project.exports.jsonl, choice),
            "counterfactuals.jsonl",
            "application/jsonl",
            on_click="ignore",
            icon=":material/download:",
            key="jsonl",
        )
        st.download_button(
            "Two rows a pair (.tsv)",
            functools.partial(project.exports.cad, choice),
            "cad_paired.tsv",
            "text/tab-separated-values",
            on_click="ignore",
            icon=":material/download:",
            key="cad",
        )
        if project.uploads.template():
            st.download_button(
                "As columns again (.csv)",
                project.exports.columns,
                "columns.csv",
                "text/csv",
                on_click="ignore",
                icon=":material/download:",
                key="columns",
            )
    st.caption(
        "The zip opens with datasets.load_dataset and in this app; it holds accepted and edited pairs only, with "
        "the history of decisions and checksums."
    )


def inside(choice: ExportChoice) -> None:
    """The first records as they would leave."""
    st.subheader("What is inside", anchor=False)
    records = project.exports.preview(5, choice)
    wide, narrow = st.column_config.TextColumn(width=360), st.column_config.TextColumn(width=95)
    layout.grid(
        [
            {
                "original": r.get("text"),
                "label": r.get("label"),
                "counterfactual": r.get("counterfactual_text"),
                "new label": r.get("counterfactual_label"),
            }
            for r in records
        ],
        row_height=40,
        column_config={"original": wide, "counterfactual": wide, "label": narrow, "new label": narrow},
    )
    if records:
        with st.expander("One full record", icon=":material/code:"):
            st.json(records[0])


def student() -> None:
    """The distilled student, and the report where there is one."""
    st.subheader("The student", anchor=False)
    results = project.results.latest()
    if results is None or not results.runs:
        st.caption("Distil a student first; then it can be taken away here.")
        return
    st.caption("A folder with the model's weights and a short README that shows how to load it in a few lines.")
    if project.store.kept():
        st.caption(f"{students.described(project.package.chosen())}.")
    with st.container(horizontal=True):
        st.download_button(
            "Download the student (.zip)",
            project.package.student,
            "student.zip",
            "application/zip",
            on_click="ignore",
            icon=":material/download:",
            key="student",
        )
        st.download_button(
            "Download the report (.html)",
            project.report.html,
            "report.html",
            "text/html",
            on_click="ignore",
            icon=":material/description:",
            key="report",
        )


layout.header("Export", "Take away the set you curated, and a small model that runs without this app.")
busy = jobs_panel.running(jobs_panel.panel(project, ("recheck",)))
everything = project.exports.counts()
summary = state.summary(project)
if not everything["exported"] and not everything["stale"]:
    layout.empty(
        "Nothing to export yet",
        "Accept a few counterfactuals first.",
        "curate" if summary.n_proposed_texts else "proposals",
        "Go to Curate" if summary.n_proposed_texts else "Propose counterfactuals",
    )
elif not everything["exported"]:
    layout.counts([(everything["stale"], NAMES["stale"])])
    recheck.needed(project, summary, busy, "export")
else:
    top = st.container()
    choice = export_options.choose(project)
    with top:
        counts = project.exports.counts(choice)
        layout.counts([(n, NAMES[k]) for k, n in counts.items() if k in NAMES and (n or k == "exported")])
        if counts["stale"]:
            recheck.needed(project, summary, busy, "export")
        downloads(choice)
        with errors.shown():
            export_options.personal(project, choice, counts["exported"])
    with errors.shown():
        export_options.card(project)
        hub_push.section(project, choice)
        inside(choice)
    with errors.shown():
        student()
