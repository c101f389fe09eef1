"""The answers of a new project as a file has them: any number, each as it is written, commas and all."""

from dataclasses import replace

import streamlit as st

from cod_core.data.tables import file_labels, guess_columns
from ui.data.opened_file import table_of
from ui.data.upload import column
from ui.frame import errors, layout
from ui.frame.words import t


def offered(answers: str, meanings: str) -> None:
    """A file to take the answers from, and what they mean where the file says so. answers, meanings: keys of the boxes that are filled."""
    if not st.toggle(t("Take the answers from my file"), key=f"{answers}-ask"):
        return
    given = table_of(f"{answers}-in")
    if given is None:
        return
    table, digest, _ = given
    with errors.shown():
        guess = guess_columns(table)
        chosen = column(t("Column with the label"), table, guess.label or guess.text, f"{answers}-column-{digest[:8]}")
        labels = file_labels(table, replace(guess, label=chosen))
        if st.session_state.get(f"{answers}-taken") != (digest, chosen):
            st.session_state[f"{answers}-taken"] = (digest, chosen)
            st.session_state[answers] = "\n".join(labels)
            told = [" ".join(table.descriptions.get(label, "").split()) for label in labels]
            st.session_state[meanings] = "\n".join(told) if all(told) else ""
        st.caption(t("{answers} taken from the file. You add its texts on the next page.", answers=layout.several(len(labels), "answer")))
