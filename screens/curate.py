"""Curate: one card at a time, the teacher's verdict beside it, one key a decision."""

from html import escape
from typing import Any

import streamlit as st

from ui import deciding, diffcard, errors, layout, review, state, verdict

w, project = layout.need_project()
pid = project.id


def toolbar(cards: list[Any]) -> str:
    """Progress, the list to show and its order. Returns the list's name."""
    decided = sum(review.status(c) not in ("pending", "skipped") for c in cards)
    kept = sum(review.belongs(c, "kept") for c in cards)
    st.progress(decided / len(cards), text=f"{decided} of {len(cards)} texts decided · {kept} kept")
    left, right = st.columns([1, 1.1])
    with left:
        numbers = {s: sum(review.belongs(c, s) for c in cards) for s in review.SHOW}
        show = st.segmented_control(
            "Show",
            list(review.SHOW),
            default="todo",
            required=True,
            key="curate-show",
            on_change=review.move,
            args=(None,),
            format_func=lambda s: f"{review.SHOW[s]} {numbers[s]}",
        )
    with right:
        st.segmented_control(
            "Order",
            list(review.SORTS),
            default="upload",
            required=True,
            key="curate-sort",
            format_func=review.SORTS.get,
        )
    return show or "todo"


def pick(cards: list[Any], show: str) -> Any:
    """The card to show: the one of the URL, else the next in the list."""
    by_id = {c.example.id: c for c in cards}
    if state.item_id() in by_id:
        return by_id[state.item_id()]
    return by_id.get(review.following(cards, None, show))


def alternative(card: Any) -> tuple[Any, Any]:
    """The proposal on the card and its check, after the person's choice among the alternatives."""
    options = {cf.id: (cf, check) for cf, check in [(card.offered, card.check), *card.alternatives] if cf}
    chosen = st.session_state.get(f"chosen-{card.example.id}", card.offered.id)
    chosen = chosen if chosen in options else card.offered.id
    if len(options) > 1:
        ids = list(options)
        widget = f"alt-{card.example.id}-{len(ids)}"

        def words(cf_id: str) -> str:
            check = options[cf_id][1]
            number = ids.index(cf_id) + 1
            if check is None:
                return f"{number} · not checked"
            edits = "1 edit" if check.token_edits == 1 else f"{check.token_edits} edits"
            return f"{number} · {edits} · {'flips' if check.valid else 'does not flip'}"

        st.segmented_control(
            "Alternatives",
            ids,
            default=chosen,
            required=True,
            format_func=words,
            key=widget,
            on_change=review.choose,
            args=(card.example.id, widget),
        )
    return options[chosen]


def editor(card: Any, cf: Any) -> str:
    """The text as it stands in the editor, seeded from the saved draft."""
    name = review.edit_key(card.example.id, cf.id)
    if name not in st.session_state:
        saved = w.draft(pid, card.example.id, state.annotator())
        st.session_state[name] = saved if saved is not None and _draft_of(card, cf) else cf.text
    return st.text_area(
        "Proposal: change the wording if you like",
        key=name,
        height="content",
        max_chars=20_000,
        on_change=review.save_draft,
        args=(pid, card.example.id, cf.id),
    )


def _draft_of(card: Any, cf: Any) -> bool:
    """A draft belongs to the proposal that is offered; other alternatives start from their own text."""
    return st.session_state.get(f"chosen-{card.example.id}", card.offered.id) == cf.id


def why_line(card: Any) -> None:
    """Label, status and why this item matters, in one quiet line."""
    parts = []
    if card.decision and card.decision.status != "pending":
        parts.append(review.STATUS_WORDS[card.decision.status])
    if card.reason_why:
        parts.append(card.reason_why)
    if parts:
        st.html(f'<div class="cod-why">{escape(" · ".join(parts))}</div>')
    if card.stale:
        errors.box(
            "The teacher was changed since this was checked. Check the proposals again on the page Proposals.", "warn"
        )
    if card.disagrees:
        errors.box(
            "The teacher does not agree with your label on the original text. This text is left out of the "
            "comparison; reject it, or look at the label again.",
            "warn",
        )


def show_card(card: Any, cards: list[Any], show: str) -> None:
    """The whole card of one text."""
    if card.offered is None:
        errors.box("There is no proposal for this text yet.", "info")
        return
    why_line(card)
    cf, check = alternative(card)
    left, right = st.columns([1.9, 1], gap="medium")
    with left:
        marked = st.container()
        original, wording = st.columns(2, gap="small")
        with wording:
            text = editor(card, cf)
    if text != cf.text:
        check = None
        with right, errors.shown():
            check = w.verdict(pid, card.example.id, text, cf.target)
    with marked:
        st.html(diffcard.changes(card.example.text, text, "changed by you" if text != cf.text else cf.note))
    with original:
        gold = f"Your label: {card.example.label}" if card.example.label else "No label"
        st.html(diffcard.card("Original", diffcard.whole(card.example.text, unread(card, check)), gold))
    with right:
        if check is not None:
            st.html(verdict.panel(check))
        elif text == cf.text:
            errors.box("Not checked by the teacher yet.", "info")
    with left:
        deciding.buttons(pid, card, cf, text, check, cards, show)
    technical(cf, check)


def unread(card: Any, check: Any) -> int | None:
    """How many characters of the original the teacher reads; None where it reads all of it."""
    if check is not None and check.truncated:
        with errors.shown():
            return w.teacher(pid).chars_read(card.example.text)
    return None


def technical(cf: Any, check: Any) -> None:
    """Numbers and provenance, for those who want them."""
    with st.expander("Technical details", icon=":material/code:"):
        if check is not None:
            st.json(verdict.technical(check))
        st.text(f"{cf.origin.kind}: {cf.origin.name} {cf.origin.revision}")
        if cf.raw_reply:
            st.code(cf.raw_reply, language=None, wrap_lines=True)


layout.header("Curate", "Read the change, see the verdict, decide. One key decides and moves on.")
cards = w.cards(pid, sort=st.session_state.get("curate-sort") or "upload", annotator=state.annotator())
if not cards:
    layout.empty(
        "There is nothing to curate yet",
        "Let the app propose counterfactuals for some of your texts; they appear here one by one.",
        "proposals",
        "Propose counterfactuals",
    )
else:
    show = toolbar(cards)
    card = pick(cards, show)
    if card is None:
        state.show_item(None)
        if show == "todo":
            errors.box("Every proposal is decided. You can still look at them under Kept, or undo.", "ok")
            with st.container(horizontal=True):
                layout.next_step("distill", "Go on to Distil")
                st.button("Undo", shortcut=deciding.letter("U"), key="undo", on_click=review.undo, args=(pid,))
        else:
            errors.box("No text is in this list.", "info")
    else:
        state.show_item(card.example.id)
        show_card(card, cards, show)
