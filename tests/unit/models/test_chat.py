"""The LLM client against a real HTTP server on loopback, with failures injected."""

import threading

import pytest

from cod_core.errors import BadInput, ModelUnavailable
from cod_core.models.chat import LLMClient, LLMSettings, reply_key, site_of
from cod_core.models.endpoint_errors import EndpointError, redact
from tests.fakes import Answer, Failure, FakeOpenAI

KEY = "sk-secret-0123456789"
HELLO = (("user", "hello"),)


def client(server, key=KEY, max_retries=2, timeout=5.0, store=None, patience=0.0, **settings):
    store = {} if store is None else store
    return LLMClient(
        LLMSettings(base_url=server.base_url, model="fake", **settings),
        key,
        store.get,
        store.__setitem__,
        timeout=timeout,
        max_retries=max_retries,
        patience=patience,
    )


def test_a_reply_is_never_requested_again_but_the_next_sample_is():
    """The published code paid for every text again at each k and seed."""
    store = {}
    with FakeOpenAI(["one", "two"], key=KEY) as server:
        first = client(server, store=store).chat(HELLO, 0)
        again = client(server, store=store).chat(HELLO, 0)
        other = client(server, store=store).chat(HELLO, 1)
        warmer = client(server, store=store, temperature=1.0).chat(HELLO, 0)
    assert (first.content, first.cached) == ("one", False)
    assert (again.content, again.cached, again.tokens_in) == ("one", True, 1)
    assert other.content == "two" and not warmer.cached
    assert server.calls == 3 and server.requests[0]["seed"] == 0 and server.requests[1]["seed"] == 1
    assert KEY not in repr(store)


def test_two_threads_with_one_question_make_one_call():
    """A text that stands twice in a batch would be paid for twice."""
    with FakeOpenAI("yes", delay=0.05) as server:
        one = client(server)
        threads = [threading.Thread(target=one.chat, args=(HELLO,)) for _ in range(4)]
        [t.start() for t in threads]
        [t.join() for t in threads]
    assert server.calls == 1


def test_empty_replies_are_not_kept():
    store = {}
    with FakeOpenAI([Answer(""), Answer(None), Answer("text")]) as server:
        contents = [client(server, store=store).chat(HELLO).content for _ in range(4)]
    assert contents == ["", "", "text", "text"] and server.calls == 3


@pytest.mark.parametrize("status", [429, 500, 503])
def test_passing_failures_are_retried(status):
    with FakeOpenAI("fine", failures=[Failure(status), Failure(status)]) as server:
        assert client(server).chat(HELLO).content == "fine"
    assert server.calls == 3


@pytest.mark.parametrize(
    "status, reason, said, fatal",
    [
        (401, "key", "refused the key", True),
        (403, "key", "refused the key", True),
        (404, "not_found", "knows no model 'fake'", True),
        (429, "rate", "too many requests (error 429), also after waiting", False),
        (402, "quota", "the credit is used up", True),
        (503, "loading", "is not ready (error 503), also after waiting", False),
        (500, "server", "failed (error 500)", False),
        (400, "request", "did not accept the request", True),
    ],
)
def test_lasting_failures_say_what_happened(status, reason, said, fatal):
    body = f'{{"error": {{"message": "Incorrect API key provided: {KEY} for Bearer {KEY}"}}}}'
    with FakeOpenAI(failures=[Failure(status, body)] * 40) as server:
        with pytest.raises(ModelUnavailable) as caught:
            client(server).chat(HELLO)
    error = caught.value
    assert said in str(error) and "127.0.0.1" in str(error)
    assert (error.reason, error.fatal) == (reason, fatal)
    assert KEY not in str(error) and "secret" not in str(error)
    assert error.__cause__ is None and error.__suppress_context__, "the cause would carry the key into a log"


def test_wrong_key_names_the_place_of_the_key_and_not_the_key():
    with FakeOpenAI(key="another") as server, pytest.raises(EndpointError) as caught:
        client(server).chat(HELLO)
    assert "COD_LLM_KEY" in str(caught.value) and KEY not in str(caught.value) and server.calls == 1


def test_silence_is_a_timeout():
    with FakeOpenAI(failures=[Failure(hang=1.0)]) as server, pytest.raises(EndpointError) as caught:
        client(server, timeout=0.1, max_retries=0).chat(HELLO)
    assert caught.value.reason == "timeout" and "within 0.1 seconds" in str(caught.value)


def test_nobody_there_is_unreachable():
    with FakeOpenAI() as server:
        gone = server.base_url
    with pytest.raises(EndpointError) as caught:
        LLMClient(LLMSettings(base_url=gone, model="fake"), KEY, max_retries=0).chat(HELLO)
    assert caught.value.reason == "unreachable" and "could not be reached" in str(caught.value)


@pytest.mark.parametrize(
    "body, kind",
    [
        ("<html>Welcome</html>", "text/html"),
        ("not json", "application/json"),
        ("{}", "application/json"),
        ('{"choices": []}', "application/json"),
        ("[1, 2]", "application/json"),
        ('{"choices": [{}]}', "application/json"),
    ],
)
def test_another_kind_of_server_is_named_as_such(body, kind):
    """A base URL without /v1 often answers 200 with a web page."""
    with FakeOpenAI(failures=[Failure(200, body, content_type=kind)] * 4) as server, pytest.raises(EndpointError) as caught:
        client(server).chat(HELLO)
    assert caught.value.reason == "format" and "ends in /v1" in str(caught.value)


def test_fields_that_an_endpoint_refuses_are_left_out():
    """Some models take no seed, and max_completion_tokens in place of max_tokens."""
    with FakeOpenAI("ok", rejects=("seed", "max_tokens")) as server:
        one = client(server)
        assert one.chat(HELLO, max_tokens=5).content == "ok"
        assert one.chat(HELLO, 1, max_tokens=5).content == "ok"
    assert server.calls == 4 and server.requests[-1]["max_completion_tokens"] == 5
    with FakeOpenAI("ok", rejects=("temperature",)) as server:
        one = client(server)
        assert one.chat(HELLO).left_out == ("temperature",) and one.chat(HELLO, 1).content == "ok" and server.calls == 3
        assert one.notes == ["fake takes no temperature, so its own is used."]


def test_no_key_of_the_environment_is_sent(monkeypatch):
    """A key for one host must not travel to another; whose COD_LLM_KEY is, the workspace knows."""
    for name in ("OPENAI_API_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "COD_LLM_KEY"):
        monkeypatch.setenv(name, "leak")
    with FakeOpenAI() as server:
        client(server, key=None).chat(HELLO)
    assert len(server.headers) == 1 and "leak" not in repr(server.headers)


def test_the_key_is_asked_for_at_every_request_and_may_be_withheld():
    """A corrected key counts at once; an address that nobody confirmed gets nothing, but its kept replies are read."""
    given = ["first", "second"]

    def key():
        if not given:
            raise EndpointError("not confirmed", "unconfirmed")
        return given.pop(0)

    with FakeOpenAI() as server:
        one = client(server, key=key)
        one.chat(HELLO, 0), one.chat(HELLO, 1)
        assert [h["authorization"] for h in server.headers] == ["Bearer first", "Bearer second"]
        with pytest.raises(EndpointError) as caught:
            one.chat(HELLO, 2)
        assert caught.value.fatal and server.calls == 2
        assert one.chat(HELLO, 0).cached


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        ("https://API.host/v1", "https://api.host:443/other/v1/", "http://api.host/v1"),
        ("http://host:8000/v1", "http://host:8000", "http://host:8001/v1"),
        ("https://host/v1", "https://host/v2", "https://host.evil.example/v1"),
    ],
)
def test_a_key_belongs_to_scheme_host_and_port(one, same, other):
    """Over http anybody on the way reads the key that https kept."""
    assert site_of(one) == site_of(same) != site_of(other)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8000/v1",
        "ftp://x/v1",
        "https://user:pw@host/v1",
        "https://host/v1?api-key=1",
        "",
        "http://[::1",
        "http://host:99999/v1",
        "http://host:abc/v1",
        "http://host:0/v1",
    ],
)
def test_addresses_that_cannot_be_used_or_hold_a_secret_are_refused(url):
    with pytest.raises(BadInput):
        LLMSettings(base_url=url)


def test_settings_are_checked_and_normalised():
    assert LLMSettings(base_url=" http://localhost:11434/v1/ ").host == "localhost:11434"
    for wrong in ({"temperature": 3}, {"n": 0}, {"max_in_flight": 0}, {"model": " "}):
        with pytest.raises(BadInput):
            LLMSettings(**wrong)
    assert LLMSettings(price_in=1, price_out=2).cost(1e6, 1e6) == 3 and LLMSettings().cost(1, 1) is None


def test_one_key_a_reply_and_none_shared():
    """A reply kept without token probabilities must not be taken for one with them."""
    one = LLMSettings(base_url="http://a/v1")
    keys = {
        reply_key(one, HELLO, 0.7, 0),
        reply_key(one, HELLO, 0.7, 1),
        reply_key(one, HELLO, 0.0, 0),
        reply_key(one, (("user", "x"),), 0.7, 0),
        reply_key(LLMSettings(base_url="http://b/v1"), HELLO, 0.7, 0),
        reply_key(one, HELLO, 0.7, 0, logprobs=True),
    }
    assert len(keys) == 6
    assert reply_key(LLMSettings(base_url="http://a/v1/"), HELLO, 0, 0) == reply_key(one, HELLO, 0.0, 0)


def test_redaction():
    assert redact("key abc and sk-proj-12****89", "abc") == "key [key] and [key]"


@pytest.mark.parametrize("script", ["yes", Failure(401)], ids=["answered", "refused"])
def test_no_lock_of_a_prompt_outlives_its_question(script):
    """A lock stayed for every prompt that the cache answered or the server refused: a run of 100,000 texts kept them all."""
    with FakeOpenAI(script, key=KEY) as server:
        asking = client(server, max_retries=0)
        for _ in range(2):
            try:
                asking.chat(HELLO)
            except EndpointError:
                pass
        assert asking._locks == {}
