"""The chapters of the Results page: what is chosen and pressed there. What they show is composed in project/results/report.py."""

from collections.abc import Callable, Iterator, Sequence
from html import escape

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from cod_core.export.sections import Row, Section
from cod_core.project.project import Project
from cod_core.project.results.sweep import SweepResults
from cod_core.said import msg
from ui.frame import errors, layout, state
from ui.frame.words import t
from ui.results import cache
from ui.shared import charts, jobs_panel, spoken

FEW = 6  # labels that stand side by side; more are picked from a list
SECTIONS = {
    "bought": msg("What it bought"),
    "line": msg("Where the line is drawn"),
    "map": msg("Map of the texts"),
    "answers": msg("Which answers changed"),
    "worth": msg("Worth of each"),
}
SPLITS = {
    "train": msg("A train text; it has no counterfactual."),
    "test": msg("A test text; it has no counterfactual."),
    "validation": msg("A validation text; it has no counterfactual."),
    "unlabelled": msg("An unlabelled text; it has no counterfactual."),
}


def open_item(example_id: str) -> None:
    """Show a text on the Curate page."""
    state.show_item(example_id)
    st.switch_page(layout.PAGES["curate"][0], query_params=state.params() | {"item": example_id})


def draw_all(sections: Sequence[Section]) -> str | None:
    """Draw sections one below the other, two halves side by side; returns the id of a text that was just clicked."""
    clicked = None
    columns: Iterator[DeltaGenerator] = iter(())
    for section in map(spoken.section, sections):
        place = next(columns, None) if section.half else None
        if section.half and place is None:
            columns = iter(st.columns(2))
            place = next(columns)
        with place or st.container(), errors.shown():
            clicked = CARDS.get(section.id, charts.draw)(section) or clicked
    return clicked


def bought(project: Project, found: SweepResults) -> None:
    """Accuracy and agreement against the number of training rows."""
    draw_all(cache.sections(project, "bought"))


def line(project: Project, found: SweepResults) -> None:
    """Where teacher and students draw the line, on pairs that no student saw."""
    seen, job = project.diagnostics.latest(), project.jobs.newest()
    if seen is None:
        layout.empty(
            "Not compared yet",
            "How near your counterfactuals lie to the teacher's decision line, and how "
            "far the student's line is from the teacher's: measured on pairs made for this from test "
            "texts, which takes a few minutes once.",
        )
    elif seen.stale:
        errors.box("This was measured on earlier students. Compare the lines again.", "warn")
    if seen is None or seen.stale:
        if st.button(t("Compare the lines"), key="diagnose", disabled=jobs_panel.running(job)):
            with errors.shown():
                project.jobs.start("diagnose")
                st.rerun()
    if seen is not None:
        above = st.container()
        first, *rest = cache.sections(project, "line", k=_choose_k(list(seen.gaps), "line"))
        with above:
            draw_all([first])
        draw_all(rest)


def _choose_k(ks: Sequence[int], key: str) -> int | None:
    if not ks:
        st.caption(t("No number of rows has both kinds of student."))
        return None
    if len(ks) == 1:
        return ks[0]
    return st.segmented_control(t("Training rows"), ks, default=ks[-1], required=True, key=f"k-{key}")


def text_map(project: Project, found: SweepResults) -> None:
    """The map of the texts; a click on a text with a proposal opens it in Curate."""
    labels = list(project.row.task.labels)
    label = None
    if len(labels) > 2:
        if len(labels) > FEW:
            label = st.selectbox(
                t("Line of"), sorted(labels), index=sorted(labels).index(labels[-1]), key="map-label", format_func=layout.plain
            )
        else:
            label = st.segmented_control(t("Line of"), labels, default=labels[-1], required=True, key="map-label", format_func=layout.plain)
    clicked = draw_all(cache.sections(project, "map", label=label))
    if clicked:
        example, has_card = project.maps.behind(clicked)
        if has_card:
            open_item(clicked)
        with st.container(border=True):
            st.text(example.text)
            st.caption(t(SPLITS.get(example.split, SPLITS["train"])))


def answers(project: Project, found: SweepResults) -> None:
    """Confusion by class pair, and the texts won and lost."""
    k = _choose_k([e["k"] for e in found.effects], "answers")
    if k is None:
        return
    sections = cache.sections(project, "answers", k=k)
    if not sections:
        st.caption(t("There are no test or unlabelled texts to look at."))
    draw_all(sections)


def _cards(section: Section) -> None:
    """Texts as cards: longer than a table shows."""
    st.subheader(section.title, anchor=False)
    st.html("".join(map(_card, section.rows)) or f'<p class="cod-cap">{escape(section.caption)}</p>')


def _card(row: Row) -> str:
    text, label, without, with_ = row.values()
    said = t("right in {without:.0%} of the draws without, {with_:.0%} with counterfactuals", without=without, with_=with_)
    return (
        f'<div class="cod-card cod-won"><header><h4>{escape(str(label))}</h4><span class="cod-cap">{escape(said)}</span></header>'
        f"<div>{escape(str(text))}</div></div>"
    )


def worth(project: Project, found: SweepResults) -> None:
    """What each kept counterfactual was worth; a click opens it in Curate."""
    sections = cache.sections(project, "worth")
    if not sections:
        st.caption(t("This needs two or more accepted counterfactuals and development or unlabelled texts to measure on."))
    if clicked := draw_all(sections):
        open_item(clicked)


CARDS: dict[str, Callable[[Section], str | None]] = {"won": _cards, "lost": _cards}
DRAW: dict[str, Callable[[Project, SweepResults], None]] = {
    "bought": bought,
    "line": line,
    "map": text_map,
    "answers": answers,
    "worth": worth,
}
