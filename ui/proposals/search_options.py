"""What a person may choose before a search: the label to reach, words that stay, where new words come from, effort."""

from collections.abc import Mapping

import streamlit as st

from cod_core.counterfactuals.options import IN_TURN, SearchOptions
from cod_core.said import msg
from ui.frame import layout
from ui.frame.words import t

SOURCES = {
    "encoder neighbours": msg("Related words"),
    "words of the target class": msg("Words of the other label in your texts"),
    "numbers, codes and links": msg("Numbers, codes and links of the other label"),
    "negation": msg("Adding or removing “not”"),
    "deletion": msg("Leaving words out"),
}
EFFORT = {400: msg("Quick"), 1500: msg("Thorough")}
OFFERED = {"best": msg("What reads well"), "anything": msg("Anything that flips")}
KINDS = {"small": msg("The smallest change"), "clear": msg("A change that a small model can learn from")}
TURNS = msg(
    "“In turn” reaches every label as often, which taught students best. “Closest” is the label that the teacher finds second most likely."
)
TURNS_AND_EACH = msg(
    "“In turn” reaches every label as often, which taught students best. “Closest” is the label that the teacher finds second most likely. "
    "“Each” makes one change a label."
)
TEXTS_A_LABEL = 25  # for the second judge, with some to spare: models.surrogate.FEWEST of what the teacher calls so


def topics(labels: tuple[str, ...]) -> bool:
    """Whether the labels are likely topics, which sit in many words at once: more than three."""
    return len(labels) > 3


def can_be_clear(labels: tuple[str, ...], n_texts: int) -> bool:
    """Whether there are texts enough for a second judge: n_texts of Searcher.surrogate_learns_from."""
    return n_texts >= TEXTS_A_LABEL * len(labels)


def where(model: str, host: str) -> str:
    """A language model as a source, in plain words. host: where the texts go, "" for nowhere."""
    if not host:
        return t("Words that a language model here expects")
    return t("Words of {model} at {host}", model=layout.plain(model, 30), host=layout.plain(host, 40))


def leaves(chosen: SearchOptions, models: Mapping[str, str]) -> str:
    """What leaves this computer with these options, as a sentence."""
    hosts = sorted({models[name] for name in chosen.sources if models.get(name)})
    if not hosts:
        return t("No text leaves this computer.")
    return t("Your texts are sent to {hosts}.", hosts=", ".join(layout.plain(h) for h in hosts))


def choose(
    labels: tuple[str, ...], models: Mapping[str, str] | None = None, usual: int = 400, n_texts: int = 0, judged: bool = True
) -> SearchOptions:
    """The search as the person wants it.

    n_texts: texts from which a second judge could learn (Searcher.surrogate_learns_from).
    models: names of sources that ask a language model -> host that texts go to (Searcher.llm_source_names).
    judged: whether proposals can be judged before they are offered (Splicer.why_not).
    usual: texts scored for one text where nothing else is chosen (Searcher.usual_budget).
    """
    targets = target(labels)
    with st.expander(t("Options")):
        by = _offered(labels) if judged else "anything"
        clear = by == "anything" and can_be_clear(labels, n_texts) and _clear(labels)
        frozen, sources, budget = _frozen(), _sources(models or {}), _budget(usual)
        confidence = st.toggle(
            t("Prefer changes close to the decision line"),
            key="search-confidence",
            help=t("For probing the teacher. For training students, clear changes have worked better."),
        )
    options = SearchOptions(targets, sources, frozen, budget, confidence, by=by)
    return options.clear() if clear else options


def target(labels: tuple[str, ...], every: bool = True) -> str:
    """The label that the changed texts should get; nothing to choose with two. every: whether each other label may be asked for."""
    if len(labels) < 3:
        return IN_TURN
    options: list[str | int] = [IN_TURN, "nearest", *(["all"] if every else []), *range(len(labels))]
    names = {IN_TURN: msg("The other labels in turn"), "nearest": msg("The closest other label"), "all": msg("Each of the other labels")}
    picked = st.selectbox(
        t("Which label should the changed text get?"),
        options,
        format_func=lambda o: t(names[o]) if o in names else t("Always: {label}", label=layout.plain(labels[o])),
        key="search-targets",
        help=t(TURNS_AND_EACH if every else TURNS),
    )
    return picked if isinstance(picked, str) else labels[picked]


def _offered(labels: tuple[str, ...]) -> str:
    """Whether only what the judges accept is offered: as a rule with three labels or more. Where two labels are opinions, single
    changed words read better (docs/experiments.md, read blind)."""
    chosen = st.segmented_control(
        t("What is offered?"),
        list(OFFERED),
        default="best" if len(labels) > 2 else "anything",
        required=True,
        format_func=layout.words(OFFERED),
        key=f"search-by-{len(labels) > 2}",
        help=t(
            "“What reads well” is read by a language model and checked against your own texts: fewer proposals, and good ones. "
            "“Anything that flips” shows every small change that turns the teacher."
        ),
    )
    return str(chosen or "anything")


def _clear(labels: tuple[str, ...]) -> bool:
    """Whether the person wants changes that a small model can learn from."""
    kind = st.segmented_control(
        t("What kind of change?"),
        list(KINDS),
        default="clear" if topics(labels) else "small",
        required=True,
        format_func=layout.words(KINDS),
        key=f"search-kind-{topics(labels)}",
        help=t(
            "A small model sees a text as a whole. For topics several words are changed until the teacher and a second, "
            "simpler judge are as sure as possible (95 % is enough); for opinions the smallest change has taught students as well."
        ),
    )
    return kind == "clear"


def _frozen() -> tuple[str, ...]:
    """Words and phrases that no proposal may touch."""
    stay = st.text_input(
        t("Words or phrases that must stay, separated by commas"),
        "",
        key="search-frozen",
        max_chars=2000,
        help=t("Names, drugs, products: whatever no proposal may touch."),
    )
    return tuple(phrase.strip() for phrase in stay.split(",") if phrase.strip())


def _sources(models: Mapping[str, str]) -> tuple[str, ...]:
    """Where new words may come from, () for what is usual. models: see choose."""
    names = SOURCES | {name: where(name.removeprefix("words of "), host) for name, host in models.items()}
    chosen = st.pills(
        t("Where may the changes come from?"),
        list(names),
        default=list(SOURCES),
        selection_mode="multi",
        format_func=layout.words(names),
        key="search-sources",
    )
    return tuple(chosen) if set(chosen) != set(SOURCES) else ()


def _budget(usual: int) -> int:
    """Texts scored for one text, 0 for the usual number."""
    efforts = EFFORT if usual in EFFORT else {usual: msg("Quick"), 4 * usual: msg("Thorough")}
    effort = st.segmented_control(
        t("How long to look"), list(efforts), default=usual, required=True, format_func=layout.words(efforts), key=f"search-effort-{usual}"
    )
    return int(effort) if effort and effort != usual else 0
