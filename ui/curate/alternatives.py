"""The proposals of one text side by side: up to four of different kinds, one's own edits, or one's own text."""

import re
from collections.abc import Collection

import streamlit as st

from cod_core.project.curation.cards import Card
from cod_core.project.project import Project
from cod_core.said import Said, msg, say
from cod_core.types import Counterfactual, FlipCheck
from ui.curate import callbacks
from ui.frame import layout
from ui.frame.words import t

MOST = 4
Offer = tuple[Counterfactual, FlipCheck | None]


ONE = {"replaced": msg("another word"), "deleted": msg("a word less"), "added": msg("a word more")}


def kind(cf: Counterfactual) -> str:
    """What a proposal is, in two or three words that a screen says."""
    if cf.origin.kind == "human":
        return msg("written by hand") if cf.derived_from is None else msg("edited")
    if cf.origin.kind == "llm":
        return msg("chat model")
    if cf.origin.kind == "import":
        return msg("imported")
    parts = [part for part in cf.note.split("; ") if part]
    if not parts:
        return msg("proposal")
    if counted := re.findall(r"(?<!\d)(\d{1,9}) (?:replaced|added|left out)", parts[0]):  # more than three edits are told in numbers
        return _changes(sum(map(int, counted)))
    if len(parts) > 1:
        return _changes(len(parts))
    if "not" in parts[0] and parts[0].startswith(("added", "took")) or "negation" in parts[0]:
        return msg("negation")
    if re.match(r"replaced “[^” ]{1,200} ", parts[0]):
        return msg("another phrase")
    return ONE.get(parts[0].split(" ", 1)[0], msg("one change"))


def _changes(n: int) -> Said:
    return say("{n} changes", n=n)


def offered(card: Card, added: Collection[str] = ()) -> dict[str, Offer]:
    """Id -> proposal and check: the one offered first, others of different kinds first, what people wrote always.

    added: ids of what was just found for this text; these are offered always too.
    """
    best = card.offered
    always, fresh, again = list[Offer](), list[Offer](), list[Offer]()
    seen = {kind(best)}
    for cf, check in card.alternatives:
        if cf.origin.kind == "human" or cf.id in added:
            always.append((cf, check))
        else:
            (again if kind(cf) in seen else fresh).append((cf, check))
            seen.add(kind(cf))
    return {cf.id: (cf, check) for cf, check in [(best, card.check), *(fresh + again)[: MOST - 1], *always]}


def chosen(project: Project, card: Card, annotator: str) -> tuple[str, dict[str, Offer]]:
    """(id of the proposal on the card or OWN, what is offered): the person's choice, else their draft's, else the best."""
    if card.bare:
        return callbacks.OWN, {}
    options = offered(card, st.session_state.get(f"added-{card.example.id}", ()))
    choice: str | None = st.session_state.get(f"chosen-{card.example.id}")
    if choice is not None and (choice in options or choice == callbacks.OWN):
        return choice, options
    draft = project.curation.draft_of(card.example.id, annotator)
    if draft is not None and (draft[0] is None or draft[0] in options):
        return draft[0] or callbacks.OWN, options
    return card.offered.id, options


def picker(card: Card, choice: str, options: dict[str, Offer], target: str, labels: tuple[str, ...]) -> None:
    """The row of alternatives, each with what it is and whether it flips; which label to aim at, where there is a choice."""
    ids = [*options, *([callbacks.OWN] if choice == callbacks.OWN else [])]

    def words(cf_id: str) -> str:
        if cf_id == callbacks.OWN:
            return t("my own text")
        cf, check = options[cf_id]
        flips = t("not checked") if check is None else t("flips") if check.valid else t("does not flip")
        return f"{ids.index(cf_id) + 1} · {layout.plain(t(kind(cf)), 24)} · {flips}"

    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="picker"):
        if len(ids) > 1:
            widget = f"alt-{card.example.id}-{len(ids)}-{choice}"
            st.segmented_control(
                t("Proposals"),
                ids,
                default=choice,
                required=True,
                format_func=words,
                key=widget,
                label_visibility="collapsed",
                on_change=callbacks.choose_by,
                args=(card.example.id, widget),
            )
        if choice != callbacks.OWN:
            st.button(
                t("Write my own"),
                key="own",
                type="tertiary",
                icon=":material/edit_note:",
                help=t("Start from the original text"),
                on_click=callbacks.choose,
                args=(card.example.id, callbacks.OWN),
            )
        if len(labels) > 2:
            _target(card, target, [label for label in labels if label != card.source])


def _target(card: Card, target: str, others: list[str]) -> None:
    """The label that the changed text should get."""
    widget = f"aim-pick-{card.example.id}-{target}"
    st.selectbox(
        t("Aim at"),
        others,
        index=others.index(target) if target in others else 0,
        format_func=lambda label: t("Aim at: {label}", label=layout.plain(label, 40)),
        key=widget,
        label_visibility="collapsed",
        on_change=callbacks.aim_by,
        args=(card.example.id, widget),
    )
