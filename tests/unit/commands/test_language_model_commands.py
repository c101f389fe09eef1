"""What the commands say of a language model: as the app does, with exit codes that tell "done" from "done in part"."""

import json
import math
import re

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.models import endpoint
from cod_core.store import items
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.fakes import Answer, Failure, FakeOpenAI

WORDS = ("lens", "zoom", "menu", "case", "grip", "film", "text", "ring")
TOO_LONG = Failure(400, '{"error": {"message": "maximum context length is 10 tokens", "code": "context_length_exceeded"}}')


def world(body):
    """A teacher that looks for good and bad and cannot read about rings, and a writer that swaps the word."""
    text = re.search(r"=====TEXT \w+=====\n(.*?)\n=====TEXT", body["messages"][-1]["content"], re.S)
    said = text.group(1) if text else ""
    if "You classify texts" in body["messages"][0]["content"]:
        if "ring" in said:
            return Answer("No idea.", logprobs=[{"No": math.log(0.9)}])
        label = "praise" if "good" in said else "complaint"
        return Answer(label, logprobs=[{label: math.log(0.9), "The": math.log(0.1)}])
    if not said:
        return Answer("fine")
    swapped = said.replace("good", "bad") if "good" in said else said.replace("bad", "good")
    return Answer(json.dumps({"counterfactual": swapped}))


def refuses(body):
    return TOO_LONG if "zoom" in body["messages"][-1]["content"] and "You classify" not in body["messages"][0]["content"] else None


@pytest.fixture
def made(tmp_path, monkeypatch):
    """(a function that runs a command, the project's id, the server) with a language model as teacher."""
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    monkeypatch.setattr(endpoint, "FIRST_BACKOFF_S", 0.01)
    w = Workspace(tmp_path)
    pid = w.create_project("Cameras", Task("Is it praise?", ("complaint", "praise")))
    rows = [(f"The {word} is {how}.", label) for word in WORDS for how, label in (("good", "praise"), ("bad", "complaint"))]
    items.add_examples(w.db, pid, [Example(f"{i:02d}", text, label) for i, (text, label) in enumerate(rows)])
    with FakeOpenAI(world, refuses=refuses) as server:
        yield lambda *arguments: CliRunner().invoke(app, [*map(str, arguments)]), pid, server


def test_a_run_over_an_llm_teacher_and_generator_says_what_was_lost(made):
    """Prevents: "100 % right on 14" where 2 of 16 were not answered; reasons of lost replies in --json only; one bad text ends all."""
    run, pid, server = made
    done = run("teacher", pid, "llm:fake", "--base-url", server.base_url)
    assert done.exit_code == 0 and "2 of 16 texts got no answer that could be read. Right on 14 of the 16." in done.output
    assert "“The ring is good.”: The model named none of your labels: “No idea.”" in done.output and "100" not in done.output
    done = run("generate", pid, "--generator", "llm", "--base-url", server.base_url, "--model", "fake", "--k", 16, "--n", 1)
    assert done.exit_code == 3, done.output
    assert "2 of 14 texts have no proposal." in done.output and "Not asked about again: “The zoom is good.”" in done.output
    assert "too long for fake" in done.output and "12 of 14 texts have a counterfactual" in done.output
    calls = server.calls
    assert run("generate", pid, "--generator", "llm", "--base-url", server.base_url, "--model", "fake", "--k", 16, "--n", 1).exit_code == 3
    assert server.calls == calls, "a resumed run asks for nothing that was answered or refused"


def test_stale_checks_after_a_change_of_teacher_are_said(made):
    """Prevents: curate and export are silent, and distill blames the number of pairs."""
    run, pid, server = made
    run("teacher", pid, "llm:fake", "--base-url", server.base_url)
    run("generate", pid, "--generator", "llm", "--base-url", server.base_url, "--model", "fake", "--n", 1, "--accept")
    run("teacher", pid, "llm:other", "--base-url", server.base_url)
    for command in (("curate", pid), ("distill", pid), ("export", pid, "x.zip")):
        done = run(*command)
        assert "12 proposals are not checked by this teacher yet." in done.stderr and "--check-again" in done.stderr, command
    assert run("curate", pid, "--check-again").exit_code == 0 and "Note:" not in run("curate", pid).stderr


def test_a_teacher_that_answers_nothing_is_said_to(made):
    run, pid, server = made
    server._answer = lambda body: Answer("No idea.", logprobs=[{"No": math.log(0.9)}])
    done = run("teacher", pid, "llm:fake", "--base-url", server.base_url)
    assert done.exit_code == 3 and "16 of 16 texts got no answer that could be read." in done.output


def test_services_their_models_and_what_works_there(made):
    run, pid, server = made
    assert "https://api.mistral.ai/v1" in run("models").output
    assert run("models", pid, "--base-url", server.base_url).output.split() == ["fake"]
    server.rejects = ("temperature",)
    done = run("models", pid, "--base-url", server.base_url, "--model", "fake", "--json")
    works = {one["what"]: one["works"] for one in json.loads(done.output)["findings"]}
    assert works == {"chat": True, "JSON replies": False, "probabilities": False, "temperature": False, "several samples": False}
    texts = [m["content"] for body in server.requests for m in body["messages"]]
    assert not any("lens" in text for text in texts), "no text of the project is sent"
    assert run("models", pid, "--service", "azure").exit_code == 2 and run("models", pid, "--service", "nobody").exit_code == 2


def test_what_is_not_to_be_sent_is_not(made):
    run, pid, server = made
    done = run("teacher", pid, "llm:fake", "--base-url", server.base_url, "--without", "temperature,seed,logprobs", "--calls", 1)
    assert done.exit_code == 0, done.output
    assert not any({"temperature", "seed", "logprobs"} & body.keys() for body in server.requests)
    assert "nothing that a request" in str(run("teacher", pid, "llm:fake", "--base-url", server.base_url, "--without", "x").exception)
