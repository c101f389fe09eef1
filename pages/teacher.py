"""Teacher: choose the model that judges, and see how far it can be trusted on these very texts."""

from html import escape

import streamlit as st

from cod_core.models.choice import FEWEST_MINUTES, MOST_MINUTES, MOST_ROUNDS, FinetuneOptions, TeacherChoice, read_choice
from cod_core.project.teacher.trust import TeacherReport
from ui.frame import errors, layout, people, state
from ui.proposals import language_model
from ui.shared import jobs_panel, recheck, verdict
from ui.teacher import by_label, first_choice, generative_teacher, hub_model, repair

layout.through_app()

project = layout.need_project()
row = project.row
KINDS = {
    "builtin": "Built-in",
    "transformers": "Hugging Face model",
    "finetune": "Train on my texts",
    "llm": "Language model",
    "generative": "A model's answers",
}
UNTIL_LEARNT = "It trains on this computer until it has learnt, usually within 5 minutes. Labels with few texts get more weight."


def report() -> tuple[bool, bool]:
    """The teacher's card: accuracy on the person's own rows, label by label. (Whether it is of use, whether one of the labels is
    dead)."""
    measured, generates = None, project.teacher.generates()
    doing = "The model answers some of your prompts …" if generates else "The teacher reads your labelled texts …"
    with errors.shown(), st.spinner(doing):
        measured = project.trust.report()
    if measured is None:
        return False, False
    st.subheader("Your teacher", anchor=False)
    st.html(f'<div class="cod-name">{escape(measured.name)}</div>')
    accuracy(measured)
    by_label.warnings(measured, lambda: train(FinetuneOptions()), jobs_panel.running(job))
    if measured.accuracy is None and not generates:
        errors.box("There are no labelled texts yet on which to measure this teacher.", "info")
    if measured.n_left_out:
        errors.box(f"{measured.n_left_out:,} of your texts were used to train this teacher and are left out of this number.", "info")
    if measured.note:
        errors.box(measured.note, "warn")
    unanswered(measured)
    memory()
    by_label.tables(measured)
    if generates:
        generative_teacher.samples(project)
    disagreements(measured)
    technical(measured)
    return not measured.warning, by_label.dead(measured.advice)


def accuracy(measured: TeacherReport) -> None:
    """How often the teacher is right, on how many texts, and the warning where that is no better than guessing."""
    cells: list[tuple[object, str]] = []
    if measured.accuracy is not None:
        cells.append((verdict.percent(measured.accuracy), f"right on {measured.n:,} of your labelled texts"))
    if measured.disagreements:
        cells.append(
            (
                len(measured.disagreements),
                f"texts where it disagrees with your label, of the {measured.judged or len(measured.disagreements):,} it read",
            )
        )
    if cells:
        layout.counts(cells)
    if measured.warning:
        errors.box(measured.warning, "warn")


def disagreements(measured: TeacherReport) -> None:
    """The texts whose label the teacher sees otherwise."""
    if not measured.disagreements:
        return
    with st.expander("See where the teacher disagrees with you"):
        layout.grid(
            [
                {"text": e.text, "your label": e.label, "teacher says": p.label, "how sure": verdict.percent(p.prob(p.label))}
                for e, p in measured.disagreements
            ]
        )


def technical(measured: TeacherReport) -> None:
    """Which model it is, exactly."""
    share = "prompts answered" if measured.kind == "generative" else "the answers' probability on your labels"
    covered = "" if measured.covered is None else f"\nshare of {share} {measured.covered:.3f}"
    how, trained = project.training.how(), ""
    if how is not None:
        ended = "" if how.learnt.settled else ", cut off at the limit"
        trained = (
            f"\nrounds {how.learnt.rounds:g}{ended}, learning rate {how.learnt.learning_rate:g}"
            f"\nheld-out texts {how.held_out:,}, temperature {how.temperature:.2f}"
        )
    with st.expander("Technical details", icon=":material/code:", expanded=state.technical()):
        st.text(f"{measured.name}\nrevision {measured.revision}\nkind {measured.kind}{covered}{trained}")
        by_label.technical(measured)


def use(choice: TeacherChoice, key: str | None = None) -> None:
    """Make a teacher the project's. key: for a language model's address."""
    with errors.shown(), st.spinner("Loading the teacher …"):
        project.teacher.choose(choice, key=key)
        state.mark_saved()
        state.notice("The teacher is set.")
        st.rerun()


def use_button(ready: bool = True) -> bool:
    """Whether the person takes the teacher that was chosen. ready: whether nothing of it is missing."""
    return st.button("Use this teacher", type="secondary" if settled else "primary", key="use", disabled=not ready)


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
            f"You have {summary.n_train} labelled training texts. Below about 200 such a teacher is weak: look at how often "
            "it is right before you rely on it.",
            "warn",
        )
    st.caption(UNTIL_LEARNT)
    with st.expander("Technical details", icon=":material/code:"):
        encoder = st.text_input("Model to start from", "all-MiniLM-L6-v2", max_chars=300, disabled=not people.allowed("endpoint"))
        epochs = st.number_input("Rounds over the texts", 1, MOST_ROUNDS, None, placeholder="until it has learnt", key="rounds")
        minutes = st.number_input(
            "Most minutes", FEWEST_MINUTES, MOST_MINUTES, None, placeholder="5", key="minutes", disabled=epochs is not None
        )
    if st.button(
        "Train a teacher", type="secondary" if settled else "primary", key="use", disabled=jobs_panel.running(job) or summary.n_train == 0
    ):
        train(FinetuneOptions(encoder.strip() or None, epochs, None if epochs else minutes))


def train(options: FinetuneOptions) -> None:
    """Start a training as a job."""
    with errors.shown(), st.spinner("Looking for the model to start from …"):
        jobs_panel.start(project, "finetune_teacher", options)
        st.rerun()


def llm() -> None:
    """A language model at an OpenAI-compatible service, or on this computer."""
    last = language_model.of_stored(row.teacher or {})
    model = language_model.choose(project, last, "teacher")
    more: dict[str, int] = {}
    with st.expander("Options"):
        if model and not model.local:
            model = language_model.options(model, last)
            more["samples"] = int(st.number_input("Answers to ask for where the service gives no probabilities", 1, 50, 5))
        calibrate = st.toggle(
            "Correct for what the model answers when there is no text",
            value=bool((row.teacher or {}).get("calibrate")),
            help="Many models prefer one of the labels whatever the text says. Three questions without a text show by "
            "how much; the probabilities are divided by it.",
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


def unanswered(measured: TeacherReport) -> None:
    """Texts for which a language model gave no verdict."""
    if measured.unanswered and measured.kind == "generative":
        errors.box(
            f"To {layout.several(measured.unanswered, 'prompt')} the model answered nothing. These prompts count neither as "
            "right nor as wrong, and no proposal is made for them.",
            "warn",
        )
    elif measured.unanswered:
        errors.box(
            f"For {layout.several(measured.unanswered, 'text')} the model named none of your labels. These texts count "
            "neither as right nor as wrong, and no proposal is made for them. Say more clearly what each label means, "
            "or choose another model.",
            "warn",
        )


def memory() -> None:
    """What is remembered of a language model's answers, and what they cost."""
    held = project.teacher.soft_label_memory()
    if held is None:
        return
    cost = "not known" if held.cost_usd is None else f"{held.cost_usd:.4f} USD"
    rate = "–" if held.hit_rate is None else f"{held.hit_rate * 100:.0f} %"
    layout.counts(
        [
            (held.size, "answers remembered"),
            (rate, "of questions answered from memory"),
            (held.calls, "calls made"),
            (cost, "spent on them"),
        ]
    )
    if held.reads == "votes":
        errors.box("This service gives no probabilities: how sure the teacher is comes from votes of several answers.", "info")


def unconfirmed() -> None:
    """Addresses that came with the project: a person here says first that texts may go there."""
    addresses = []
    with errors.shown():
        addresses = project.endpoints.unconfirmed()
    for number, address in enumerate(addresses):
        errors.box(
            f"This project uses a language model at {address}, and nobody has confirmed that here. Nothing is sent to it before. "
            "With your texts goes the key for this address, or the one in COD_LLM_KEY unless COD_LLM_BASE_URL names another.",
            "warn",
        )
        pressed = st.button(f"My texts may go to {layout.plain(address, 200)}", key=f"confirm-endpoint-{number}")
        if pressed and people.only_for("endpoint", "Confirming an address"):
            with errors.shown():
                project.endpoints.confirm(address)
                st.rerun()


layout.header("Teacher", "The teacher is the larger model that judges each text and whether a change flips it.")
summary = state.summary(project)
settled = False  # whether the teacher in use may stay: choosing one is the next thing to do otherwise
job = jobs_panel.panel(project, ("finetune_teacher", "label_prompts", "teach_teacher"))
stopped = job is not None and job.kind == "finetune_teacher" and job.state in ("cancelled", "failed")
unconfirmed()
if summary.teacher_label:
    of_use, dead = report()
    repair.panel(project, jobs_panel.running(job))
    if project.teacher.generates():
        generative_teacher.unlabelled(project, summary, jobs_panel.running(job))
    waits = recheck.needed(project, summary, jobs_panel.running(job), "teacher")
    settled = of_use or waits
    layout.next_step("proposals", "Go on to Proposals", primary=summary.n_train > 0 and of_use and not waits and not dead)
elif recheck.needed(project, summary, page="teacher"):
    pass  # an exported set that was opened: choose below
elif summary.n_train == 0 and summary.n_unlabelled:
    errors.box(
        "None of your texts has a label yet. If they are prompts, choose “A model's answers”: then each gets the label of its answer.",
        "info",
    )
elif summary.n_train == 0:
    errors.box("Bring some labelled texts first: then you see at once how well a teacher fits them.", "info")
area = st.expander("Use another teacher", expanded=not settled or stopped) if summary.teacher_label else st.container(border=True)
with area:
    first = first_choice.kind(row.task.labels, summary.n_train, stopped)
    kinds = [kind for kind in KINDS if kind != "builtin" or first_choice.builtins(row.task.labels)]
    chosen = st.segmented_control(
        "Kind of teacher", kinds, default=first, required=True, format_func=layout.words(KINDS), key="teacher-kind"
    )
    if chosen == "llm" and first == "llm" and not summary.teacher_label:
        errors.box(first_choice.needs(summary.n_train), "info")
    if chosen not in ("transformers", "llm", "generative") or people.only_for("endpoint", "Setting a model folder, an endpoint or a key"):
        {"builtin": builtin, "transformers": hub, "finetune": finetune, "llm": llm, "generative": generative}[chosen or first]()
