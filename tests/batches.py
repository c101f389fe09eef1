"""A service that takes OpenAI's batches, on loopback: FakeOpenAI with /files and /batches as their documentation describes them."""

import json
from collections.abc import Callable
from email.parser import BytesParser
from email.policy import HTTP

from tests.fakes import FakeOpenAI


class FakeBatches(FakeOpenAI):
    """answers, key and the rest: as FakeOpenAI, for single requests and for those of a batch.

    looks: how often a batch is looked at before it ends. ends: the state that it ends in; other than "completed", only the first
    `until` requests are answered. wrong: a function of a request's body that gives (status, words) for the error file, or None.
    forgets: whether it knows no batch any more. down: answers 503 to so many looks.
    files, batches: what it holds. gone: ids of deleted files.
    """

    def __init__(
        self,
        answers,
        looks: int = 1,
        ends: str = "completed",
        until: int = 0,
        wrong: Callable[[dict], tuple[int, str] | None] = lambda body: None,
        **options,
    ):
        super().__init__(answers, **options)
        self.looks, self.ends, self.until, self.wrong = looks, ends, until, wrong
        self.files: dict[str, bytes] = {}
        self.batches: dict[str, dict] = {}
        self.gone: list[str] = []
        self.forgets, self.down = False, 0

    @property
    def batched(self) -> list[dict]:
        """The bodies of all requests that came in files, deleted or not."""
        return [body for batch in self.batches.values() for _, body in batch["asked"]]

    def post(self, handler, data: bytes) -> None:
        path = handler.path.partition("?")[0].removeprefix("/v1")
        if path.startswith(("/files", "/batches")) and not self._allowed(handler):
            return
        if path == "/files":
            handler.send(200, json.dumps({"id": self._hold(_uploaded(handler, data)), "object": "file"}))
        elif path == "/batches":
            handler.send(200, json.dumps(self._shown(self._make(json.loads(data)))))
        elif path.endswith("/cancel"):
            batch = self.batches[path.split("/")[2]]
            batch["status"], batch["left"], batch["end"] = "cancelling", 1, "cancelled"
            handler.send(200, json.dumps(self._shown(batch)))
        else:
            super().post(handler, data)

    def get(self, handler) -> None:
        parts = handler.path.partition("?")[0].removeprefix("/v1").strip("/").split("/")
        if parts[0] not in ("files", "batches"):
            return super().get(handler)
        if not self._allowed(handler):
            return None
        if self.down:
            self.down -= 1
            return handler.send(503, '{"error": {"message": "come back"}}', extra=[("retry-after-ms", "1")])
        if parts[0] == "files":
            return handler.send(200, self.files[parts[1]], "application/binary")
        if len(parts) == 1:
            return handler.send(200, json.dumps({"data": [self._shown(batch) for batch in self.batches.values()]}))
        if self.forgets:
            return handler.send(404, json.dumps({"error": {"message": f"No batch found with id '{parts[1]}'."}}))
        batch = self.batches[parts[1]]
        batch["left"] -= 1
        if batch["left"] <= 0 and "output" not in batch:
            self._end(batch)
        return handler.send(200, json.dumps(self._shown(batch)))

    def delete(self, handler) -> None:
        self.gone.append(handler.path.rpartition("/")[2])
        handler.send(200, json.dumps({"id": self.gone[-1], "deleted": True}))

    def _allowed(self, handler) -> bool:
        sent = handler.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.key is None or sent == self.key:
            return True
        handler.send(401, json.dumps({"error": {"message": f"Incorrect API key provided: {sent}"}}))
        return False

    def _hold(self, data: bytes) -> str:
        with self._lock:
            name = f"file-{len(self.files) + 1}"
            self.files[name] = data
        return name

    def _make(self, wanted: dict) -> dict:
        assert wanted["endpoint"] == "/v1/chat/completions" and wanted["completion_window"] == "24h"
        rows = [json.loads(line) for line in self.files[wanted["input_file_id"]].splitlines()]
        assert all(row["method"] == "POST" and row["url"] == wanted["endpoint"] for row in rows)
        asked = [(row["custom_id"], row["body"]) for row in rows]
        with self._lock:
            name = f"batch_{len(self.batches) + 1}"
            self.batches[name] = {"id": name, "file": wanted["input_file_id"], "asked": asked, "status": "in_progress"}
        twice = len({name for name, _ in asked}) < len(asked)
        self.batches[name] |= {"left": self.looks, "end": "failed" if twice else self.ends}
        return self.batches[name]

    def _end(self, batch: dict) -> None:
        batch["status"] = batch["end"]
        good, bad = [], []
        whole = batch["status"] == "completed"
        for at, (name, body) in enumerate(batch["asked"] if batch["status"] != "failed" else ()):
            if not whole and at >= self.until:
                code = f"batch_{batch['status']}"
                bad.append({"custom_id": name, "response": None, "error": {"code": code, "message": "This request was not executed."}})
            elif failed := self.wrong(body):
                error = {"error": {"message": failed[1]}}
                bad.append({"custom_id": name, "response": {"status_code": failed[0], "body": error}, "error": None})
            else:
                completion = self._completion(body, self._next(body))
                for i in range(1, body.get("n", 1) if self.several else 1):
                    more = self._completion(body, self._next(body))
                    completion["choices"].append(more["choices"][0] | {"index": i})
                good.append({"custom_id": name, "response": {"status_code": 200, "body": completion}, "error": None})
        good.reverse()  # the order of answers is not that of the questions
        batch["counts"] = {"total": len(batch["asked"]), "completed": len(good), "failed": len(bad)}
        for kind, rows in (("output", good), ("error", bad)):
            batch[kind] = self._hold("\n".join(map(json.dumps, rows)).encode()) if rows else None

    def _shown(self, batch: dict) -> dict:
        said = [{"code": "token_limit_exceeded", "message": "Enqueued token limit reached."}] if batch["status"] == "failed" else []
        return {
            "id": batch["id"],
            "object": "batch",
            "status": batch["status"],
            "input_file_id": batch["file"],
            "output_file_id": batch.get("output"),
            "error_file_id": batch.get("error"),
            "request_counts": batch.get("counts"),
            "errors": {"data": said},
        }


def _uploaded(handler, data: bytes) -> bytes:
    """The file in a form."""
    head = f"Content-Type: {handler.headers['Content-Type']}\r\n\r\n".encode()
    form = BytesParser(policy=HTTP).parsebytes(head + data)
    parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
    assert parts["purpose"].get_payload(decode=True).strip() == b"batch"
    return parts["file"].get_payload(decode=True)
