"""`teacher`: which one, with the choices where a name is not among them."""

import json

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.errors import BadInput
from cod_core.project.teacher.repair import ClassChange, Repair, TaughtReport
from cod_core.types import Task
from cod_core.workspace import Workspace


@pytest.fixture
def teacher(tmp_path, monkeypatch):
    """A function that runs the command on a new project."""
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    pid = Workspace(tmp_path).create_project("Films", Task("Is it praise?", ("negative", "positive")))
    return lambda *arguments: CliRunner().invoke(app, ["teacher", pid, *arguments])


@pytest.mark.parametrize("written", ["{bad", "[1]", '{"LABEL_0": 1}'])
def test_a_label_map_that_is_none_is_refused_in_words(teacher, written):
    done = teacher("builtin:movies", "--label-map", written)
    assert done.exit_code == 1 and isinstance(done.exception, BadInput) and "--label-map" in str(done.exception)


def test_an_unknown_built_in_teacher_is_refused_with_those_there_are(teacher):
    assert "'foo'. Choose one of: amazon, movies, news, tweets." in str(teacher("builtin:foo").exception)


@pytest.mark.parametrize("choice", ["hf:", "llm:", "local: "])
def test_a_choice_without_a_name_is_wrong_use(teacher, choice):
    done = teacher(choice)
    assert done.exit_code == 2 and "after the colon" in done.output


def test_without_a_teacher_the_remedy_is_told_for_page_and_command(teacher):
    said = str(teacher().exception)
    assert "Teacher page" in said and "command teacher" in said


@pytest.mark.parametrize("command", ["demo", "teacher"])
def test_the_help_names_every_built_in_teacher(command):
    said = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).output
    assert all(name in said for name in ("movies", "amazon", "tweets", "news"))


@pytest.mark.parametrize(("verb", "said"), [("teach", "There is nothing to teach yet"), ("take", "No teacher has been taught")])
def test_teaching_says_what_is_missing(teacher, verb, said):
    """Minutes of training for nothing, or a traceback where no teacher was taught."""
    done = teacher(verb)
    assert done.exit_code == 1 and said in str(done.exception)


def test_a_taught_teacher_is_shown_before_it_is_taken(teacher, monkeypatch):
    """A script must see what changes, and take it with a second command only."""
    report = TaughtReport("f", "Mine", 42, 3, 1, 0, 0, "12 test texts", (ClassChange("negative", 12, 6, 9),), 8, 2, 1, ("d0",))
    monkeypatch.setattr(Repair, "teach", lambda *_: report)
    monkeypatch.setattr(Repair, "take", lambda *_: pytest.fail("it was taken"))
    assert "right on 75.0% of 12 test texts; the teacher in use on 50.0%" in teacher("teach").output
    told = json.loads(teacher("teach", "--json").output)
    assert told["by_class"] == [{"label": "negative", "n": 12, "before": 6, "after": 9}] and told["lost"] == 2
