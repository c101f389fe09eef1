"""`import` of the files that other tools write: read as they are right, and everything that was chosen is said."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.errors import BadInput
from cod_core.types import Task
from cod_core.workspace import Workspace

sys.path.insert(0, str(Path(__file__).parents[2]))
from field import FOLDER, LABELS, RIGHT, each_file, is_praise, needed  # noqa: E402


@pytest.fixture
def w(tmp_path, monkeypatch):
    """A workspace in a fresh data folder, which is the commands' too."""
    monkeypatch.setenv("COD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    return Workspace(tmp_path / "home")


def run(*arguments):
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def made(*arguments):
    done = run(*arguments, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


@needed
@each_file
def test_each_file_of_the_field_is_read_as_its_readme_says(w, name):
    """Read wrongly: rejected labels as labels, a cover sheet as texts, 1 as complaint."""
    added, left_out, kinds = RIGHT[name]
    out = made(FOLDER / name, "--labels", ",".join(LABELS))
    examples = w.project(out["project"]).texts.examples()
    assert len(examples) == out["added"] == added and sum(len(r["rows"]) for r in out["remarks"]) == left_out
    assert {r["kind"] for r in out["remarks"]} == kinds
    assert all((e.label == "praise") == is_praise(e.text) for e in examples)
    assert out["read"]["said"] and out["read"]["columns"]["text"] == "text"


@needed
def test_what_was_chosen_is_said_with_the_option_that_says_otherwise(w):
    said = run(FOLDER / "sheets.xlsx").stdout
    assert "sheet 'Data' was read; 'About' not" in said and "--sheet" in said and "--format" in said and "text from 'text'" in said
    assert "Labels of the file: complaint; praise." in said
    with pytest.raises(BadInput, match="no sheet 'Nope'. Its sheets are: About, Data"):
        raise run(FOLDER / "sheets.xlsx", "--sheet", "Nope").exception


def test_a_folder_that_datasets_saved_keeps_the_names_of_its_labels(w, tmp_path):
    """The numbers of a ClassLabel were the labels."""
    from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

    features = Features({"text": Value("string"), "label": ClassLabel(names=["no harm", "fall, with injury"])})
    parts = {
        part: Dataset.from_dict({"text": [f"{part} text {i}" for i in range(6)], "label": [i % 2 for i in range(6)]}, features=features)
        for part in ("train", "test")
    }
    DatasetDict(parts).save_to_disk(str(tmp_path / "saved"))
    out = made(tmp_path / "saved")
    project = w.project(out["project"])
    assert project.row.task.labels == ("no harm", "fall, with injury") and out["added"] == 12
    assert [(e.text, e.label) for e in project.texts.examples("test")][:2] == [
        ("test text 0", "no harm"),
        ("test text 1", "fall, with injury"),
    ]


@pytest.mark.parametrize("n", [25, 77])
def test_many_and_long_labels_come_from_the_file_with_their_commas(w, tmp_path, n):
    """The column was not recognised ("more than 20 different values"), and names with commas were split."""
    names = [f"the person asks about matter {i}, and wants an answer in writing within the week" for i in range(n)]
    rows = [{"id": f"case-{i}", "utterance": f"A text of some words, number {i}.", "matter": names[i % n]} for i in range(4 * n)]
    path = tmp_path / "many.json"
    path.write_text(json.dumps({"data": rows}))
    out = made(path)
    project = w.project(out["project"])
    assert set(project.row.task.labels) == set(names) and out["added"] == 4 * n
    assert out["read"]["columns"]["label"] == "matter" and out["read"]["columns"]["name"] == "id"
    assert project.texts.examples()[3].metadata == {"id": "case-3"}


def test_labels_are_named_in_a_file_or_as_a_list(w, tmp_path):
    (tmp_path / "a.csv").write_text('text,label\none thing,"yes, always"\nanother thing,no\n')
    (tmp_path / "labels.txt").write_text("yes, always\nno\n")
    for option in (("--labels-file", tmp_path / "labels.txt"), ("--labels", '["yes, always", "no"]')):
        assert w.project(made(tmp_path / "a.csv", *option)["project"]).row.task.labels == ("yes, always", "no")


def test_two_columns_of_texts_are_not_picked_from_in_silence(w, tmp_path):
    path = tmp_path / "pairs.csv"
    path.write_text(
        "premise,hypothesis,gold\n"
        + "".join(f"a man walks number {i},a person moves about {i},{'yes' if i % 2 else 'no'}\n" for i in range(8))
    )
    assert "it is not said which to read" in str(run(path).exception) and w.projects() == []
    out = made(path, "--sentence", "{premise} Therefore: {hypothesis}")
    assert w.project(out["project"]).texts.examples()[0].text == "a man walks number 0 Therefore: a person moves about 0"
    assert made(path, "--text-column", "hypothesis")["read"]["columns"]["text"] == "hypothesis"


def test_one_file_a_label(w, tmp_path):
    (tmp_path / "praise.txt").write_text("A fine day it was.\nWell done, all of you.\n")
    pid = w.create_project("P", Task("Complaint or praise?", LABELS))
    out = made(tmp_path / "praise.txt", "--project", pid, "--label", "praise")
    assert out["labels"] == {"praise": 2}


def test_an_encoding_is_a_guess_that_is_said_and_can_be_named(w, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("text,label\nПосылка пришла поздно,жалоба\nСпасибо за помощь,похвала\n".encode("cp1251"))
    said = run(path).stdout
    assert "Windows-1251 (Cyrillic)" in said and "--encoding" in said and "cp1251: " in said and "mac_roman: " in said
    out = made(path, "--encoding", "koi8-r")
    assert out["read"]["encoding"] == "koi8_r" and not out["read"]["guessed"]
    with pytest.raises(BadInput, match="no encoding 'nope'"):
        raise run(path, "--encoding", "nope").exception


def test_a_file_of_tests_to_come_holds_nothing_out(w, tmp_path):
    """30 % of the rows were lost to an automatic test, for good."""
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"text number {i},{'yes' if i % 2 else 'no'}\n" for i in range(60)))
    held, kept = made(path), made(path, "--own-test")
    assert w.project(held["project"]).summary().n_test > 0
    assert w.project(kept["project"]).summary().n_test == 0 and "add your test file" in kept["note"]


def test_a_class_that_no_test_text_has_is_said(w, tmp_path):
    """50 to 1, and "100 % right on 22"."""
    path = tmp_path / "a.csv"
    path.write_text("text,label\n" + "".join(f"text number {i},{'rare' if i == 7 else 'usual'}\n" for i in range(51)))
    assert "No test text is labelled 'rare'" in made(path)["note"]
    path.write_text("text,label\n" + "".join(f"text number {i},{'rare' if i in (7, 8) else 'usual'}\n" for i in range(100)))
    out = made(path)
    assert "No test text" not in out["note"] and any(e.label == "rare" for e in w.project(out["project"]).texts.examples("test"))


def test_guidelines_and_descriptions_come_along(w, tmp_path):
    folder = tmp_path / "argilla"
    (folder / ".argilla").mkdir(parents=True)
    options = [{"value": "no", "text": "no", "description": "No harm."}, {"value": "yes", "text": "yes", "description": "Some harm."}]
    settings = {
        "guidelines": "Look for harm.",
        "questions": [{"name": "harm", "settings": {"type": "label_selection", "options": options}}],
    }
    (folder / ".argilla" / "settings.json").write_text(json.dumps(settings))
    records = [
        {
            "id": f"r{i}",
            "fields": {"text": f"A note on patient {i}."},
            "responses": {"harm": [{"value": "yes" if i % 2 else "no", "user_id": "u"}]},
        }
        for i in range(6)
    ]
    (folder / "records.json").write_text(json.dumps(records))
    project = w.project(made(folder)["project"])
    assert project.row.task.labels == ("no", "yes") and project.row.task.descriptions == ("No harm.", "Some harm.")
    assert project.guideline.current().text == "Look for harm."
