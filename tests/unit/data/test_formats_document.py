"""docs/formats.md says what the code reads: no format without a line, no line without a format."""

import re
from pathlib import Path

from cod_core.data.formats import FORMATS, KEYS
from cod_core.export.choice import STUDENT_FORMS
from cod_core.export.forms import FORMS

WHOLE = (Path(__file__).parents[3] / "docs" / "formats.md").read_text(encoding="utf-8")
TEXT, WRITTEN = WHOLE.split("## What is written")


def rows_in(text: str) -> dict[str, str]:
    """Key -> its line in the tables."""
    return {found[1]: found[0] for found in re.finditer(r"^\| `([a-z-]+)` \|.*$", text, re.M)}


ROWS = rows_in(TEXT)


def test_every_format_and_shape_has_a_line():
    assert set(ROWS) == set(KEYS)


def test_every_ending_is_named():
    for f in FORMATS:
        assert all(f".{ending}" in ROWS[f.key].split("|")[2].split() for ending in f.endings)


def test_every_line_says_what_is_read_and_what_the_reader_says():
    assert all(cells[3].strip() and cells[5].strip() for cells in (row.split("|") for row in ROWS.values()))


def test_every_form_that_is_written_has_a_line_with_its_ending_and_how_it_is_read_back():
    of_sets, of_students = map(rows_in, WRITTEN.split("## How a student leaves"))
    assert set(of_sets) == {form.key for form in FORMS} and set(of_students) == set(STUDENT_FORMS)
    for form in FORMS:
        _, _, file, holds, back, _ = of_sets[form.key].split("|")
        assert file.strip() == ("folder" if form.folder else f".{form.ending}") and holds.strip()
        assert form.key == "bundle" or re.search(r"`([a-z-]+)`", back)[1] in KEYS
