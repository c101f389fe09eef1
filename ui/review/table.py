"""The table of all texts: filters and sorts on the server, bulk acts on exactly the rows shown."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cod_core.curation.filters import Filter
from cod_core.project.curation.cards import Card
from cod_core.project.curation.review import BulkPlan
from cod_core.project.project import Project
from cod_core.text import diff
from ui.curate import callbacks
from ui.curate import guideline as guide
from ui.frame import errors, layout, naming, people, state
from ui.frame.words import t
from ui.shared import pager, verdict, whats_next

SHOW = {
    "all": ("All", ()),
    "todo": ("To do", ("pending", "skipped")),
    "kept": ("Kept", ("accepted", "edited")),
    "left": ("Rejected", ("rejected",)),
    "flagged": ("Flagged", ("needs_review",)),
}
ORDERS = {
    "upload": "As uploaded",
    "newest": "Decided last",
    "boundary": "Nearest the line",
    "edit": "Smallest edit",
    "similar": "Most similar",
    "label": "By label",
    "status": "By decision",
    "length": "Shortest first",
}
SOURCES = {"search": "Search", "llm": "Language model", "human": "Written by a person", "import": "Imported"}
SECOND = {"open": "Open", "agreed": "Both agree", "differ": "They differ", "settled": "Settled"}
VERBS = {"accepted": "Accept", "rejected": "Reject", "needs_review": "Flag"}
DONE = {"accepted": "accepted", "rejected": "rejected", "needs_review": "flagged for a second opinion"}
SIZES = (25, 50, 100, 250)
T = TypeVar("T")
_BULK, _PAGE = "bulk-plan", "table-page"


def section(project: Project) -> None:
    """Filters, the page of rows, what can be done with them."""
    me = state.annotator()
    if not project.cards.all(annotator=me):
        layout.empty("Nothing to review yet", "Texts appear here once counterfactuals are proposed for them.")
        whats_next.draw(project, project.next.steps(), "review", most=1)
        return
    wanted, order, size = _filters(project)
    shown = project.review.table(me, wanted, order, page=st.session_state.get(_PAGE, 0), size=size)
    if not shown.total:
        errors.box("No text passes these filters. Take one of them off.", "info")
        return
    pager.draw("Rows", len(shown.cards), shown.total, shown.page, size, "page", _turn)
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
            t("Show"), list(SHOW), default="all", required=True, key="table-show", format_func=lambda s: SHOW[s][0], on_change=first_page
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
        format_func=lambda i: "Any" if i == 0 else words(options[i - 1]),
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
        label=_pick(one, "Label of the text", task.labels, layout.plain, "label"),
        target=_pick(two, "Label aimed at", task.labels, layout.plain, "target"),
        source=_pick(three, "Where it comes from", list(SOURCES), layout.words(SOURCES), "source"),
        flips=_pick(four, "The teacher", [True, False], layout.words({True: "flips", False: "does not flip"}), "flips"),
        reason=_pick(one, "Reason of rejection", list(reasons), layout.words(reasons), "reason"),
        annotator=_pick(two, "Decided by", project.audit.deciders(), layout.plain, "by"),
        second=_pick(three, "Second opinion", list(SECOND), layout.words(SECOND), "second"),
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
            "change": st.column_config.TextColumn(width=200),
            "original": wide,
            "proposal": wide,
            "label": narrow,
            "aimed at": narrow,
            "by": narrow,
        },
    )
    return [i for i in event.selection.rows if i < len(cards)]


def _row(card: Card) -> dict[str, Any]:
    check, decision = card.check, card.decision
    return {
        "decision": callbacks.STATUS_WORDS[decision.status] if decision else "To do",
        "change": _change(card.example.text, card.offered.text),
        "original": card.example.text,
        "proposal": card.offered.text,
        "label": card.example.label or "",
        "aimed at": card.offered.target,
        "teacher": "" if check is None else verdict.percent(check.after.prob(check.target)),
        "changed": "" if check is None else f"{round(check.edit_fraction * 100)} %",
        "by": decision.annotator if decision else "",
        "second opinion": SECOND.get(card.second, ""),
    }


def _change(original: str, proposal: str) -> str:
    """'delight → bore; − not': what differs, short enough for a cell."""
    parts = []
    for edit in diff(original, proposal):
        sign = "→" if edit.a_text and edit.b_text else "−" if edit.a_text else "+"
        parts.append(f"{edit.a_text} → {edit.b_text}" if sign == "→" else f"{sign} {edit.a_text or edit.b_text}")
    return "; ".join(parts)[:200]


def _acts(pid: str, ids: list[str], ticked: bool) -> None:
    which = "ticked" if ticked else "shown"
    if not people.allowed("bulk"):
        st.caption(t("Bulk decisions need the role reviewer or owner."))
    with st.container(horizontal=True, gap="small"):
        for status, verb in VERBS.items():
            st.button(
                t("{verb} the {ids} {which} …", verb=verb, ids=len(ids), which=which),
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
        st.html(f'<p class="cod-say">{VERBS[status]} {layout.several(n, "text")}?</p>')
        left = [f"{k} left alone: {why}." for why, k in plan.left_out.items()]
        if plan.decided:
            left.append(f"{plan.decided} of them carry another decision now, which stays in the history.")
        if left:
            st.caption(" ".join(left))
        if n:
            layout.grid([{"original": c.example.text, "proposal": c.offered.text} for c in plan.cards[:5]])
            if n > 5:
                st.caption(t("… and {value} more.", value=n - 5))
        reason = None
        if status == "rejected" and n:
            words = guide.reason_words(project.guideline.current())
            reason = st.pills(t("Why? (optional)"), list(words), format_func=layout.words(words), key="bulk-reason")
        with st.container(horizontal=True, gap="small"):
            st.button(
                t("{VERBS} these {n}", VERBS=VERBS[status], n=n),
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
    state.notice(
        t("{texts} {DONE}. “Undo my last act” takes it back in one step.", texts=layout.several(n, "text"), DONE=DONE[plan.status])
    )


@errors.callback
def undo(pid: str) -> None:
    """Take back this person's last act, a bulk act as a whole."""
    undone = state.workspace().project(pid).curation.undo(state.annotator())
    state.notice(
        "There is nothing of yours left to undo." if undone is None else "Your last act was taken back.", "info" if undone is None else "ok"
    )
    if undone is not None:
        state.mark_saved()
