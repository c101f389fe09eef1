"""What a person may choose before a search: the label to reach, words that stay, where new words come from, effort."""

from typing import Any

import streamlit as st

from ui import layout

SOURCES = {
    "encoder neighbours": "Related words",
    "words of the target class": "Words of the other label in your texts",
    "negation": "Adding or removing “not”",
    "deletion": "Leaving words out",
}
EFFORT = {400: "Quick", 1500: "Thorough"}


def choose(labels: tuple[str, ...]) -> dict[str, Any]:
    """Options for Workspace.generate; only those that differ from the default."""
    out: dict[str, Any] = {}
    if len(labels) > 2:
        options = ["nearest", "all", *range(len(labels))]
        names = {"nearest": "The closest other label", "all": "Each of the other labels"}
        picked = st.selectbox(
            "Which label should the changed text get?",
            options,
            format_func=lambda o: names.get(o) or f"Always: {layout.plain(labels[o])}",
            key="search-targets",
            help="“Closest” is the label that the teacher finds second most likely. “Each” makes one change a label.",
        )
        if picked != "nearest":
            out["targets"] = picked if picked == "all" else labels[picked]
    with st.expander("Options"):
        stay = st.text_input(
            "Words or phrases that must stay, separated by commas",
            "",
            key="search-frozen",
            max_chars=2000,
            help="Names, drugs, products: whatever no proposal may touch.",
        )
        if found := [phrase.strip() for phrase in stay.split(",") if phrase.strip()]:
            out["frozen"] = found
        chosen = st.pills(
            "Where may the changes come from?",
            list(SOURCES),
            default=list(SOURCES),
            selection_mode="multi",
            format_func=SOURCES.get,
            key="search-sources",
        )
        if chosen and len(chosen) < len(SOURCES):
            out["sources"] = list(chosen)
        effort = st.segmented_control(
            "How long to look", list(EFFORT), default=400, required=True, format_func=EFFORT.get, key="search-effort"
        )
        if effort and effort != 400:
            out["budget"] = int(effort)
        if st.toggle(
            "Prefer changes close to the decision line",
            key="search-confidence",
            help="For probing the teacher. For training students, clear changes have worked better.",
        ):
            out["confidence"] = True
    return out
