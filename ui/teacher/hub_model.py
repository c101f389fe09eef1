"""A sequence classifier by name or folder, and the names that it has for the project's labels."""

import streamlit as st

from cod_core.models.choice import TeacherChoice, read_choice
from ui.frame import layout
from ui.frame.words import t


def choose(labels: tuple[str, ...], key: str = "") -> TeacherChoice | None:
    """The classifier, None where no name is given. key: keeps the widgets of two places apart."""
    name = st.text_input(
        t("Model name, or folder on this computer"),
        placeholder=t("organisation/model-name"),
        max_chars=300,
        key=f"{key}-hub-name" if key else None,
    ).strip()
    mapped = {}
    with st.expander(t("The model names its labels otherwise")):
        st.caption(t("Only where the names differ: write the model's own name for each of your labels."))
        for i, label in enumerate(labels):
            theirs = st.text_input(layout.plain(label), key=f"{key}-map-{i}" if key else f"map-{i}", max_chars=100).strip()
            if theirs:
                mapped[theirs] = label
    return read_choice({"kind": "transformers", "name": name, "label_map": mapped or None}) if name else None
