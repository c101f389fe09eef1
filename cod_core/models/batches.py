"""OpenAI's batches at one address: a file of requests goes up, its answers come back as files within a day.

Knows the wire and no store: who made a batch remembers its id. What comes back is read line by line, as replies or as what went
wrong with one request; nothing in it is trusted further than that.
https://platform.openai.com/docs/guides/batch
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from cod_core.models.bounded_http import bounded_client
from cod_core.models.completion import Reply, ServerError, read_completion
from cod_core.models.endpoint import FIRST_BACKOFF_S, Endpoint
from cod_core.models.endpoint_errors import EndpointError, Trouble, redact, trouble_of, trouble_of_status, words_of

ROUTE = "/v1/chat/completions"
MAX_RESULT_BYTES = 64 * 2**20  # of a file of answers; a batch holds so few requests that theirs fit
TRANSFER_S = 300.0  # of silence while a file goes up or comes down
RETRIES = 3
_ENDED = frozenset({"completed", "failed", "expired", "cancelled"})

T = TypeVar("T")


@dataclass(frozen=True)
class Standing:
    """Where a batch stands. state: as the service calls it, in small letters. files: ids of those with answers and with errors.
    said: why it failed."""

    id: str
    state: str
    answered: int = 0
    failed: int = 0
    files: tuple[str, ...] = ()
    said: str = ""

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in _ENDED


@dataclass(frozen=True)
class Line:
    """What came of one request. id: the custom_id that it was sent with. replies: one a choice, () where trouble says why."""

    id: str
    replies: tuple[Reply, ...] = ()
    trouble: Trouble | None = None


class _Unknown(EndpointError):
    """The address knows nothing of what was asked for."""


class Batches:
    """The batches of one model at one address. Every method raises EndpointError with a plain message, the key never part of it."""

    def __init__(self, endpoint: Endpoint):
        self.endpoint = endpoint
        self._http = bounded_client(endpoint.settings.host, TRANSFER_S, MAX_RESULT_BYTES)

    def upload(self, requests: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
        """The id of a file that holds the requests. requests: (custom_id, fields beside the model)."""
        model = self.endpoint.settings.model
        lines = [
            json.dumps({"custom_id": name, "method": "POST", "url": ROUTE, "body": {"model": model, **body}}) for name, body in requests
        ]
        data = ("\n".join(lines) + "\n").encode()
        found = _id(self._called(lambda: self._client().files.with_raw_response.create(file=("requests.jsonl", data), purpose="batch")))
        if not found:
            raise self.not_offered()
        return found

    def create(self, file: str) -> Standing:
        """A batch of the requests in an uploaded file, begun. Never asked for a second time before it was looked whether the
        first was heard: a batch is paid for, whether or not its answer came."""
        asked = {"input_file_id": file, "endpoint": ROUTE, "completion_window": "24h"}
        for again in range(RETRIES + 1):
            try:
                return _standing(self._called(lambda: self._client().batches.with_raw_response.create(**asked), tries=1))
            except EndpointError as error:
                if (made := self._made_of(file)) is not None:
                    return made
                if again == RETRIES or error.fatal and error.reason != "unreachable":
                    raise
                time.sleep(FIRST_BACKOFF_S * 2.0**again)
        raise AssertionError("the last round returns or raises")

    def _made_of(self, file: str) -> Standing | None:
        """As of_file; None too where that cannot be told."""
        try:
            return self.of_file(file)
        except EndpointError:
            return None

    def of_file(self, file: str) -> Standing | None:
        """The batch that was made of a file, None where there is none among the newest hundred."""
        listed = self._called(lambda: self._client().batches.with_raw_response.list(limit=100))
        rows = listed.get("data")
        found = [row for row in rows if isinstance(row, Mapping) and row.get("input_file_id") == file] if isinstance(rows, list) else []
        return _standing(found[0]) if found else None

    def standing(self, batch: str) -> Standing | None:
        """How far a batch is; None where the service does not know it (any more)."""
        try:
            return _standing(self._called(lambda: self._client().batches.with_raw_response.retrieve(batch)))
        except _Unknown:
            return None

    def cancel(self, batch: str) -> Standing:
        """Ask the service to stop; answers that are there already come as they would have."""
        return _standing(self._called(lambda: self._client().batches.with_raw_response.cancel(batch)))

    def lines(self, standing: Standing) -> Iterator[Line]:
        """What came of the requests of a batch that ended, of both its files; lines that cannot be read are passed over."""
        for file in standing.files:
            try:
                data: bytes = self._call(partial(self._file, file)).content
            except _Unknown:
                raise EndpointError("Their file is gone.", "request") from None
            yield from filter(None, map(_line, data.splitlines()))

    def _file(self, file: str) -> Any:
        return self._client().files.with_raw_response.content(file)

    def forget(self, files: Sequence[str]) -> None:
        """Have the service delete files, whose texts it would keep else; where it does not, they stay until it does so itself."""
        for file in files:
            try:
                self._client().files.with_raw_response.delete(file)
            except Exception as error:
                if not isinstance(error, EndpointError) and type(error).__module__.partition(".")[0] != "openai":
                    raise

    def _client(self) -> Any:
        return self.endpoint.client().with_options(http_client=self._http, timeout=TRANSFER_S)

    def _called(self, ask: Callable[[], Any], tries: int = RETRIES + 1) -> Mapping[str, Any]:
        """The object in the answer to a call."""
        try:
            body = json.loads(self._call(ask, tries).content)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, Mapping):
            raise self.not_offered()
        return body

    def _call(self, ask: Callable[[], T], tries: int = RETRIES + 1) -> T:
        """The answer to a call, asked again a few times where the trouble passes."""
        import openai

        for again in range(tries):
            try:
                return ask()
            except openai.OpenAIError as error:
                if isinstance(error.__cause__, EndpointError):
                    raise error.__cause__ from None
                trouble = trouble_of(error)
            if not trouble.passes or again == tries - 1:
                raise self.not_offered() if trouble.reason == "not_found" else self.endpoint.plain(trouble) from None
            time.sleep(trouble.wait if trouble.wait is not None else FIRST_BACKOFF_S * 2.0**again)
        raise AssertionError("the last round returns or raises")

    def not_offered(self) -> EndpointError:
        """The error for an address that knows no batches."""
        host = self.endpoint.settings.host
        return _Unknown(f"{host} takes no batches at this address. Send the requests one by one.", "request")

    def said_of(self, trouble: Trouble | None) -> str:
        """Why there is no answer to one request, in words."""
        host = self.endpoint.settings.host
        if trouble is None:
            return f"The batch at {host} brought no answer to this text."
        if trouble.reason == "text":
            return str(self.endpoint.plain(trouble))
        said = f" It said: {redact(trouble.said, self.endpoint.key)}" if trouble.said else ""
        status = f" (error {trouble.status})" if trouble.status else ""
        return f"The batch at {host} brought no answer to this text{status}.{said}"


def _id(values: Mapping[str, Any]) -> str:
    found = values.get("id")
    return found if isinstance(found, str) and 0 < len(found) <= 200 else ""


def _standing(values: Mapping[str, Any]) -> Standing:
    counts, errors = values.get("request_counts"), values.get("errors")
    listed = errors.get("data") if isinstance(errors, Mapping) else None
    said = [words_of(one) for one in listed[:3] if isinstance(one, Mapping)] if isinstance(listed, list) else []
    files = [values.get(name) for name in ("output_file_id", "error_file_id")]
    return Standing(
        _id(values),
        str(values.get("status") or "")[:40].lower(),
        _count(counts, "completed"),
        _count(counts, "failed"),
        tuple(file for file in files if isinstance(file, str) and 0 < len(file) <= 200),
        " ".join(said),
    )


def _count(counts: object, name: str) -> int:
    value = counts.get(name) if isinstance(counts, Mapping) else None
    return value if isinstance(value, int) and value > 0 else 0


def _line(raw: bytes) -> Line | None:
    """One line of a file of answers, None where it is no such line."""
    try:
        values = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    name = values.get("custom_id") if isinstance(values, Mapping) else None
    if not isinstance(name, str):
        return None
    response, error = values.get("response"), values.get("error")
    if not isinstance(response, Mapping):
        return Line(name, trouble=Trouble("batch", 0, words_of(error)))
    status = response.get("status_code")
    if isinstance(status, int) and status >= 400:
        return Line(name, trouble=trouble_of_status(status, words_of(response.get("body")), None))
    try:
        return Line(name, tuple(read_completion(json.dumps(response.get("body")).encode())))
    except ServerError as failed:
        return Line(name, trouble=trouble_of(failed))
    except (ValueError, TypeError, AttributeError, LookupError):
        return Line(name, trouble=Trouble("batch", 0, "an answer that is no chat completion"))
