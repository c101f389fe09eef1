"""The audit trail on screen: who did what, when; filtered, exported, replayed."""

import functools
from typing import Any

import streamlit as st

from cod_core.project.project import Project
from cod_core.types import STATUSES
from ui.curate import callbacks
from ui.frame import errors, layout, state
from ui.frame.words import t

PURPOSE = {"": "", "request": "asks for a second opinion", "opinion": "second opinion", "adjudication": "settles"}
SIZE = 50


def section(project: Project) -> None:
    """Filters, the page of acts, downloads, the proof by replay."""
    me = state.annotator()
    one, two, three, four = st.columns([1, 1, 1.6, 0.7])
    names = project.audit.deciders()
    by = one.selectbox(t("By"), range(len(names) + 1), format_func=lambda i: "Anybody" if not i else layout.plain(names[i - 1]), key="h-by")
    status = two.selectbox(
        t("Act"), ["", *STATUSES], format_func=lambda s: callbacks.STATUS_WORDS.get(s, "Any") if s else "Any", key="h-status"
    )
    text = three.text_input(t("Search in both texts"), key="h-text", max_chars=200)
    page = int(four.number_input(t("Page"), 1, 10_000, 1, key="h-page")) - 1
    trail = project.audit.page(me, names[by - 1] if by else None, status or None, text, page=page, size=SIZE)
    if not trail.total:
        errors.box("No act passes these filters." if by or status or text else "Nothing was decided yet.", "info")
        return
    st.html(
        f'<div class="cod-why" role="status">{layout.several(trail.total, "act")}, page {min(page + 1, trail.pages)} of {trail.pages}, '
        f"newest first</div>"
    )
    if trail.hidden:
        st.caption(
            t(
                "{acts} of others {value} not shown yet: you are asked for an opinion on the same texts.",
                acts=layout.several(trail.hidden, "act"),
                value="is" if trail.hidden == 1 else "are",
            )
        )
    layout.grid([_row(r) for r in trail.rows], row_height=38)
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            t("Download as a table (.csv)"), functools.partial(project.audit.csv, me), "history.csv", "text/csv",
            on_click="ignore", icon=":material/download:", key="h-csv",
        )  # fmt: skip
        st.download_button(
            t("Download everything (.jsonl)"), functools.partial(project.audit.jsonl, me), "history.jsonl",
            "application/jsonl", on_click="ignore", icon=":material/download:", key="h-jsonl",
        )  # fmt: skip
        st.button(t("Check: replay it from nothing"), key="h-replay", on_click=_replay, args=(project.id,), type="tertiary")


def _row(row: dict[str, Any]) -> dict[str, Any]:
    act = "Undo" if row["undoes"] else callbacks.STATUS_WORDS[row["status"]]
    return {
        "no.": row["seq"],
        "when (UTC)": (row["decided_at"] or "").replace("T", " ").rstrip("Z"),
        "by": row["annotator"],
        "act": " · ".join(filter(None, [act, PURPOSE[row["purpose"]], f"of {row['undoes']}" if row["undoes"] else ""])),
        "original": row["original"],
        "proposal": row["counterfactual"],
        "why": ", ".join(callbacks.REASONS[r] for r in row["reasons"]) or row["override_reason"] or row["comment"],
        "guideline": row["guideline_version"],
    }


@errors.callback
def _replay(pid: str) -> None:
    n, same = state.workspace().project(pid).audit.replayed()
    if same:
        state.notice(t("All {n} acts were replayed from nothing: they give exactly the present state.", n=n))
    else:
        state.notice(t("{n} acts were replayed and do not give the present state. Please report this.", n=n), "error")
