"""The HTTP under the `openai` client, for servers that nobody vouches for: no redirects, so much of a reply, so much time.

Knows no chat. A redirect would send texts, and perhaps the key, to an address that nobody named; a reply of 400 MB, also one
that is small until it is unpacked, fills the machine's memory; a byte a second is never silence.
"""

import threading
import time
import zlib
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from cod_core.models.endpoint_errors import EndpointError

if TYPE_CHECKING:
    import openai

MAX_REPLY_BYTES = 16 * 2**20
_ENCODINGS = ("", "identity", "gzip")


class _Deadline(threading.local):
    """When the request of this thread has to be done; None outside of one."""

    at: float | None = None

    def left(self, timeout: float | None) -> float | None:
        """Seconds for the next wait; below 0 where there are none left."""
        if self.at is None:
            return timeout
        left = self.at - time.monotonic()
        return left if timeout is None else min(timeout, left)


class _Timed:
    """A connection, or what makes connections, whose every wait ends with the request's time. Everything else is the wrapped one's."""

    def __init__(self, wrapped: Any, deadline: _Deadline, late: type[Exception]):
        self._wrapped, self._deadline, self._late = wrapped, deadline, late

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = self._deadline.left(timeout)
        if left is not None and left <= 0:
            raise self._late("the reply took too long as a whole")
        data: bytes = self._wrapped.read(max_bytes, left)
        return data

    def start_tls(self, *arguments: Any, **options: Any) -> "_Timed":
        return _Timed(self._wrapped.start_tls(*arguments, **options), self._deadline, self._late)

    def connect_tcp(self, *arguments: Any, **options: Any) -> "_Timed":
        return _Timed(self._wrapped.connect_tcp(*arguments, **options), self._deadline, self._late)


def bounded_client(host: str, timeout: float, max_bytes: int = MAX_REPLY_BYTES) -> "openai.DefaultHttpxClient":
    """A client for openai.OpenAI(http_client=). host: in messages. timeout: seconds of silence; twice that for a whole reply.

    Raises EndpointError out of send where a reply is larger than max_bytes, unpacked, or packed in a way that cannot be bounded.
    """
    import openai

    http = import_module(openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0])  # httpx, or its successor
    core = import_module(http.__name__.replace("httpx", "httpcore"))
    deadline = _Deadline()

    class Bounded(openai.DefaultHttpxClient):
        def send(self, request: Any, *, stream: bool = False, **options: Any) -> Any:
            request.headers["Accept-Encoding"] = "gzip"
            deadline.at = time.monotonic() + 2 * timeout
            try:
                answer = super().send(request, stream=True, **{**options, "follow_redirects": False})
                try:
                    packed = answer.headers.get("content-encoding", "").strip().lower()
                    body = _unpacked(answer.iter_raw(), packed, max_bytes, host)
                finally:
                    answer.close()
            finally:
                deadline.at = None
            kept = [(k, v) for k, v in answer.headers.multi_items() if k not in ("content-encoding", "content-length", "transfer-encoding")]
            return http.Response(answer.status_code, headers=kept, content=body, request=request)

    client = Bounded(timeout=timeout, follow_redirects=False)
    parts = vars(client)  # neither library has a public way to say what connects; a test drips bytes to see that this one holds
    for transport in (parts["_transport"], *parts["_mounts"].values()):
        pool = vars(transport)["_pool"] if transport is not None else None
        if pool is not None:
            vars(pool)["_network_backend"] = _Timed(vars(pool)["_network_backend"], deadline, core.ReadTimeout)
    return client


def _unpacked(parts: Iterable[bytes], packed: str, max_bytes: int, host: str) -> bytes:
    """The body, unpacked piece by piece and never more of it than max_bytes. Raises EndpointError."""
    if packed not in _ENCODINGS:
        raise EndpointError(f"{host} sent a reply packed as {packed[:40]!r}, which was not asked for. It was not read.", "format")
    unpacker, body = zlib.decompressobj(zlib.MAX_WBITS | 16) if packed == "gzip" else None, bytearray()
    try:
        for part in parts:
            body += unpacker.decompress(part, max_bytes + 1 - len(body)) if unpacker else part
            if len(body) > max_bytes:
                raise EndpointError(
                    f"{host} sent a reply of more than {max_bytes / 2**20:,.0f} MB, which no answer to a text is. The rest was not read.",
                    "format",
                )
    except zlib.error:
        raise EndpointError(f"{host} sent a reply that cannot be unpacked.", "format") from None
    return bytes(body)
