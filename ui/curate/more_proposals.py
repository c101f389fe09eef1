"""Other proposals for the text on the card: try again with a hint, keep phrases, ask the chat model, make it smaller."""

import streamlit as st

from cod_core.project.curation.cards import Card
from cod_core.project.project import Project
from cod_core.project.proposals.retry import Again
from cod_core.said import msg, say, several
from cod_core.types import Counterfactual, FlipCheck
from ui.curate import callbacks
from ui.curate.callbacks import Shown
from ui.frame import errors, layout, state
from ui.frame.words import t
from ui.proposals import language_model
from ui.teacher import generative_teacher

KEPT = "kept_phrases"


def phrases(example_id: str) -> list[str]:
    """What must stay in this text."""
    kept: dict[str, list[str]] = st.session_state.setdefault(KEPT, {})
    return kept.setdefault(example_id, [])


@errors.callback
def keep(example_id: str, phrase: str) -> None:
    """Words of the original that stay as they are when the app tries again."""
    kept = phrases(example_id)
    if phrase and phrase not in kept and len(kept) < 8:
        kept.append(phrase)
    st.session_state["again_open"] = True


@errors.callback
def _keep_typed(example_id: str, widget: str, original: str) -> None:
    typed = (st.session_state.get(widget) or "").strip()
    st.session_state[widget] = ""
    if typed and typed not in original:
        state.notice(t("“{typed}” does not occur in the original, so it cannot be kept.", typed=typed), "warn")
        st.session_state["again_open"] = True
    else:
        keep(example_id, typed)


@errors.callback
def _drop(example_id: str, phrase: str) -> None:
    if phrase in phrases(example_id):
        phrases(example_id).remove(phrase)


def panel(project: Project, card: Card, shown: Shown, cf: Counterfactual, check: FlipCheck | None) -> None:
    """The panel under the card; open where words were just marked to be kept."""
    with st.expander(t("Other proposals"), icon=":material/refresh:", expanded=st.session_state.get("again_open", False)):
        example = card.example
        hint = st.text_input(
            t("Words that you would use (several between commas)"),
            key=f"hint-{example.id}",
            max_chars=200,
            placeholder=t("dull, far too long"),
        )
        field = f"keep-{example.id}"
        st.text_input(
            t("Keep this phrase (or mark words in the original)"),
            key=field,
            max_chars=200,
            on_change=_keep_typed,
            args=(example.id, field, example.text),
        )
        with st.container(horizontal=True, gap="small"):
            _again_button(project, shown, hint)
            _llm_button(project, shown)
            if shown.base_id is not None and not shown.edited and check is not None and check.valid and check.token_edits > 1:
                st.button(
                    t("Make the change smaller"),
                    key="tighten",
                    icon=":material/compress:",
                    on_click=_tighten,
                    args=(shown, shown.base_id, check.token_edits, check.after.prob(check.target)),
                )
        # below the buttons: a phrase that is taken when a press leaves the field would move them away from under it
        _kept_phrases(example.id)


def _again_button(project: Project, shown: Shown, hint: str) -> None:
    if not project.teacher.generates():
        st.button(t("Try again"), key="again", icon=":material/refresh:", on_click=_again, args=(shown, hint))
    elif st.button(t("Try again"), key="again", icon=":material/refresh:"):  # many answers: a callback cannot show a spinner
        most = project.searcher.usual_budget() * (2 if hint.strip() else 1)
        with st.spinner(
            t("The model answers up to {most} changed prompts. {takes}", most=most, takes=generative_teacher.takes(project, most))
        ):
            _again(shown, hint)
        st.rerun()


def _llm_button(project: Project, shown: Shown) -> None:
    """Asks the language model that was used last, where one was."""
    model = language_model.last_used(project)
    if model.named:
        name = layout.plain(model.model or model.local or t("the language model"), 30)
        st.button(
            t("Ask {name} again", name=name),
            key="again-llm",
            on_click=_ask,
            args=(shown,),
            help=t("Sends this text twice to {place}", place=layout.plain(model.base_url or t("this computer"), 80)),
        )


def _kept_phrases(example_id: str) -> None:
    """What must stay, each with a press that lets it go."""
    with st.container(horizontal=True, gap="small"):
        for number, phrase in enumerate(phrases(example_id)):
            st.button(
                f"{layout.plain(phrase, 40)}",
                key=f"kept-{example_id}-{number}",
                icon=":material/close:",
                help=t("Stays as it is. Press to let it go."),
                on_click=_drop,
                args=(example_id, phrase),
            )


HINT = {
    "useless": msg("Your own words turn the teacher around in no place of this text, so they are not used."),
    "known": msg("What your own words make of this text is among the proposals already."),
}


def _show_new(shown: Shown, tried: Again) -> None:
    state.mark_saved()
    st.session_state["again_open"] = True
    more = HINT.get(tried.hint, "")
    if tried.added:
        st.session_state[f"added-{shown.example_id}"] = {cf.id for cf in tried.added}
        st.session_state[f"chosen-{shown.example_id}"] = tried.added[0].id
        n = len(tried.added)
        said = (
            say("1 new proposal that flips the teacher; the first is shown.")
            if n == 1
            else say("{n} new proposals that flip the teacher; the first is shown.", n=n)
        )
    elif tried.tried:
        said = say(
            "{texts} tried, none flips the teacher. Give other words, keep fewer phrases, or write your own.",
            texts=several(tried.tried, "new text"),
        )
    else:
        said = say("Nothing new was found. Give other words, keep fewer phrases, or write your own.")
    state.notice(" ".join(t(part) for part in (said, more) if part), "info" if more or not tried.added else "ok")
    callbacks.redraw()


@errors.callback
def _again(shown: Shown, hint: str) -> None:
    hint = st.session_state.get(f"hint-{shown.example_id}") or hint
    _show_new(shown, shown.project.retry.try_again(shown.example_id, hint, tuple(phrases(shown.example_id)), shown.target))


@errors.callback
def _ask(shown: Shown) -> None:
    project = shown.project
    key = state.llm_key(language_model.last_used(project).base_url)
    done = project.llm.again(shown.example_id, tuple(phrases(shown.example_id)), key=key)
    state.mark_saved()
    st.session_state["again_open"] = True
    flips = say("{n} of them flip the teacher.", n=done.flipped) if done.added else ""
    found = say("{proposals}.", proposals=several(done.added, "new proposal"))
    state.notice(" ".join(t(part) for part in (found, flips, *done.messages) if part), "ok" if done.flipped else "info")
    callbacks.redraw()


@errors.callback
def _tighten(shown: Shown, base_id: str, edits: int, sure: float) -> None:
    cf, check = shown.project.tightening.tighten(base_id)
    if cf.id == base_id:
        state.notice("Every changed word is needed: without any one of them the teacher does not change its mind.", "info")
        return
    state.notice(
        t(
            "From {before} changed words to {now}; the teacher is now {sure} % sure instead of {was} %. "
            "Both versions stand among the proposals: choose.",
            before=edits,
            now=check.token_edits,
            sure=round(check.after.prob(check.target) * 100),
            was=round(sure * 100),
        ),
        "ok",
    )
    st.session_state[f"added-{shown.example_id}"] = {cf.id, base_id}
    st.session_state[f"chosen-{shown.example_id}"] = cf.id
    state.mark_saved()
    callbacks.redraw()
