"""Stand-ins for tests, handed their answers: nothing here reaches a network beyond this machine's loopback."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# ---------------------------------------------------------------- FakeOpenAI


@dataclass(frozen=True)
class Answer:
    """What the fake model says. logprobs: a position a token, each {token: log-probability}, first the chosen one."""

    content: str | None
    refusal: str | None = None
    finish_reason: str = "stop"
    logprobs: Sequence[dict[str, float]] | None = None


@dataclass(frozen=True)
class Failure:
    """One call that goes wrong. status 200 sends `body` as it is. hang: seconds of silence. wait_ms: retry hint, None for none."""

    status: int = 500
    body: str = '{"error": {"message": "injected failure"}}'
    hang: float = 0.0
    wait_ms: int | None = 1
    content_type: str = "application/json"


class FakeOpenAI:
    """A real HTTP server on loopback that speaks /v1/chat/completions; use as a context manager.

    answers: one for every call (str or Answer), a list handed out in order and then from its start again, or a
    function of the request's body. failures: spent first, one a call; None among them lets a call through. refuses: a function
    of the request's body that gives the Failure it meets with, or None. several: whether n choices are given where asked for.
    models: what it lists. extra: headers of every answer.
    key: where set, calls without it get 401. rejects: request fields answered with 400, as some endpoints do.
    logprobs: False for a server that ignores the wish for them. delay: seconds an answer takes.
    requests holds every request's body, headers holds theirs, peak the most calls that were open at once.
    """

    def __init__(
        self,
        answers: str | Answer | list | Callable[[dict], str | Answer] = "ok",
        failures: Sequence[Failure | None] = (),
        key: str | None = None,
        rejects: Sequence[str] = (),
        logprobs: bool = True,
        delay: float = 0.0,
        refuses: Callable[[dict], "Failure | None"] = lambda body: None,
        several: bool = False,
        models: Sequence[str] = ("fake",),
        extra: Sequence[tuple[str, str]] = (),
    ):
        self._answer = answers if callable(answers) else None
        self._cycle = itertools.cycle(answers if isinstance(answers, list) else [answers])
        self.failures, self.key, self.rejects = list(failures), key, tuple(rejects)
        self.logprobs, self.delay, self.refuses, self.several = logprobs, delay, refuses, several
        self.models, self.extra = tuple(models), list(extra)
        self.requests: list[dict] = []
        self.headers: list[dict[str, str]] = []
        self.peak = self._open = 0
        self._lock = threading.Lock()

    def __enter__(self) -> "FakeOpenAI":
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm, wbufsize = True, -1  # else a reply in two packets waits 40 ms for the client

            def log_message(self, *args):
                pass

            def do_GET(self):
                fake.get(self)

            def do_DELETE(self):
                fake.delete(self)

            def do_POST(self):
                data = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    fake.post(self, data)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the client gave up waiting

            def send(self, status, text, kind="application/json", extra=()):
                data = text if isinstance(text, bytes) else text.encode()
                self.send_response(status)
                for name, value in (("Content-Type", kind), ("Content-Length", str(len(data))), *extra):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *exc):
        self._server.shutdown()
        self._server.server_close()

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def calls(self) -> int:
        return len(self.requests)

    def get(self, handler) -> None:
        listed = [{"id": name, "object": "model"} for name in self.models]
        handler.send(200, json.dumps({"object": "list", "data": listed}))

    def delete(self, handler) -> None:
        handler.send(404, '{"error": {"message": "no such path"}}')

    def post(self, handler, data: bytes) -> None:
        self._serve(handler, json.loads(data))

    def _serve(self, handler, body: dict) -> None:
        with self._lock:
            self.requests.append(body)
            self.headers.append({k.lower(): v for k, v in handler.headers.items()})
            self._open += 1
            self.peak = max(self.peak, self._open)
            failure = self.failures.pop(0) if self.failures else self.refuses(body)
        try:
            time.sleep(failure.hang if failure else self.delay)
            status, text, kind = self._outcome(handler, body, failure)
        finally:
            with self._lock:
                self._open -= 1
        extra = [("retry-after-ms", str(failure.wait_ms))] if failure and failure.wait_ms is not None else []
        handler.send(status, text, kind, [*extra, *self.extra])

    def _outcome(self, handler, body: dict, failure: Failure | None) -> tuple[int, str, str]:
        json_type = "application/json"
        if failure:
            return failure.status, failure.body, failure.content_type
        if not handler.path.partition("?")[0].endswith("/chat/completions"):
            return 404, '{"error": {"message": "no such path"}}', json_type
        sent = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.key is not None and sent != self.key:
            return 401, json.dumps({"error": {"message": f"Incorrect API key provided: {sent}"}}), json_type
        for name in self.rejects:
            if name in body:
                said = {"message": f"Unsupported parameter: '{name}'", "param": name}
                return 400, json.dumps({"error": said}), json_type
        completion = self._completion(body, self._next(body))
        for i in range(1, body.get("n", 1) if self.several else 1):
            more = self._completion(body, self._next(body))
            completion["choices"].append(more["choices"][0] | {"index": i})
            completion["usage"]["completion_tokens"] += more["usage"]["completion_tokens"]
        return 200, json.dumps(completion), json_type

    def _next(self, body: dict) -> Answer:
        with self._lock:
            answer = self._answer(body) if self._answer else next(self._cycle)
        return Answer(answer) if isinstance(answer, str) else answer

    def _completion(self, body: dict, answer: Answer) -> dict:
        choice = {
            "index": 0,
            "finish_reason": answer.finish_reason,
            "logprobs": None,
            "message": {"role": "assistant", "content": answer.content, "refusal": answer.refusal},
        }
        if answer.logprobs and body.get("logprobs") and self.logprobs:
            rows = [[{"token": t, "logprob": v, "bytes": None} for t, v in row.items()] for row in answer.logprobs]
            wanted = body.get("top_logprobs", 0)
            choice["logprobs"] = {"content": [row[0] | {"top_logprobs": row[:wanted]} for row in rows]}
        words_in = sum(len(m["content"].split()) for m in body["messages"])
        return {
            "id": f"chatcmpl-{len(self.requests)}",
            "object": "chat.completion",
            "created": 0,
            "model": body["model"],
            "choices": [choice],
            "usage": {
                "prompt_tokens": words_in,
                "completion_tokens": len((answer.content or "").split()),
                "total_tokens": words_in + len((answer.content or "").split()),
            },
        }
