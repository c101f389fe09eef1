"""Start: begin with texts of one's own, go on with a project, or try the sample."""

import streamlit as st

from cod_core.said import msg
from cod_core.types import Task
from ui.frame import errors, layout, people, state, tour
from ui.frame.words import t

layout.through_app()

SAMPLES = {
    "movies": msg("Movie reviews"),
    "amazon": msg("Product reviews"),
    "tweets": msg("Tweets"),
    "news": msg("Newspaper editorials (three classes)"),
}


def hero() -> str:
    """What this is for, as HTML."""
    word = f"<b>{t('counterfactual')}</b>"
    lead = t(
        "A {counterfactual} is a text with the smallest change that turns its label around. Curate a few, and a small, "
        "fast model learns from a large one with far fewer examples.",
        counterfactual=word,
    )
    return f'<div class="cod-hero"><h1>{t("Make a few labelled texts count")}</h1><p>{lead}</p></div>'


def open_and_go(pid: str, page: str) -> None:
    """Open a project that was just made."""
    state.open_project(pid)
    state.mark_saved()
    layout.go(page)


def make_sample(name: str) -> None:
    """Fetch and open a sample, with progress."""
    bar = st.progress(0.0, text=t("Getting the sample texts …"))

    def progress(done: int, total: int, message: str = "") -> None:
        bar.progress(min(1.0, done / total) if total else 0.0, text=layout.plain(t(message or msg("Getting the sample texts"))))

    pid = None
    with errors.shown():
        pid = state.workspace().create_sample(name, progress=progress)
    bar.empty()
    if pid:
        tour.begin()
        open_and_go(pid, "proposals")


ANSWERS, MEANINGS = "own-answers", "own-meanings"


def own_project() -> None:
    """The form of a project without texts; its answers can be taken from a file."""
    from ui.data import labels_from_file  # the page's first words need none of what reads files

    labels_from_file.offered(ANSWERS, MEANINGS)
    with st.form("own", border=True):
        name = st.text_input(t("Name of the project"), max_chars=80, placeholder=t("Patient feedback"))
        question = st.text_input(
            t("What do you want to know about each text?"), max_chars=200, placeholder=t("Is this message a complaint or praise?")
        )
        left, right = st.columns(2)
        labels = left.text_area(t("Possible answers, one a line"), height=120, placeholder=t("complaint\npraise"), key=ANSWERS)
        meaning = right.text_area(t("What does each answer mean? One line each (optional)"), height=120, key=MEANINGS)
        if st.form_submit_button(t("Create the project")):
            create(name, question, labels, meaning)


def create(name: str, question: str, labels: str, meaning: str) -> None:
    """Check the form and make the project."""
    answers = tuple(dict.fromkeys(line.strip() for line in labels.splitlines() if line.strip()))
    described = tuple(line.strip() for line in meaning.splitlines() if line.strip())
    if not name.strip():
        errors.box("Give the project a name, so that you find it again.", "warn")
    elif len(answers) < 2:
        said = [t("Give at least two different answers, one a line: a counterfactual turns one into another.")]
        if "," in labels:
            said.append(t("Names may hold commas, so they do not divide answers."))
        errors.box(" ".join(said), "warn")
    elif described and len(described) != len(answers):
        errors.box(
            t(
                "There are {answers} answers but {described} lines that explain them. Write one line an answer, in "
                "the same order, or leave the box empty.",
                answers=len(answers),
                described=len(described),
            ),
            "warn",
        )
    else:
        pid = None
        with errors.shown():
            pid = state.workspace().create_project(name.strip(), Task(question.strip() or name.strip(), answers, described))
        if pid:
            open_and_go(pid, "data")


def put_away() -> None:
    """Projects that were archived."""
    away = [p for p in state.workspace().projects() if p.archived_at is not None]
    if not away or not people.allowed("archive"):
        return
    with st.expander(t("Projects put away ({n})", n=len(away)), icon=":material/inventory_2:"):
        for project in away:
            if st.button(t("Bring back: {name}", name=layout.plain(project.name, 60)), key=f"back-{project.id}"):
                with errors.shown():
                    state.workspace().project(project.id).keeping.archive(False)
                    open_and_go(project.id, "data")


def from_file() -> None:
    """An exported set or a backup, read back."""
    owner = people.allowed("restore")
    file = st.file_uploader(t("A backup or an exported set (.zip)"), type=["zip"], key="bundle")
    if not file:
        return
    left, right = st.columns(2)
    pid = None
    if left.button(
        t("Restore this backup"), key="restore", disabled=not owner, help=None if owner else t("Only an owner restores a backup.")
    ):
        with errors.shown(), st.spinner(t("Restoring …")):
            pid = state.workspace().restore(file.getvalue())
    if right.button(t("Open this exported set"), key="open-set"):
        with errors.shown(), st.spinner(t("Opening …")):
            pid, left_out = state.workspace().open_bundle(file.getvalue())
            if left_out:
                state.notice(t("{n} texts were left out. The first: {message}", n=len(left_out), message=left_out[0].message), "warn")
    if pid:
        open_and_go(pid, "curate")


def sample(fresh: bool) -> None:
    """One press to look around without texts of one's own. fresh: nothing else has been begun here."""
    st.subheader(t("Or look around first"), anchor=False)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        clicked = st.button(
            t("Try the sample project"), type="primary" if fresh else "secondary", icon=":material/play_arrow:", key="try-sample"
        )
        which = st.segmented_control(
            t("Sample"),
            list(SAMPLES),
            default="movies",
            required=True,
            format_func=layout.words(SAMPLES),
            label_visibility="collapsed",
            key="which-sample",
        )
    if clicked:
        make_sample(which or "movies")


def own_file() -> bool:
    """One's own texts: the drop area, then what the file says. Whether a file is there to be confirmed."""
    from ui.start import own_file as own  # the page's first words need none of what reads files

    st.subheader(t("Start with my own texts"), anchor=False)
    with errors.shown():
        if made := own.section():
            open_and_go(*made)
    return own.chosen()


def others() -> None:
    """The projects, the samples, and the ways for those who have no file."""
    from ui.start import cards

    fresh = True
    with errors.shown():
        fresh = not cards.section()
    sample(fresh)
    # what stands in a closed box is drawn when it is opened: the page's first words need not wait for forms and uploads
    box = st.expander(t("No file yet? Name the labels first"), icon=":material/edit_note:", key="own-box", on_change="rerun")
    if box.open:
        with box:
            own_project()
    file_box = st.expander(t("Restore a backup, or open an exported set"), icon=":material/unarchive:", key="file-box", on_change="rerun")
    if file_box.open:
        with file_box:
            from_file()
    with errors.shown():
        put_away()


if waiting := state.take_notice():
    errors.box(*waiting)
top = st.empty()
top.html(hero())
if own_file():
    top.empty()  # what the file says has the page to itself
else:
    others()
