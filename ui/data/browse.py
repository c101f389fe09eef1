"""The project's texts as a table: find one, correct its words or its label, take texts out, put them back."""

from collections.abc import Sequence

import streamlit as st

from cod_core.project.project import Project
from cod_core.project.texts.editing import PAGE, Wanted
from cod_core.said import msg
from cod_core.types import Example
from ui.frame import errors, layout, naming, state
from ui.frame.words import t
from ui.shared import pager

PARTS = {"train": msg("Training"), "validation": msg("Development"), "test": msg("Test"), "unlabelled": msg("Without a label")}
AT = "browse-page"
OUT_SHOWN = 200


def section(project: Project) -> None:
    """The table, what can be done with the ticked rows, and what was taken out."""
    wanted = _wanted(project.row.task.labels)
    shown = project.editing.look(wanted, st.session_state.get(AT, 0))
    if not shown.total:
        errors.box(t("No texts match. Remove a filter.") if wanted != Wanted() else t("There are no texts yet."), "info")
    else:
        picked = [shown.texts[i] for i in _table(shown.texts)]
        # below the table, whose own buttons lie over what is above it
        pager.draw(t("Texts"), len(shown.texts), shown.total, shown.page, PAGE, "browse", _turn)
        if len(picked) == 1:
            _one(project, picked[0])
        elif picked:
            st.button(
                t("Take out {n} texts", n=len(picked)), key="browse-out", on_click=_take_out, args=(project.id, [e.id for e in picked])
            )
        else:
            st.caption(t("Tick a row to correct it. Tick several to take them out."))
    _taken_out(project)


def _wanted(labels: Sequence[str]) -> Wanted:
    left, middle, right = st.columns([2, 1, 1])
    words = left.text_input(t("Find words"), key="browse-words", max_chars=200, on_change=_first)
    split = middle.selectbox(
        t("Part"), list(PARTS), index=None, placeholder=t("Any"), format_func=layout.words(PARTS), key="browse-part", on_change=_first
    )
    label = right.selectbox(
        t("Label"), labels, index=None, placeholder=t("Any"), format_func=layout.plain, key="browse-label", on_change=_first
    )
    return Wanted(words or "", split, label)


def _table(texts: Sequence[Example]) -> list[int]:
    """The rows; positions of the ticked ones. The key follows the rows, so that a tick never moves to another."""
    event = st.dataframe(
        [{"text": e.text, "label": e.label or "", "part": t(PARTS[e.split])} for e in texts],
        hide_index=True,
        row_height=36,
        height=min(430, 36 * (len(texts) + 1) + 3),
        on_select="rerun",
        selection_mode="multi-row",
        key=f"browse-{hash(tuple((e.id, e.text, e.label) for e in texts))}",
        column_config={
            "text": st.column_config.TextColumn(t("Text"), width=560),
            "label": st.column_config.TextColumn(t("Label"), width=150),
            "part": st.column_config.TextColumn(t("Part"), width=110),
        },
    )
    return list(event.selection.rows)


def _one(project: Project, example: Example) -> None:
    """One text, open for correction."""
    with st.container(border=True):
        st.text_area(t("Text"), example.text, key=f"browse-text-{example.id}", height="content")
        labels = project.row.task.labels
        if example.label is not None:
            st.selectbox(
                t("Label"),
                labels,
                index=labels.index(example.label),
                format_func=layout.plain,
                key=f"browse-set-{example.id}-{example.label}",
            )
        if example.split == "test":
            st.caption(t("A test text: if you change it, distil again to renew your results."))
        with st.container(horizontal=True, gap="small"):
            seen = (example.text, example.label)
            st.button(t("Save"), key="browse-save", on_click=_save, args=(project.id, example.id, seen))
            st.button(t("Take out"), key="browse-out", on_click=_take_out, args=(project.id, [example.id]))
        st.caption(t("If the words change, the teacher has to check this text's counterfactuals again. Your decisions stay."))


def _taken_out(project: Project) -> None:
    """What is out, and the way back."""
    out = project.editing.taken_out()
    if not out:
        return
    with st.popover(t("{texts} taken out", texts=layout.several(len(out), "text"))):
        rows = out[-OUT_SHOWN:]
        event = st.dataframe(
            [{"text": c.row["text"], "label": c.row["label"] or "", "by": c.annotator} for c in rows],
            hide_index=True,
            on_select="rerun",
            selection_mode="multi-row",
            key=f"browse-gone-{len(out)}",
            column_config={"text": t("text"), "label": t("label"), "by": t("by")},
        )
        ids = [rows[i].example_id for i in event.selection.rows] or [c.example_id for c in out]
        st.button(
            t("Put {texts} back", texts=layout.several(len(ids), "text")), key="browse-restore", on_click=_put_back, args=(project.id, ids)
        )


def _first() -> None:
    st.session_state[AT] = 0


def _turn(page: int) -> None:
    st.session_state[AT] = page


@naming.signed
@errors.callback
def _save(pid: str, example_id: str, seen: tuple[str, str | None]) -> None:
    """Write what changed: the words, the label, or both."""
    project, (text, label), done = state.workspace().project(pid), seen, []
    chosen = st.session_state.get(f"browse-set-{example_id}-{label}", label)
    written = st.session_state.get(f"browse-text-{example_id}", text)
    if chosen is not None and chosen != label:
        project.repair.correct(example_id, chosen, state.annotator(), label)
        done.append(t("The label is “{label}” now.", label=chosen))
    if written.strip() != text.strip():
        again = project.editing.correct(example_id, written, state.annotator(), text)
        done.append(t("The text is saved."))
        if again:
            done.append(t("{counterfactuals} to check again.", counterfactuals=layout.several(again, "counterfactual")))
    if done:
        state.mark_saved()
    state.notice(" ".join(done) or t("Nothing was changed."), "ok" if done else "info")


@naming.signed
@errors.callback
def _take_out(pid: str, ids: list[str]) -> None:
    gone = state.workspace().project(pid).editing.take_out(ids, state.annotator())
    state.mark_saved()
    state.notice(t("{texts} taken out. You can put them back below the table.", texts=layout.several(gone, "text")))


@naming.signed
@errors.callback
def _put_back(pid: str, ids: list[str]) -> None:
    back = state.workspace().project(pid).editing.put_back(ids, state.annotator())
    state.mark_saved()
    state.notice(t("{texts} put back, as they were.", texts=layout.several(back, "text")))
