"""Proposals by a service's batch interface in a project: planned at half the price, resumed after a restart, cancelled with its job."""

import json
import re
import threading
from dataclasses import replace

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.counterfactuals.options import GenerateRequest, LlmOptions
from cod_core.errors import BadInput
from cod_core.jobs import queue, worker
from cod_core.models import batch_client
from cod_core.models.choice import read_choice
from cod_core.models.providers import PROVIDERS
from cod_core.store import items
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.batches import FakeBatches
from tests.fakes import Answer

pytestmark = pytest.mark.slow
WORDS = ("lens", "zoom", "menu", "case", "grip", "film")
OPENAI = LlmOptions("https://api.openai.com/v1", "m", price_in=1.0, price_out=2.0)


def world(body):
    """A teacher that looks for good and bad, and a writer that swaps the word, in the second round where it is about the lens."""
    said = re.search(r"=====TEXT \w+=====\n(.*?)\n=====TEXT", body["messages"][1]["content"], re.S).group(1)
    if "You classify texts" in body["messages"][0]["content"]:
        return Answer("praise" if "good" in said else "complaint")
    if "lens" in said and len(body["messages"]) < 4:
        return Answer(json.dumps({"counterfactual": said.replace("lens", "small lens")}))
    return Answer(json.dumps({"counterfactual": said.replace("good", "bad") if "good" in said else said.replace("bad", "good")}))


@pytest.fixture
def made(tmp_path, monkeypatch):
    """(home, project's id, server, request): texts of two labels with a language model as teacher, asked one by one."""
    monkeypatch.setattr(batch_client, "FIRST_LOOK_S", 0.01)
    monkeypatch.setattr(batch_client, "MOST_LOOK_S", 0.05)
    w = Workspace(tmp_path)
    pid = w.create_project("Cameras", Task("Is it praise?", ("complaint", "praise")))
    rows = [(f"The {word} is {how}.", label) for word in WORDS for how, label in (("good", "praise"), ("bad", "complaint"))]
    items.add_examples(w.db, pid, [Example(f"{i:02d}", text, label) for i, (text, label) in enumerate(rows)])
    with FakeBatches(world, logprobs=False) as server:
        w.project(pid).teacher.choose(
            read_choice({"kind": "llm", "base_url": server.base_url, "model": "m", "samples": 1, "without": ["logprobs"]})
        )
        w.project(pid).teacher.classifier().predict([text for text, _ in rows])
        llm = LlmOptions(server.base_url, "m", price_in=1.0, price_out=2.0)
        yield tmp_path, pid, server, GenerateRequest(12, 1, "llm", llm=llm, repair=1, batch=True)


def test_the_plan_says_half_the_price_where_the_service_is_known_to_ask_it(made):
    """Prevents: a person is told a price that the service never promised, or sees twice the one that it does."""
    home, pid, server, request = made
    room, calls = Workspace(home).project(pid).llm, server.calls
    single, batch = room.plan(replace(request, batch=False)), room.plan(request)
    assert batch.cost_usd == single.cost_usd > 0 and any("price that is not known here" in note for note in batch.notes)
    known = GenerateRequest(12, 1, "llm", llm=OPENAI)
    halved = room.plan(replace(known, batch=True))
    assert halved.cost_usd == pytest.approx(room.plan(known).cost_usd / 2) and any("at half the price" in note for note in halved.notes)
    assert server.calls == calls and not server.files and not server.batches, "a plan sends nothing"


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.id)
def test_a_service_that_takes_no_batches_is_refused_before_anything_is_sent(provider):
    """Prevents: hundreds of texts go up to an address that does not know what to do with them."""
    options = LlmOptions(provider.address.replace("NAME", "mine"), "m")
    if provider.batch:
        assert GenerateRequest.of(GenerateRequest(generator="llm", llm=options, batch=True).to_json()).batch
    else:
        with pytest.raises(BadInput, match=f"{re.escape(provider.title)} takes no batches"):
            GenerateRequest(generator="llm", llm=options, batch=True)


def test_only_a_service_is_sent_batches():
    with pytest.raises(BadInput, match="at a service"):
        GenerateRequest(batch=True)
    with pytest.raises(BadInput, match="at a service"):
        GenerateRequest(generator="llm", llm=LlmOptions(local="some/folder"), batch=True)


def test_each_round_is_a_batch_and_each_answer_verified(made):
    """Prevents: the second round is sent text by text at the full price; answers are stored and never shown to the teacher."""
    home, pid, server, request = made
    project = Workspace(home).project(pid)
    report = project.proposals.generate(request)
    assert (report.texts, report.flipped, report.repaired, report.rounds) == (12, 12, 2, (12, 2))
    assert [len(batch["asked"]) for batch in server.batches.values()] == [11, 1], "the first of each round goes by itself"
    checks = project.pairs.state().checks
    assert len(checks) == 14 and sum(check.valid for check in checks.values()) == 12
    assert report.cost_usd > 0 and project.endpoints.last_llm() == request.llm


def test_a_restart_of_the_app_goes_on_with_the_batch_that_was_sent(made):
    """Prevents: a day's batch is lost with the process that waited for it, or sent and paid for again."""
    home, pid, server, request = made
    server.looks = 10_000

    def ends(done, total, message=""):
        if any(batch["left"] < 9_999 for batch in server.batches.values()):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Workspace(home).project(pid).proposals.generate(request, ends)
    server.batches["batch_1"]["left"], server.looks = 1, 1
    report = Workspace(home).project(pid).proposals.generate(request)
    assert report.flipped == 12 and len(server.batches) == 2 and [len(b["asked"]) for b in server.batches.values()] == [11, 1]


def test_cancelling_the_job_cancels_the_batch(made, monkeypatch):
    """Prevents: the job says that it stopped, and the service goes on and charges for it."""
    home, pid, server, request = made
    monkeypatch.setattr(queue, "start_worker", lambda *_, **__: 1)
    server.looks, w = 10_000_000, Workspace(home)
    job_id = w.project(pid).jobs.start("generate", request)
    ended = []
    thread = threading.Thread(target=lambda: ended.append(worker.main([job_id, "--home", str(home)], workspace=w)), daemon=True)
    thread.start()
    while not server.batches and thread.is_alive():
        thread.join(0.05)
    w.project(pid).jobs.cancel(job_id)
    thread.join(60)
    assert ended == ["cancelled"] and server.batches["batch_1"]["status"] == "cancelling"


def test_the_command_sends_a_batch_and_says_which_texts_have_no_answer(made, monkeypatch):
    """Prevents: exit code 0 for a run half of which came back in the error file."""
    home, pid, server, _ = made
    monkeypatch.setenv("COD_HOME", str(home))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    server.wrong = lambda body: (400, "flagged by the content filter") if "zoom is bad" in body["messages"][1]["content"] else None
    asked = ["generate", pid, "--generator", "llm", "--base-url", server.base_url, "--model", "m", "--n", "1", "--batch"]
    planned = CliRunner().invoke(app, [*asked, "--plan"])
    assert planned.exit_code == 0 and "Sent as a batch" in planned.output and not server.batches
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 3 and "1 of 12 texts have no proposal." in done.output, done.output
    assert "Not asked about again: “The zoom is bad.”" in done.output and "content filter" in done.output
    assert len(server.batched) == 11
