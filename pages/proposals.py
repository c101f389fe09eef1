"""Proposals: let the app write counterfactuals for the next texts, or bring ready ones."""

from html import escape

import streamlit as st

from cod_core.counterfactuals.options import GenerateRequest, SearchOptions
from cod_core.curation.goal import first_wanted
from cod_core.curation.view import View
from cod_core.project.summary import Summary
from cod_core.said import msg
from ui.frame import errors, layout, people, state
from ui.frame.words import t
from ui.proposals import coming, language_model, quality_card, search_options
from ui.shared import jobs_panel, recheck
from ui.teacher import generative_teacher

layout.through_app()

project = layout.need_project()
row = project.row
WAYS = {"search": msg("Search on this computer"), "llm": msg("Language model"), "import": msg("I have some already")}
ANYWAY = msg("Any small change that turns the teacher, whether or not it reads well. Expect to reject many.")
SIZES = (8, 16, 32, 64, 128, 256, 512)


def amount(largest: int, tried: int) -> int:
    """How many texts to work on: at first as many as a comparison wants, then more than were tried."""
    options = [k for k in SIZES if k < largest] + [largest]
    if len(options) == 1:
        st.caption(t("All of your {texts}.", texts=layout.several(largest, "text")))
        return largest
    wanted = first_wanted(len(row.task.labels))
    more = [k for k in options if k > tried] or [largest]
    if st.session_state.get("texts-tried") != tried and st.session_state.get("texts", 0) <= tried:
        st.session_state.pop("texts", None)  # what was asked for is done: the default is what comes next
    st.session_state["texts-tried"] = tried
    if st.session_state.get("texts") not in options:
        st.session_state["texts"] = min(more, key=lambda k: abs(k - max(wanted, tried)))
    return st.select_slider(
        t("Up to how many of your texts? {tried:,} were tried.", tried=tried) if tried else t("How many of your texts?"),
        options,
        help=t(
            "The app takes them evenly from your labels, those that were tried before included; with the same options these are not "
            "tried again. You can always add more later."
        ),
        key="texts",
    )


def search(k: int, busy: bool) -> None:
    """The embedded, teacher-guided search."""
    labels = row.task.labels
    learns, n_texts = project.searcher.surrogate_learns_from()
    if (teacher := project.teacher.choice()) and teacher.asks:
        n_texts = 0
    if why := project.splicer.why_not():
        errors.box(
            t("Proposals are not read before they are offered: {why}. Any small change that flips the teacher is offered.", why=why), "info"
        )
    elif note := project.splicer.note():
        errors.box(note, "info")
    if why and search_options.topics(labels) and not search_options.can_be_clear(labels, n_texts):
        errors.box(
            t(
                "With so many labels (topics, say) single words flip the teacher without making a good text of the "
                "other label. Add {texts} until there are {enough}: a second judge can then learn from them and ask "
                "for clearer changes. Or let a language model propose.",
                texts=t("texts, with or without labels,") if "unlabelled" in learns else t("labelled texts"),
                enough=search_options.TEXTS_A_LABEL * len(labels),
            ),
            "info",
        )
    caption, models = st.empty(), project.searcher.llm_source_names()
    usual = project.searcher.usual_budget()
    chosen = search_options.choose(labels, models, usual, n_texts, judged=not why)
    does = t(
        "The search replaces the few words that decide for the teacher. Allow about a second for a sentence and up to a minute "
        "for a page, longer with a language model."
    )
    if chosen.by == "best":
        does = t(
            "Changes single words, or puts in pieces of your own texts of the other label. A language model on this computer reads "
            "each proposal first. Allow a few seconds a text; the first time it is unpacked, about a minute."
        )
    elif chosen.second:
        does = t(
            "Changes about a third of the words, until the teacher and a second, simpler judge are as sure as possible "
            "of the new label. Allow five seconds a text."
        )
    if project.teacher.generates():
        does = generative_teacher.searching(project, k, chosen.budget or usual)
    caption.caption(f"{does} {search_options.leaves(chosen, models)}")
    if st.button(t("Propose changes for {k} texts", k=k), type="primary" if nothing_yet else "secondary", key="generate", disabled=busy):
        start(GenerateRequest(k, search=chosen))


@errors.callback
def anyway(k: int) -> None:
    """Any small change that flips the teacher, for those of the k texts tried that have none yet."""
    jobs_panel.start(project, "generate", GenerateRequest(k, search=SearchOptions(by="anything", missing=True)))


def start(request: GenerateRequest) -> None:
    """Start the job."""
    with errors.shown():
        jobs_panel.start(project, "generate", request, key=state.llm_key(project.endpoints.address_of(request.llm)))
        st.rerun()


def overview(summary: Summary) -> None:
    """What the proposals so far amount to."""
    layout.counts(
        [
            (summary.n_tried, t("text tried") if summary.n_tried == 1 else t("texts tried")),
            (t("{n:,} of {tried:,}", n=summary.n_valid, tried=summary.n_tried), t("have a proposal that flips")),
            (summary.n_decided, t("decided")),
        ]
    )
    missing = summary.n_tried - summary.n_valid
    if missing and not summary.stale:
        st.html(
            f'<div class="cod-why">{escape(t("{texts}: no proposal flips the teacher yet.", texts=layout.several(missing, "text")))}</div>'
        )
        with st.container(horizontal=True, gap="small"):
            st.button(t("Offer what flips anyway"), key="anyway", disabled=busy, on_click=anyway, args=(summary.n_tried,), help=t(ANYWAY))
            if n := len(project.pairs.without()):
                if st.button(t("Write your own for {texts}", texts=layout.several(n, "text")), key="write-own"):
                    state.set_view(View(show="own"))
                    layout.go("curate")


layout.header("Proposals", "For each text the app proposes small changes that turn the teacher's verdict around.")
summary = state.summary(project)
job = jobs_panel.panel(project, ("generate", "study", "fluency", "recheck", "tighten"))
busy = jobs_panel.running(job)
if job is not None and busy and job.kind == "generate":
    coming.draw(project)
nothing_yet = True  # no proposals: making some is the next thing to do
if summary.teacher_label and (hard := project.search.hard_texts()) is not None:
    errors.box(hard.sentence, "info")
if not summary.teacher_label and summary.n_proposed_texts:
    recheck.needed(project, summary)
elif not summary.n_train and summary.n_unlabelled and project.teacher.generates():
    layout.empty(
        "Your prompts have no labels yet",
        "Let the model answer them: each prompt gets the label of its answer.",
        "teacher",
        "Let the model answer",
    )
elif not summary.n_train:
    layout.empty("There are no labelled texts yet", "Proposals are written for your labelled texts.", "data", "Add texts")
elif not summary.teacher_label:
    layout.empty("No teacher is chosen yet", "The teacher decides whether a change flips the label.", "teacher", "Choose a teacher")
else:
    if summary.n_proposed_texts:
        overview(summary)
        waits = recheck.needed(project, summary, busy)
        if busy:
            layout.next_step("curate", "Curate those that are ready")
        else:
            nothing_yet = False
            layout.next_step("curate", "Go on to Curate", primary=not waits)
            quality_card.card(project, busy)
            st.subheader(t("Propose for more texts"), anchor=False)
    elif summary.n_tried:
        overview(summary)
    way = st.segmented_control(
        t("Where do the proposals come from?"), list(WAYS), default="search", required=True, format_func=layout.words(WAYS), key="way"
    )
    if way == "import":
        from ui.proposals import import_pairs

        import_pairs.counterfactuals(project, nothing_yet)
    else:
        k = amount(summary.n_train, summary.n_tried)
        if way == "search":
            search(k, busy)
        elif people.only_for("endpoint", "Setting an endpoint or a key"):
            if project.teacher.generates():
                errors.box(
                    "The model that proposes reads your question and labels as they stand. Here they are about the answer, "
                    "so let the question say so: “What mood has the answer to this prompt?”",
                    "info",
                )
            language_model.propose(project, k, busy, nothing_yet, start)
