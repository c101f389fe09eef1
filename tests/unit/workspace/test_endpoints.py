"""Keys and texts go only where a person said: one key a host, nothing to an address that came with a restored project."""

import json

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.counterfactuals.options import GenerateRequest, LlmOptions
from cod_core.errors import BadInput
from cod_core.jobs import queue
from cod_core.models.choice import BuiltinChoice, read_choice
from cod_core.models.endpoint_errors import EndpointError
from cod_core.store import items
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.fakes import FakeOpenAI

LABELS = ("praise", "complaint")


@pytest.fixture(autouse=True)
def no_keys_of_this_machine(monkeypatch):
    for name in ("COD_LLM_KEY", "COD_LLM_BASE_URL", "COD_LLM_KEYS", "COD_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def w(tmp_path):
    return Workspace(tmp_path / "here")


@pytest.fixture
def pid(w):
    pid = w.create_project("Chat", Task("Is it praise?", LABELS))
    items.add_examples(w.db, pid, [Example("a", "Lovely.", "praise"), Example("b", "Ugly.", "complaint")])
    return pid


@pytest.fixture
def server():
    with FakeOpenAI("praise", logprobs=False) as running:
        yield running


@pytest.fixture
def other():
    with FakeOpenAI("praise", logprobs=False) as running:
        yield running


def chat(server, **more):
    return {"kind": "llm", "base_url": server.base_url, "model": "fake", "samples": 1, **more}


def keys_sent(server) -> set[str]:
    return {h["authorization"].removeprefix("Bearer ") for h in server.headers}


def test_a_key_for_one_host_is_not_sent_to_another(w, pid, server, other):
    """The teacher was chosen at another address without a key, and the first request after that took the old key along."""
    w.project(pid).teacher.choose(read_choice(chat(server)), key="for-server")
    w.project(pid).teacher.choose(read_choice(chat(other)))
    w.project(pid).teacher.classifier().predict(["a fresh text"])
    assert keys_sent(other) == {"none"} and keys_sent(server) == {"for-server"}
    w.project(pid).teacher.choose(read_choice(chat(server)))
    w.project(pid).teacher.classifier().predict(["another text"])
    assert keys_sent(server) == {"for-server"}, "back at the first address its own key counts again"


def test_the_key_of_one_project_is_not_sent_for_another(w, pid, server):
    w.project(pid).teacher.choose(read_choice(chat(server)), key="for-this-project")
    second = w.create_project("Another", Task("q", LABELS))
    n = server.calls
    w.project(second).teacher.choose(read_choice(chat(server)))
    assert {h["authorization"] for h in server.headers[n:]} == {"Bearer none"}


def test_the_key_of_the_environment_goes_to_the_declared_host_only(w, pid, server, other, monkeypatch):
    monkeypatch.setenv("COD_LLM_KEY", "from-env")
    monkeypatch.setenv("COD_LLM_BASE_URL", server.base_url)
    w.project(pid).teacher.choose(read_choice(chat(other)))
    w.project(pid).teacher.choose(read_choice(chat(server)))
    assert keys_sent(other) == {"none"} and keys_sent(server) == {"from-env"}


def test_where_none_is_declared_the_key_goes_to_hosts_that_were_named(w, pid, server, monkeypatch):
    monkeypatch.setenv("COD_LLM_KEY", "from-env")
    w.project(pid).teacher.choose(read_choice(chat(server)))
    assert keys_sent(server) == {"from-env"}
    n = server.calls
    Workspace(w.settings.home).project(pid).teacher.classifier().predict(["a text after a restart"])
    assert server.calls > n and keys_sent(server) == {"from-env"}


def test_a_declared_address_that_is_none_sends_the_key_nowhere(w, pid, server, monkeypatch):
    monkeypatch.setenv("COD_LLM_KEY", "from-env")
    monkeypatch.setenv("COD_LLM_BASE_URL", "api.openai.com")
    with pytest.raises(BadInput):
        w.project(pid).teacher.choose(read_choice(chat(server)))
    assert server.calls == 0


@pytest.fixture
def restored(w, pid, server, tmp_path, monkeypatch):
    """(workspace, project) of a backup whose teacher and last model are at somebody's address, with a key at hand."""
    w.project(pid).teacher.choose(read_choice(chat(server)))
    w.project(pid).proposals.generate(
        GenerateRequest.of({"k": 2, "generator": "llm", "n": 1, "llm": {"base_url": server.base_url, "model": "fake"}})
    )
    server.headers.clear(), server.requests.clear()
    monkeypatch.setenv("COD_LLM_KEY", "from-env")
    there = Workspace(tmp_path / "there")
    return there, there.restore(w.project(pid).keeping.backup())


def test_nothing_is_sent_to_an_address_that_came_with_a_backup(restored, server):
    there, pid = restored
    for ask in (lambda: there.project(pid).teacher.classifier().predict(["a fresh text"]), lambda: there.project(pid).llm.again("a")):
        with pytest.raises(EndpointError, match="nobody has confirmed") as caught:
            ask()
        assert caught.value.fatal and f"teacher {pid} confirm --base-url {server.base_url}" in str(caught.value)
    there.project(pid).proposals.generate(GenerateRequest.of({"k": 2, "generator": "search", "sources": ["words of fake"]}))
    assert server.requests == [] and there.project(pid).endpoints.unconfirmed() == [server.base_url]
    assert there.project(pid).curation.before("a").label == "praise", "what came along as known is read without asking"


def test_after_a_person_confirmed_the_address_it_is_asked(restored, server, other):
    there, pid = restored
    there.project(pid).endpoints.confirm(other.base_url)
    with pytest.raises(EndpointError):
        there.project(pid).teacher.classifier().predict(["a fresh text"])
    there.project(pid).endpoints.confirm(server.base_url)
    there.project(pid).teacher.classifier().predict(["a fresh text"])
    assert keys_sent(server) == {"from-env"} and there.project(pid).endpoints.unconfirmed() == [] and other.calls == 0


def test_a_search_asks_the_model_at_the_address_used_last(w, server, other):
    """The page named the new host, and the texts went to the old one."""
    pid = w.create_project("Films", Task("Is it praise?", ("negative", "positive")))
    items.add_examples(w.db, pid, [Example("a", "A good film.", "positive"), Example("b", "A bad film.", "negative")])
    w.project(pid).teacher.choose(BuiltinChoice("movies"))
    for k, host in ((1, server), (2, other)):
        w.project(pid).proposals.generate(
            GenerateRequest.of({"k": k, "generator": "llm", "n": 1, "llm": {"base_url": host.base_url, "model": "fake"}})
        )
        server.requests.clear(), other.requests.clear()
        w.project(pid).proposals.generate(GenerateRequest.of({"k": k, "generator": "search", "sources": ["words of fake"]}))
        assert server.calls + other.calls == host.calls == 1


def test_a_backup_cannot_bring_its_confirmation_along(restored, tmp_path):
    there, pid = restored
    for url in there.project(pid).endpoints.unconfirmed():
        there.project(pid).endpoints.confirm(url)
    third = Workspace(tmp_path / "third")
    assert third.project(third.restore(there.project(pid).keeping.backup())).endpoints.unconfirmed()


def test_a_copy_in_the_same_folder_keeps_what_was_confirmed(w, pid, server):
    w.project(pid).teacher.choose(read_choice(chat(server)))
    copy = w.duplicate(w.project(pid), "Copy")
    n = server.calls
    w.project(copy).teacher.classifier().predict(["a fresh text"])
    assert server.calls > n and w.project(copy).endpoints.unconfirmed() == []


def test_the_command_line_confirms_and_says_so(restored, server):
    there, pid = restored
    home = ["--home", str(there.settings.home)]
    n = server.calls
    assert CliRunner().invoke(app, ["teacher", pid, "confirm", *home]).exit_code == 2
    said = CliRunner().invoke(app, ["teacher", pid, "confirm", "--base-url", server.base_url, *home, "--json"])
    assert said.exit_code == 0 and json.loads(said.stdout) == {"confirmed": server.base_url}
    assert there.project(pid).endpoints.unconfirmed() == [] and server.calls == n


def test_a_worker_gets_each_key_under_its_host(w, pid, server, other, monkeypatch):
    """A generator's key must not reach the teacher's host, nor the other way round."""
    sent = {}
    monkeypatch.setattr(queue, "start_worker", lambda job_id, home, keys=None: sent.update(job=job_id, keys=keys))
    w.project(pid).teacher.choose(read_choice(chat(server)), key="of-the-teacher")
    w.project(pid).jobs.start("generate", GenerateRequest(2, 1, "llm", llm=LlmOptions(other.base_url, "fake")), key="of-the-run")
    monkeypatch.setattr(queue, "handed_keys", lambda: sent["keys"])
    server.headers.clear()
    items.add_examples(w.db, pid, [Example("c", "A text that the teacher has not seen.", "praise")])
    worker = Workspace(w.settings.home)
    worker.project(pid).jobs.run(queue.get(w.db, sent["job"]), lambda *_: None)
    worker.project(pid).teacher.classifier().predict(["one more text"])
    assert keys_sent(other) == {"of-the-run"} and keys_sent(server) == {"of-the-teacher"}


def test_a_key_for_a_search_goes_to_the_teachers_address(w, pid, server, monkeypatch):
    sent = {}
    monkeypatch.setattr(queue, "start_worker", lambda job_id, home, keys=None: sent.update(job=job_id, keys=keys))
    w.project(pid).teacher.choose(read_choice(chat(server)))
    w.project(pid).jobs.start("recheck", key="typed-later")
    assert list(sent["keys"].values()) == ["typed-later"] and list(sent["keys"])[0] in server.base_url
