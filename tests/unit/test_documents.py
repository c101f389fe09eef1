"""The documents exist that the code sends its readers to, and say what the code says."""

import re
import zipfile
from pathlib import Path

import pytest
from pydantic import BaseModel

from cod_core.counterfactuals.options import SearchOptions
from cod_core.export import record
from cod_core.workspace import Workspace
from tests.unit.test_architecture import rooms

ROOT = Path(__file__).parents[2]
SOURCES = [
    path
    for folder in ("cod_core", "ui", "pages", "tests", "benchmarks", "docs")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in (".py", ".toml", ".md") and path != Path(__file__)
] + [ROOT / name for name in ("app.py", "README.md")]
PLANS = re.compile(r"\b(?:METHOD|DESIGN|RECORD|HOUSE|STREAMLIT|STYLE)\.md\b")


def found(pattern: str | re.Pattern[str]) -> list[tuple[str, re.Match[str]]]:
    """Every place of the sources that matches, with its file and line."""
    texts = ((path, path.read_text(encoding="utf-8")) for path in SOURCES)
    return [
        (f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}", match)
        for path, text in texts
        for match in re.finditer(pattern, text)
    ]


def test_every_document_that_is_cited_exists():
    cited = found(r"\bdocs/[\w/-]+\.md\b")
    assert cited and not [f"{place} {match[0]}" for place, match in cited if not (ROOT / match[0]).is_file()]


def test_every_section_of_the_method_that_is_cited_exists():
    """A renumbered section sends readers to the wrong page."""
    written = set(re.findall(r"^## (\d+)\. ", (ROOT / "docs/method.md").read_text(encoding="utf-8"), re.MULTILINE))
    cited = found(r"docs/method\.md[\s#]+sections?[\s#]+(\d+)(?:,?\s+and\s+(\d+))?")
    assert cited and not [f"{place} {n}" for place, match in cited for n in match.groups() if n and n not in written]


def test_no_file_cites_the_plans():
    """The plans are not in the repository: whoever follows such a citation finds nothing."""
    assert not [f"{place} {match[0]}" for place, match in found(PLANS)]


def fields_told(heading: str) -> list[str]:
    """The first column of the table under a heading of docs/record.md."""
    text = (ROOT / "docs/record.md").read_text(encoding="utf-8")
    part = re.split(r"^#+ ", text.split(f"# {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    return re.findall(r"^\| (\w+) \|", part, re.MULTILINE)[1:]


def test_the_record_is_described_field_by_field():
    """Whoever reads an exported set goes by this table."""
    parts: dict[str, type[BaseModel]] = {
        "Fields": record.Record,
        "edits": record.EditPart,
        "generator": record.GeneratorPart,
        "teacher": record.TeacherPart,
        "verification": record.VerificationPart,
        "metrics": record.MetricsPart,
        "decision": record.DecisionPart,
    }
    assert {name: fields_told(name) for name in parts} == {name: list(model.model_fields) for name, model in parts.items()}


CHANGES = (
    "a new upload format",
    "a new loss",
    "a new kind of student",
    "a quirk of an LLM provider",
    "a new plot on Results",
    "a new reject reason",
    "a new column in the exported record",
    "another kind of teacher",
)
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")


def test_every_path_of_the_architecture_exists():
    """A map of streets that were renamed is worse than none."""
    named = re.findall(r"`?((?:cod_core|tests|docs|pages|ui|benchmarks)/[\w./-]*\w(?:/|\b))`?", ARCHITECTURE)
    assert len(named) > 40 and not [path for path in named if not (ROOT / path).exists()]


def test_the_architecture_says_what_to_touch_for_each_change():
    """Each of these once took up to fourteen files that no page named."""
    rows = {row[0]: row for row in (line.strip("| ").split(" | ") for line in ARCHITECTURE.splitlines() if line.startswith("| "))}
    assert not [change for change in CHANGES if change not in rows or len(rows[change]) != 3 or "`" not in rows[change][2]]


@pytest.mark.parametrize("change", CHANGES)
def test_a_name_that_a_change_goes_by_stands_in_one_of_its_files(change):
    """One row sent its readers to a function that had moved to another file."""
    row = next(line.strip("| ").split(" | ") for line in ARCHITECTURE.splitlines() if line.startswith(f"| {change} |"))
    files = [ROOT / path for path in re.findall(r"`([\w./-]+)`", row[2])]
    texts = "".join(path.read_text(encoding="utf-8") for path in files if path.is_file())
    names = [name for name in re.findall(r"`(\w+)`", row[1])]
    assert not [name for name in names if not re.search(rf"\b{name}\b", texts)]


def test_the_architecture_lists_the_rooms_in_their_order():
    """A reader takes the table for the order in which rooms may ask each other."""
    listed = re.findall(r"^\| `project\.(\w+)` \|", ARCHITECTURE, re.MULTILINE)
    assert listed == list(rooms().values())


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, capsys):
    """The first lines that a reader tries; here on a small project whose texts were read before, so that it takes seconds."""
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert 10 <= len([line for line in code.splitlines() if line.strip()]) <= 12
    with zipfile.ZipFile(ROOT / "tests/fixtures/home_before_rooms.zip") as archive:
        archive.extractall(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Workspace, "create_sample", lambda self, name: next(p.id for p in self.projects() if p.name == "Film notes"))
    smaller = {
        "/tmp/cod-demo": str(tmp_path / "home"),
        "k=16": "k=14, n=3, search=SearchOptions(budget=60)",
        "(8, 16)": "(8,)",
        "=20": "=3",
    }
    for words, others in smaller.items():
        assert words in code
        code = code.replace(words, others)
    exec(compile(code, "README.md", "exec"), {"SearchOptions": SearchOptions})
    assert "8 training rows" in capsys.readouterr().out and (tmp_path / "pairs.jsonl").stat().st_size


def test_decisions_stand_in_rooms_under_their_day_and_the_newest_first():
    """A list of more than a hundred sentences without days or rooms is read by nobody."""
    rooms_of = re.split(r"^## ", (ROOT / "docs" / "decisions.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    assert len(rooms_of) > 10 and rooms_of[-1].startswith("Newest, not yet moved")
    for room in rooms_of[:-1]:
        before, *days = re.split(r"^### .+, (\d{4}-\d{2}-\d{2})$", room, flags=re.MULTILINE)
        assert "\n- " not in before and days[::2] == sorted(set(days[::2]), reverse=True), room.splitlines()[0]
        assert all(part.strip().startswith("- **") for part in days[1::2]), room.splitlines()[0]
    undated = [entry[:60] for entry in rooms_of[-1].split("\n- **")[1:] if not re.search(r"20\d\d(-\d\d-\d\d)?\b", entry)]
    assert not undated, "a new decision says its day"
