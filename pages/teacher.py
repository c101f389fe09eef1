"""Teacher: choose the model that judges, and see how far it can be trusted on these very texts."""

from dataclasses import replace
from html import escape
from math import ceil

import streamlit as st

from cod_core.models.choice import FEWEST_MINUTES, MOST_MINUTES, MOST_ROUNDS, FinetuneOptions, TeacherChoice, read_choice, usual_minutes
from cod_core.project.teacher.trust import TeacherReport
from cod_core.said import msg
from ui.frame import errors, layout, people, state
from ui.frame.words import t
from ui.proposals import language_model
from ui.shared import jobs_panel, recheck
from ui.teacher import by_label, details, first_choice, generative_teacher, hub_model, repair

layout.through_app()

project = layout.need_project()
row = project.row
KINDS = {
    "builtin": msg("Built-in"),
    "transformers": msg("Hugging Face model"),
    "finetune": msg("Train on my texts"),
    "llm": msg("Language model"),
    "generative": msg("A model's answers"),
}


def judged() -> TeacherReport | None:
    """How the teacher does on the person's own rows; None where that could not be told."""
    doing = t("The model answers some of your prompts …") if project.teacher.generates() else t("The teacher reads your labelled texts …")
    with errors.shown(), st.spinner(doing):
        return project.trust.report()
    return None


def card(measured: TeacherReport, busy: bool) -> None:
    """What must be known of the teacher: how often it is right, what is wrong with it, label by label."""
    st.subheader(t("Your teacher"), anchor=False)
    st.html(f'<div class="cod-name">{escape(t(measured.name))}</div>')
    cells: list[tuple[object, str]] = []
    if measured.accuracy is not None and measured.unanswered and not project.teacher.generates():
        asked = measured.n + measured.unanswered
        cells.append((part(round(measured.accuracy * measured.n), asked), t("of your labelled texts right")))
        cells.append((part(measured.unanswered, asked), t("got no answer that could be read")))
    elif measured.accuracy is not None:
        cells.append((part(round(measured.accuracy * measured.n), measured.n), t("of your labelled texts right")))
    if measured.disagreements:
        read = measured.judged or len(measured.disagreements)
        cells.append((len(measured.disagreements), t("texts where it disagrees with your label, of the {read:,} it read", read=read)))
    if cells:
        layout.counts(cells)
    by_label.warnings(measured, lambda: train(project.training.longer()), busy)
    by_label.table(measured)
    if project.teacher.generates():
        generative_teacher.samples(project)


def part(some: int, of: int) -> str:
    """'3 of 20'."""
    return t("{some:,} of {of:,}", some=some, of=of)


def use(choice: TeacherChoice, key: str | None = None) -> None:
    """Make a teacher the project's. key: for a language model's address."""
    with errors.shown(), st.spinner(t("Loading the teacher …")):
        project.teacher.choose(choice, key=key)
        state.mark_saved()
        state.notice("The teacher is set.")
        st.rerun()


def use_button(ready: bool = True) -> bool:
    """Whether the person takes the teacher that was chosen. ready: whether nothing of it is missing."""
    return st.button(t("Use this teacher"), type="secondary" if settled else "primary", key="use", disabled=not ready)


def builtin() -> None:
    """One of the packaged teachers whose labels are the project's, or as many: then the person says which is which."""
    name, mapped = first_choice.builtin(row.task.labels, (row.teacher or {}).get("name"))
    ready = mapped is None or len(set(mapped.values())) == len(row.task.labels)
    if use_button(ready):
        use(read_choice({"kind": "builtin", "name": name, **({"label_map": mapped} if mapped else {})}))


def hub() -> None:
    """Any sequence classifier, by name or folder."""
    choice = hub_model.choose(row.task.labels)
    if use_button(choice is not None) and choice:
        use(choice)


def finetune() -> None:
    """A teacher trained on the project's labelled texts, as a job."""
    if summary.n_train < 200:
        errors.box(
            t(
                "You have {texts} labelled training texts. Below about 200 such a teacher is weak: look at how "
                "often it is right before you rely on it.",
                texts=summary.n_train,
            ),
            "warn",
        )
    usual = f"{ceil(usual_minutes(summary.n_train))}"
    st.caption(
        t(
            "It trains on this computer until it has learnt, within {minutes} minutes as a rule. Labels with few texts get more weight.",
            minutes=usual,
        )
    )
    with st.expander(t("More about the training")):
        encoder = st.text_input(t("Model to start from"), "all-MiniLM-L6-v2", max_chars=300, disabled=not people.allowed("endpoint"))
        epochs = st.number_input(t("Rounds over the texts"), 1, MOST_ROUNDS, None, placeholder=t("until it has learnt"), key="rounds")
        minutes = st.number_input(
            t("Most minutes"), FEWEST_MINUTES, MOST_MINUTES, None, placeholder=usual, key="minutes", disabled=epochs is not None
        )
    if st.button(t("Train a teacher"), type="secondary" if settled else "primary", key="use", disabled=busy or summary.n_train == 0):
        train(FinetuneOptions(encoder.strip() or None, epochs, None if epochs else minutes))


def train(options: FinetuneOptions) -> None:
    """Start a training as a job."""
    with errors.shown(), st.spinner(t("Looking for the model to start from …")):
        jobs_panel.start(project, "finetune_teacher", options)
        st.rerun()


def llm() -> None:
    """A language model at an OpenAI-compatible service, or on this computer."""
    last = language_model.of_stored(row.teacher or {})
    model = language_model.choose(project, last, "teacher")
    more: dict[str, int] = {}
    with st.expander(t("Options")):
        if model and not model.local:
            model = language_model.options(model, last, "teacher")
            model = replace(model, temperature=st.number_input(t("Temperature of several answers"), 0.0, 2.0, last.temperature or 0.7, 0.1))
            more["samples"] = int(st.number_input(t("Answers to ask for where the service gives no probabilities"), 1, 50, 5))
        calibrate = st.toggle(
            t("Correct for what the model answers when there is no text"),
            value=bool((row.teacher or {}).get("calibrate")),
            help=t(
                "Many models prefer one of the labels whatever the text says. Three questions without a text show by "
                "how much; the probabilities are divided by it."
            ),
        )
    if model and not model.local:
        errors.box("Your texts are sent to this address. Each answer is kept, so no text is sent twice.", "warn")
    if use_button(model is not None) and model:
        use(read_choice({"kind": "llm", **model.to_json(), **more, "calibrate": calibrate}), key=state.llm_key(model.base_url))


def generative() -> None:
    """A language model that answers the texts, and a classifier that judges its answers."""
    choice = generative_teacher.choose(project)
    if use_button(choice is not None) and choice:
        use(choice)


def unconfirmed() -> None:
    """A teacher and addresses that came with the project: a person here says first that they may be used."""
    if project.teacher.unconfirmed() and summary.teacher_label:
        errors.box("This teacher came with a backup. Nothing of it is loaded before an owner confirms it.", "warn")
        if st.button(t("Use the teacher of this backup"), key="confirm-teacher") and people.only_for(
            "model folder", "Confirming a teacher"
        ):
            with errors.shown():
                project.teacher.confirm()
                st.rerun()
    addresses = []
    with errors.shown():
        addresses = project.endpoints.unconfirmed()
    for at, address in enumerate(addresses):
        errors.box(
            t(
                "This project uses a language model at {address}, and nobody has confirmed that here. Nothing is "
                "sent to it before. With your texts goes the key for this address, or the one in COD_LLM_KEY unless "
                "COD_LLM_BASE_URL names another.",
                address=address,
            ),
            "warn",
        )
        pressed = st.button(t("My texts may go to {address}", address=layout.plain(address, 200)), key=f"confirm-endpoint-{at}")
        if pressed and people.only_for("endpoint", "Confirming an address"):
            with errors.shown():
                project.endpoints.confirm(address)
                st.rerun()


def choose(in_use: bool) -> None:
    """Which teacher to use. in_use: whether there is one that judges already."""
    first = first_choice.kind(row.task.labels, summary.n_train, stopped)
    kinds = [kind for kind in KINDS if kind != "builtin" or first_choice.builtins(row.task.labels)]
    chosen = st.segmented_control(
        t("Kind of teacher"),
        kinds,
        default=first,
        required=True,
        format_func=layout.words({kind: t(words) for kind, words in KINDS.items()}),
        key="teacher-kind",
    )
    if chosen == "llm" and first == "llm" and not in_use:
        errors.box(first_choice.needs(summary.n_train), kind="info")
    if chosen not in ("transformers", "llm", "generative") or people.only_for("endpoint", "Setting a model folder, an endpoint or a key"):
        {"builtin": builtin, "transformers": hub, "finetune": finetune, "llm": llm, "generative": generative}[chosen or first]()


def first_texts() -> None:
    """What to do before a teacher is chosen, where there is no labelled text."""
    if summary.n_train == 0 and summary.n_unlabelled:
        errors.box(
            "None of your texts has a label yet. If they are prompts, choose “A model's answers”: then each gets the label of its answer.",
            "info",
        )
    elif summary.n_train == 0:
        errors.box("Bring some labelled texts first: then you see at once how well a teacher fits them.", "info")


layout.header("Teacher", "The teacher is the larger model that judges each text and whether a change flips it.")
summary = state.summary(project)
settled = False  # whether the teacher in use may stay: choosing one is the next thing to do otherwise
job = jobs_panel.panel(project, ("finetune_teacher", "label_prompts", "teach_teacher"))
busy = jobs_panel.running(job)
stopped = job is not None and job.kind == "finetune_teacher" and job.state in ("cancelled", "failed")
unconfirmed()
measured = judged() if summary.teacher_label else None
if summary.teacher_label:
    if measured is not None:
        card(measured, busy)
        repair.panel(project, busy)
    if project.teacher.generates():
        generative_teacher.unlabelled(project, summary, busy)
    waits = recheck.needed(project, summary, busy, "teacher")
    of_use = measured is not None and not measured.warning
    settled = of_use or waits
    dead = measured is not None and by_label.dead(measured.advice)
    layout.next_step("proposals", "Go on to Proposals", primary=summary.n_train > 0 and of_use and not waits and not dead)
elif not recheck.needed(project, summary, page="teacher"):  # else an exported set was opened: choose below
    first_texts()
if not settled or stopped:
    with st.container(border=True):
        choose(bool(summary.teacher_label))
if summary.teacher_label:
    with st.expander(t("More"), expanded=state.technical()):
        if settled and not stopped:
            st.markdown(f"**{t('Use another teacher')}**")
            choose(True)
        if measured is not None:
            details.more(project, measured)
