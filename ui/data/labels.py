"""The labels of the project: what each means and how many texts it has; renamed, merged, added."""

from collections.abc import Callable

import streamlit as st

from cod_core.project.labels import Consequences
from cod_core.project.project import Project
from cod_core.said import msg, say, together
from ui.frame import errors, layout, state
from ui.frame.words import t

ACTS = {"rename": msg("Rename"), "describe": msg("Describe"), "merge": msg("Merge two"), "add": msg("Add one")}


def section(project: Project) -> None:
    """The list of labels, and one change at a time with what it does said before."""
    task, counts = project.row.task, project.texts.counts()
    described = dict(zip(task.labels, task.descriptions or [""] * len(task.labels)))
    layout.grid(
        [
            {
                t("label"): label,
                t("training texts"): counts.texts.get(("train", label), 0),
                t("test texts"): counts.texts.get(("test", label), 0),
                t("what it means"): described[label],
            }
            for label in task.labels
        ]
    )
    act = st.segmented_control(t("Change"), list(ACTS), default="rename", required=True, format_func=layout.words(ACTS), key="labels-act")
    forms[act or "rename"](project)


def _rename(project: Project) -> None:
    old = _pick(t("Label"), project, "labels-old")
    new = st.text_input(t("New name"), key=f"labels-new-{old}", max_chars=200)
    st.caption(t("Texts, decisions, verdicts and results keep their places under the new name."))
    st.button(t("Rename"), key="labels-go", disabled=not new.strip(), on_click=_do_rename, args=(project.id, old, new))


def _describe(project: Project) -> None:
    task = project.row.task
    label = _pick(t("Label"), project, "labels-old")
    known = dict(zip(task.labels, task.descriptions)) if task.descriptions else {}
    said = st.text_input(t("What it means, in a sentence"), known.get(label, ""), key=f"labels-says-{label}", max_chars=1000)
    st.caption(t("A language model reads this, and so do the people who work with you."))
    st.button(t("Save"), key="labels-go", on_click=_do_describe, args=(project.id, label, said))


def _merge(project: Project) -> None:
    labels = project.row.task.labels
    if len(labels) < 3:
        errors.box("A project needs two labels. With only two, there is nothing to merge.", "info")
        return
    left, right = st.columns(2)
    with left:
        old = _pick(t("This label"), project, "labels-old")
    with right:
        others = [label for label in labels if label != old]
        into = st.selectbox(t("becomes"), others, format_func=layout.plain, key=f"labels-into-{old}")
    _said(merging(project.label_set.of_merging(old, into), old, into))
    st.button(t("Merge"), key="labels-go", on_click=_do_merge, args=(project.id, old, into))


def _add(project: Project) -> None:
    name = st.text_input(t("Name"), key="labels-name", max_chars=200)
    says = st.text_input(t("What it means, in a sentence"), key="labels-means", max_chars=1000)
    _said(going(project.label_set.of_adding()))
    st.button(t("Add"), key="labels-go", disabled=not name.strip(), on_click=_do_add, args=(project.id, name, says))


forms: dict[str, Callable[[Project], None]] = {"rename": _rename, "describe": _describe, "merge": _merge, "add": _add}


def _pick(words: str, project: Project, key: str) -> str:
    labels = project.row.task.labels
    return st.selectbox(words, labels, format_func=layout.plain, key=f"{key}-{hash(labels)}") or labels[0]


def merging(done: Consequences, old: str, into: str) -> list[str]:
    """What a merge does, before it is done."""
    texts, pairs = layout.several(done.texts, "text"), layout.several(done.pairs, "counterfactual")
    out: list[str] = [say("{texts} with the label “{old}” will have the label “{into}”.", texts=texts, old=old, into=into)]
    if done.pairs:
        out.append(say("{counterfactuals} between the two will not count any more.", counterfactuals=pairs))
    return [*out, *going(done), say("This cannot be undone.")]


def going(done: Consequences) -> list[str]:
    """What another number of labels costs."""
    out: list[str] = []
    if done.teacher:
        out.append(say("The teacher has to be trained again, and the proposals checked again. Your decisions stay."))
    if done.students:
        students = layout.several(done.students, "finished student")
        out.append(say("{students} will go. Export the one you need first.", students=students))
    return out


def _said(sentences: list[str]) -> None:
    if sentences:
        errors.box(together(sentences), "warn")


@errors.callback
def _do_rename(pid: str, old: str, new: str) -> None:
    carried = state.workspace().project(pid).label_set.rename(old, new)
    state.mark_saved()
    called = say("“{old}” is called “{new}” now.", old=old, new=" ".join(new.split()))
    state.notice(together([called, say("{verdicts} went along.", verdicts=layout.several(carried, "verdict")) if carried else ""]))


@errors.callback
def _do_describe(pid: str, label: str, said: str) -> None:
    state.workspace().project(pid).label_set.describe({label: said})
    state.mark_saved()
    state.notice(t("The description of “{label}” is saved.", label=label))


@errors.callback
def _do_merge(pid: str, old: str, into: str) -> None:
    done = state.workspace().project(pid).label_set.merge(old, into)
    state.mark_saved()
    state.notice(t("{texts} went from “{old}” to “{into}”.", texts=layout.several(done.texts, "text"), old=old, into=into))


@errors.callback
def _do_add(pid: str, name: str, says: str) -> None:
    state.workspace().project(pid).label_set.add(name, says)
    state.mark_saved()
    state.notice(t("The label “{label}” was added. Now give it texts: add some, or correct labels.", label=" ".join(name.split())))
