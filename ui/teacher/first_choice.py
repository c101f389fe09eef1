"""Which kind of teacher is offered first: one that can work with the labels and texts that there are."""

import streamlit as st

from cod_core.data.samples import SAMPLES
from cod_core.said import Said, msg, say
from ui.frame import layout
from ui.frame.words import t

ENOUGH_TO_TRAIN = 40  # labelled training texts
BUILTIN = {"movies": msg("Movie reviews"), "amazon": msg("Product reviews"), "tweets": msg("Tweets"), "news": msg("Newspaper editorials")}


def builtins(labels: tuple[str, ...]) -> list[str]:
    """Packaged teachers with as many labels as the project; those with the same labels only, where there are any."""
    alike = [name for name in BUILTIN if len(SAMPLES[name].task.labels) == len(labels)]
    return [name for name in alike if _same(name, labels)] or alike


def _same(name: str, labels: tuple[str, ...]) -> bool:
    return sorted(map(str.casefold, SAMPLES[name].task.labels)) == sorted(label.strip().casefold() for label in labels)


def kind(labels: tuple[str, ...], n_train: int, stopped: bool = False) -> str:
    """A packaged one where its labels are the project's; else one trained on the person's texts, or a language model where they
    are few. stopped: a training was cancelled or failed, so that is what the person was at."""
    if stopped:
        return "finetune"
    if any(_same(name, labels) for name in builtins(labels)):
        return "builtin"
    return "finetune" if n_train >= ENOUGH_TO_TRAIN else "llm"


def needs(n_train: int) -> Said:
    """Why a language model comes first, and what it needs."""
    return say(
        "You have {texts}, and a teacher trained on fewer than {enough} is often "
        "wrong. A language model needs none, but a model on this computer or a service's address and key. "
        "If you have neither, choose “Train on my texts”, or add texts on the Data page first.",
        texts=layout.several(n_train, "labelled training text"),
        enough=ENOUGH_TO_TRAIN,
    )


def builtin(labels: tuple[str, ...], now: str | None) -> tuple[str, dict[str, str] | None]:
    """(name of the packaged teacher, its label -> the project's where their names differ, as far as it is said). now: in use."""
    names = builtins(labels)
    words = {name: f"{t(BUILTIN[name])}: {', '.join(SAMPLES[name].task.labels)}" for name in names}
    name = st.selectbox(
        t("Which texts are most like yours?"), names, format_func=layout.words(words), index=names.index(now) if now in names else 0
    )
    st.caption(t("A small model that comes with the app. It needs no network."))
    if _same(name, labels):
        return name, None
    st.caption(t("Its labels are not yours. Say which of your labels means the same; where none does, choose another kind of teacher."))
    mapped: dict[str, str] = {}
    for theirs in SAMPLES[name].task.labels:
        ours = st.selectbox(
            t("Its “{theirs}” is your", theirs=theirs), labels, index=None, format_func=layout.plain, key=f"builtin-{name}-{theirs}"
        )
        mapped |= {theirs: ours} if ours else {}
    return name, mapped
