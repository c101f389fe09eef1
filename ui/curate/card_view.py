"""The card of one text: original, proposal, what changes, the verdict, the decisions.

The whole card is one fragment, so that a key stroke in the editor draws the card anew and nothing else. What stands
in the box is judged first; everything on the card is then drawn from that one verdict.
"""

from html import escape

import streamlit as st

from cod_core.curation.view import belongs, place
from cod_core.errors import CodError
from cod_core.project.curation.cards import Card, Queue
from cod_core.project.project import Project
from cod_core.types import Counterfactual, FlipCheck
from ui.curate import alternatives, callbacks, decision_buttons, editor, more_proposals, side_panels
from ui.curate.alternatives import Offer
from ui.curate.callbacks import Shown
from ui.curate.shortcuts import letter
from ui.frame import errors, layout, people, state
from ui.frame.words import t
from ui.shared import text_diff, verdict
from ui.teacher import generative_teacher


def current(project: Project, queue: Queue) -> str | None:
    """The text to show: the one of the address, else the next in the list; passed over where somebody else has it."""
    asked = state.item_id() if any(row.example_id == state.item_id() for row in queue.narrowed) else None
    listed = [r.example_id for r in queue.rows if r.status != "skipped"]
    listed += [r.example_id for r in queue.rows if r.status == "skipped"]
    start = listed.index(asked) if asked in listed else 0
    wanted = ([asked] if asked else []) + listed[start:] + listed[:start]
    got = people.claim(project, wanted)
    by_itself = callbacks.take_advanced()
    if asked and got and got != asked and not by_itself:
        state.notice("Somebody else has that text on the screen just now; here is the next one.", "info")
    return got


def undo_button(pid: str) -> None:
    """Undo where there is no card."""
    decision_buttons.act(t("Undo"), "undo", letter("undo"), callbacks.undo, (pid,))


def draw(pid: str, example_id: str, queue: Queue) -> None:
    """The card of one text of the queue."""
    show = queue.view.show
    listed = [r for r in queue.narrowed if belongs(r, show) or r.example_id == example_id]
    ids = [r.example_id for r in listed]
    row = next(r for r in listed if r.example_id == example_id)
    _card(
        pid,
        example_id,
        place(row, queue.rows, queue.view),
        callbacks.neighbour(ids, example_id, -1),
        callbacks.neighbour(ids, example_id, 1),
    )
    people.renew_claim(pid, example_id)


@st.fragment
def _card(pid: str, example_id: str, where: str, before: str | None, after: str | None) -> None:
    if callbacks.take_moved():
        st.rerun()
    if waiting := state.take_notice():
        errors.box(*waiting)
    with errors.shown():
        project = state.workspace().project(pid)
        card = project.cards.one(example_id, state.annotator())
        choice, options = alternatives.chosen(project, card, state.annotator())
        cf, check = options.get(choice, (card.offered, None))
        base_id, base_text = (None, card.example.text) if choice == callbacks.OWN else (cf.id, cf.text)
        text = callbacks.standing_text(project, example_id, base_id, base_text)
        target = callbacks.aim_of(example_id, cf.target)
        status, as_proposed = callbacks.status(card), target == cf.target
        shown = Shown(pid, example_id, base_id, base_text, text, target, status, before, after, card.version, as_proposed, card.bare)
        _draw(project, card, shown, choice, options, (cf, check), where)


def _draw(project: Project, card: Card, shown: Shown, choice: str, options: dict[str, Offer], offer: Offer, where: str) -> None:
    cf, check = offer
    _why(card, where)
    alternatives.picker(card, choice, options, shown.target, project.row.task.labels)
    problem = ""
    if shown.edited or shown.base_id is None or not shown.as_proposed:
        check, problem = _judge(project, shown)
    left, right = st.container(key="card").columns([1.9, 1], gap="medium")
    read = _read(project, card.example.text, check)
    with left:
        _texts(project, card, shown, cf, read, check, problem)
    with right:
        _verdict(project, shown, check, problem)
    decision_buttons.buttons(shown, None if check is None and not problem else check is not None and check.valid)
    side_panels.row(shown)
    side_panels.below(project, card, shown, cf, check)


def _judge(project: Project, shown: Shown) -> tuple[FlipCheck | None, str]:
    """(verdict on what stands in the box, what is wrong with it); neither where asking would cost money or seconds."""
    try:
        if project.teacher.answers_at_once():
            return project.curation.live_verdict(shown.example_id, shown.text, shown.target), ""
        asked: dict[tuple[str, str], FlipCheck] = st.session_state.get("asked") or {}
        answer = asked.get((shown.item, shown.text))
        return answer or project.curation.verdict_on_record(shown.example_id, shown.text, shown.target), ""
    except CodError as error:
        return None, errors.said(error)


def _read(project: Project, text: str, check: FlipCheck | None) -> int | None:
    """How many characters of the original the teacher reads; None where it reads all of it."""
    if check is None or not (check.truncated or len(text) > 1500):
        return None
    read: int | None = None
    with errors.shown():
        read = project.teacher.classifier().chars_read(text)
    return read


def _texts(project: Project, card: Card, shown: Shown, cf: Counterfactual, read: int | None, check: FlipCheck | None, problem: str) -> None:
    note = t("changed by you") if shown.edited else "" if shown.base_id is None else callbacks.note(cf)
    original, side = card.example.text, st.session_state.get("side_by_side", False)
    note = t("nothing yet") if shown.text == original else note
    if not side:
        st.html(text_diff.changes(original, shown.text, note, read))
    generative_teacher.panel(project, original, shown.text, check)
    left, right = st.columns(2, gap="small")
    with left:
        # side by side each text stands once: the original with what went; what came stands in the box beside it
        whole = text_diff.sides(original, shown.text)[0] if side else text_diff.whole(original, read)
        st.html(text_diff.card(t("Original"), whole, callbacks.gold(card.example), "data-cod-original"))
    with right:
        editor.show(
            shown.item,
            shown.text,
            t("My own text") if shown.base_id is None else t("Proposal: change the wording if you like"),
            lambda item, text: callbacks.typed(shown, item, text),
            lambda _, text: callbacks.accept(shown, text),
            lambda phrase: more_proposals.keep(card.example.id, phrase),
            t(problem) if problem else (verdict.spoken(check) if check else ""),
            st.session_state.get(callbacks.INSERT),
        )
        if shown.edited:
            decision_buttons.act(
                t("Back to the proposal") if shown.base_id else t("Back to the original"),
                "back",
                None,
                callbacks.back_to_start,
                (shown,),
                type="tertiary",
                icon=":material/restart_alt:",
            )


def _verdict(project: Project, shown: Shown, check: FlipCheck | None, problem: str) -> None:
    if check is not None:
        st.html(verdict.panel(check))
        if check.flipped and not check.reached_target:
            label = check.after.label
            st.button(
                t("It is “{label}” now: that is the label I meant", label=layout.plain(label, 40)),
                key="take-label",
                icon=":material/check:",
                on_click=callbacks.aim,
                args=(shown.example_id, label),
            )
    elif problem:
        errors.box(problem, "info")
    elif shown.edited or shown.base_id is None or not shown.as_proposed:
        answering = project.teacher.generates()
        if answering:
            errors.box("This wording is not checked yet: the model has to answer it first.", "info")
        else:
            errors.box("This wording is not checked yet: asking this teacher may cost a call.", "info")
        if st.button(t("Let the model answer") if answering else t("Ask the teacher"), key="ask"):
            with st.spinner(t("The model answers …") if answering else t("The teacher reads it …")):
                _ask(shown)
            st.rerun()
    else:
        errors.box("Not checked by the teacher yet.", "info")


@errors.callback
def _ask(shown: Shown) -> None:
    check = shown.project.curation.verdict(shown.example_id, shown.text, shown.target)
    st.session_state["asked"] = {(shown.item, shown.text): check}


def _why(card: Card, where: str) -> None:
    """Status, why this item matters, and its place in the list, in one quiet line."""
    parts = [t(callbacks.STATUS_WORDS[callbacks.status(card)]) + "." if card.decision else ""]
    parts += [t(part) for part in (where, card.reason_why) if part]
    st.html(f'<div class="cod-why">{escape(" ".join(part for part in parts if part))}</div>')
    if card.stale:
        errors.box("What you see here is the verdict of another teacher.", "info")
    if card.disagrees:
        errors.box(
            "The teacher does not agree with your label on the original text. This text is left out of the "
            "comparison; reject it, or look at the label again.",
            "warn",
        )
