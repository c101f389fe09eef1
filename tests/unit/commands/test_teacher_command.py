"""`teacher`: which one, with the choices where a name is not among them."""

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.errors import BadInput
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
