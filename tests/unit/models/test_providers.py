"""Every preset against an imitation that behaves as its service documents: what it does not take is never sent, the rest is."""

import json
from dataclasses import replace

import pytest

from cod_core.models import providers
from cod_core.models.chat import LLMSettings
from cod_core.models.providers import PROVIDERS, offered_at, provider_at, takes_batches
from cod_core.models.quirks import FIELDS
from cod_core.types import Task
from cod_core.workspace import Workspace
from tests.fakes import Answer, FakeOpenAI

SCHEMA = {"type": "json_schema", "json_schema": {"name": "reply", "schema": {"type": "object"}}}
WISHES = {
    "temperature": ("temperature",),
    "seed": ("seed",),
    "json": ("response_format",),
    "samples": ("n",),
    "logprobs": FIELDS["logprobs"],
}
SAID = Answer(json.dumps({"counterfactual": "no"}), logprobs=[{"no": -0.1}])


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    w = Workspace(tmp_path_factory.mktemp("home"))
    return w.project(w.create_project("Any", Task("Is it praise?", ("complaint", "praise"))))


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.id)
def test_what_a_service_does_not_take_is_not_sent_and_everything_else_is(provider, project, monkeypatch):
    """Prevents: a run at a service of the list begins with a refusal, or goes without probabilities that the service would give."""
    rejects = [field for name in provider.leaves_out for field in FIELDS[name]]
    with FakeOpenAI(SAID, rejects=rejects, several="samples" not in provider.leaves_out) as server:
        here = replace(provider, hosts=("127.0.0.1",)) if provider.hosts else provider
        monkeypatch.setattr(providers, "PROVIDERS", (here,))
        project.endpoints.confirm(server.base_url)
        client = project.clients.client(LLMSettings(server.base_url, f"model of {provider.id}"))
        client.chat((("user", "a text to be judged"),), top_logprobs=5)
        client.chat((("system", "Write."), ("user", "a text to be changed")), 0, response_format=SCHEMA, ahead=1)
        refused = [body for body in server.requests if set(rejects) & body.keys()]
        known = set(provider.leaves_out) if provider.hosts else set()
        assert not refused or not provider.hosts
        sent = {field for body in server.requests for field in body}
        wanted = {name for name, fields in WISHES.items() if set(fields) & sent}
        assert wanted >= WISHES.keys() - set(provider.leaves_out) and not wanted & known
        assert len(server.requests) == 2 or not provider.hosts


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.id)
def test_an_address_is_known_as_its_services(provider):
    """Prevents: a preset whose own address is taken for one of a stranger, so that nothing is left out; one that passes for another's."""
    mine = provider.address.replace("NAME", "mine")
    assert offered_at(mine) == provider.id and takes_batches(mine) is provider.batch
    found = provider_at(mine)
    assert (found is provider) if provider.hosts else found is None
    assert all(provider_at(f"https://{host}.example.org/v1") is None for host in provider.hosts)
    assert set(provider.leaves_out) <= FIELDS.keys()
    if "logprobs" in provider.leaves_out:
        assert "A teacher here votes" in provider.note, "the person is told what follows"
