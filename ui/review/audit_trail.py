"""The audit trail on screen: who did what, when; filtered, exported, replayed."""

import functools
from html import escape
from typing import Any

import streamlit as st

from cod_core.project.project import Project
from cod_core.said import Said, msg
from cod_core.types import STATUSES
from ui.curate import callbacks
from ui.frame import errors, layout, state
from ui.frame.words import t

PURPOSE = {"": "", "request": msg("asks for a second opinion"), "opinion": msg("second opinion"), "adjudication": msg("settles")}
SIZE = 50
ANY = msg("Any")


def section(project: Project) -> None:
    """Filters, the page of acts, downloads, the proof by replay."""
    me = state.annotator()
    one, two, three, four = st.columns([1, 1, 1.6, 0.7])
    names = project.audit.deciders()
    by = one.selectbox(
        t("By"), range(len(names) + 1), format_func=lambda i: t("Anybody") if not i else layout.plain(names[i - 1]), key="h-by"
    )
    status = two.selectbox(
        t("Act"), ["", *STATUSES], format_func=lambda s: t(callbacks.STATUS_WORDS.get(s, ANY) if s else ANY), key="h-status"
    )
    text = three.text_input(t("Search in both texts"), key="h-text", max_chars=200)
    page = int(four.number_input(t("Page"), 1, 10_000, 1, key="h-page")) - 1
    trail = project.audit.page(me, names[by - 1] if by else None, status or None, text, page=page, size=SIZE)
    if not trail.total:
        errors.box("No act passes these filters." if by or status or text else "Nothing was decided yet.", "info")
        return
    st.html(
        '<div class="cod-why" role="status">'
        + escape(
            t(
                "{acts}, page {page} of {pages}, newest first",
                acts=layout.several(trail.total, "act"),
                page=min(page + 1, trail.pages),
                pages=trail.pages,
            )
        )
        + "</div>"
    )
    if trail.hidden:
        st.caption(
            t(
                Said(
                    "{n:,} act of others is not shown yet: you are asked for an opinion on the same texts.",
                    {"n": trail.hidden},
                    "{n:,} acts of others are not shown yet: you are asked for an opinion on the same texts.",
                )
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
    act = t("Undo") if row["undoes"] else t(callbacks.STATUS_WORDS[row["status"]])
    return {
        t("no."): row["seq"],
        t("when (UTC)"): (row["decided_at"] or "").replace("T", " ").rstrip("Z"),
        t("by"): row["annotator"],
        t("act"): " · ".join(filter(None, [act, t(PURPOSE[row["purpose"]]), t("of {act}", act=row["undoes"]) if row["undoes"] else ""])),
        t("original"): row["original"],
        t("proposal"): row["counterfactual"],
        t("why"): ", ".join(t(callbacks.REASONS[r]) for r in row["reasons"]) or row["override_reason"] or row["comment"],
        t("guideline"): row["guideline_version"],
    }


@errors.callback
def _replay(pid: str) -> None:
    n, same = state.workspace().project(pid).audit.replayed()
    if same:
        state.notice(t("All {n} acts were replayed from nothing: they give exactly the present state.", n=n))
    else:
        state.notice(t("{n} acts were replayed and do not give the present state. Please report this.", n=n), "error")
