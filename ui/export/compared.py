"""What changed since an earlier export, on the Export page: a file, the counts, and the pairs side by side."""

import streamlit as st

from cod_core.export.changes import PARTS, Changes, Pair
from cod_core.export.choice import ExportChoice
from cod_core.export.forms import FORMS
from cod_core.project.project import Project
from cod_core.said import msg
from ui.frame import errors, layout
from ui.frame.words import t

ENDINGS = sorted({form.ending for form in FORMS})
WIDTHS = {msg("what"): 110, msg("original"): 250, msg("label"): 90, msg("counterfactual"): 250, msg("new label"): 90, msg("flips"): 75}
SHOWN = 200
"""So many pairs are listed."""


def section(project: Project, choice: ExportChoice) -> None:
    """An option, folded away."""
    with st.expander(t("Compare with an earlier export"), icon=":material/compare_arrows:"):
        file = st.file_uploader(t("A file from this page, in any form"), type=ENDINGS, key="x-earlier")
        if not file:
            return
        with errors.shown(), st.spinner(t("Comparing …")):
            found = project.exports.since(file.name, file.getvalue(), choice)
            errors.box(found.said, "info")
            if rows := rows_of(found):
                layout.grid(
                    rows[:SHOWN], column_config={t(name): st.column_config.TextColumn(width=width) for name, width in WIDTHS.items()}
                )
            if len(rows) > SHOWN:
                st.caption(
                    t("The first {shown} of {rows:,}. The command compare-exports with --json lists them all.", shown=SHOWN, rows=len(rows))
                )


def rows_of(found: Changes) -> list[dict[str, str]]:
    """A row for each pair that is not the same."""
    rows = [{t("what"): t("added"), **_cells(pair)} for pair in found.added]
    rows += [{t("what"): t("lost"), **_cells(pair)} for pair in found.lost]
    for change in found.changed:
        rows.append({t("what"): t("changed: {parts}", parts=", ".join(t(PARTS[part]) for part in change.parts)), **_cells(change.after)})
        rows.append({t("what"): t("it was"), **_cells(change.before)})
    return rows


def _cells(pair: Pair) -> dict[str, str]:
    return {
        t("original"): pair.text,
        t("label"): pair.label,
        t("counterfactual"): pair.counterfactual,
        t("new label"): pair.counterfactual_label,
        t("flips"): pair.flips,
    }
