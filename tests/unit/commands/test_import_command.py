"""`import`: what a file holds against what the project wants, and nothing left behind where it fails."""

import json

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.errors import BadInput, ModelUnavailable
from cod_core.types import Task
from cod_core.workspace import Workspace

CSV = "text,label\nA fine film.,Positive\nA dull film.,NEGATIVE \nA great film.,positive\nA bad film.,negative\n"
NEW = ("--labels", "negative,positive")


@pytest.fixture
def w(tmp_path, monkeypatch):
    """A workspace in a fresh data folder, which is the commands' too."""
    monkeypatch.setenv("COD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    return Workspace(tmp_path / "home")


@pytest.fixture
def texts(tmp_path):
    path = tmp_path / "texts.csv"
    path.write_text(CSV)
    return path


def run(*arguments):
    return CliRunner().invoke(app, ["import", *map(str, arguments)])


def test_labels_in_another_letter_case_or_with_spaces_are_the_projects_labels(w, texts):
    """The page took such rows and the command dropped them."""
    made = json.loads(run(texts, *NEW, "--json").stdout)
    assert made["added"] == 4 and made["problems"] == []
    assert sorted(e.label for e in w.project(made["project"]).texts.examples()) == ["negative"] * 2 + ["positive"] * 2


def test_numbers_are_not_guessed_without_a_person(w, texts):
    texts.write_text("text,label\nA fine film.,1\nA dull film.,0\nA good film.,positive\n")
    made = json.loads(run(texts, *NEW, "--json").stdout)
    assert made["added"] == 1 and "'1' is not one of the labels" in str(made["problems"])


@pytest.mark.parametrize(
    "wrong, code, said",
    [
        (("--text-column", "nope"), 1, "There is no column 'nope'"),
        (("--label-column", "nope"), 1, "There is no column 'nope'"),
        (("--keep", "nope"), 1, "There is no column 'nope'"),
        (("--label-map", "{bad"), 1, "not JSON"),
        (("--label-map", '{"0": ["a"]}'), 1, "from names to names"),
        (("--label-map", '{"positive": "praise"}'), 1, "praise"),
        (("--sentence", "{nope}"), 1, "nope"),
        (("--role", "foo"), 2, "labelled, test, unlabelled, pairs"),
        (("--role", "pairs"), 2, "--project"),
    ],
)
def test_an_import_that_fails_leaves_no_project(w, texts, wrong, code, said):
    done = run(texts, *NEW, *wrong)
    words = " ".join(f"{done.output} {done.exception}".replace("│", " ").split())
    assert done.exit_code == code and said in words and isinstance(done.exception, BadInput | SystemExit)
    assert w.projects() == []


def test_a_file_without_a_usable_row_leaves_no_project_and_says_why(w, texts):
    done = run(texts, "--labels", "praise,complaint")
    assert "No row of texts.csv could be used" in str(done.exception) and "row 2: The label 'Positive'" in str(done.exception)
    assert w.projects() == []


def test_a_hub_that_is_not_reached_leaves_no_project(w, monkeypatch):
    def gone(*_):
        raise ModelUnavailable("no hub")

    monkeypatch.setattr("cod_core.data.hub.load_hub", gone)
    assert run("hub:sst2").exit_code == 1 and w.projects() == []


def test_a_project_that_was_there_stays_where_an_import_fails(w, texts):
    pid = w.create_project("Films", Task("Films", ("negative", "positive")))
    assert run(texts, "--project", pid, "--text-column", "nope").exit_code == 1
    assert [p.id for p in w.projects()] == [pid]


def test_without_labels_they_are_the_files_own(w, texts):
    made = json.loads(run(texts, "--json").stdout)
    assert made["added"] == 4 and w.project(made["project"]).row.task.labels == ("NEGATIVE", "Positive")


def test_without_labels_in_the_file_either_the_option_is_named(w, texts):
    done = run(texts, "--role", "unlabelled")
    assert done.exit_code == 2 and "--labels" in done.output and "--project" in done.output


def test_pairs_of_a_bundle_need_their_project(w, tmp_path):
    (tmp_path / "x.zip").write_bytes(b"")
    done = run(tmp_path / "x.zip", "--role", "pairs")
    assert done.exit_code == 2 and "--project" in done.output and "does not exist" not in done.output


def test_labels_that_differ_in_letter_case_or_spaces_only_are_named(w):
    for labels, said in (
        (("negative", "Negative", "positive"), "'negative' and 'Negative' differ in letter case"),
        (("very  good", "very good"), "letter case or spaces only"),
        (("a", "a"), "'a' came twice"),
        ((), "these came: none"),
        (("a",), "these came: a"),
        (("a", " "), "two different labels"),
    ):
        with pytest.raises(BadInput, match=said):
            w.create_project("Films", Task("Films", labels))


def test_of_many_problem_rows_the_number_is_said(w, texts):
    texts.write_text(CSV + "".join(f"Film {i}.,maybe\n" for i in range(23)))
    said = run(texts, *NEW).stdout
    assert "\n  23 rows (6, 7, 8" in said and said.count("maybe") == 1 and "23 rows left out" in said and "--label-map" in said
