"""A service of language models on screen: which one, which model, whether it works, and what is not sent to it."""

from dataclasses import replace

import streamlit as st

from cod_core.counterfactuals.options import LlmOptions
from cod_core.models.endpoint_errors import plain_http_warning
from cod_core.models.providers import BY_ID, PROVIDERS, offered_at
from cod_core.models.quirks import SWITCHES
from cod_core.models.tryout import Tryout
from cod_core.project.project import Project
from cod_core.said import msg
from ui.frame import errors, layout, state
from ui.frame.words import t

OWN = "own"
PRICES = msg("Prices")
NOT_SENT = {
    "temperature": msg("Temperature"),
    "json": msg("The form of the reply (a JSON schema)"),
    "logprobs": msg("The wish for probabilities"),
    "samples": msg("The wish for several replies at once"),
    "seed": msg("Seed"),
}
WORKS = {True: msg("yes"), False: msg("no"), None: msg("not known")}


def choose(project: Project, last: LlmOptions, page: str, usual_address: str) -> LlmOptions | None:
    """An address and the model there; None where something is missing. page: keeps the widgets of two pages apart."""
    address = _address(last, page, usual_address)
    st.text_input(
        t("Key for this address (kept for this session only, never stored)"),
        type="password",
        key=(field := f"llm-key-{page}-{address}"),
        on_change=_keep_key,
        args=(field, address),
    )
    listed = st.session_state.get(f"llm-names-{address}") or []
    if listed:
        names = listed if last.model in listed or not last.model else [last.model, *listed]
        name = st.selectbox(t("Model"), names, index=names.index(last.model) if last.model else None, key=f"llm-name-{page}") or ""
    else:
        name = st.text_input(t("Model"), last.model, placeholder=t("name of the model"), max_chars=200).strip()
    if overheard := plain_http_warning(address):
        errors.box(overheard, "warn")
    _looks(project, address, name, page)
    if not address or not name:
        errors.box("Give the address and the model. You then see what would be sent before anything is sent.", "info")
        return None
    return LlmOptions(address, name, without=last.without if last.base_url == address else ())


def _address(last: LlmOptions, page: str, usual_address: str) -> str:
    """The address, filled in by the service that is chosen."""
    before = last.base_url or usual_address
    titles = {OWN: msg("Another address"), **{one.id: one.title for one in PROVIDERS}}
    chosen = st.selectbox(
        t("Service"),
        list(titles),
        index=list(titles).index(offered_at(before) or OWN),
        format_func=layout.words(titles),
        key=f"llm-service-{page}",
    )
    provider = BY_ID.get(str(chosen))
    start = before if provider is None or offered_at(before) == provider.id else provider.address
    address = st.text_input(t("Address of the service"), start, max_chars=300, key=f"llm-address-{page}-{chosen}").strip()
    if provider is not None:
        prices = f" [{t(PRICES)}]({provider.prices})" if provider.prices else ""
        st.caption(f"{t(provider.note)}{prices}")
    return address


def _looks(project: Project, address: str, name: str, page: str) -> None:
    """List the models of an address, or try one with a harmless sentence."""
    left, right, _ = st.columns([1.2, 1.3, 2])
    if left.button(t("List its models"), key=f"llm-list-{page}", disabled=not address):
        with errors.shown(), st.spinner(t("Asking for the list …")):
            names = project.clients.names_at(address, state.llm_key(address))
            st.session_state[f"llm-names-{address}"] = names
            if names:
                st.rerun()
            errors.box("This address lists no models. Type the name.", "info")
    missing = not address or not name
    harmless = t("Sends one harmless sentence, none of your texts.")
    if right.button(t("Try this address"), key=f"llm-try-{page}", disabled=missing, help=harmless):
        with errors.shown(), st.spinner(t("Sending one harmless sentence …")):
            tried(project.clients.try_address(LlmOptions(address, name), state.llm_key(address)))


def tried(found: Tryout) -> None:
    """What works at an address, in words."""
    if not found.works:
        errors.box(found.findings[0].words, "error")
        return
    layout.grid([{"": _capital(t(one.what)), t("works"): t(WORKS[one.works]), t("in words"): t(one.words)} for one in found.findings])


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def left_out(model: LlmOptions, page: str) -> LlmOptions:
    """The model with what the person does not want sent to it."""
    chosen = st.multiselect(
        t("Do not send"),
        list(SWITCHES),
        list(model.without),
        format_func=layout.words(NOT_SENT),
        key=f"llm-without-{page}",
        placeholder=t("nothing: what the model refuses is found out"),
        help=t("What the model refuses is left out by itself. Choose here only what it takes and answers badly."),
    )
    return replace(model, without=tuple(name for name in SWITCHES if name in chosen))


@errors.callback
def _keep_key(widget: str, address: str) -> None:
    """The key stays in this session, for the host beside which it was typed."""
    state.keep_llm_key(address, st.session_state.get(widget))
