"""Bringing ready counterfactuals in: a table with the original and the changed text side by side."""

import streamlit as st

from cod_core.counterfactuals.imported import PairColumns, guess_pair_columns
from cod_core.data.reading import Table
from cod_core.project.project import Project
from cod_core.project.proposals.proposals import ImportReport
from ui.data import upload
from ui.frame import errors, layout, state
from ui.frame.words import t


def counterfactuals(project: Project, primary: bool) -> None:
    """Ready counterfactuals from a table, matched to the project's texts."""
    st.caption(
        t(
            "A table with one column for the original text and one for the changed text. The originals must be "
            "texts of this project; the teacher checks every pair."
        )
    )
    bundle(project)
    given = upload.table_of("in-cf")
    if given is None:
        return
    table, digest, name = given
    upload.preview(table)
    if len(table.columns) < 2:
        errors.box("The table needs two columns: the original text and the changed text.", "warn")
        return
    guess = guess_pair_columns(table.columns)
    columns, ready = _below_each_other(guess, digest[:8]), True
    if columns is None:
        columns = _side_by_side(table, guess, digest[:8])
        ready = guess is not None or columns["original"] != columns["counterfactual"]
    if st.button(t("Add these counterfactuals"), type="primary" if primary else "secondary", disabled=not ready):
        with errors.shown(), st.spinner(t("The teacher checks every pair …")):
            outcome(project.proposals.import_counterfactuals(table, columns, name))


def _below_each_other(guess: PairColumns | None, key: str) -> dict[str, str] | None:
    """The columns of a table with two rows a pair, told from their names; None where it has one, or the person says so."""
    if guess is None or not guess.batch:
        return None
    if not st.toggle(t("Two rows a pair: the original and its changed text stand below each other"), True, key=f"cf-b-{key}"):
        return None
    st.text(t("Text: {text}, label: {label}, joined by: {batch}.", text=guess.original, label=guess.label or t("none"), batch=guess.batch))
    return {role: column for role, column in vars(guess).items() if column}


def _side_by_side(table: Table, guess: PairColumns | None, key: str) -> dict[str, str]:
    """The columns of a table with one row a pair, as the person picks them."""
    picked = {}
    roles = (("original", t("Original text"), "o"), ("counterfactual", t("Changed text"), "c"), ("label", t("New label (optional)"), "l"))
    for area, (role, title, short) in zip(st.columns(3), roles):
        with area:
            column = upload.column(title, table, getattr(guess, role, None), f"cf-{short}-{key}", optional=role == "label")
        if column is not None:
            picked[role] = column
    return picked


def bundle(project: Project) -> None:
    """The pairs of a set that this app exported, from another project or another machine."""
    with st.expander(t("A set exported from this app (.zip)")):
        file = st.file_uploader(t("The .zip file"), type=["zip"], key="in-cf-bundle")
        if file and st.button(t("Add its pairs"), key="in-cf-bundle-add"):
            with errors.shown(), st.spinner(t("The teacher checks every pair …")):
                outcome(project.proposals.import_pairs_of_bundle(file.getvalue(), file.name))


def outcome(done: ImportReport) -> None:
    """What an import came to; every row that could not be used is named."""
    state.mark_saved()
    errors.box(done.said, "ok")
    if done.problems:
        layout.problem_list(done.problems)
