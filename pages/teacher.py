"""Teacher: choose the model that judges, and see how far it can be trusted on these very texts."""

from html import escape
from typing import Any

import streamlit as st

from cod_core.models.choice import read_choice
from cod_core.project.teacher.training import usual_rounds
from ui.frame import errors, layout, people, state
from ui.proposals import language_model
from ui.shared import jobs_panel, recheck, verdict
from ui.teacher import generative_teacher, hub_model

layout.through_app()

w, project = layout.need_project()
pid, labels = project.id, project.task.labels
KINDS = {
    "builtin": "Built-in",
    "transformers": "Hugging Face model",
    "finetune": "Train on my texts",
    "llm": "Language model",
    "generative": "A model's answers",
}
BUILTIN = {
    "movies": "Movie reviews: negative, positive",
    "amazon": "Product reviews: negative, positive",
    "tweets": "Tweets: negative, positive",
    "news": "Newspaper editorials: negative, neutral, positive",
}


def report() -> bool:
    """The teacher's card: accuracy on the person's own rows and where it disagrees. Whether it is of use."""
    found = None
    doing = "The model answers some of your prompts …" if w.project(pid).teacher.generates() else "The teacher reads your labelled texts …"
    with errors.shown(), st.spinner(doing):
        found = w.project(pid).trust.report()
    if found is None:
        return False
    st.subheader("Your teacher", anchor=False)
    st.html(f'<div class="cod-name">{escape(found.name)}</div>')
    cells = []
    if found.accuracy is not None:
        cells.append((verdict.percent(found.accuracy), f"right on {found.n:,} of your labelled texts"))
    if found.disagreements:
        cells.append((len(found.disagreements), "texts where it disagrees with your label"))
    if cells:
        layout.counts(cells)
    if found.warning:
        errors.box(found.warning, "warn")
    if found.accuracy is None and not w.project(pid).teacher.generates():
        errors.box("There are no labelled texts yet on which to measure this teacher.", "info")
    if found.n_left_out:
        errors.box(f"{found.n_left_out:,} of your texts were used to train this teacher and are left out of this number.", "info")
    if found.note:
        errors.box(found.note, "warn")
    left_open(found)
    if w.project(pid).teacher.generates():
        generative_teacher.samples(w, pid)
    if found.disagreements:
        with st.expander("See where the teacher disagrees with you"):
            layout.grid(
                [
                    {"text": e.text, "your label": e.label, "teacher says": p.label, "how sure": verdict.percent(p.prob(p.label))}
                    for e, p in found.disagreements
                ]
            )
    share = "prompts answered" if found.kind == "generative" else "the answers' probability on your labels"
    covered = "" if found.covered is None else f"\nshare of {share} {found.covered:.3f}"
    with st.expander("Technical details", icon=":material/code:"):
        st.text(f"{found.name}\nrevision {found.revision}\nkind {found.kind}{covered}")
    return not found.warning


def use(spec: dict[str, Any], **more: Any) -> None:
    """Make a teacher the project's."""
    with errors.shown(), st.spinner("Loading the teacher …"):
        w.project(pid).teacher.choose(read_choice(spec), **more)
        state.mark_saved()
        state.notice("The teacher is set.")
        st.rerun()


def builtin() -> None:
    """One of the packaged teachers."""
    known = (project.teacher or {}).get("name")
    name = st.selectbox(
        "Which texts are most like yours?",
        list(BUILTIN),
        format_func=BUILTIN.get,
        index=list(BUILTIN).index(known) if known in BUILTIN else 0,
    )
    st.caption("A small model that comes with the app. It needs no network.")
    if st.button("Use this teacher", type=kind_of_action, key="use"):
        use({"kind": "builtin", "name": name})


def hub() -> None:
    """Any sequence classifier, by name or folder."""
    spec = hub_model.choose(labels)
    if st.button("Use this teacher", type=kind_of_action, key="use", disabled=not spec):
        use(spec)


def finetune() -> None:
    """A teacher trained on the project's labelled texts, as a job."""
    summary = w.project(pid).summary()
    if summary.n_train < 200:
        errors.box(
            f"You have {summary.n_train} labelled training texts. Below about 200 such a teacher is weak: look at how often "
            "it is right before you rely on it.",
            "warn",
        )
    with st.expander("Options"):
        encoder = st.text_input("Model to start from", "all-MiniLM-L6-v2", max_chars=300, disabled=not people.allowed("endpoint"))
        epochs = st.number_input("Rounds over the texts", 1, 100, usual_rounds(summary.n_train))
    busy = jobs_panel.running(w.project(pid).jobs.newest())
    if st.button("Train a teacher", type=kind_of_action, key="use", disabled=busy or summary.n_train == 0):
        with errors.shown(), st.spinner("Looking for the model to start from …"):
            w.project(pid).jobs.start("finetune_teacher", {"encoder": encoder.strip(), "epochs": int(epochs)})
            st.rerun()


def llm() -> None:
    """A language model at an OpenAI-compatible service, or on this computer."""
    model, options = language_model.choose(w, pid, project.teacher or {}, "teacher")
    with st.expander("Options"):
        more = options() if model else {}
        if "base_url" in model:
            more["samples"] = int(st.number_input("Answers to ask for where the service gives no probabilities", 1, 50, 5))
        more["calibrate"] = st.toggle(
            "Correct for what the model answers when there is no text",
            value=bool((project.teacher or {}).get("calibrate")),
            help="Many models prefer one of the labels whatever the text says. Three questions without a text show by "
            "how much; the probabilities are divided by it.",
        )
    if "base_url" in model:
        errors.box("Your texts are sent to this address. Each answer is kept, so no text is sent twice.", "warn")
    if st.button("Use this teacher", type=kind_of_action, key="use", disabled=not model):
        use({"kind": "llm", **model, **more}, key=state.llm_key(model.get("base_url")))


def generative() -> None:
    """A language model that answers the texts, and a classifier that judges its answers."""
    spec = generative_teacher.choose(w, project)
    if st.button("Use this teacher", type=kind_of_action, key="use", disabled=not spec):
        use(spec)


def left_open(found: Any) -> None:
    """What a language model as teacher leaves open, and what its memory holds."""
    if found.unanswered and found.kind == "generative":
        errors.box(
            f"To {layout.several(found.unanswered, 'prompt')} the model answered nothing. These prompts count neither as "
            "right nor as wrong, and no proposal is made for them.",
            "warn",
        )
    elif found.unanswered:
        errors.box(
            f"For {layout.several(found.unanswered, 'text')} the model named none of your labels. These texts count "
            "neither as right nor as wrong, and no proposal is made for them. Say more clearly what each label means, "
            "or choose another model.",
            "warn",
        )
    memory = w.project(pid).teacher.soft_label_memory()
    if memory is None:
        return
    cost = "not known" if memory.cost_usd is None else f"{memory.cost_usd:.4f} USD"
    rate = "–" if memory.hit_rate is None else f"{memory.hit_rate * 100:.0f} %"
    layout.counts(
        [
            (memory.size, "answers remembered"),
            (rate, "of questions answered from memory"),
            (memory.calls, "calls made"),
            (cost, "spent on them"),
        ]
    )
    if memory.reads == "votes":
        errors.box("This service gives no probabilities: how sure the teacher is comes from votes of several answers.", "info")


def unconfirmed() -> None:
    """Addresses that came with the project: a person here says first that texts may go there."""
    found = []
    with errors.shown():
        found = w.project(pid).endpoints.unconfirmed()
    for at, address in enumerate(found):
        errors.box(
            f"This project uses a language model at {address}, and nobody has confirmed that here. Nothing is sent to it before. "
            "With your texts goes the key for this address, or the one in COD_LLM_KEY unless COD_LLM_BASE_URL names another.",
            "warn",
        )
        pressed = st.button(f"My texts may go to {layout.plain(address, 200)}", key=f"confirm-endpoint-{at}")
        if pressed and people.only_for("endpoint", "Confirming an address"):
            with errors.shown():
                w.project(pid).endpoints.confirm(address)
                st.rerun()


layout.header("Teacher", "The teacher is the larger model that judges each text and whether a change flips it.")
summary = w.project(pid).summary()
kind_of_action = "primary"
job = jobs_panel.panel(w, pid, ("finetune_teacher", "label_prompts"))
unconfirmed()
if summary.teacher_label:
    of_use = report()
    if w.project(pid).teacher.generates():
        generative_teacher.unlabelled(w, pid, summary, jobs_panel.running(job))
    waits = recheck.needed(w, pid, summary, jobs_panel.running(job), "teacher")
    kind_of_action = "secondary" if of_use or waits else "primary"
    layout.next_step("proposals", "Go on to Proposals", primary=summary.n_train > 0 and of_use and not waits)
elif recheck.needed(w, pid, summary, page="teacher"):
    pass  # an exported set that was opened: choose below
elif summary.n_train == 0 and summary.n_unlabelled:
    errors.box(
        "None of your texts has a label yet. If they are prompts, choose “A model's answers”: then each gets the label of its answer.",
        "info",
    )
elif summary.n_train == 0:
    errors.box("Bring some labelled texts first: then you see at once how well a teacher fits them.", "info")
area = st.expander("Use another teacher", expanded=kind_of_action == "primary") if summary.teacher_label else st.container(border=True)
with area:
    chosen = st.segmented_control(
        "Kind of teacher", list(KINDS), default="builtin", required=True, format_func=KINDS.get, key="teacher-kind"
    )
    if chosen not in ("transformers", "llm", "generative") or people.only_for("endpoint", "Setting a model folder, an endpoint or a key"):
        {"builtin": builtin, "transformers": hub, "finetune": finetune, "llm": llm, "generative": generative}[chosen or "builtin"]()
