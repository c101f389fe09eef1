"""Texts go to no service that nobody named: without --base-url a command that needs one is wrong use."""

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.counterfactuals.options import LlmOptions
from cod_core.errors import BadInput
from cod_core.types import Task
from cod_core.workspace import Workspace


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project's id in a fresh data folder; whoever makes a client fails the test."""
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)

    def called(*_, **__):
        raise AssertionError("a client was made")

    monkeypatch.setattr("cod_core.models.chat.LLMClient.chat", called)
    return Workspace(tmp_path).create_project("Cameras", Task("Is it praise?", ("praise", "complaint")))


@pytest.mark.parametrize(
    "command",
    [
        ("teacher", "{}", "llm:gpt"),
        ("generate", "{}", "--generator", "llm"),
        ("generate", "{}", "--generator", "llm", "--plan"),
        ("generate", "{}", "--plan"),
        ("prompts", "{}"),
        ("prompts", "{}", "--base-url", " "),
    ],
)
def test_a_command_that_would_send_texts_asks_where_to(project, command):
    done = CliRunner().invoke(app, [part.format(project) for part in command])
    assert done.exit_code == 2 and "Give --base-url" in done.output


def test_a_local_model_needs_no_address(project):
    done = CliRunner().invoke(app, ["prompts", project, "--local", "some-model"])
    assert "--base-url" not in done.output and done.exit_code == 1


def test_the_library_names_no_service_of_its_own_accord():
    for nothing in ({}, {"model": "gpt"}, {"base_url": " ", "model": "gpt"}):
        with pytest.raises(BadInput, match="address of the model"):
            LlmOptions.of(nothing).settings()
    assert LlmOptions.of({"base_url": "http://localhost:1/v1", "model": "m"}).settings().host == "localhost:1"
