"""A project from one's own file: what the file says is proposed (columns, labels, parts) and confirmed on one page.

Column names and label values come from outside: widgets hold positions, labels go through `plain`, the table of labels shows text.
"""

from pathlib import PurePath
from typing import Any

import streamlit as st

from cod_core.data import tables
from cod_core.data.labels import from_values, same_name
from cod_core.data.reading import Table
from cod_core.data.tables import Columns
from cod_core.errors import BadInput
from cod_core.said import msg, say, together
from cod_core.types import Task
from ui.data import opened_file, upload
from ui.frame import errors, layout, state
from ui.frame.words import t

KEY = "own-file"
MOST_LABELS = 200


def section() -> tuple[str, str] | None:
    """The drop area and, once a file is there, what it was taken for; the project and the page to go on at, once it is made."""
    given = opened_file.table_of(f"{KEY}-{st.session_state.get(KEY, 0)}")
    return None if given is None else _confirm(*given)


def chosen() -> bool:
    """Whether a file is being confirmed, so that the rest of the page may wait."""
    return st.session_state.get(f"{KEY}-{st.session_state.get(KEY, 0)}-table", (None, None))[1] is not None


def _confirm(table: Table, digest: str, file: str) -> tuple[str, str] | None:
    key = f"{KEY}-{digest[:8]}-{table.taken.shape}-{table.taken.sheet}"
    opened_file.preview(table)
    left, right = st.columns(2)
    name = left.text_input(t("Name of the project"), _called(file), max_chars=80, key=f"{key}-called")
    question = right.text_input(t("What do you want to know about each text? (optional)"), max_chars=200, key=f"{key}-asked")
    columns, keep = upload.confirm_columns(table, tables.guess_columns(table), "labelled", key, msg("None: the texts have no labels yet"))
    with errors.shown():
        if columns.label is None:
            labels, meanings, names = _typed(key)
        else:
            tables.check_single(table, columns)
            labels, meanings, names = _labels(table, columns, key)
        own_test = columns.label is not None and not columns.split and upload.ask_own_test(key)
        if not st.button(
            t("Create the project"), type="primary", key=f"{key}-make", icon=":material/arrow_forward:", icon_position="right"
        ):
            return None
        if len(labels) < 2:
            raise BadInput(msg("A project needs at least two different labels: a counterfactual turns one into another."))
        task = Task(question.strip() or name.strip(), labels, meanings if any(meanings) else ())
        return _make(name, task, table, columns, names, keep, digest, file, own_test)
    return None


def _called(file: str) -> str:
    """The name of the file as a project's: 'ward-notes_2026.xlsx' as 'ward notes 2026'."""
    stem = PurePath(file).name.partition(".")[0].replace("_", " ").replace("-", " ").strip()
    return "" if stem in ("", "pasted") else stem[:1].upper() + stem[1:80]


def _typed(key: str) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """The labels of texts that have none yet, as the person types them."""
    typed = st.text_area(t("Possible answers, one a line"), height=120, placeholder=t("complaint\npraise"), key=f"{key}-answers")
    return tuple(dict.fromkeys(line.strip() for line in typed.splitlines() if line.strip())), (), {}


def _labels(table: Table, columns: Columns, key: str) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, str]]:
    """(labels, what each means, value of the file -> label) as confirmed. Raises BadInput where the column cannot hold labels."""
    counted = tables.label_values(table, columns)
    proposed = tables.file_labels(table, columns)
    if len(counted) > MOST_LABELS:
        raise BadInput(
            say(
                "The label column holds {n:,} different values; {most} are the most. Choose another column.",
                n=len(counted),
                most=MOST_LABELS,
            )
        )
    st.caption(t("These are your labels. Rename them here, give two the same name to merge them, untick those to leave out."))
    rows: list[dict[str, Any]] = [
        {
            "use": True,
            "in the file": value,
            "texts": n,
            "label": proposed[same_name(value, proposed)],
            "what it means (optional)": table.descriptions.get(value, ""),
        }
        for value, n in sorted(counted.items(), key=lambda one: -one[1])
    ]
    edited: list[dict[str, Any]] = st.data_editor(
        rows,
        hide_index=True,
        num_rows="fixed",
        disabled=["in the file", "texts"],
        height=min(388, 37 + 35 * len(rows)),
        key=f"{key}-labels",
        column_config={
            "use": st.column_config.CheckboxColumn(t("use"), width=75),
            "in the file": st.column_config.TextColumn(t("in the file"), width=180),
            "texts": st.column_config.NumberColumn(t("texts"), width=60),
            "label": st.column_config.TextColumn(t("label"), max_chars=120, width=200),
            "what it means (optional)": st.column_config.TextColumn(t("what it means (optional)"), max_chars=500, width=380),
        },
    )
    names = {str(row["in the file"]): str(row["label"] or "").strip() for row in edited if row["use"] and str(row["label"] or "").strip()}
    meanings: dict[str, str] = {}
    for row in edited:
        if label := names.get(str(row["in the file"])):
            meanings.setdefault(label, "")
            meanings[label] = meanings[label] or str(row["what it means (optional)"] or "").strip()
    labels = from_values(names.values(), [label for label in proposed if label in meanings])
    return labels, tuple(meanings[label] for label in labels), names


def _make(
    name: str, task: Task, table: Table, columns: Columns, names: dict[str, str], keep: list[str], digest: str, file: str, own_test: bool
) -> tuple[str, str]:
    """Make the project, with progress; its id, and the page to go on at: the teacher, unless something is left to see to on Data.

    Raises BadInput where no row can be used: no project is made then.
    """
    if not name.strip():
        raise BadInput(msg("Give the project a name, so that you find it again."))
    bar = st.progress(0.0, text=t("Checking every row …"))

    def progress(checked: int, total: int, message: str = "") -> None:
        bar.progress(min(1.0, checked / total) if total else 0.0, text=layout.plain(t(message)) + " …")

    try:
        pid, added = state.workspace().create_from_table(
            name,
            task,
            table,
            columns,
            "labelled" if columns.label else "unlabelled",
            names or None,
            keep,
            digest,
            file,
            progress,
            own_test,
            state.annotator(),
        )
    finally:
        bar.empty()
    upload.done(pid, added)
    st.session_state[KEY] = st.session_state.get(KEY, 0) + 1
    if added.problems or own_test or not columns.label:
        return pid, "data"
    state.notice(together([say("{texts} added.", texts=layout.several(len(added.examples), "text")), added.note]))
    return pid, "teacher"
