"""A model server is an address that somebody typed: whatever it sends, the app keeps its memory, its time and its key."""

import contextlib
import gzip
import socket
import threading
import time

import pytest

from cod_core.models import bounded_http
from cod_core.models.chat import LLMClient, LLMSettings
from cod_core.models.endpoint_errors import EndpointError, plain_http_warning
from tests.fakes import FakeOpenAI

HELLO = (("user", "hello"),)
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@contextlib.contextmanager
def server(say):
    """A server on loopback that does `say(connection)` once a request came; gives its address and what it was sent."""
    listener, heard = socket.create_server(("127.0.0.1", 0)), []

    def serve():
        with contextlib.suppress(OSError):
            while True:
                wire, _ = listener.accept()
                threading.Thread(target=answer, args=(wire,), daemon=True).start()

    def answer(wire):
        with contextlib.suppress(OSError), wire:
            heard.append(wire.recv(65536))
            say(wire)

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", heard
    finally:
        listener.close()


def ask(url: str, timeout: float = 0.5, retries: int = 0) -> EndpointError:
    with pytest.raises(EndpointError) as caught:
        LLMClient(LLMSettings(base_url=url, model="m"), "sk-secret-key", timeout=timeout, max_retries=retries).chat(HELLO)
    assert "secret" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_to_another_host_gets_nothing(status):
    """Prevents: texts, and on one host also the key, are sent to an address that nobody named or confirmed."""
    with FakeOpenAI() as other:
        there = other.base_url.replace("127.0.0.1", "localhost")
        line = f"HTTP/1.1 {status} Moved\r\nLocation: {there}/chat/completions\r\nContent-Length: 0\r\n\r\n"
        with server(lambda wire: wire.sendall(line.encode())) as (url, _):
            error = ask(url)
        assert other.calls == 0
    assert error.reason == "request" and "localhost" in str(error) and "nothing was sent" in str(error)


def test_a_reply_beyond_the_limit_is_not_read(monkeypatch):
    """Prevents (proven): 200 MB of a reply were read into memory."""
    monkeypatch.setattr(bounded_http.bounded_client, "__defaults__", (2**20,))
    sent = []

    def say(wire):
        wire.sendall(HEAD + b"Content-Length: 209715200\r\n\r\n")
        for _ in range(200):
            wire.sendall(b" " * 2**20)
            sent.append(1)

    with server(say) as (url, _):
        error = ask(url, timeout=5)
    assert error.reason == "format" and "more than 1 MB" in str(error) and len(sent) < 30


@pytest.mark.parametrize("kind", ["gzip", "br", "deflate", "zstd", "gzip, gzip"])
def test_a_packed_reply_is_bounded_unpacked(monkeypatch, kind):
    """Prevents (proven): a gzip of 400 kB became 400 MB."""
    monkeypatch.setattr(bounded_http.bounded_client, "__defaults__", (2**20,))
    bomb = gzip.compress(b" " * 50 * 2**20)
    head = HEAD + f"Content-Encoding: {kind}\r\nContent-Length: {len(bomb)}\r\n\r\n".encode()
    with server(lambda wire: wire.sendall(head + bomb)) as (url, _):
        error = ask(url, timeout=5)
    assert error.reason == "format" and ("more than 1 MB" in str(error) or "packed as" in str(error))


def test_a_reply_that_is_packed_as_asked_is_read():
    """Prevents: servers that pack what they send are lost with the bombs."""
    body = gzip.compress(b'{"choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "packed"}}]}')
    head = HEAD + f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    with server(lambda wire: wire.sendall(head + body)) as (url, _):
        assert LLMClient(LLMSettings(base_url=url, model="m"), timeout=5, max_retries=0).chat(HELLO).content == "packed"


def drip(first: bytes):
    def say(wire):
        wire.sendall(first)
        for _ in range(200):
            wire.sendall(b"a")
            time.sleep(0.1)

    return say


@pytest.mark.parametrize("first", [HEAD + b"Content-Length: 100000\r\n\r\n", HEAD + b"X-Slow: ", b"HTTP/1.1 200 "])
def test_a_byte_at_a_time_ends(first):
    """Prevents (proven): each byte came before the silence was too long, so a call never ended; in the head as in the body."""
    started = time.monotonic()
    with server(drip(first)) as (url, _):
        error = ask(url, timeout=0.5)
    assert error.reason == "timeout" and time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("https://api.openai.com/v1", False),
        ("http://localhost:11434/v1", False),
        ("http://127.0.0.1:8000/v1", False),
        ("http://127.1.2.3/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://gpu.example.org/v1", True),
        ("http://192.168.0.7:8000/v1", True),
        ("HTTP://localhost.evil.example/v1", True),
    ],
)
def test_a_key_over_plain_http_to_another_machine_is_warned_of(url, warned):
    """Prevents: a person gives a key that everybody on the way can read, and nobody says so."""
    assert bool(plain_http_warning(url)) is warned
