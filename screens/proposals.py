"""Proposals: let the app write counterfactuals for the next texts, or bring ready ones."""

from html import escape
from typing import Any

import streamlit as st

from ui import errors, jobs, layout, people, quality, search_options, state

w, project = layout.need_project()
pid = project.id
WAYS = {"search": "Search on this computer", "llm": "Chat model", "import": "I have some already"}
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
    st.caption(
        "Looks for the few words that decide for the teacher and replaces them. No text leaves this computer; "
        "allow about two seconds a text."
    )
    chosen = search_options.choose(project.task.labels)
    if st.button(f"Propose changes for {k} texts", type=main_action, key="generate", disabled=busy):
        start({"k": k, "generator": "search", "n": 4, **chosen})


def llm(k: int, busy: bool) -> None:
    """A chat model: the plan is shown before anything is sent."""
    settings = {
        "base_url": st.text_input("Address of the service", "http://127.0.0.1:11434/v1", max_chars=300).strip(),
        "model": st.text_input("Model", "", placeholder="name of the model", max_chars=200).strip(),
    }
    st.text_input(
        "Key (kept for this session only, never stored)", type="password", key="llm-key-proposals", on_change=keep_key
    )
    with st.expander("Options"):
        settings["temperature"] = st.number_input("Temperature", 0.0, 2.0, 0.7, 0.1)
        n = int(st.number_input("Proposals a text", 1, 8, 2))
        again = int(st.number_input("Round (a higher round asks for new answers)", 1, 20, 1)) - 1
        settings["max_in_flight"] = int(st.number_input("Calls at the same time", 1, 16, 4))
        settings["price_in"] = st.number_input("Price of a million tokens sent (USD)", 0.0, 1000.0, None)
        settings["price_out"] = st.number_input("Price of a million tokens received (USD)", 0.0, 1000.0, None)
    if not (settings["base_url"] and settings["model"]):
        errors.box("Give the address and the model; then you see what would be sent before anything is.", "info")
        return
    params = {"k": k, "generator": "llm", "n": n, "first_sample": again * n, "llm": settings}
    plan = None
    with errors.shown():
        plan = w.plan_llm(pid, params)
    if plan is None:
        return
    cost = "not known" if plan.cost_usd is None else f"{plan.cost_usd:.2f} USD"
    layout.counts(
        [
            (plan.calls, "calls"),
            (f"{plan.tokens_in + plan.tokens_out:,}".replace(",", " "), "tokens, estimated"),
            (cost, "cost, estimated"),
            (plan.host, "receives your texts"),
        ]
    )
    if plan.cached:
        st.caption(
            f"{layout.several(plan.cached, 'answer is', 'answers are')} on record already and not asked for again."
        )
    with st.expander("Exactly what is sent for one text"):
        st.code(plan.prompt, language=None, wrap_lines=True)
    label = f"Send {layout.several(plan.calls, 'request')}" if plan.calls else "Use the answers on record"
    if st.button(label, type=main_action, key="generate", disabled=busy):
        start(params)


def start(params: dict[str, Any]) -> None:
    """Start the job."""
    with errors.shown():
        w.start(pid, "generate", params, key=st.session_state.get(state.LLM_KEY))
        st.rerun()


def keep_key() -> None:
    """The key stays in this session."""
    st.session_state[state.LLM_KEY] = st.session_state.get("llm-key-proposals") or None


def overview(summary: Any) -> None:
    """What the proposals so far amount to."""
    layout.counts(
        [
            (summary.n_proposed_texts, "texts with proposals"),
            (summary.n_valid, "of them with one that flips the teacher"),
            (summary.n_decided, "decided by you"),
        ]
    )
    if missing := summary.n_proposed_texts - summary.n_valid:
        st.html(
            f'<div class="cod-why">{escape(layout.several(missing, "text"))}: no proposal flips the teacher yet. '
            "You can change the wording yourself on the page Curate.</div>"
        )
    if summary.stale:
        errors.box(
            f"{summary.stale} proposals were checked by another teacher. Until this teacher has checked them they "
            "are neither trained on nor exported.",
            "warn",
        )
        if st.button("Check them now", key="recheck", disabled=busy):
            with errors.shown():
                w.start(pid, "recheck", {})
                st.rerun()


layout.header("Proposals", "For each text the app proposes small changes that turn the teacher's verdict around.")
summary = w.summary(pid)
job = jobs.panel(w, pid, ("generate", "recheck", "tighten"))
busy = jobs.running(job)
main_action = "primary"
if not summary.n_train:
    layout.empty(
        "There are no labelled texts yet", "Proposals are written for your labelled texts.", "data", "Add texts"
    )
elif not summary.teacher_label:
    layout.empty(
        "No teacher is chosen yet",
        "The teacher decides whether a change flips the label.",
        "teacher",
        "Choose a teacher",
    )
else:
    if summary.n_proposed_texts:
        overview(summary)
        if busy:
            layout.next_step("curate", "Curate those that are ready")
        else:
            main_action = "secondary"
            layout.next_step("curate", "Go on to Curate")
            quality.card(w, pid, busy)
            st.subheader("Propose for more texts", anchor=False)
    way = st.segmented_control(
        "Where do the proposals come from?",
        list(WAYS),
        default="search",
        required=True,
        format_func=WAYS.get,
        key="way",
    )
    if way == "import":
        from ui import pairs

        pairs.counterfactuals(w, pid, main_action == "primary")
    else:
        k = amount(summary.n_train)
        if way != "llm" or people.only_for("endpoint", "Setting an endpoint or a key"):
            (llm if way == "llm" else search)(k, busy)
