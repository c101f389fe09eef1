"""The prompt study as a command, against a server that plays teacher and writer."""

import json

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.store import items
from cod_core.text import short_hash
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.fakes import FakeOpenAI
from tests.unit.workspace.test_language_models import LABELS, TEXTS, world


@pytest.mark.slow
def test_prompts_are_compared_and_the_best_is_used(tmp_path, monkeypatch):
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    w = Workspace(tmp_path)
    pid = w.create_project("Cameras", Task("Is it praise?", LABELS))
    items.add_examples(w.db, pid, [Example(short_hash(t), t, label) for t, label in TEXTS])
    with FakeOpenAI(world) as server:
        at = ["--base-url", server.base_url, "--home", str(tmp_path)]
        taught = CliRunner().invoke(app, ["teacher", pid, "llm:world", *at, "--json"])
        assert taught.exit_code == 0 and json.loads(taught.stdout)["unanswered"] == 0
        said = CliRunner().invoke(
            app,
            ["prompts", pid, *at, "--model", "world", "--k", "4", "--n", "1", "--templates", "just_enough,base", "--use-best", "--json"],
        )
        assert said.exit_code == 0, said.output
        assert json.loads(said.stdout)["best"] == "base"
        plain = CliRunner().invoke(app, ["prompts", pid, *at, "--model", "world", "--k", "4", "--n", "1", "--templates", "base"])
        assert "flips 50%" in plain.stdout and "Best: base." in plain.stdout
        calls = server.calls
        done = CliRunner().invoke(
            app, ["generate", pid, *at, "--model", "world", "--generator", "llm", "--k", "4", "--n", "1", "--repair", "1", "--json"]
        )
        assert json.loads(done.stdout)["flipped"] == 4 and server.calls > calls
    assert w.project(pid).row.settings["prompts"] == {"world": "base"}
