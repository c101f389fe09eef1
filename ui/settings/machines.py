"""Where heavy work runs, on the page Settings: for owners. A cluster is asked only at a press, since it may not answer."""

import streamlit as st

from cod_core.compute.engine import Tested
from cod_core.compute.machine import Machine
from cod_core.compute.versions import differing
from cod_core.said import say
from ui.frame import errors, layout, people, state
from ui.frame.words import t

GB = 1 << 30
RESULT = "machines-tested"


def section() -> None:
    """The place in words, what is there, and the button that tests it."""
    if not people.allowed("machines"):
        return
    st.subheader(t("Where heavy work runs"), anchor=False)
    with errors.shown():
        found = state.workspace().machines
        where = say("one process on this computer") if found.named() == "this process" else found.named()
        st.text(t("Training, searching and reading run in {where}.", where=where))
        st.caption(t("For more at once, set COD_WORKERS (processes here) or COD_SCHEDULER (a Dask cluster) and start the app again."))
        st.button(t("Test it"), on_click=_test, key="machines-test", icon=":material/network_check:")
        tested: Tested | None = st.session_state.get(RESULT)
        if tested is not None:
            errors.box(sentence(tested), "ok" if tested.same else "warn")
        there = tested.machines if tested is not None else () if found.place.scheduler else tuple(found.there())
        if there:
            layout.grid([row(one) for one in there])


def sentence(tested: Tested) -> str:
    """What a test came to."""
    who = layout.several(tested.answered, "process", "processes")
    if tested.same:
        return say("{processes} answered within {seconds:.1f} seconds, all with the same numbers.", processes=who, seconds=tested.seconds)
    return say(
        "{processes} answered within {seconds:.1f} seconds, but their numbers differ, so results depend on who does the work.",
        processes=who,
        seconds=tested.seconds,
    )


def row(one: Machine) -> dict[str, str]:
    """A machine as a row of the table."""
    return {
        t("name"): one.name,
        t("computer"): one.host,
        t("at once"): str(one.cores),
        t("memory"): f"{one.memory / GB:.0f} GB",
        t("graphics cards"): ", ".join(one.gpus) or t("none"),
        t("other versions than here"): ", ".join(differing(one.versions)) or t("none"),
    }


@errors.callback
def _test() -> None:
    st.session_state.pop(RESULT, None)
    with st.spinner(t("Waiting for every process to answer…")):
        st.session_state[RESULT] = state.workspace().machines.test()
