"""Proposals: let the app write counterfactuals for the next texts, or bring ready ones."""

from html import escape

import streamlit as st

from cod_core.counterfactuals.options import GenerateRequest
from cod_core.project.summary import Summary
from ui.frame import errors, layout, people, state
from ui.proposals import language_model, quality_card, search_options
from ui.shared import jobs_panel, recheck
from ui.teacher import generative_teacher

layout.through_app()

project = layout.need_project()
row = project.row
WAYS = {"search": "Search on this computer", "llm": "Language model", "import": "I have some already"}
SIZES = (8, 16, 32, 64, 128, 256, 512)


def amount(largest: int) -> int:
    """How many texts to work on."""
    options = [k for k in SIZES if k <= largest] or [largest]
    return st.select_slider(
        "How many of your texts?",
        options,
        value=min(options, key=lambda k: abs(k - 16)),
        help="The app takes them evenly from your labels. You can always add more later.",
    )


def search(k: int, busy: bool) -> None:
    """The embedded, teacher-guided search."""
    labels = row.task.labels
    learns, n_texts = project.searcher.surrogate_learns_from()
    if row.teacher and row.teacher["kind"] in ("llm", "generative"):
        n_texts = 0
    if search_options.topics(labels) and not search_options.can_be_clear(labels, n_texts):
        errors.box(
            "With so many labels (topics, say) single words flip the teacher without making a good text of the other label. "
            f"Add {'texts, with or without labels,' if 'unlabelled' in learns else 'labelled texts'} until there are "
            f"{search_options.TEXTS_A_LABEL * len(labels)}: a second judge can then learn from them and ask for clearer changes. "
            "Or let a language model propose.",
            "info",
        )
    caption, models = st.empty(), project.searcher.llm_source_names()
    usual = project.searcher.usual_budget()
    chosen = search_options.choose(labels, models, usual, n_texts)
    does = (
        "Looks for the few words that decide for the teacher and replaces them; allow about a second for a text of a sentence, "
        "up to a minute for one of a page, longer with a language model."
    )
    if chosen.second:
        does = (
            "Changes several words, about a third of them, until the teacher and a second, simpler judge are as sure as possible "
            "of the new label; allow five seconds a text."
        )
    if project.teacher.generates():
        does = generative_teacher.searching(project, k, chosen.budget or usual)
    caption.caption(f"{does} {search_options.leaves(chosen, models)}")
    if st.button(f"Propose changes for {k} texts", type="primary" if nothing_yet else "secondary", key="generate", disabled=busy):
        start(GenerateRequest(k, search=chosen))


def start(request: GenerateRequest) -> None:
    """Start the job."""
    with errors.shown():
        jobs_panel.start(project, "generate", request, key=state.llm_key(project.endpoints.address_of(request.llm)))
        st.rerun()


def overview(summary: Summary) -> None:
    """What the proposals so far amount to."""
    layout.counts(
        [
            (summary.n_proposed_texts, "text with proposals" if summary.n_proposed_texts == 1 else "texts with proposals"),
            (summary.n_valid, "of them with one that flips the teacher"),
            (summary.n_decided, "decided by you"),
        ]
    )
    missing = summary.n_proposed_texts - summary.n_valid
    if missing and not summary.stale:
        st.html(
            f'<div class="cod-why">{escape(layout.several(missing, "text"))}: no proposal flips the teacher yet. '
            "You can change the wording yourself on the page Curate.</div>"
        )


layout.header("Proposals", "For each text the app proposes small changes that turn the teacher's verdict around.")
summary = state.summary(project)
job = jobs_panel.panel(project, ("generate", "study", "fluency", "recheck", "tighten"))
busy = jobs_panel.running(job)
nothing_yet = True  # no proposals: making some is the next thing to do
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
            st.subheader("Propose for more texts", anchor=False)
    way = st.segmented_control(
        "Where do the proposals come from?", list(WAYS), default="search", required=True, format_func=layout.words(WAYS), key="way"
    )
    if way == "import":
        from ui.proposals import import_pairs

        import_pairs.counterfactuals(project, nothing_yet)
    else:
        k = amount(summary.n_train)
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
