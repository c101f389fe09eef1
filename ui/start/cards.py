"""The projects as cards: how far each is and what is next. The names are drawn at once; what has to be counted fills in after."""

import time
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cod_core.project.project import Project
from cod_core.said import msg
from cod_core.store.projects import ProjectRow
from cod_core.workspace import Workspace
from ui.frame import errors, layout, state
from ui.frame.words import t

SHOWN = 12
PATIENCE = 2.0  # seconds of counting in one run; cards that are left are filled on the next visit
STEPS = (msg("Texts"), msg("Teacher"), msg("Pairs"), msg("Compared"), msg("Student"))
REACHED = (msg("texts"), msg("teacher"), msg("pairs"), msg("compared"), msg("student"))  # within a sentence


def section() -> int:
    """Projects on this machine: the one worked on last comes first, and opens where it was left. How many there are."""
    w = state.workspace()
    places = w.people.locations(state.annotator())
    projects = [p for p in w.projects() if p.archived_at is None]
    projects.sort(key=lambda p: places.get(p.id, ("", None, ""))[2], reverse=True)
    if not projects:
        return 0
    st.subheader(t("Go on where you were"), anchor=False)
    few = projects[:SHOWN]
    if len(projects) > SHOWN and st.toggle(t("Show all {n} projects", n=len(projects)), key="all-projects"):
        few = projects
    columns, waiting = st.columns(3), []
    for number, row in enumerate(few):
        page, item, _ = places.get(row.id, ("curate", None, ""))
        with columns[number % 3].container(border=True, key=f"card-{row.id}"):
            words = f" · {t(layout.PAGES[page][1])}" if row.id in places and page in layout.PAGES else ""
            if st.button(layout.plain(row.name, 50) + words, key=f"open-{row.id}", icon=":material/folder_open:", type="tertiary"):
                state.open_project(row.id, item)
                layout.go(page if page in layout.PAGES else "curate")
            waiting.append((row, st.empty()))
    _fill(w, waiting)
    return len(projects)


def _fill(w: Workspace, waiting: list[tuple[ProjectRow, DeltaGenerator]]) -> None:
    """How far each project is, as long as patience lasts; the others say only since when they are there."""
    end = time.monotonic() + PATIENCE
    for row, place in waiting:
        said = f'<div class="cod-cap">{escape(t("Made on {day}", day=row.created_at[:10]))}</div>'
        if time.monotonic() < end:
            with errors.shown():
                said = how_far(w.project(row.id))
        place.html(said)


def how_far(project: Project) -> str:
    """Five marks and the next step, as HTML."""
    now = project.next.standing()
    pairs = sum(one.pairs for one in now.labels)
    texts = sum(one.texts for one in now.labels)
    done = (texts > 0, now.teacher, pairs > 0 and not now.without_pairs, now.compared, now.taken)
    marks = "".join(f'<i class="{"cod-done" if d else ""}" title="{t(name)}"></i>' for name, d in zip(STEPS, done))
    reached = ", ".join(t(name) for name, d in zip(REACHED, done) if d) or t("nothing yet")
    counts = f"{t(layout.several(texts, 'text'))} · {t(layout.several(pairs, 'pair'))}"
    step = project.next.steps()[0]
    return (
        f'<div class="cod-far" role="img" aria-label="{escape(t("Done: {steps}", steps=reached))}">{marks}</div>'
        f'<div class="cod-cap">{escape(counts)}</div><div class="cod-step"><b>{t("Next")}</b> {escape(t(step.sentence))}</div>'
    )
