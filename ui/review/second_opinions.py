"""Second opinions on screen: ask for them, give them blind, settle what differs."""

from html import escape

import streamlit as st

from cod_core.project.curation.cards import Card
from cod_core.project.curation.review import Difference
from cod_core.project.project import Project
from ui.curate import callbacks
from ui.curate import guideline as guide
from ui.frame import errors, layout, naming, people, state
from ui.frame.words import t
from ui.shared import text_diff, verdict
from ui.teacher import generative_teacher


def section(project: Project) -> None:
    """What waits for this person, what waits for settling, and asking for more."""
    me = state.annotator()
    seconds = project.review.second_opinions()
    waiting, differ = project.review.opinions_for(me), project.review.differences()
    layout.counts(
        [
            (len(waiting), t("wait for your opinion")),
            (sum(s.phase == "open" for s in seconds), t("open in all")),
            (len(differ), t("to be settled")),
            (sum(s.phase in ("agreed", t("settled")) for s in seconds), t("done")),
        ]
    )
    if waiting:
        _give(project, me, waiting)
    else:
        people.claim(project, [])  # the text that was decided last stands on no screen any more
    if not seconds:
        errors.box(
            "Nobody has asked for a second opinion yet. Flag a text on the page Curate (key F), or draw some by "
            "chance below; another person then decides on them without seeing what the first one decided.",
            "info",
        )
    elif not waiting:
        errors.box("Nothing waits for your opinion.", "ok")
    if differ:
        st.subheader(t("Settle what differs"), anchor=False)
        if people.allowed("adjudicate"):
            for difference in differ[:20]:
                _settle(project, difference)
        else:
            st.caption(t("A reviewer or owner settles these."))
    _ask(project)


def _ask(project: Project) -> None:
    with st.expander(t("Ask for second opinions on texts drawn by chance"), icon=":material/group:"):
        if not people.only_for("bulk", "Drawing texts"):
            return
        n = int(st.number_input(t("How many of the decided texts"), 1, 1000, 10, key="ask-n"))
        st.button(t("Draw and ask"), key="ask-go", on_click=_draw_some, args=(project.id, n))


@naming.signed
@errors.callback
def _draw_some(pid: str, n: int) -> None:
    drawn = state.workspace().project(pid).review.ask_opinions(state.annotator(), n)
    state.mark_saved()
    state.notice(
        t("{texts} wait for a second opinion now.", texts=layout.several(drawn, "text"))
        if drawn
        else t("There is no decided text left to draw."),
        "ok" if drawn else "info",
    )


def _give(project: Project, me: str, waiting: list[str]) -> None:
    """One text, without a trace of what anybody decided on it."""
    skipped = st.session_state.setdefault("opinion-later", [])
    queue = [i for i in waiting if i not in skipped] + [i for i in skipped if i in waiting]
    mine = people.claim(project, queue)
    if mine is None:
        errors.box("The rest is on other screens just now. Look again in a few minutes.", "info")
        return
    people.renew_claim(project.id, mine)
    card = project.cards.one(mine, me)
    st.html('<div class="cod-why">' + escape(t("Decide as if you were the first. The other opinion is shown once yours is in.")) + "</div>")
    _show(project, card)
    common = (project.id, mine, card.offered.id, card.version)
    ok = card.check is not None and card.check.valid and not card.stale
    with st.container(horizontal=True, gap="small"):
        st.button(t("Accept"), type="primary", key="op-accept", disabled=not ok, on_click=_decide, args=(*common, "accepted", ()))
        st.button(t("Later"), key="op-later", on_click=_later, args=(mine,))
        st.button(t("Change it on the page Curate"), key="op-edit", on_click=_edit, args=(mine,), type="tertiary")
    if st.session_state.pop("open-curate", False):
        layout.go("curate")
    with st.container(border=True):
        st.markdown(f"**{t('Or reject it, because')}**")
        with st.container(horizontal=True, gap="small"):
            for reason, words in guide.reason_words(project.guideline.current()).items():
                st.button(words, key=f"op-{reason}", on_click=_decide, args=(*common, "rejected", (reason,)))


def _show(project: Project, card: Card) -> None:
    """The change and the teacher's verdict on it."""
    left, right = st.columns([1.9, 1], gap="medium")
    with left:
        st.html(text_diff.changes(card.example.text, card.offered.text, callbacks.note(card.offered)))
        st.html(f'<div class="cod-why">{escape(callbacks.gold(card.example))} (of the text before the change)</div>')
        generative_teacher.panel(project, card.example.text, card.offered.text, card.check)
    with right:
        if card.check is not None:
            st.html(verdict.panel(card.check))


@naming.signed
@errors.callback
def _decide(pid: str, example_id: str, cf_id: str, version: int, status: str, reasons: tuple[str, ...]) -> None:
    project, me = state.workspace().project(pid), state.annotator()
    project.curation.decide(cf_id, status, me, reasons=reasons, seen=version)
    state.mark_saved()
    phase = {s.example_id: s.phase for s in project.review.second_opinions()}.get(example_id, "open")
    said = {
        "differ": t("Saved. The two opinions differ: a reviewer settles it."),
        "agreed": t("Saved. Both opinions agree."),
        "settled": t("Saved. Both opinions agree."),
    }
    state.notice(said.get(phase) or t("Saved. It stays open until one more person has decided."))


@errors.callback
def _later(example_id: str) -> None:
    later = st.session_state.setdefault("opinion-later", [])
    st.session_state["opinion-later"] = [i for i in later if i != example_id] + [example_id]


@errors.callback
def _edit(example_id: str) -> None:
    state.show_item(example_id)
    st.session_state["open-curate"] = True


def _settle(project: Project, difference: Difference) -> None:
    """Both decisions side by side; one press makes one of them the text's. Whoever differs leaves it to others, if there are any."""
    card, others = difference.card, project.review.settlers(difference.votes)
    own = state.annotator() in difference.votes and bool(others)
    with st.container(border=True):
        st.html(text_diff.card(t("Original"), escape(card.example.text), callbacks.gold(card.example)))
        for column, (who, (decision, cf, check)) in zip(st.columns(len(difference.votes)), sorted(difference.votes.items())):
            with column:
                said = t(callbacks.STATUS_WORDS[decision.status])
                why = ", ".join(t(callbacks.REASONS[r]) for r in decision.reasons)
                st.html(
                    f'<p class="cod-say">{escape(who)}: {escape(said)}</p>'
                    f'<p class="cod-cap">{escape(" · ".join(filter(None, [why, decision.comment])))}</p>'
                    + text_diff.changes(card.example.text, cf.text, verdict.sentence(check) if check else "")
                )
                st.button(
                    t("Settle it as {who} did", who=layout.plain(who, 30)),
                    key=f"settle-{card.example.id}-{who}",
                    on_click=_adjudicate,
                    disabled=own,
                    args=(project.id, card.example.id, who, card.version),
                )
        if own:
            st.caption(
                t("This is your own case. Somebody else settles it: {names}.", names=", ".join(layout.plain(name, 30) for name in others))
            )


@naming.signed
@errors.callback
def _adjudicate(pid: str, example_id: str, winner: str, version: int) -> None:
    state.workspace().project(pid).review.adjudicate(example_id, winner, state.annotator(), seen=version)
    state.mark_saved()
    state.notice("Settled.")
