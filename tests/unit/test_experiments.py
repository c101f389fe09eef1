"""Every table of docs/experiments/ and docs/scale.md is as the JSON of its command says, or is named as one that no JSON is kept of."""

from pathlib import Path

import pytest

from benchmarks import cells, scale_tables, tables, warn_tables
from cod_core.diagnostics import early

ROOT = Path(__file__).parents[2]
INDEX = (ROOT / "docs" / "experiments.md").read_text(encoding="utf-8")
PAGES = {path.name: path for path in sorted(tables.PAGES.glob("*.md"))} | {scale_tables.PAGE: ROOT / "docs" / "scale.md"}
SHOWN = [(name, lines) for name, path in PAGES.items() for _, lines in tables.tables_of(path)]


@pytest.mark.parametrize("name", tables.TABLES)
def test_a_table_is_as_its_json_says(name):
    """Prevents: a figure that was mistyped, or that an older run gave, under the name of a command that says otherwise."""
    page, build = tables.TABLES[name]
    assert (page, build()) in SHOWN, "python -m benchmarks.tables --write"


@pytest.mark.parametrize("name", tables.ROWS)
def test_rows_that_have_a_json_are_as_it_says(name):
    page, build = tables.ROWS[name]
    there = {line for where, lines in SHOWN if where == page for line in lines}
    assert build() and set(build()) <= there


def test_tables_without_a_json_are_named():
    """Prevents: a table that nobody can rebuild looks like one that anybody can."""
    built = [(page, build()) for page, build in tables.TABLES.values()]
    partly = [(page, line) for page, build in tables.ROWS.values() for line in build()]
    without = [
        (page, lines[0]) for page, lines in SHOWN if (page, lines) not in built and not any((page, line) in partly for line in lines)
    ]
    heads = [
        f"{page.removesuffix('.md')}: {' '.join(head.split('|')[1].split()) or '(first column without a name)'}" for page, head in without
    ]
    said = [
        line[2:].strip().strip("`")
        for line in INDEX.split("## Tables without a JSON")[1].split("##")[0].splitlines()
        if line.startswith("- ")
    ]
    assert sorted(said) == sorted(heads)


def test_every_json_is_read_by_somebody():
    """Prevents: results that are kept and shown nowhere, or whose command is gone."""
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "benchmarks").glob("*.py"))
    kept = [path.relative_to(cells.RESULTS).with_suffix("") for path in cells.RESULTS.rglob("*.json")]
    assert len(kept) > 20 and not [str(name) for name in kept if name.parts[0] not in code and name.name not in code]


def test_what_the_warning_says_of_itself_is_what_was_measured():
    """Prevents: a person is told to stop by a rule whose hits nobody counted."""
    found = warn_tables.measured()
    assert (early.TASKS, early.RIGHT) == (len(found), warn_tables.in_tasks(found, warn_tables.RULE))
