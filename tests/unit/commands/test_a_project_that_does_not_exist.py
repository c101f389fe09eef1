"""Every command on a project that is not there says so, and nothing else."""

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.errors import BadInput
from cod_core.workspace import Workspace


@pytest.mark.parametrize(
    "command",
    [
        "try nope x",
        "teacher nope",
        "teacher nope builtin:movies",
        "teacher nope finetune",
        "generate nope",
        "curate nope",
        "curate nope --accept x",
        "curate nope --undo",
        "curate nope --check-again",
        "curate nope --edit x --to y",
        "tighten nope",
        "quality nope",
        "quality nope --limit length_warn=2",
        "distill nope",
        "export nope x.zip",
        "export nope x.zip --student",
        "diagnose nope",
        "report nope x.html",
        "compare nope",
        "compare nope a b",
        "prompts nope --local x",
        "import {file} --project nope",
        "import {file} --project nope --role pairs",
    ],
)
def test_the_project_is_what_is_missing(command, tmp_path, monkeypatch):
    monkeypatch.setenv("COD_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    (tmp_path / "texts.csv").write_text("text,label\nA film.,good\n")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, command.format(file="texts.csv").split())
    assert done.exit_code == 1 and isinstance(done.exception, BadInput), done.output
    assert "project does not exist" in str(done.exception)
    assert Workspace(tmp_path / "home").projects() == []
