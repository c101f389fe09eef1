"""Where nobody signs in, the browser's own rules are the only gate: who comes by a foreign name, or from a foreign page, gets nothing."""

import socket

import pytest

from cod_core.workspace import Workspace
from tests.e2e.studio import App, films, project

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
HANDSHAKE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: streamlit\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    home = tmp_path_factory.mktemp("hosts") / "home"
    project(Workspace(home), films(3), name="Secret films")
    running = App(home).start()
    yield running
    running.stop()


def asked(app: App, path: str, host: str, more: str = "", method: str = "GET") -> bytes:
    """What the server says, head and the first of the body."""
    with socket.create_connection(("127.0.0.1", app.port), timeout=20) as wire:
        wire.sendall(f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{more or 'Connection: close'}\r\n\r\n".encode())
        answer = wire.recv(65536)
        while not more and (part := wire.recv(65536)):
            answer += part
    return answer


def stream(app: App, host: str, origin: str = "") -> int:
    """The status of a request for the stream that carries every text."""
    answer = asked(app, "/_stcore/stream", host, HANDSHAKE + (f"Origin: {origin}\r\n" if origin else ""))
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1"])
def test_this_machine_is_let_in(app, name):
    """Prevents: a gate so tight that nobody comes through, which every other test here would pass."""
    assert stream(app, f"{name}:{app.port}", f"http://{name}:{app.port}") == 101


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "user@127.0.0.1", ""]
)
def test_a_foreign_name_gets_no_stream(app, host):
    """Prevents (proven): a page whose name is made to point to 127.0.0.1 is of the same origin as the app, and read every text."""
    assert stream(app, host, f"http://{host}") >= 400
    assert stream(app, host) >= 400


@pytest.mark.parametrize("origin", ["http://evil.example", "https://evil.example", "null", "file://", "http://localhost.evil.example"])
def test_a_foreign_page_gets_no_stream(app, origin):
    """Prevents: any page that somebody opens beside the app connects to it and reads along."""
    assert stream(app, f"127.0.0.1:{app.port}", origin) == 403


@pytest.mark.parametrize("path", ["/", "/curate", "/_stcore/health", "/_stcore/host-config", "/media/x.csv", "/_stcore/metrics"])
def test_plain_addresses_hold_no_text(app, path):
    """Prevents: what needs no stream (the empty page, health, metrics) tells a foreign name anything of a project, or is readable there."""
    answer = asked(app, path, "evil.example", "Origin: http://evil.example\r\nConnection: close\r\n") + asked(app, path, "evil.example")
    assert b"Secret" not in answer and b"Film number" not in answer
    assert b"access-control-allow-origin: *" not in answer.lower() and b"access-control-allow-origin: http" not in answer.lower()


def test_a_foreign_page_uploads_nothing(app):
    """Prevents: a file put into somebody's open session from another page, by the address of the session."""
    head = "Origin: http://evil.example\r\nContent-Type: text/plain\r\nContent-Length: 1\r\nConnection: close\r\n"
    answer = asked(app, "/_stcore/upload_file/session/file", "127.0.0.1", head, "PUT")
    assert int(answer.split(b" ", 2)[1]) >= 400
