"""What an endpoint refuses, and why: a text, a parameter, everything, or only just now. A real HTTP server on loopback."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cod_core.models import endpoint
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.models.endpoint_errors import EndpointError
from tests.fakes import Answer, Failure, FakeOpenAI

SCHEMA = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch):
    monkeypatch.setattr(endpoint, "FIRST_BACKOFF_S", 0.01)


def client(server, patience=0.0, max_retries=0, store=None, quirks=None, **settings):
    store, quirks = {} if store is None else store, {} if quirks is None else quirks
    return LLMClient(
        LLMSettings(base_url=server.base_url, model="fake", **settings),
        "k",
        store.get,
        store.__setitem__,
        timeout=5.0,
        max_retries=max_retries,
        get_quirks=lambda: quirks.get("fake", ()),
        put_quirks=lambda names: quirks.__setitem__("fake", names),
        patience=patience,
    )


def said(message: str, status: int = 400, **more) -> Failure:
    return Failure(status, json.dumps({"error": {"message": message, **more}}))


def about(text: str):
    return (("user", text),)


@pytest.mark.parametrize(
    "failure, words",
    [
        (said("This model's maximum context length is 8192 tokens.", code="context_length_exceeded"), "too long for fake"),
        (Failure(413, "<html><body>Request Entity Too Large</body></html>"), "Request Entity Too Large"),
        (said("exceeds the available context size (2048 tokens)", 500), "too long for fake"),
        (
            said(
                "The response was filtered due to the prompt triggering Azure OpenAI's content management policy.",
                code="content_filter",
                innererror={"content_filter_result": {"violence": {"filtered": True, "severity": "medium"}, "hate": {"filtered": False}}},
            ),
            "[violence: medium]",
        ),
        (said("Your input was flagged", 403), "content filter"),
        (said("Input validation error", 422), "did not accept this text, and accepts others"),
    ],
)
def test_a_text_that_is_not_taken_is_named_and_not_asked_about_again(failure, words):
    """Prevents (proven): one text over the context length ended a run of 40, and each resume ended at it again."""
    store = {}
    with FakeOpenAI("fine", refuses=lambda body: failure if "bad text" in body["messages"][-1]["content"] else None) as server:
        one = client(server, store=store)
        with pytest.raises(EndpointError) as caught:
            one.chat(about("a bad text"))
        assert caught.value.about_text and not caught.value.fatal and words in str(caught.value)
        assert one.chat(about("a good one")).content == "fine"
        calls = server.calls
        with pytest.raises(EndpointError) as again:
            client(server, store=store).chat(about("a bad text"))
        assert str(again.value) == str(caught.value) and server.calls == calls
    assert not one.notes, "nothing is left out for a text's sake"


@pytest.mark.parametrize(
    "field, message, status",
    [
        ("response_format", "Invalid request", 400),
        ("response_format", "json_schema is not supported", 400),
        ("response_format", "Internal error", 500),
        ("temperature", "Unsupported value: 'temperature' does not support 0.7 with this model.", 400),
        ("temperature", "bad request", 422),
        ("seed", "Extra inputs are not permitted", 422),
        ("n", "only one completion at a time", 400),
        ("logprobs", "unexpected", 500),
    ],
)
def test_what_a_model_refuses_is_left_out_by_itself_said_once_and_remembered(field, message, status):
    """Prevents: a model that takes only its own temperature, or no schema, cannot be used at all."""
    quirks, store = {}, {}
    with FakeOpenAI("fine", refuses=lambda body: said(message, status) if field in body else None, several=True) as server:
        one = client(server, quirks=quirks, store=store)
        for text in ("first", "second"):
            assert one.chat(about(text), top_logprobs=5, response_format=SCHEMA, ahead=1).content == "fine"
        last = server.requests[-1]
        assert {"response_format", "temperature", "seed", "n", "logprobs"} - last.keys() == {field}
        calls = server.calls
        other = client(server, quirks=quirks)
        other.chat(about("third"), top_logprobs=5, response_format=SCHEMA, ahead=1)
        assert server.calls == calls + 1 and not other.notes
    assert len(one.notes) == (field != "n")


def test_a_model_without_a_system_role_gets_the_words_in_the_text():
    refuse = lambda body: said("System role not supported", 500) if body["messages"][0]["role"] == "system" else None  # noqa: E731
    with FakeOpenAI("fine", refuses=refuse) as server:
        assert client(server).chat((("system", "Be brief."), ("user", "Hello"))).content == "fine"
        assert server.requests[-1]["messages"] == [{"role": "user", "content": "Be brief.\n\nHello"}]


def test_an_endpoint_that_refuses_everything_is_not_blamed_on_the_text():
    with FakeOpenAI(refuses=lambda body: said("model is not available in your region")) as server, pytest.raises(EndpointError) as caught:
        client(server).chat(about("a text"))
    assert caught.value.fatal and "your region" in str(caught.value)


def test_switches_leave_out_from_the_first_request():
    with FakeOpenAI("fine") as server:
        client(server, without=("temperature", "seed", "json")).chat(about("x"), response_format=SCHEMA)
        assert server.requests[0].keys() == {"model", "messages"}


@pytest.mark.parametrize(
    "body, reason",
    [
        ({"error": {"message": "Rate limit exceeded: free-models-per-min", "code": 429}}, "rate"),
        ({"error": {"message": "Provider returned error", "code": 502}}, "server"),
        ({"error": "model overloaded"}, "server"),
        ({"choices": [{"error": {"code": 502, "message": "upstream died"}, "message": {"content": ""}}]}, "server"),
    ],
)
def test_an_error_with_status_200_is_shown_as_said_and_tried_again(body, reason):
    """Prevents: "answered, but not as an OpenAI-compatible endpoint does. Check the address", of an address that is right."""
    wrong = Failure(200, json.dumps(body))
    with FakeOpenAI("fine", failures=[wrong]) as server:
        assert client(server, max_retries=1).chat(about("x")).content == "fine"
    with FakeOpenAI("fine", failures=[wrong] * 20) as server, pytest.raises(EndpointError) as caught:
        client(server).chat(about("x"))
    words = body.get("error") or body["choices"][0]["error"]
    assert caught.value.reason == reason and (words["message"] if isinstance(words, dict) else words) in str(caught.value)
    assert "/v1" not in str(caught.value)


def test_a_model_that_loads_is_waited_for():
    loading = Failure(503, '{"error": {"message": "Loading model", "code": 503}}', wait_ms=1)
    with FakeOpenAI("fine", failures=[loading] * 6) as server:
        assert client(server, patience=5).chat(about("x")).content == "fine"
    with FakeOpenAI(failures=[loading] * 6) as server, pytest.raises(EndpointError, match="It said: Loading model"):
        client(server).chat(about("x"))


def test_advice_about_the_address_only_where_it_may_be_wrong():
    garbled = Failure(200, "not json")
    with FakeOpenAI("fine", failures=[None, garbled, Failure(404, '{"error": {"message": "no such model"}}')]) as server:
        one = client(server)
        one.chat(about("x"))
        for words in ("could not be read", "knows no model"):
            with pytest.raises(EndpointError, match=words) as caught:
                one.chat(about("y"))
            assert "/v1" not in str(caught.value)


def test_credit_that_is_used_up_ends_a_run_at_once():
    spent = said("You exceeded your current quota, please check your plan and billing details.", 429, code="insufficient_quota")
    with FakeOpenAI(failures=[spent] * 3) as server, pytest.raises(EndpointError) as caught:
        client(server, patience=60, max_retries=3).chat(about("x"))
    assert caught.value.fatal and caught.value.reason == "quota" and server.calls == 1


def test_several_samples_come_with_one_request_and_cost_once():
    """Prevents: five votes pay for the same prompt five times."""
    store = {}
    with FakeOpenAI(["one", "two", "three"], several=True) as server:
        one = client(server, store=store)
        got = [one.chat(about("a b c"), i, ahead=2 - i) for i in range(3)]
        assert server.calls == 1 and [r.content for r in got] == ["one", "two", "three"]
        assert sum(r.tokens_in for r in got) == 3 and not any(r.cached for r in got)
        assert client(server, store=store).chat(about("a b c"), 1).cached
    with FakeOpenAI("same") as server:
        one = client(server)
        for text in "xy":
            assert [one.chat(about(text), i, ahead=2 - i).content for i in range(3)] == ["same"] * 3
        assert server.calls == 6 and "n" not in server.requests[-1] and not one.notes


@pytest.mark.parametrize(
    "content, text",
    [
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "fine"}], "fine"),
        ([{"type": "text", "text": "fi"}, {"type": "text", "text": "ne"}], "fine"),
        (["fi", "ne"], "fine"),
        ({"a": 1}, ""),
    ],
)
def test_content_that_comes_in_parts_is_joined_without_the_thoughts(content, text):
    """Prevents: a list of parts counted as an empty reply."""
    body = json.dumps({"choices": [{"message": {"role": "assistant", "content": content}, "finish_reason": "stop"}]})
    with FakeOpenAI(failures=[Failure(200, body)]) as server:
        assert client(server).chat(about("x")).content == text


def test_calls_slow_down_to_what_the_server_takes():
    """Prevents (proven): a teacher behind a limit of requests failed at the first 429."""
    started, answered = time.monotonic(), []

    def limited(body):
        due = len(answered) * 0.03
        if time.monotonic() - started < due:
            return Failure(429, '{"error": {"message": "slow down"}}', wait_ms=30)
        answered.append(body)
        return None

    with FakeOpenAI("fine", refuses=limited) as server, ThreadPoolExecutor(4) as pool:
        one = client(server, patience=10)
        got = list(pool.map(lambda i: one.chat(about(f"text {i}")).content, range(20)))
        assert got == ["fine"] * 20 and len(answered) == 20 and server.calls < 60


def test_azure_takes_its_version_and_its_key_where_it_looks_for_them():
    with FakeOpenAI("fine") as server:
        base = server.base_url.removesuffix("/v1")
        paths = []
        server.refuses = lambda body: paths.append(server.headers[-1]) or None
        settings = LLMSettings(base_url=f"{base}/openai/deployments/gpt/chat/completions?api-version=2024-10-21", model="gpt")
        assert settings.base_url == f"{base}/openai/deployments/gpt?api-version=2024-10-21"
        assert LLMClient(settings, "secret-key").chat(about("x")).content == "fine"
        assert paths[0]["api-key"] == "secret-key"
        classic = LLMSettings(base_url=f"{base}?api-version=2024-10-21", model="gpt").address
        assert classic.for_model("gpt") == f"{base}/openai/deployments/gpt"


def test_names_are_listed_and_a_server_that_lists_none_is_no_error():
    with FakeOpenAI(models=("b", "a")) as server:
        assert client(server).endpoint.names() == ["b", "a"]


def test_a_temperature_that_was_left_out_is_not_recorded_as_used():
    with FakeOpenAI(Answer("fine"), rejects=("temperature",)) as server:
        store = {}
        assert client(server, store=store).chat(about("x")).left_out == ("temperature",)
        assert client(server, store=store).chat(about("x")).left_out == ("temperature",)
