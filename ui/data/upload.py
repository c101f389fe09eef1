"""Bringing a table in: its columns and labels confirmed by the person, every row that is left out named with the reason.

Column names and label values come from outside: widgets hold their positions, labels go through `plain`.
"""

from collections.abc import Collection
from dataclasses import replace
from html import escape

import streamlit as st

from cod_core.data import tables
from cod_core.data.labels import NONE
from cod_core.data.reading import Problem, Table
from cod_core.data.remarks import remarks
from cod_core.data.sentences import MADE
from cod_core.data.tables import Columns, Import
from cod_core.project.project import Project
from cod_core.said import msg, say, together
from ui.data import column_sentences, label_values
from ui.data.opened_file import preview, table_of
from ui.frame import errors, layout, naming, people, state
from ui.frame.words import t

__all__ = ["ask_own_test", "column", "confirm_columns", "done", "examples", "outcome", "preview", "table_of", "take_guideline"]

UPLOADS = "uploads"
HELD = {"part": msg("Set a part of these aside"), "none": msg("I will bring a test file")}


def column(label: str, table: Table, guess: str | None, key: str, optional: bool = False, none: str = msg("None")) -> str | None:
    """The column that the person picks; None where 'none' is allowed and picked. label: said already, none: marked by `msg`."""
    options = ([NONE] if optional else []) + list(range(len(table.columns)))
    names = layout.distinct(layout.plain(c) for c in table.columns)
    guessed = table.columns.index(guess) if guess in table.columns else (NONE if optional else 0)
    picked = st.selectbox(label, options, index=options.index(guessed), key=key, format_func=lambda i: t(none) if i == NONE else names[i])
    return None if picked in (NONE, None) else table.columns[picked]


ONE_LABEL = msg("None: one label for all texts of the file")


def confirm_columns(table: Table, guess: Columns, role: str, key: str, none: str = ONE_LABEL) -> tuple[Columns, list[str]]:
    """The columns as confirmed, and the other columns that were ticked. guess: those that are offered. none: what it means
    that no column holds labels."""
    made = "made" if table.columns[-1].startswith(MADE) else ""
    left, right = st.columns(2)
    with left:
        text = column(t("Column with the text"), table, table.columns[-1] if made else guess.text, f"{key}-text{made}")
    label = None
    if role != "unlabelled":
        with right:
            label = column(t("Column with the label"), table, guess.label, f"{key}-label", optional=True, none=none)
    name = guess.name
    if name and not st.checkbox(
        t("Keep “{name}” as each row's name, so that a case can be found again", name=layout.plain(name, 40)), True, key=f"{key}-name"
    ):
        name = None
    used = {text, label, name, guess.split, guess.source_id}
    others = [layout.plain(c, 40) for c in table.columns if c not in used and not c.startswith(MADE)]
    if others:
        st.caption(
            t("Not kept, since they may name people: {columns}. To keep one, tick it under “More columns”.", columns=", ".join(others[:12]))
        )
    with st.expander(t("More columns")):
        origin = column(
            t("Document a text comes from (texts of one document stay in one part)"), table, guess.source_id, f"{key}-source", optional=True
        )
        keep = _others_to_keep(table, (text, label, origin, name), key)
    chosen = replace(guess, text=text or guess.text, label=label, source_id=origin, name=name)
    return replace(chosen, split=guess.split if role == "labelled" else None), keep


def _others_to_keep(table: Table, used: Collection[str | None], key: str) -> list[str]:
    """The ticked ones of the columns that have no use yet."""
    names = layout.distinct(layout.plain(c) for c in table.columns)
    rest = [i for i, c in enumerate(table.columns) if c not in used]
    if not rest:
        return []
    ticked = st.pills(
        t("Other columns to keep (none unless you tick them: they may name people)"),
        rest,
        selection_mode="multi",
        key=f"{key}-keep",
        format_func=lambda i: names[i],
    )
    return [table.columns[i] for i in ticked]


def _labelled(table: Table, columns: Columns, labels: tuple[str, ...], key: str) -> tuple[Table, Columns, dict[str, str]]:
    """(the table, its columns, raw value -> label): by the label column, or one label for the whole file."""
    if columns.label is not None:
        tables.check_single(table, columns)
        return table, columns, label_values.confirm(table, columns, labels, key)
    names = layout.distinct(layout.plain(label) for label in labels)
    picked = st.selectbox(
        t("Label of all these texts"),
        range(len(labels)),
        index=None,
        format_func=lambda i: names[i],
        key=f"{key}-one",
        placeholder=t("Choose a label"),
    )
    if picked is None:
        return table, columns, {}
    table, made = tables.with_label(table, labels[picked])
    return table, replace(columns, label=made), {labels[picked]: labels[picked]}


def examples(project: Project, labels: tuple[str, ...], role: str, primary: bool) -> None:
    """The whole import of texts: read, confirm, add, list what was left out."""
    given = table_of(f"in-{role}-{st.session_state.get(UPLOADS, 0)}")
    if given is None:
        return
    table, digest, name = given
    key = f"in-{role}-{digest[:8]}-{table.taken.shape}-{table.taken.sheet}"
    preview(table)
    with errors.shown():
        guess = tables.guess_columns(table)
        table, needed = column_sentences.offered(project, table, key, tables.text_columns(table, guess))
        columns, keep = confirm_columns(table, guess, role, key)
        keep = list(dict.fromkeys([*keep, *needed]))
        meaning: dict[str, str] = {}
        if role != "unlabelled":
            table, columns, meaning = _labelled(table, columns, labels, key)
        if role != "unlabelled" and not meaning:
            errors.box(
                "No value of the label column has a meaning yet. Choose another column or say what the values mean; "
                "texts without labels can be brought under “Texts without labels”.",
                "warn",
            )
            return
        own_test = _own_test(project, columns, role, key)
        guideline = _guideline(project, table, key)
        if st.button(t("Add these texts"), type="primary" if primary else "secondary", key=f"{key}-add"):
            bar = st.progress(0.0, text=t("Checking every row …"))

            def progress(checked: int, total: int, message: str = "") -> None:
                bar.progress(min(1.0, checked / total) if total else 0.0, text=layout.plain(t(message)) + " …")

            added = project.uploads.import_table(table, columns, role, meaning or None, keep, digest, name, progress, own_test)
            if guideline:
                take_guideline(project.id, guideline)
            done(project.id, added)
            st.session_state[UPLOADS] = st.session_state.get(UPLOADS, 0) + 1  # a fresh uploader for the next file
            st.rerun()


def _own_test(project: Project, columns: Columns, role: str, key: str) -> bool:
    """Whether a test file will come, so that none of these texts is held out; asked where some would be."""
    if role != "labelled" or columns.split or project.texts.judging()[0]:
        return False
    return ask_own_test(key)


def ask_own_test(key: str) -> bool:
    """Whether the person will bring a test file."""
    held = st.segmented_control(  # no checkbox: until its code has come it is taller, and the button below would jump
        t("Texts to test on"), list(HELD), default="part", required=True, format_func=layout.words(HELD), key=f"{key}-own-test"
    )
    return held == "none"


def _guideline(project: Project, table: Table, key: str) -> str:
    """The guideline that the file brings, where the project has none and the person takes it over; else ''."""
    text = table.guideline.strip()
    if not text or project.guideline.current().version or not people.allowed("guideline"):
        return ""
    return text if st.checkbox(t("Take over the guidelines that the file brings"), True, key=f"{key}-guideline") else ""


@naming.signed
@errors.callback
def take_guideline(pid: str, text: str) -> None:
    """Take over the guideline that a file brings."""
    state.workspace().project(pid).guideline.write(text, state.annotator(), note="of the file")


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
        more = say("{rows} left out; the reasons are listed below.", rows=gone) if left_out else ""
        errors.box(together([say("{texts} added.", texts=layout.several(taken, "text")), more]), "ok")
        if note:
            st.text(t(note))
    elif seen:
        errors.box("Nothing new: this file was added before.", "info")
    else:
        errors.box("No row could be used; the reasons are listed below.", "error")
    if problems:
        _left_out(problems)


def _left_out(problems: list[Problem]) -> None:
    """What was noticed, once a kind; each row with its own reason in a box below."""
    found = remarks(problems)
    st.html(f'<ul class="cod-list">{"".join(f"<li>{escape(t(r.said))} {escape(t(r.remedy))}</li>" for r in found[:50])}</ul>')
    if len(problems) > len(found):
        with st.expander(t("{remarks} row by row", remarks=layout.several(len(problems), "remark"))):
            layout.problem_list(problems)
