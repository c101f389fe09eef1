"""Sending a set to a hub: exactly the files that were named leave, and the token is used, not kept."""

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from export_items import ITEMS, PROJECT

from cod_core.errors import BadInput, ModelUnavailable
from cod_core.export.bundle import bundle_bytes
from cod_core.export.hub import files_of, push

BUNDLE = bundle_bytes(PROJECT, ITEMS, [{"seq": 1}])[0]


class FakeHub:
    """A real HTTP server on loopback that speaks as much of the hub's protocol as a commit needs."""

    def __init__(self, status: int = 200, led: dict[str, str] | None = None):
        """led: part of a path -> the address that a POST there is redirected to, by this status."""
        self.status, self.files, self.made, self.tokens, self.paths, self.led = status, {}, None, set(), [], led or {}

    def __enter__(self):
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def reply(self, body: dict, status: int = 200):
                data = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                hub.paths.append(self.path)
                hub.tokens.add(self.headers.get("Authorization"))
                there = next((there for part, there in hub.led.items() if part in self.path), None)
                if there and not self.path.startswith("/again/"):
                    self.send_response(hub.status)
                    self.send_header("Location", there + self.path)
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                if hub.status != 200 and not hub.led:
                    return self.reply({"error": "no"}, hub.status)
                if self.path.endswith("/repos/create"):
                    hub.made = json.loads(body)
                    return self.reply({"url": f"{hub.url}/datasets/me/set"})
                if self.path.endswith("/validate-yaml"):
                    return self.reply({"errors": [], "warnings": []})
                if "/preupload/" in self.path:
                    wanted = json.loads(body)["files"]
                    return self.reply({"files": [{"path": f["path"], "uploadMode": "regular", "shouldIgnore": False} for f in wanted]})
                for line in body.splitlines():
                    entry = json.loads(line)
                    if entry["key"] == "file":
                        hub.files[entry["value"]["path"]] = base64.b64decode(entry["value"]["content"])
                return self.reply(
                    {"commitUrl": f"{hub.url}/datasets/me/set/commit/0", "commitOid": "0" * 40, "hookOutput": "", "success": True}
                )

            def do_GET(self):
                hub.paths.append(self.path)
                if hub.status != 200 and not hub.led:
                    return self.reply({"error": "no"}, hub.status)
                self.reply({"id": "me/set", "sha": "0" * 40, "siblings": [], "private": True, "tags": []})

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr("huggingface_hub.constants.ENDPOINT", self.url)  # the client reads addresses by it
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._patch.undo()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(autouse=True)
def online(monkeypatch):
    """The suite runs with the hub switched off; this server is not the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def test_exactly_the_files_that_were_named_leave():
    with FakeHub() as hub:
        address = push(BUNDLE, "me/set", "hf_secret", True, hub.url)
    assert hub.files == files_of(BUNDLE) and "README.md" in hub.files
    assert not {"audit.jsonl", "restore.jsonl"} & set(hub.files)
    assert hub.made.get("private") is True or hub.made.get("visibility") == "private"
    assert hub.made["type"] == "dataset" and "set" in address
    assert hub.tokens == {"Bearer hf_secret"}
    assert not any(b"hf_secret" in body for body in hub.files.values())


@pytest.mark.parametrize("status", [401, 403, 500])
def test_a_hub_that_refuses_is_said_plainly(status):
    with FakeHub(status) as hub, pytest.raises(ModelUnavailable, match=str(status)) as caught:
        push(BUNDLE, "me/set", "hf_secret", True, hub.url)
    assert "hf_secret" not in str(caught.value) and hub.files == {}


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("part", ["/repos/create", "/preupload/", "/commit/"])
def test_a_hub_that_leads_elsewhere_gets_no_further(status, part):
    """The client follows redirects of a commit too: 307 and 308 sent every text, without the token, to any host that was named."""
    with FakeHub() as other:
        there = other.url.replace("127.0.0.1", "localhost")
        with FakeHub(status, {part: there}) as hub, pytest.raises(ModelUnavailable, match="localhost instead") as caught:
            push(BUNDLE, "me/set", "hf_secret", True, hub.url)
        assert other.paths == [] and other.files == {} and "hf_secret" not in str(caught.value)


def test_a_hub_may_lead_to_another_path_of_its_own():
    """A repository that was renamed is answered with 307; who refuses that refuses the renamed one."""
    with FakeHub(307) as hub:
        hub.led = {"me/set/commit": f"{hub.url}/again"}
        push(BUNDLE, "me/set", "hf_secret", True, hub.url)
    assert hub.files == files_of(BUNDLE) and any(path.startswith("/again/") for path in hub.paths)


def test_a_hub_that_is_not_there_and_names_that_are_none():
    with pytest.raises(ModelUnavailable):
        push(BUNDLE, "me/set", None, True, "http://127.0.0.1:9")
    for wrong in ("set", "a/b/c", "/set", "me/se t"):
        with pytest.raises((BadInput, ModelUnavailable)):
            push(BUNDLE, wrong, None, True, "http://127.0.0.1:9")


def test_a_switched_off_hub_sends_nothing(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with FakeHub() as hub, pytest.raises(ModelUnavailable):
        push(BUNDLE, "me/set", None, True, hub.url)
    assert hub.paths == []
