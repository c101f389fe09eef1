"""A chat with any OpenAI-compatible endpoint: cached replies, plain errors, the key kept out of everything.

Knows no task, no template and no database: messages go in, a Reply comes out, and two callables keep the
replies. A successful reply is never requested again: its key is made of base URL, model, prompt,
temperature and sample index; nor is a text that the endpoint does not take. How a request is made is endpoint.py's affair.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, replace
from typing import Any, Protocol

from cod_core.models.completion import REFUSED
from cod_core.models.completion import Reply as Reply
from cod_core.models.endpoint import PATIENCE_S, TIMEOUT_S, Endpoint
from cod_core.models.endpoint_errors import EndpointError
from cod_core.models.llm_settings import LLMSettings as LLMSettings
from cod_core.models.llm_settings import site_of as site_of
from cod_core.models.quirks import FIELDS, Quirks, Wire, Wishes
from cod_core.text import short_hash

Messages = tuple[tuple[str, str], ...]  # (role, content), in order
_OF_A_PROPOSAL = ("temperature", "seed", "response_format", "n")  # fields that a request for proposals holds


class ChatSettings(Protocol):
    """What every client's settings say: LLMSettings of an endpoint, LocalSettings of a model on this machine."""

    @property
    def base_url(self) -> str: ...
    @property
    def model(self) -> str: ...
    @property
    def temperature(self) -> float: ...
    @property
    def n(self) -> int: ...
    @property
    def max_in_flight(self) -> int: ...
    @property
    def host(self) -> str: ...
    def cost(self, tokens_in: float, tokens_out: float) -> float | None: ...


class ChatClient(Protocol):
    """What generators and teachers ask: an LLMClient or a LocalClient."""

    @property
    def settings(self) -> ChatSettings: ...
    def chat(
        self,
        messages: Messages,
        sample: int = 0,
        temperature: float | None = None,
        top_logprobs: int | None = None,
        max_tokens: int | None = None,
        response_format: dict[str, Any] | None = None,
        ahead: int = 0,
    ) -> Reply: ...


def prompt_sha256(messages: Messages) -> str:
    """sha256 of the messages exactly as sent, 64 hex digits."""
    return hashlib.sha256(json.dumps(messages, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def reply_key(settings: ChatSettings, messages: Messages, temperature: float, sample: int, logprobs: bool = False) -> str:
    """The cache key of one reply. A reply with token log-probabilities is another reply than one without."""
    parts = [settings.base_url, settings.model, prompt_sha256(messages), float(temperature), sample]
    return hashlib.sha256(json.dumps(parts + (["logprobs"] if logprobs else [])).encode()).hexdigest()


def fence(text: str) -> str:
    """A marker line that sets an untrusted text apart inside a message: not part of the text, the same each time."""
    salt = 0
    while (mark := f"=====TEXT {short_hash(salt, text)[:8]}=====") in text:
        salt += 1
    return mark


class LLMClient:
    """Asks one model at one endpoint; safe to call from several threads.

    key: for this endpoint; none is sent where absent (local servers need none). Or a function that gives it, called before
    every request: where it raises, nothing is sent. No key is taken from the environment here: it might be another host's.
    get_reply(key) -> dict or None and put_reply(key, dict) keep the replies; a dict in memory where absent. get_quirks and
    put_quirks keep the names of what the model does not take. patience: see endpoint.PATIENCE_S.
    """

    def __init__(
        self,
        settings: LLMSettings,
        key: str | Callable[[], str | None] | None = None,
        get_reply: Callable[[str], dict[str, Any] | None] | None = None,
        put_reply: Callable[[str, dict[str, Any]], object] | None = None,
        timeout: float = TIMEOUT_S,
        max_retries: int = 3,
        get_quirks: Callable[[], Iterable[str]] = tuple,
        put_quirks: Callable[[tuple[str, ...]], object] = lambda names: None,
        patience: float = PATIENCE_S,
    ) -> None:
        memory: dict[str, dict[str, Any]] = {}
        self.settings = settings
        ask_key: Callable[[], str | None] = key if callable(key) else lambda: key
        self.quirks = Quirks(settings.without, get_quirks, put_quirks)
        self.endpoint = Endpoint(settings, ask_key, self.quirks, timeout, max_retries, patience)
        self._get, self._put = get_reply or memory.get, put_reply or memory.__setitem__
        self._lock, self._locks = threading.Lock(), dict[str, threading.Lock]()
        self._unread = set[str]()  # keys of replies that came along with another one and were not handed out yet

    def __repr__(self) -> str:
        return f"LLMClient({self.settings.model!r} at {self.settings.host!r})"

    @property
    def notes(self) -> list[str]:
        """What was found out about the model since this client was made, in words: said once a run."""
        return self.quirks.sentences(self.settings.model)

    def chat(
        self,
        messages: Messages,
        sample: int = 0,
        temperature: float | None = None,
        top_logprobs: int | None = None,
        max_tokens: int | None = None,
        response_format: dict[str, Any] | None = None,
        ahead: int = 0,
    ) -> Reply:
        """The reply for this prompt and sample index, from the cache where it is known.

        temperature: the settings' where None. top_logprobs: alternatives wanted per token, None for no logprobs.
        response_format: the schema of a structured reply. What the endpoint does not take is left out. ahead: how many of the
        samples after this one will be wanted: they come with the same request where the endpoint gives several, and are kept.
        An empty reply is not kept; that a text is not taken is. Raises EndpointError with a plain message; the key is never part
        of it.
        """
        heat = self.settings.temperature if temperature is None else temperature
        keys = [reply_key(self.settings, messages, heat, sample + i, top_logprobs is not None) for i in range(ahead + 1)]
        options: Wishes = {"temperature": heat, "seed": sample}
        if top_logprobs is not None:
            options["logprobs"], options["top_logprobs"] = True, top_logprobs
        if max_tokens is not None:
            options["max_tokens"] = max_tokens
        if response_format is not None:
            options["response_format"] = response_format
        with self._lock:
            lock = self._locks.setdefault(prompt := prompt_sha256(messages), threading.Lock())
        try:
            with lock:  # two threads with one question: the second finds the first one's answer
                if (known := self._get(keys[0])) is not None:
                    return self._of_record(keys[0], known)
                return self._asked(messages, options, [keys[0], *(key for key in keys[1:] if self._get(key) is None)])
        finally:
            with self._lock:
                self._locks.pop(prompt, None)

    def knows(self, key: str) -> bool:
        """Whether the reply of a reply_key is on record, or that its text is not taken."""
        return self._get(key) is not None

    def keep(self, keys: Sequence[str], replies: Sequence[Reply]) -> None:
        """Put replies on record that came by another way, in the order of their keys; they count as answered now. Fewer than keys:
        the wish for several was passed over."""
        if len(replies) < len(keys):
            self.quirks.learn(["samples"])
        left_out = tuple(sorted(name for name in self.quirks.left_out if FIELDS[name][0] in _OF_A_PROPOSAL))
        made = {key: replace(reply, left_out=left_out) for key, reply in zip(keys, replies) if reply.says_something}
        self._keep(made, first="")

    def refuse(self, keys: Sequence[str], why: str) -> None:
        """Put on record that the text of these replies is not taken."""
        for key in keys:
            self._put(key, {"content": "", "refusal": why, "finish_reason": REFUSED})

    def count_as_new(self, keys: Iterable[str]) -> None:
        """Replies that came now and that nobody was handed yet, though they were asked for."""
        with self._lock:
            self._unread.update(keys)

    def _asked(self, messages: Messages, options: Wishes, keys: list[str]) -> Reply:
        """The reply for the first of the keys, asked for now; those for the others are kept where they came along."""
        wanted: Wishes = {**options, "n": len(keys)} if len(keys) > 1 else options
        wire: Wire = [{"role": role, "content": content} for role, content in messages]
        try:
            replies = self.endpoint.ask(wire, wanted)
        except EndpointError as error:
            if error.about_text:
                self.refuse(keys[:1], str(error))
            raise
        if len(replies) < len(keys) and "n" in self.quirks.wire(wire, wanted):
            self.quirks.learn(["samples"])  # the wish for several was passed over
        left_out = tuple(sorted(name for name in self.quirks.left_out if FIELDS[name][0] in options))
        replies = [replace(reply, left_out=left_out) for reply in replies]
        self._keep({key: reply for key, reply in zip(keys, replies) if reply.says_something}, first=keys[0])
        return replies[0]

    def _keep(self, replies: dict[str, Reply], first: str) -> None:
        for key, reply in replies.items():
            self._put(key, {k: v for k, v in asdict(reply).items() if k != "cached" and (v or k != "left_out")})
        with self._lock:
            self._unread.update(replies.keys() - {first})

    def _of_record(self, key: str, known: dict[str, Any]) -> Reply:
        reply = Reply.from_dict(known)
        if reply.finish_reason == REFUSED:
            raise EndpointError(reply.refusal or "The endpoint does not take this text.", "text")
        with self._lock:
            fresh = key in self._unread
            self._unread.discard(key)
        return replace(reply, cached=not fresh)
