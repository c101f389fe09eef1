"""What the values of a label column mean among the labels of a project, confirmed by the person: any number of them.

Values come from outside: widgets hold positions, and texts go through `plain`.
"""

from collections.abc import Sequence

import streamlit as st

from cod_core.data.labels import NONE, guess_label
from cod_core.data.reading import Table
from cod_core.data.tables import Columns, label_values
from cod_core.errors import BadInput
from cod_core.said import say
from ui.frame import errors, layout
from ui.frame.words import t

ALL_SHOWN = 8  # so many values are asked for one by one; of more, those that are not clear
MOST_OPEN = 40


def confirm(table: Table, columns: Columns, labels: tuple[str, ...], key: str) -> dict[str, str]:
    """Raw value -> project label as the person confirms it. Raises BadInput where the column cannot hold labels."""
    values = list(label_values(table, columns))
    if len(values) == 1:
        errors.box(
            "The label column holds only one value. A counterfactual turns one label into another, so the project "
            "needs texts of at least two labels.",
            "warn",
        )
    guessed = {value: guess_label(value, values, labels) for value in values}
    asked = values
    if len(values) > ALL_SHOWN:
        clear = [value for value in values if guessed[value] != NONE]
        asked = _unclear(values, clear, guessed, labels, key)
    out = {value: labels[place] for value, place in guessed.items() if value not in asked and place != NONE}
    if asked:
        st.caption(t("What do the values in the label column mean?"))
        out |= _asked(asked, guessed, labels, key)
    return out


def _unclear(values: Sequence[str], clear: Sequence[str], guessed: dict[str, int], labels: Sequence[str], key: str) -> list[str]:
    """The values to ask for: those that spell no label, or all where the person wants to see them. Raises BadInput for too many."""
    open_ = [value for value in values if guessed[value] == NONE]
    if len(open_) > MOST_OPEN:
        raise BadInput(
            say(
                "The label column holds {n:,} different values, and {unknown:,} of them are no labels of this project. "
                "It is probably not the label: choose another column.",
                n=len(values),
                unknown=len(open_),
            )
        )
    st.caption(t("{n} of {of} values of the label column are labels of this project.", n=len(clear), of=len(values)))
    with st.expander(t("Which value is which label")):
        names = {value: labels[guessed[value]] for value in clear}
        layout.grid({t("value"): [layout.plain(value) for value in names], t("label"): [layout.plain(label) for label in names.values()]})
        if st.toggle(t("Change what they mean"), key=f"{key}-change"):
            return list(values)
    return open_


def _asked(values: Sequence[str], guessed: dict[str, int], labels: Sequence[str], key: str) -> dict[str, str]:
    """A picker a value."""
    out = {}
    cells, names = st.columns(min(4, len(values))), layout.distinct(layout.plain(label) for label in labels)
    options = [*range(len(labels)), NONE]
    for number, value in enumerate(values):
        with cells[number % len(cells)]:
            picked = st.selectbox(
                layout.plain(value, 40),
                options,
                index=options.index(guessed[value]),
                format_func=lambda i: t("leave out") if i == NONE else names[i],
                key=f"{key}-value-{number}",
            )
            if picked != NONE:
                out[value] = labels[picked]
    return out
