"""The five-minute tour: a few sentences at the top of each page of the sample, from the texts to the result.

Where a person is in the tour stands in the session and in the address (?tour=3), so that a refresh keeps it.
"""

from html import escape

import streamlit as st

from cod_core.said import msg
from ui.frame import state
from ui.frame.words import t

NAME = "tour"
STEPS = [
    (
        "proposals",
        msg(
            "The sample is open: texts with labels, and a teacher, the large model, that tells them apart. "
            "First let the app propose changes. Take 8 or 16 texts and press “Propose changes”; it takes half a minute."
        ),
    ),
    (
        "curate",
        msg(
            "One text, one proposal. Read what changes, look at the bars: the teacher must change its mind. Press A to "
            "accept, X to reject. Press E and change a word: the verdict moves while you type. Decide on eight or more."
        ),
    ),
    (
        "distill",
        msg(
            "Now a small model learns from the teacher: once from real texts only, once from half as many texts and "
            "your counterfactuals. Press “Distil and compare”."
        ),
    ),
    (
        "results",
        msg(
            "The first sentence says what your work bought, and how sure that is. Below: accuracy against the number "
            "of texts, and where the teacher draws its line."
        ),
    ),
    ("export", msg("Take your set and the small model away. That was the tour: your own texts go in under Start.")),
]


def begin() -> None:
    """Start at the first step."""
    st.session_state[NAME] = 1
    st.query_params[NAME] = "1"


def end() -> None:
    """Leave the tour."""
    st.session_state[NAME] = 0
    st.query_params.pop(NAME, None)


def at() -> int:
    """The step, counted from 1; 0 where no tour is on."""
    if NAME not in st.session_state:
        asked = st.query_params.get(NAME, "")
        st.session_state[NAME] = int(asked) if asked.isdigit() and 1 <= int(asked) <= len(STEPS) else 0
    step: int = st.session_state[NAME]
    return step


def panel(page: str) -> None:
    """The step's sentences on its own page, and a way on; on other pages a way back. Draws nothing without a tour."""
    step = at()
    if not step or state.project_id() is None:
        return
    own, words = STEPS[step - 1]
    reached = next((i for i, (name, _) in enumerate(STEPS, 1) if name == page), 0)
    if reached > step:
        st.session_state[NAME] = step = reached
        st.query_params[NAME] = str(step)
        own, words = STEPS[step - 1]
    with st.container(border=True, key="tour"):
        here = t(words) if own == page else t("The tour goes on on another page.")
        cap = t("Tour, step {step} of {steps}", step=step, steps=len(STEPS))
        st.html(f'<div class="cod-cap">{cap}</div><p class="cod-tour">{escape(here)}</p>')
        with st.container(horizontal=True, gap="small"):
            if own != page:
                st.button(t("Back to the tour"), key="tour-back", on_click=_to, args=(step,))
            elif step < len(STEPS):
                st.button(t("Next step"), key="tour-next", on_click=_to, args=(step + 1,), icon=":material/arrow_forward:")
            st.button(t("End the tour"), key="tour-end", type="tertiary", on_click=end)


def _to(step: int) -> None:
    st.session_state[NAME] = step
    st.query_params[NAME] = str(step)
    st.session_state["tour_go"] = STEPS[step - 1][0]


def take_go() -> str | None:
    """The page that a press in the tour leads to, once."""
    page: str | None = st.session_state.pop("tour_go", None)
    return page
