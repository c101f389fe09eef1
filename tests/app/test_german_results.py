"""The Results, Compare and Distil pages of a project with students: no section, table or figure says a word outside the catalogue."""

import re
from types import SimpleNamespace

import pytest
import spoken
from conftest_app import PAIRS
from test_german import OWN, bracketed  # noqa: F401  # a fixture
from test_results_page import distilled  # noqa: F401  # a fixture

from ui.results.sections import SECTIONS
from ui.shared import spoken as drawn

KNOWN = (*(text for pair in PAIRS for text in pair[:2]), *OWN, "PNG", "SVG")


def left(test, project) -> set[str]:
    """What the page says untranslated, but for the person's texts and the values of settings, which stand as the record has
    them. The sidebar is the frame's, and test_german.py reads it."""
    page = SimpleNamespace(main=test.main, sidebar=SimpleNamespace(children={}))
    texts = [e.text for e in project.texts.examples()]
    settings = {value for side in project.comparison.sides() for value in side.about.values() if re.search("[A-Za-z]{2,}", value)}
    return spoken.bare(page, (*sorted([*texts, *settings], key=len, reverse=True), *KNOWN))


@pytest.mark.parametrize("section", SECTIONS)
def test_a_section_says_nothing_that_was_not_said_in_its_language(distilled, screen, bracketed, workspace, section):  # noqa: F811
    test = screen("results", distilled)
    next(g for g in test.button_group if g.key == "results-section").set_value(section).run()
    assert not test.exception
    assert not left(test, workspace.project(distilled))


@pytest.mark.parametrize("page", ["compare", "distill", "teacher"])
def test_a_page_of_a_distilled_project_says_nothing_else(distilled, screen, bracketed, workspace, page):  # noqa: F811
    test = screen(page, distilled)
    assert not test.exception
    assert not left(test, workspace.project(distilled))


def test_a_figure_says_its_titles_names_and_hovers(distilled, workspace, bracketed):  # noqa: F811
    found = []
    for chapter in SECTIONS:
        for section in workspace.project(distilled).report.sections(chapter, 4 if chapter == "answers" else None, None):
            for figure in drawn.section(section).figures:
                found += [one for one in _strings(figure.to_plotly_json()) if _wordy(one)]
    assert found and all(spoken.OPEN in one for one in found), [one for one in found if spoken.OPEN not in one]


def _strings(part) -> list[str]:
    if isinstance(part, dict):
        keys = ("title", "text", "name", "hovertemplate", "annotations", "data", "layout", "xaxis", "yaxis", "ticktext")
        return [one for key, value in part.items() if key in keys for one in _strings(value)]
    if isinstance(part, list | tuple):
        return [one for value in part for one in _strings(value)]
    return [part] if isinstance(part, str) else []


def _wordy(one: str) -> bool:
    return bool(re.search("[A-Za-z]{2,}", re.sub(r"<[^>]*>|%\{[^}]*\}", "", one)))
