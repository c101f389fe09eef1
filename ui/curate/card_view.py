"""The card of one text: original, proposal, what changes, the verdict, the decisions.

The whole card is one fragment, so that a key stroke in the editor draws the card anew and nothing else. What stands
in the box is judged first; everything on the card is then drawn from that one verdict.
"""

from html import escape
from typing import Any

import streamlit as st

from cod_core.curation.view import belongs, place
from cod_core.errors import CodError
from cod_core.types import Counterfactual, FlipCheck
from ui.curate import alternatives, callbacks, decision_buttons, editor, more_proposals, side_panels
from ui.curate.callbacks import Shown
from ui.curate.shortcuts import letter
from ui.frame import errors, people, state
from ui.shared import text_diff, verdict
from ui.teacher import generative_teacher


def current(pid: str, queue: Any) -> str | None:
    """The text to show: the one of the address, else the next in the list; passed over where somebody else has it."""
    asked = state.item_id() if any(row.example_id == state.item_id() for row in queue.narrowed) else None
    listed = [r.example_id for r in queue.rows if r.status != "skipped"]
    listed += [r.example_id for r in queue.rows if r.status == "skipped"]
    at = listed.index(asked) if asked in listed else 0
    wanted = ([asked] if asked else []) + listed[at:] + listed[:at]
    got = people.take(pid, wanted)
    by_itself = callbacks.take_advanced()
    if asked and got and got != asked and not by_itself:
        state.notice("Somebody else has that text on the screen just now; here is the next one.", "info")
    if wanted and got is None:
        state.notice("Others have all of these texts on the screen just now. Come back in a few minutes.", "info")
    return got


def undo_button(pid: str) -> None:
    """Undo where there is no card."""
    decision_buttons.act("Undo", "undo", letter("undo"), callbacks.undo, (pid,))


def card(pid: str, example_id: str, queue: Any) -> None:
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
    people.keep(pid, example_id)


@st.fragment
def _card(pid: str, example_id: str, where: str, before: str | None, after: str | None) -> None:
    if callbacks.take_moved():
        st.rerun()
    if waiting := state.take_notice():
        errors.box(*waiting)
    with errors.shown():
        w = state.workspace()
        found = w.project(pid).cards.one(example_id, state.annotator())
        choice, options = alternatives.chosen(pid, found, state.annotator(), w)
        cf, check = options.get(choice, (found.offered, None))
        base_id, base_text = (None, found.example.text) if choice == callbacks.OWN else (cf.id, cf.text)
        text = callbacks.standing_text(pid, example_id, base_id, base_text)
        shown = Shown(pid, example_id, base_id, base_text, text, cf.target, callbacks.status(found), before, after, found.version)
        _draw(w, found, shown, choice, options, cf, check, where)


def _draw(w: Any, found: Any, shown: Shown, choice: str, options: dict, cf: Counterfactual, check: FlipCheck | None, where: str) -> None:
    _why(found, where)
    alternatives.picker(found, choice, options)
    problem = ""
    if shown.edited or shown.base_id is None:
        check, problem = _judge(w, shown)
    left, right = st.columns([1.9, 1], gap="medium")
    read = _read(w, shown.pid, found.example.text, check)
    with left:
        _texts(w, found, shown, cf, read, check, problem)
    with right:
        _verdict(w, shown, check, problem)
    decision_buttons.buttons(shown, None if check is None and not problem else check is not None and check.valid)
    side_panels.row(shown)
    side_panels.below(w, found, shown, cf, check)


def _judge(w: Any, shown: Shown) -> tuple[FlipCheck | None, str]:
    """(verdict on what stands in the box, what is wrong with it); neither where asking would cost money or seconds."""
    try:
        if w.project(shown.pid).teacher.answers_at_once():
            return w.project(shown.pid).curation.live_verdict(shown.example_id, shown.text, shown.target), ""
        asked = st.session_state.get("asked") or {}
        known = asked.get((shown.item, shown.text))
        return known or w.project(shown.pid).curation.verdict_on_record(shown.example_id, shown.text, shown.target), ""
    except CodError as error:
        return None, str(error)


def _read(w: Any, pid: str, text: str, check: FlipCheck | None) -> int | None:
    """How many characters of the original the teacher reads; None where it reads all of it."""
    if check is None or not (check.truncated or len(text) > 1500):
        return None
    with errors.shown():
        return w.project(pid).teacher.classifier().chars_read(text)
    return None


def _texts(w: Any, found: Any, shown: Shown, cf: Counterfactual, read: int | None, check: FlipCheck | None, problem: str) -> None:
    note = "changed by you" if shown.edited else "" if shown.base_id is None else callbacks.note(cf)
    original = found.example.text
    if st.session_state.get("side_by_side"):
        st.html(text_diff.side_by_side(original, shown.text, note))
    else:
        st.html(text_diff.changes(original, shown.text, note, read))
    generative_teacher.panel(w, shown.pid, original, shown.text, check)
    left, right = st.columns(2, gap="small")
    with left:
        st.html(text_diff.card("Original", text_diff.whole(original, read), callbacks.gold(found.example), "data-cod-original"))
    with right:
        editor.show(
            shown.item,
            shown.text,
            "My own text" if shown.base_id is None else "Proposal: change the wording if you like",
            lambda item, text: callbacks.typed(shown, item, text),
            lambda _, text: callbacks.accept(shown, text),
            lambda phrase: more_proposals.keep(found.example.id, phrase),
            problem or (verdict.spoken(check) if check else ""),
        )
        if shown.edited:
            decision_buttons.act(
                "Back to the proposal" if shown.base_id else "Back to the original",
                "back",
                None,
                callbacks.back_to_start,
                (shown,),
                type="tertiary",
                icon=":material/restart_alt:",
            )


def _verdict(w: Any, shown: Shown, check: FlipCheck | None, problem: str) -> None:
    if check is not None:
        st.html(verdict.panel(check))
    elif problem:
        errors.box(problem, "info")
    elif shown.edited or shown.base_id is None:
        answering = w.project(shown.pid).teacher.generates()
        why = "the model has to answer it first" if answering else "asking this teacher may cost a call"
        errors.box(f"This wording is not checked yet: {why}.", "info")
        if st.button("Let the model answer" if answering else "Ask the teacher", key="ask"):
            with st.spinner("The model answers …" if answering else "The teacher reads it …"):
                _ask(shown)
            st.rerun()
    else:
        errors.box("Not checked by the teacher yet.", "info")


@errors.callback
def _ask(shown: Shown) -> None:
    found = state.workspace().project(shown.pid).curation.verdict(shown.example_id, shown.text, shown.target)
    st.session_state["asked"] = {(shown.item, shown.text): found}


def _why(found: Any, where: str) -> None:
    """Status, why this item matters, and its place in the list, in one quiet line."""
    parts = [callbacks.STATUS_WORDS[callbacks.status(found)] + "." if found.decision else "", where, found.reason_why]
    st.html(f'<div class="cod-why">{escape(" ".join(part for part in parts if part))}</div>')
    if found.stale:
        errors.box("What you see here is the verdict of another teacher.", "info")
    if found.disagrees:
        errors.box(
            "The teacher does not agree with your label on the original text. This text is left out of the "
            "comparison; reject it, or look at the label again.",
            "warn",
        )
