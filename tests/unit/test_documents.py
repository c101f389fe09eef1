"""The documents exist that the code sends its readers to, and say what the code says."""

import re
from pathlib import Path

from pydantic import BaseModel

from cod_core.export import record

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
