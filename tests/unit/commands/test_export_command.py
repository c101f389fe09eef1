"""`export`: the name says what is written, and where nothing can be written the reason is told."""

import errno
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.errors import BadInput, CodError
from cod_core.models.choice import read_choice
from cod_core.project.teacher.loader import identity
from cod_core.store import items, projects
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, Task
from cod_core.workspace import Workspace

LABELS, MOVIES = ("bad", "good"), {"kind": "builtin", "name": "movies"}
WHEN = "2026-01-01T00:00:00Z"
BEFORE, AFTER = Prediction(LABELS, (-0.1, -2.3)), Prediction(LABELS, (-2.3, -0.1))


@pytest.fixture
def w(tmp_path, monkeypatch):
    """A workspace in a fresh data folder, which is the commands' too."""
    monkeypatch.setenv("COD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    return Workspace(tmp_path / "home")


def a_pair(w, flips: bool = True, accepted: bool = True) -> str:
    """A project with one checked counterfactual."""
    pid = w.create_project("Films", Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, MOVIES)
    items.add_examples(w.db, pid, [Example("e", "A bad film.", "bad")])
    items.add_counterfactuals(w.db, pid, [Counterfactual("c", "e", "A good film.", "bad", "good", Origin("search", "s"), created_at=WHEN)])
    items.add_checks(
        w.db, pid, [FlipCheck("c", *identity(read_choice(MOVIES), LABELS), BEFORE, AFTER, "good", 1, 0.2, 3, 0.9, False, WHEN)]
    )
    if accepted:
        w.project(pid).curation.decide("c", "accepted", "ann")
    if not flips:
        amazon = {"kind": "builtin", "name": "amazon"}
        projects.set_teacher(w.db, pid, amazon)
        items.add_checks(
            w.db, pid, [FlipCheck("c", *identity(read_choice(amazon), LABELS), BEFORE, BEFORE, "good", 1, 0.2, 3, 0.9, False, WHEN)]
        )
    return pid


def export(pid, path, *options):
    return CliRunner().invoke(app, ["export", pid, str(path), *options])


def test_an_accepted_pair_leaves_in_each_form(w, tmp_path):
    pid = a_pair(w)
    for name in ("a.zip", "a.jsonl", "a.tsv", "a.csv", "a.ZIP"):
        done = export(pid, tmp_path / name)
        assert done.exit_code == 0 and "1 pairs" in done.stdout and (tmp_path / name).stat().st_size > 0


def test_another_tool_is_named_and_the_command_says_what_to_do_there(w, tmp_path):
    """Prevents: tasks without the labelling interface that they belong to."""
    pid = a_pair(w)
    done = export(pid, tmp_path / "ls.json", "--as", "label-studio")
    assert done.exit_code == 0 and "1 pairs" in done.stdout and '<Choice value="good"/>' in done.stdout
    assert [task["data"]["text"] for task in json.loads((tmp_path / "ls.json").read_text())] == ["A bad film.", "A good film."]
    assert export(pid, tmp_path / "saved", "--as", "dataset").exit_code == 0 and (tmp_path / "saved" / "dataset_dict.json").exists()
    for name, options, words in (
        ("a.csv", ("--as", "doccano"), "written as .jsonl"),
        ("a.zip", ("--as", "argilla", "--rejected"), "bundle only"),
        ("a.zip", ("--as", "argilla", "--student"), "one of: folder"),
    ):
        done = export(pid, tmp_path / name, *options)
        assert done.exit_code and words in f"{done.output} {done.exception}" and not (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["x.foo", "y.txt", "z"])
def test_another_end_is_refused_with_those_there_are(w, tmp_path, name):
    """A zip had been written under any name."""
    done = export(a_pair(w), tmp_path / name)
    assert done.exit_code == 1 and isinstance(done.exception, BadInput) and ".zip, .jsonl, .tsv" in str(done.exception)
    assert not (tmp_path / name).exists()


def test_a_student_is_a_zip(w, tmp_path):
    done = export(a_pair(w), tmp_path / "x.jsonl", "--student")
    assert done.exit_code == 2 and ".zip" in done.output


def test_a_folder_that_is_not_there_is_no_matter_of_space(w, tmp_path):
    said = str(export(a_pair(w), tmp_path / "nope" / "x.zip").exception)
    assert "Choose a folder that is there" in said and "space" not in said


def test_an_export_without_a_pair_says_why_and_writes_nothing(w, tmp_path):
    """It had ended well, with a file that holds nothing."""
    undecided, unflipped, stale, teacherless = a_pair(w, accepted=False), a_pair(w, flips=False), a_pair(w), a_pair(w)
    projects.set_teacher(w.db, stale, {"kind": "builtin", "name": "tweets"})
    projects.set_teacher(w.db, teacherless, None)
    for pid, why in (
        (undecided, "No counterfactual is accepted yet"),
        (unflipped, "flips none of the 1"),
        (stale, "--check-again"),
        (teacherless, "There is no teacher"),
    ):
        done = export(pid, tmp_path / "x.zip")
        assert done.exit_code == 1 and isinstance(done.exception, CodError) and why in str(done.exception)
        assert not (tmp_path / "x.zip").exists()


def test_rejected_pairs_alone_may_leave_where_they_are_asked_for(w, tmp_path):
    pid = a_pair(w, accepted=False)
    w.project(pid).curation.decide("c", "rejected", "ann")
    assert export(pid, tmp_path / "x.zip").exit_code == 1
    done = export(pid, tmp_path / "x.zip", "--rejected")
    assert done.exit_code == 0 and "0 pairs and 1 rejected ones" in done.stdout


@pytest.mark.parametrize("name", ["x.jsonl", "x.tsv"])
def test_rejected_pairs_have_no_place_outside_a_bundle(w, tmp_path, name):
    """An empty file was written, and the command ended well."""
    pid = a_pair(w, accepted=False)
    w.project(pid).curation.decide("c", "rejected", "ann")
    done = export(pid, tmp_path / name, "--rejected")
    assert done.exit_code == 2 and "zip" in done.output and not (tmp_path / name).exists()


def test_a_student_is_not_counted_in_pairs(w, tmp_path, monkeypatch):
    monkeypatch.setattr("cod_core.commands.export.whole_student", lambda *_: b"student")
    assert export(a_pair(w), tmp_path / "x.zip", "--student").stdout.endswith("x.zip: 7 bytes.\n")


def test_a_bundle_comes_in_under_the_name_it_left_with(w, tmp_path):
    """It left as A.ZIP, and A.ZIP could not be read."""
    export(a_pair(w), tmp_path / "A.ZIP")
    done = CliRunner().invoke(app, ["import", str(tmp_path / "A.ZIP")])
    assert done.exit_code == 0 and "0 texts left out" in done.stdout


@pytest.mark.slow
def test_checking_again_is_a_command_too(w, tmp_path):
    pid = w.create_project("Films", Task("Good or bad?", ("negative", "positive")))
    w.project(pid).teacher.choose(read_choice(MOVIES))
    items.add_examples(w.db, pid, [Example("e", "An awful film.", "negative")])
    items.add_counterfactuals(
        w.db, pid, [Counterfactual("c", "e", "A wonderful film.", "negative", "positive", Origin("search", "s"), created_at=WHEN)]
    )
    done = CliRunner().invoke(app, ["curate", pid, "--check-again"])
    assert done.exit_code == 0 and "1 proposals were judged" in done.stdout
    w.project(pid).curation.decide("c", "accepted", "ann")
    assert export(pid, tmp_path / "x.tsv").exit_code == 0


def test_a_disk_that_fills_leaves_the_file_that_was_there(w, tmp_path, monkeypatch):
    """Half a student had taken its place."""
    from cod_core.commands.shell import write

    path, whole = tmp_path / "x.zip", Path.write_bytes
    write(path, b"former")

    def half(at, data):
        whole(at, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(CodError, match="No space left"):
        write(path, b"a new student")
    assert path.read_bytes() == b"former" and [p.name for p in tmp_path.glob("*.zip*")] == ["x.zip"]


def test_a_user_without_a_name_is_asked_for_one(w, monkeypatch):
    """In a container that runs as a bare number, curate ended in a traceback."""

    def nameless():
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr("getpass.getuser", nameless)
    pid = a_pair(w)
    done = CliRunner().invoke(app, ["curate", pid])
    assert done.exit_code == 1 and isinstance(done.exception, BadInput) and "--annotator" in str(done.exception)
    assert CliRunner().invoke(app, ["curate", pid, "--annotator", "ann"]).exit_code == 0
