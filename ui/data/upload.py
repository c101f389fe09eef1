"""Bringing a table in: a file or pasted text, its columns confirmed by the person, every problem row listed.

Column names and label values come from outside: widgets hold their positions, labels go through `plain`.
"""

import hashlib
from collections.abc import Collection
from dataclasses import replace

import streamlit as st

from cod_core.data import tables
from cod_core.data.formats import ENDINGS, TITLES
from cod_core.data.labels import NONE, guess_label
from cod_core.data.reading import Table
from cod_core.data.sentences import MADE
from cod_core.data.tables import Columns, Import
from cod_core.errors import BadInput
from cod_core.project.project import Project
from ui.data import column_sentences
from ui.frame import errors, layout, state

MAX_VALUES = 20
UPLOADS = "uploads"


def source(key: str) -> tuple[str, bytes] | None:
    """(name, bytes) of what the person uploaded or pasted; None where nothing is there yet."""
    way = st.segmented_control(
        "How",
        ["file", "paste"],
        default="file",
        required=True,
        key=f"{key}-way",
        format_func=layout.words({"file": "Upload a file", "paste": "Paste"}),
        label_visibility="collapsed",
    )
    if way == "paste":
        text = st.text_area("Paste a table with a header line, or one text a line", height=160, key=f"{key}-paste", max_chars=2_000_000)
        if not text.strip():
            return None
        first = text.splitlines()[0]
        kind = "tsv" if "\t" in first else "csv" if any(mark in first for mark in ",;") and len(first) < 200 else "txt"
        return f"pasted.{kind}", text.encode()
    file = st.file_uploader(f"{TITLES}, up to 50 MB", type=list(ENDINGS), key=f"{key}-file")
    return (file.name, file.getvalue()) if file else None


def table_of(key: str) -> tuple[Table, str, str] | None:
    """(table, sha256, name) of the upload, with what was noticed while reading shown; None where there is none."""
    given = source(key)
    if given is None:
        return None
    name, data = given
    digest = hashlib.sha256(data).hexdigest()
    memo = f"{key}-table"
    if st.session_state.get(memo, (None,))[0] != (digest, name):
        table = None
        with errors.shown():
            table = tables.read_table(name, data)
        if table is None:
            return None
        st.session_state[memo] = ((digest, name), table)
    kept: Table = st.session_state[memo][1]
    return kept, digest, name


def preview(table: Table) -> None:
    """The first rows as they were read."""
    layout.grid(
        {layout.plain(c, 40) + " " * i: [row[i] if i < len(row) else "" for row in table.rows[:5]] for i, c in enumerate(table.columns)}
    )
    st.caption(f"{len(table.rows):,} rows, {len(table.columns)} columns. These are the first {min(5, len(table.rows))}.")


def column(label: str, table: Table, guess: str | None, key: str, optional: bool = False) -> str | None:
    """The column that the person picks; None where 'none' is allowed and picked."""
    options = ([NONE] if optional else []) + list(range(len(table.columns)))
    names = layout.distinct(layout.plain(c) for c in table.columns)
    guessed = table.columns.index(guess) if guess in table.columns else (NONE if optional else 0)
    picked = st.selectbox(label, options, index=options.index(guessed), key=key, format_func=lambda i: "None" if i == NONE else names[i])
    return None if picked in (NONE, None) else table.columns[picked]


def confirm_columns(table: Table, role: str, key: str) -> tuple[Columns, list[str]]:
    """The columns as confirmed, and the other columns that were ticked."""
    guess, made = tables.guess_columns(table), "made" if table.columns[-1].startswith(MADE) else ""
    left, right = st.columns(2)
    with left:
        text = column("Column with the text", table, table.columns[-1] if made else guess.text, f"{key}-text{made}")
    label = None
    if role != "unlabelled":
        with right:
            label = column("Column with the label", table, guess.label, f"{key}-label")
    with st.expander("More columns"):
        origin = column(
            "Document a text comes from (texts of one document stay in one part)", table, guess.source_id, f"{key}-source", optional=True
        )
        keep = _others_to_keep(table, (text, label, origin), key)
    chosen = replace(guess, text=text or guess.text, label=label, source_id=origin, split=guess.split if role == "labelled" else None)
    return chosen, keep


def _others_to_keep(table: Table, used: Collection[str | None], key: str) -> list[str]:
    """The ticked ones of the columns that have no use yet."""
    names = layout.distinct(layout.plain(c) for c in table.columns)
    rest = [i for i, c in enumerate(table.columns) if c not in used]
    if not rest:
        return []
    ticked = st.pills(
        "Other columns to keep (none unless you tick them: they may name people)",
        rest,
        selection_mode="multi",
        key=f"{key}-keep",
        format_func=lambda i: names[i],
    )
    return [table.columns[i] for i in ticked]


def values_of(table: Table, name: str) -> list[str]:
    """The distinct values of a column in order of appearance, one more than MAX_VALUES at most."""
    place = table.columns.index(name)
    seen: dict[str, None] = {}
    for row in table.rows:
        if place < len(row) and row[place].strip():
            seen.setdefault(row[place].strip())
        if len(seen) > MAX_VALUES:
            break
    return list(seen)


def confirm_labels(table: Table, name: str, labels: tuple[str, ...], key: str) -> dict[str, str]:
    """Raw value -> project label as the person confirms it. Raises BadInput where the column cannot hold labels."""
    values = values_of(table, name)
    if len(values) > MAX_VALUES:
        raise BadInput("The label column holds more than 20 different values, so it is probably not the label. Choose another column.")
    if len(values) < 2:
        errors.box(
            "The label column holds only one value. A counterfactual turns one label into another, so the project "
            "needs texts of at least two labels.",
            "warn",
        )
    if not values:
        return {}
    st.caption("What do the values in the label column mean?")
    out = {}
    cells, names = st.columns(min(4, len(values))), layout.distinct(layout.plain(label) for label in labels)
    for number, value in enumerate(values):
        with cells[number % len(cells)]:
            options = [*range(len(labels)), NONE]
            picked = st.selectbox(
                layout.plain(value, 40),
                options,
                index=options.index(guess_label(value, values, labels)),
                format_func=lambda i: "leave out" if i == NONE else names[i],
                key=f"{key}-value-{number}",
            )
            if picked != NONE:
                out[value] = labels[picked]
    return out


def examples(project: Project, labels: tuple[str, ...], role: str, primary: bool) -> None:
    """The whole import of texts: read, confirm, add, list problems."""
    given = table_of(f"in-{role}-{st.session_state.get(UPLOADS, 0)}")
    if given is None:
        return
    table, digest, name = given
    key = f"in-{role}-{digest[:8]}"
    preview(table)
    with errors.shown():
        table, needed = column_sentences.offered(project, table, key)
        columns, keep = confirm_columns(table, role, key)
        keep = list(dict.fromkeys([*keep, *needed]))
        meaning = confirm_labels(table, columns.label, labels, key) if role != "unlabelled" and columns.label else {}
        if role != "unlabelled" and not meaning:
            errors.box(
                "No value of the label column has a meaning yet. Choose another column or say what the values mean; "
                "texts without labels can be brought under “Texts without labels”.",
                "warn",
            )
            return
        if st.button("Add these texts", type="primary" if primary else "secondary", key=f"{key}-add"):
            bar = st.progress(0.0, text="Checking every row …")

            def progress(checked: int, total: int, message: str = "") -> None:
                bar.progress(min(1.0, checked / total) if total else 0.0, text=layout.plain(message) + " …")

            done(project.id, project.uploads.import_table(table, columns, role, meaning or None, keep, digest, name, progress))
            st.session_state[UPLOADS] = st.session_state.get(UPLOADS, 0) + 1  # a fresh uploader for the next file
            st.rerun()


def done(pid: str, brought: Import) -> None:
    """Remember an Import for `outcome`."""
    state.mark_saved()
    st.session_state[f"import-{pid}"] = (len(brought.examples), brought.seen, brought.left_out, list(brought.problems), brought.note)


def outcome(pid: str) -> None:
    """What the last import did, with every problem row."""
    kept = st.session_state.get(f"import-{pid}")
    if kept is None:
        return
    taken, seen, left_out, problems, note = kept
    if taken:
        gone = layout.several(left_out, "row was", "rows were")
        more = f" {gone} left out; the reasons are listed below." if left_out else ""
        errors.box(f"{layout.several(taken, 'text')} added.{more}", "ok")
        if note:
            st.text(note)
    elif seen:
        errors.box("Nothing new: this file was added before.", "info")
    else:
        errors.box("No row could be used; the reasons are listed below.", "error")
    if problems:
        with st.expander(layout.several(len(problems), "remark") + " on rows", expanded=True):
            layout.problem_list(problems)
