"""Every table that leaves, opened in a spreadsheet: no cell of a stranger's is a formula, whichever download it came by."""

import csv
import io
import json
import zipfile

import pytest
from export_items import PROJECT, item

from cod_core.export.bundle import bundle_bytes
from cod_core.export.flat import safe_cell, safe_csv
from cod_core.export.forms import Words, form_for, write_form
from cod_core.project.curation.audit import Audit
from cod_core.types import Origin
from ui.shared.charts import csv_of

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
BAD = [
    "=1+1", "=cmd|' /C calc'!A0", "@SUM(A1)", "+1+cmd", "-2+3+cmd|'/C calc'!A0", "\t=1", "\r=1", "\n=1", "\r\n=1", "=HYPERLINK(\"http://e\",\"x\")",
    "＝1+1", "＋1", "－1+1", "＠SUM(A1)", "-1e5x", "+", "=", "-", "@", "==", "=\x00", '="a"', '","=1+1', '"\n=1+1', "'=1",
]  # fmt: skip


def cells(body: bytes, dialect: str = "excel") -> list[str]:
    return [cell for row in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), dialect) for cell in row]


def harmless(found: list[str]) -> bool:
    return not [c for c in found if c.startswith(STARTS) and not c.lstrip("+-").replace(".", "").replace("e", "").isdigit()]


@pytest.mark.parametrize("bad", BAD)
def test_no_table_of_a_bundle_holds_a_formula(bad, tmp_path):
    """Prevents: the set is opened by a colleague, and a text, a comment, a name or a column of it runs."""
    made = [
        item(bad + " film", bad + " movie", comment=bad, metadata={bad: bad}, source_id=bad, origin=Origin("import", bad)),
        item("a film", "a movie", "edited", override_reason=bad, proposed_text=bad + " x"),
    ]
    data, _ = bundle_bytes(PROJECT, made, [{"seq": 1, "status": "accepted", "annotator": bad, "comment": bad}], True)
    alone = ("set.tsv", "set.csv")
    for name in alone:
        write_form(tmp_path / name, form_for(name), made, Words(("negative", "positive")), "p1")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        tables = {name: archive.read(name) for name in archive.namelist() if name.endswith((".csv", ".tsv"))}
    assert len(tables) >= 2
    for name, body in {**tables, **{name: (tmp_path / name).read_bytes() for name in alone}}.items():
        found = cells(body, "excel-tab" if name.endswith("tsv") else "excel")
        assert harmless(found), (name, [c for c in found if c.startswith(STARTS)])


@pytest.mark.parametrize("bad", BAD)
def test_no_other_download_holds_a_formula(bad):
    """The numbers behind a picture, columns and trail: each is written by the same guard, headings too."""
    rows = [{bad: bad, "a": 1}, {"b": [bad], "c": json.dumps({bad: bad})}]
    assert harmless(cells(csv_of(rows).encode()))
    assert harmless(cells(safe_csv([bad, "a"], [[bad, -1.5], [bad, "-1e5"]]).encode()))
    assert safe_cell(bad) == bad or safe_cell(bad) == "'" + bad


def test_every_table_that_is_written_goes_through_the_guard():
    """A new download that writes its own table would be the one that runs."""
    import re
    from pathlib import Path

    root, found = Path(__file__).resolve().parents[3], []
    for folder in ("cod_core", "ui", "pages"):
        for path in (root / folder).rglob("*.py"):
            if re.search(r"csv\.(writer|DictWriter)\(|\.to_csv\(|\.to_excel\(|openpyxl\.Workbook\(", path.read_text(encoding="utf-8")):
                found.append(path.relative_to(root).as_posix())
    assert found == ["cod_core/export/flat.py"] and Audit
