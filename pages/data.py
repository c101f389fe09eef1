"""Data: what the project holds, and bringing texts in."""

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cod_core.project.summary import Summary
from cod_core.said import msg
from ui.data import browse, upload
from ui.data import labels as label_forms
from ui.frame import errors, layout, state
from ui.frame.words import t

layout.through_app()

project = layout.need_project()
row = project.row
labels = row.task.labels
ROLES = {"labelled": msg("Texts with labels"), "test": msg("Test texts, kept apart"), "unlabelled": msg("Texts without labels")}
HELP = {
    "labelled": msg(
        "The texts to learn from. Where the project has no test texts yet, a part of 40 or more is set aside for testing and "
        "development. If you will bring a test file, say so below, and none is held out."
    ),
    "test": msg(
        "Labelled texts on which the results are measured. Nothing is trained on them or chosen by them. They join what was set "
        "aside for testing before."
    ),
    "unlabelled": msg("On these the student's agreement with the teacher is measured."),
}
TRAIN_AGAIN = msg(
    "Labelled texts on which the results are measured. Nothing is trained on them or chosen by them. The {texts} set aside for testing "
    "will train again once your test file is here."
)
HUB = {
    "sst2": msg("SST-2: film sentences"),
    "cola": msg("CoLA: acceptable grammar"),
    "imdb": msg("IMDB: film reviews"),
    "yelp": msg("Yelp: reviews"),
    "amazon_polarity": msg("Amazon: product reviews"),
    "sentiment140": msg("Sentiment140: tweets"),
}
HUB_PARTS = {"train": msg("train"), "validation": msg("validation"), "test": msg("test")}


def holdings(summary: Summary) -> None:
    """Counts, balance and the largest k."""
    n_dev = sum(n for (split, _), n in summary.counts.items() if split == "validation")
    layout.counts(
        [
            (summary.n_train, t("training texts")),
            *([(n_dev, t("development texts"))] if n_dev else []),
            (summary.n_test, t("test texts")),
            (summary.n_unlabelled, t("texts without labels")),
        ]
    )
    if n_dev:
        st.caption(t("Development texts are set aside too: the app looks at them while you work, and the test texts stay untouched."))
    train = {label: summary.counts.get(("train", label), 0) for label in labels}
    if summary.n_train:
        st.subheader(t("Training texts by label"), anchor=False)
        layout.balance(train)
        missing = [label for label, n in train.items() if n == 0]
        if missing:
            errors.box(t("There is no training text with the label {labels}. Every label needs some.", labels=", ".join(missing)), "warn")
        else:
            why = t("A balanced comparison can use up to {n:,} of these texts.", n=summary.largest_k)
            st.html(f'<div class="cod-why">{why}</div>')
    if not summary.n_train and summary.n_test:
        errors.box("Now add the texts to learn from, with their labels: nothing is trained on test texts.", "info")
    if unjudged := project.texts.counts().unjudged(labels):
        errors.box(
            t(
                "No test text is labelled {labels}. The results cannot judge how well that is told: add test texts of it.",
                labels=", ".join(unjudged[:8]),
            ),
            "warn",
        )
    if summary.n_train and summary.n_test < 100:
        errors.box(
            t(
                "There are {n} labelled test texts. With fewer than 100 the results can only hint at what your "
                "work bought. Add test texts if you have them.",
                n=summary.n_test,
            ),
            "info",
        )


def hub() -> None:
    """A public data set by name."""
    left, middle, right = st.columns(3)
    name = left.selectbox(t("Data set"), list(HUB), format_func=layout.words(HUB))
    split = middle.selectbox(t("Part"), list(HUB_PARTS), format_func=layout.words(HUB_PARTS))
    limit = int(right.number_input(t("At most so many texts"), 10, 100_000, 1000))
    if st.button(t("Fetch"), key="hub-fetch"):
        bar = st.progress(0.0, text=t("Fetching …"))

        def progress(done: int, total: int, message: str = "") -> None:
            bar.progress(min(1.0, done / total) if total else 0.0)

        brought = None
        with errors.shown():
            brought = project.uploads.import_hub(name, split, limit, progress)
        bar.empty()
        if brought is not None:
            upload.done(project.id, brought)
            st.rerun()


layout.header("Data", "Bring the texts. A handful with labels is enough to start; more test texts make results clearer.")
summary = state.summary(project)
if notice := row.settings.get("notice"):
    errors.box(t("The sample could not be fetched, so a small written one stands in.\n{notice}", notice=notice), "warn")
upload.outcome(project.id)
if summary.n_train or summary.n_test or summary.n_unlabelled:
    holdings(summary)
    if summary.n_train:
        layout.next_step("teacher", "Go on to Teacher")
    area: DeltaGenerator = st.expander(t("Add more texts"), expanded=summary.n_train == 0 or summary.n_test == 0)
else:
    layout.empty(
        "No texts yet", "Choose a file below, or paste a few texts. A table with one column for the text and one for the label is best."
    )
    area = st.container()
with area:
    role = st.segmented_control(
        t("What are you adding?"),
        list(ROLES),
        default="test" if summary.n_train else "labelled",
        required=True,
        format_func=layout.words(ROLES),
        key=f"role-{bool(summary.n_train)}-{bool(summary.n_test)}",  # what was brought is no longer what comes next
    )
    back = project.uploads.train_again() if role == "test" else 0
    st.caption(t(TRAIN_AGAIN, texts=layout.several(back, "text")) if back else t(HELP[role or "labelled"]))
    upload.examples(project, labels, role or "labelled", primary=not summary.n_train)
if summary.n_train or summary.n_test or summary.n_unlabelled:
    with st.expander(t("Look through the texts, and correct them")), errors.shown():
        browse.section(project)
    with st.expander(t("Labels: rename, describe, merge, add")), errors.shown():
        label_forms.section(project)
with st.expander(t("Fetch a public data set")):
    st.caption(t("Needs a connection to the Hugging Face hub."))
    hub()
