"""The Data page reads what the command reads, says what it took a file for, and takes another word for it."""

import json
import sys
from pathlib import Path

import pytest

from cod_core.types import Task

sys.path.insert(0, str(Path(__file__).parents[1]))
from conftest_app import words  # noqa: E402
from field import FOLDER, LABELS, RIGHT, each_file, is_praise, needed  # noqa: E402


@pytest.fixture
def project(workspace):
    return workspace.create_project("Mail", Task("Complaint or praise?", LABELS))


@pytest.fixture
def bring(screen, project, monkeypatch):
    """Opens the Data page with this file in its uploader, which AppTest cannot drive."""

    def opened(name, data):
        monkeypatch.setattr("ui.data.opened_file.source", lambda key: (name, data) if key.endswith("-0") else None)
        return screen("data", project)

    return opened


def add(test):
    next(b for b in test.button if b.label == "Add these texts").click().run()
    assert not test.exception
    return test


@needed
@each_file
def test_each_file_of_the_field_is_added_as_its_readme_says(bring, project, workspace, name):
    """`.json` was refused, rejected labels came in as labels, TRUE was not known."""
    added, left_out, _ = RIGHT[name]
    test = bring(name, (FOLDER / name).read_bytes())
    assert not test.exception and not [b for b in test.html if "cod-box cod-error" in b.value]
    add(test)
    examples = workspace.project(project).texts.examples()
    assert len(examples) == added and all((e.label == "praise") == is_praise(e.text) for e in examples)
    said = words(test)
    assert f"{added} texts added" in said and (not left_out or f"{left_out} rows were left out" in said and f"{left_out} rows (1, " in said)


def test_what_a_file_was_taken_for_is_said_and_can_be_changed(bring, project, workspace):
    rows = [{"text": f"A text of number {i}.", "label": [LABELS[i % 2]]} for i in range(6)]
    test = bring("a.jsonl", "\n".join(map(json.dumps, rows)).encode())
    assert "6 texts with a list of labels each, as doccano writes them." in words(test)
    picker = next(s for s in test.selectbox if s.label == "What the file is")
    picker.set_value("table").run()
    assert "A JSON file." in words(test) and not test.exception


def test_an_encoding_is_chosen_by_its_letters(bring, project, workspace):
    data = "text,label\nПосылка пришла поздно,complaint\nСпасибо за помощь,praise\n".encode("cp1251")
    test = bring("a.csv", data)
    assert "Windows-1251 (Cyrillic)" in words(test) and "Посылка" in words(test)
    next(s for s in test.selectbox if s.label == "Encoding").set_value("koi8_r").run()
    assert "Посылка" not in add(test).session_state  # the widgets are gone
    assert {e.text[:3] for e in workspace.project(project).texts.examples()} != {"Пос", "Спа"}


def test_77_labels_are_recognised_and_not_asked_one_by_one(bring, screen, workspace, monkeypatch):
    names = tuple(f"label {i}, of the list" for i in range(77))
    pid = workspace.create_project("Many", Task("Which?", names))
    rows = [{"text": f"A text of number {i}.", "label": names[i % 77].upper()} for i in range(231)]
    monkeypatch.setattr("ui.data.opened_file.source", lambda key: ("a.json", json.dumps(rows).encode()) if key.endswith("-0") else None)
    test = screen("data", pid)
    assert any("77 of 77 values" in c.value for c in test.caption)
    add(test)
    assert len({e.label for e in workspace.project(pid).texts.examples()}) == 77


def test_a_file_of_one_label_and_a_test_to_come(bring, project, workspace):
    """The texts were offered as labels, and 30 % of them were lost to a test that nobody wanted."""
    test = bring("praise.txt", "\n".join(f"A kind word, number {i}." for i in range(50)).encode())
    next(s for s in test.selectbox if s.label == "Label of all these texts").set_value(1).run()
    next(c for c in test.segmented_control if c.label == "Texts to test on").set_value("none").run()
    add(test)
    examples = workspace.project(project).texts.examples()
    assert len(examples) == 50 and {e.label for e in examples} == {"praise"} and "test" not in {e.split for e in examples}


def test_the_name_of_a_row_is_kept_unless_unticked(bring, project, workspace):
    data = b"case no,text,label,ward\nA-1,A fine day.,praise,3\nA-2,A bad day.,complaint,4\n"
    test = bring("a.csv", data)
    assert any("ward" in c.value and "Not kept" in c.value for c in test.caption)
    add(test)
    assert [e.metadata for e in workspace.project(project).texts.examples()] == [{"case no": "A-1"}, {"case no": "A-2"}]
