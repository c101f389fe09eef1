"""The table of all texts: filters and sorts on the server, bulk acts on exactly the rows shown."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cod_core.curation.filters import Filter
from cod_core.project.curation.cards import Card
from cod_core.project.curation.review import BulkPlan
from cod_core.project.project import Project
from cod_core.said import msg
from cod_core.text import diff
from ui.curate import callbacks
from ui.curate import guideline as guide
from ui.frame import errors, layout, naming, people, state
from ui.frame.words import t
from ui.shared import pager, verdict, whats_next

SHOW = {
    "all": (msg("All"), ()),
    "todo": (msg("To do"), ("pending", "skipped")),
    "kept": (msg("Kept"), ("accepted", "edited")),
    "left": (msg("Rejected"), ("rejected",)),
    "flagged": (msg("Flagged"), ("needs_review",)),
}
ORDERS = {
    "upload": msg("As uploaded"),
    "newest": msg("Decided last"),
    "boundary": msg("Nearest the line"),
    "edit": msg("Smallest edit"),
    "similar": msg("Most similar"),
    "label": msg("By label"),
    "status": msg("By decision"),
    "length": msg("Shortest first"),
}
SOURCES = {"search": msg("Search"), "llm": msg("Language model"), "human": msg("Written by a person"), "import": msg("Imported")}
SECOND = {"open": msg("Open"), "agreed": msg("Both agree"), "differ": msg("They differ"), "settled": msg("Settled")}
OFFERS = {
    ("accepted", True): msg("Accept the {n} ticked …"),
    ("rejected", True): msg("Reject the {n} ticked …"),
    ("needs_review", True): msg("Flag the {n} ticked …"),
    ("accepted", False): msg("Accept the {n} shown …"),
    ("rejected", False): msg("Reject the {n} shown …"),
    ("needs_review", False): msg("Flag the {n} shown …"),
}
ASKS = {"accepted": msg("Accept {texts}?"), "rejected": msg("Reject {texts}?"), "needs_review": msg("Flag {texts}?")}
GOES = {"accepted": msg("Accept these {n}"), "rejected": msg("Reject these {n}"), "needs_review": msg("Flag these {n}")}
DONE = {
    "accepted": msg("{texts} accepted. “Undo my last act” takes it back in one step."),
    "rejected": msg("{texts} rejected. “Undo my last act” takes it back in one step."),
    "needs_review": msg("{texts} flagged for a second opinion. “Undo my last act” takes it back in one step."),
}
SIZES = (25, 50, 100, 250)
T = TypeVar("T")
_BULK, _PAGE = "bulk-plan", "table-page"


def section(project: Project) -> None:
    """Filters, the page of rows, what can be done with them."""
    me = state.annotator()
    if not project.pairs.snapshot().by_example:
        layout.empty("Nothing to review yet", "Texts appear here once counterfactuals are proposed for them.")
        whats_next.draw(project, project.next.steps(), "review", most=1)
        return
    wanted, order, size = _filters(project)
    shown = project.review.table(me, wanted, order, page=st.session_state.get(_PAGE, 0), size=size)
    if not shown.total:
        errors.box("No text passes these filters. Take one of them off.", "info")
        return
    pager.draw(t("Rows"), len(shown.cards), shown.total, shown.page, size, "page", _turn)
    picked = _rows(shown.cards)
    acting = [shown.cards[i].example.id for i in picked] or [c.example.id for c in shown.cards]
    _acts(project.id, acting, bool(picked))
    if _BULK in st.session_state:
        _preview(project, me, acting)


@errors.callback
def first_page() -> None:
    """Another filter starts at its first page, with no act waiting."""
    st.session_state[_PAGE] = 0
    st.session_state.pop(_BULK, None)


def _filters(project: Project) -> tuple[Filter, str, int]:
    left, middle, right = st.columns([2.1, 1.4, 1])
    with left:
        show = st.segmented_control(
            t("Show"), list(SHOW), default="all", required=True, key="table-show", format_func=lambda s: t(SHOW[s][0]), on_change=first_page
        )
    text = middle.text_input(t("Search in both texts"), key="table-text", max_chars=200, on_change=first_page)
    order = right.selectbox(t("Order"), list(ORDERS), format_func=layout.words(ORDERS), key="table-order", on_change=first_page)
    with st.expander(t("More filters"), icon=":material/filter_alt:"):
        more, size = _more(project)
    return replace(more, status=SHOW[show or "all"][1], text=text or ""), order, size


def _pick(column: DeltaGenerator, label: str, options: Sequence[T], words: Callable[[T], str], key: str) -> T | None:
    """One of the options, None for any."""
    picked = column.selectbox(
        label,
        range(len(options) + 1),
        format_func=lambda i: t("Any") if i == 0 else words(options[i - 1]),
        key=f"table-{key}",
        on_change=first_page,
    )
    return options[picked - 1] if picked else None


def _more(project: Project) -> tuple[Filter, int]:
    """What is asked for less often; and the rows of a page."""
    task = project.row.task
    reasons = guide.reason_words(project.guideline.current())
    one, two, three, four = st.columns(4)
    chosen = Filter(
        label=_pick(one, t("Label of the text"), task.labels, layout.plain, "label"),
        target=_pick(two, t("Label aimed at"), task.labels, layout.plain, "target"),
        source=_pick(three, t("Where it comes from"), list(SOURCES), layout.words(SOURCES), "source"),
        flips=_pick(four, t("The teacher"), [True, False], layout.words({True: msg("flips"), False: msg("does not flip")}), "flips"),
        reason=_pick(one, t("Reason of rejection"), list(reasons), layout.words(reasons), "reason"),
        annotator=_pick(two, t("Decided by"), project.audit.deciders(), layout.plain, "by"),
        second=_pick(three, t("Second opinion"), list(SECOND), layout.words(SECOND), "second"),
    )
    size = four.selectbox(t("Rows a page"), SIZES, index=1, key="table-size", on_change=first_page)
    differs = one.checkbox(t("Teacher and label differ on the original"), key="table-disagrees", on_change=first_page)
    old = two.checkbox(t("Decided under an older guideline"), key="table-old", on_change=first_page)
    return replace(chosen, disagrees=differs, before_guideline=task.guideline_version if old else chosen.before_guideline), size


@errors.callback
def _turn(page: int) -> None:
    st.session_state[_PAGE] = page
    st.session_state.pop(_BULK, None)


def _rows(cards: list[Card]) -> list[int]:
    """The table; positions of the ticked rows. Its key changes with its rows, so a tick never moves to another."""
    digest = hashlib.sha256("".join(c.example.id for c in cards).encode()).hexdigest()[:12]
    wide, narrow = st.column_config.TextColumn(width=280), st.column_config.TextColumn(width=95)
    event = st.dataframe(
        [_row(c) for c in cards],
        hide_index=True,
        row_height=38,
        height=min(560, 38 * (len(cards) + 1) + 3),
        on_select="rerun",
        selection_mode="multi-row",
        key=f"table-{digest}",
        column_config={
            t("change"): st.column_config.TextColumn(width=200),
            t("original"): wide,
            t("proposal"): wide,
            t("label"): narrow,
            t("aimed at"): narrow,
            t("by"): narrow,
        },
    )
    return [i for i in event.selection.rows if i < len(cards)]


def _row(card: Card) -> dict[str, Any]:
    check, decision = card.check, card.decision
    return {
        t("decision"): t(callbacks.STATUS_WORDS[decision.status] if decision else SHOW["todo"][0]),
        t("change"): _change(card.example.text, card.offered.text),
        t("original"): card.example.text,
        t("proposal"): card.offered.text,
        t("label"): card.example.label or "",
        t("aimed at"): card.offered.target,
        t("teacher"): "" if check is None else verdict.percent(check.after.prob(check.target)),
        t("changed"): "" if check is None else f"{round(check.edit_fraction * 100)} %",
        t("by"): decision.annotator if decision else "",
        t("second opinion"): t(SECOND.get(card.second, "")),
    }


def _change(original: str, proposal: str) -> str:
    """'delight → bore; − not': what differs, short enough for a cell."""
    parts = []
    for edit in diff(original, proposal):
        sign = "→" if edit.a_text and edit.b_text else "−" if edit.a_text else "+"
        parts.append(f"{edit.a_text} → {edit.b_text}" if sign == "→" else f"{sign} {edit.a_text or edit.b_text}")
    return "; ".join(parts)[:200]


def _acts(pid: str, ids: list[str], ticked: bool) -> None:
    if not people.allowed("bulk"):
        st.caption(t("Bulk decisions need the role reviewer or owner."))
    with st.container(horizontal=True, gap="small"):
        for status in GOES:
            st.button(
                t(OFFERS[status, ticked], n=len(ids)),
                key=f"bulk-{status}",
                on_click=_start,
                args=(status,),
                disabled=not people.allowed("bulk"),
            )
        st.button(t("Undo my last act"), key="bulk-undo", on_click=undo, args=(pid,), type="tertiary")
        if ticked and len(ids) == 1:
            st.button(t("Open on the page Curate"), key="open-one", on_click=_open, args=(ids[0],), type="tertiary")
    if st.session_state.pop("open-curate", False):
        layout.go("curate")


@errors.callback
def _open(example_id: str) -> None:
    state.show_item(example_id)
    st.session_state["open-curate"] = True


@errors.callback
def _start(status: str) -> None:
    st.session_state[_BULK] = status


@errors.callback
def cancel() -> None:
    """Put the waiting act away."""
    st.session_state.pop(_BULK, None)


def _preview(project: Project, me: str, ids: list[str]) -> None:
    """What the act would do, before it does it."""
    status = st.session_state[_BULK]
    plan = project.review.plan_bulk(me, ids, status)
    with st.container(border=True):
        n = len(plan.cards)
        st.html(f'<p class="cod-say">{escape(t(ASKS[status], texts=layout.several(n, "text")))}</p>')
        left = [t("{n} left alone: {why}.", n=k, why=why) for why, k in plan.left_out.items()]
        if plan.decided:
            left.append(t("{n} of them carry another decision now, which stays in the history.", n=plan.decided))
        if left:
            st.caption(" ".join(left))
        if n:
            layout.grid([{t("original"): c.example.text, t("proposal"): c.offered.text} for c in plan.cards[:5]])
            if n > 5:
                st.caption(t("… and {n} more.", n=n - 5))
        reason = None
        if status == "rejected" and n:
            words = guide.reason_words(project.guideline.current())
            reason = st.pills(t("Why? (optional)"), list(words), format_func=layout.words(words), key="bulk-reason")
        with st.container(horizontal=True, gap="small"):
            st.button(
                t(GOES[status], n=n),
                type="primary",
                key="bulk-go",
                disabled=not n,
                on_click=_do,
                args=(project.id, plan, (reason,) if reason else ()),
            )
            st.button(t("Cancel"), key="bulk-cancel", on_click=cancel)


@naming.signed
@errors.callback
def _do(pid: str, plan: BulkPlan, reasons: tuple[str, ...]) -> None:
    st.session_state.pop(_BULK, None)
    n = state.workspace().project(pid).review.do_bulk(plan, state.annotator(), reasons)
    state.mark_saved()
    state.notice(t(DONE[plan.status], texts=layout.several(n, "text")))


@errors.callback
def undo(pid: str) -> None:
    """Take back this person's last act, a bulk act as a whole."""
    undone = state.workspace().project(pid).curation.undo(state.annotator())
    state.notice(
        t("There is nothing of yours left to undo.") if undone is None else t("Your last act was taken back."),
        "info" if undone is None else "ok",
    )
    if undone is not None:
        state.mark_saved()
