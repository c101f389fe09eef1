"""Sections of the results, and the report that draws them."""

import pytest

from cod_core.export.report import build
from cod_core.export.sections import Section, distinct


class Picture:
    """Stands for a plotly figure; says whether it was asked to bring the library."""

    def __init__(self, name):
        self.name = name

    def to_html(self, *, include_plotlyjs, **_):
        return f"<div>{self.name}{' with plotly.js' if include_plotlyjs else ''}</div>"


def test_a_report_holds_every_section_in_order_and_the_library_once():
    """Without the library the file shows nothing; with it in every picture it has megabytes."""
    sections = [
        Section("No picture", rows=[{"a": 1}]),
        Section("Two", "It <rose>.", [Picture("p1"), Picture("p2")], notes=["accuracy"], caption="small & true"),
        Section("Last", figures=[Picture("p3")], id="last"),
    ]
    page = build("Results", [("made", "today")], "It rose.", sections)
    assert [page.count(f"<div>{p}</div>") for p in ("p1 with plotly.js", "p2", "p3")] == [1, 1, 1]
    assert page.index("No picture") < page.index("p1") < page.index("p2") < page.index('id="last"') < page.index("p3")
    assert "<blockquote>It &lt;rose&gt;.</blockquote>" in page and "small &amp; true" in page and "How this is measured" in page


def test_what_needs_the_paper_is_folded_away_and_the_title_is_not():
    page = build("Results", [], "", [Section("Divergence", rows=[{"kl": 0.123456}], technical=True)])
    assert "<h2>Divergence</h2><details><summary>Technical details</summary>" in page and "0.1235" in page.split("<summary>")[1]


def test_sections_that_cannot_be_told_apart_or_explained_are_refused():
    """Two widgets of one key stop the page; a note without words is found when somebody opens the report."""
    with pytest.raises(ValueError, match="two sections have the id gaps"):
        distinct([Section("a", id="gaps"), Section("b", id="gaps"), Section("c"), Section("d")])
    with pytest.raises(ValueError, match="no note is written for nothing"):
        Section("a", notes=["nothing"])
    with pytest.raises(ValueError, match="small letters"):
        Section("a", id='x" onload="')


def test_a_file_holds_the_numbers_behind_the_figures_else_the_rows():
    rows, numbers = [{"a": 1}], [{"x": 1}, {"x": 2}]
    assert Section("a", rows=rows).for_file == rows and Section("a", rows=rows, numbers=numbers).for_file == numbers


def test_what_a_screen_folds_away_stands_open_in_a_file():
    page = build("Results", [], "", [Section("", lines=["a < b"], fold="Why"), Section("", notes=["won"], id="won-and-lost")])
    assert "<h2>Why</h2>" in page and "<p>a &lt; b</p>" in page and "<h2></h2>" not in page
