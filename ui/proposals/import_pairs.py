"""Bringing ready counterfactuals in: a table with the original and the changed text side by side."""

from typing import Any

import streamlit as st

from cod_core.counterfactuals.imported import PairColumns, guess_pair_columns
from cod_core.data.reading import Table
from cod_core.project.proposals.proposals import ImportReport
from ui.data import upload
from ui.frame import errors, layout, state


def counterfactuals(w: Any, pid: str, primary: bool) -> None:
    """Ready counterfactuals from a table, matched to the project's texts."""
    st.caption(
        "A table with one column for the original text and one for the changed text. The originals must be "
        "texts of this project; the teacher checks every pair."
    )
    bundle(w, pid)
    found = upload.table_of("in-cf")
    if found is None:
        return
    table, digest, name = found
    upload.preview(table)
    if len(table.columns) < 2:
        errors.box("The table needs two columns: the original text and the changed text.", "warn")
        return
    guess = guess_pair_columns(table.columns)
    columns = _columns(table, guess, digest[:8])
    unclear = guess is None and columns.get("original") == columns.get("counterfactual")
    if st.button("Add these counterfactuals", type="primary" if primary else "secondary", disabled=unclear):
        with errors.shown(), st.spinner("The teacher checks every pair …"):
            outcome(w.project(pid).proposals.import_counterfactuals(table, columns, name))


def _columns(table: Table, guess: PairColumns | None, file: str) -> dict[str, str]:
    """What PairColumns is made of. guess: from the columns' names. file: keeps the widgets of two files apart."""
    if (
        guess is not None
        and guess.batch
        and st.toggle("Two rows a pair: the original and its changed text stand below each other", True, key=f"cf-b-{file}")
    ):
        st.text(f"Text: {guess.original}, label: {guess.label or 'none'}, joined by: {guess.batch}.")
        return {name: column for name, column in vars(guess).items() if column}
    original, changed, label = (guess.original, guess.counterfactual, guess.label) if guess else (None, None, None)
    left, middle, right = st.columns(3)
    with left:
        original = upload.column("Original text", table, original, f"cf-o-{file}")
    with middle:
        changed = upload.column("Changed text", table, changed, f"cf-c-{file}")
    with right:
        label = upload.column("New label (optional)", table, label, f"cf-l-{file}", optional=True)
    chosen = {"original": original, "counterfactual": changed, "label": label}
    return {name: column for name, column in chosen.items() if column}


def bundle(w: Any, pid: str) -> None:
    """The pairs of a set that this app exported, from another project or another machine."""
    with st.expander("A set exported from this app (.zip)"):
        file = st.file_uploader("The .zip file", type=["zip"], key="in-cf-bundle")
        if file and st.button("Add its pairs", key="in-cf-bundle-add"):
            with errors.shown(), st.spinner("The teacher checks every pair …"):
                outcome(w.project(pid).proposals.import_pairs_of_bundle(file.getvalue(), file.name))


def outcome(done: ImportReport) -> None:
    """What an import came to; every row that could not be used is named."""
    state.mark_saved()
    errors.box(f"{done.added} counterfactuals added; {done.flipped} of them flip the teacher.", "ok")
    if done.problems:
        layout.problem_list(done.problems)
