"""A chat with any OpenAI-compatible endpoint: cached replies, plain errors, the key kept out of everything.

Knows no task, no template and no database: messages go in, a Reply comes out, and two callables keep the
replies. A successful reply is never requested again: its key is made of base URL, model, prompt,
temperature and sample index. The `openai` client does the retries; bounded_http bounds what a server may send, and how slowly.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from cod_core.errors import BadInput
from cod_core.models.bounded_http import bounded_client
from cod_core.models.endpoint_errors import EndpointError, explain, server_words
from cod_core.text import short_hash

if TYPE_CHECKING:
    import openai
    from openai.types.chat.chat_completion import Choice

TIMEOUT_S = 60.0
Messages = tuple[tuple[str, str], ...]  # (role, content), in order
# sent to make samples repeatable and replies well formed; each is left out where an endpoint refuses it
_OPTIONAL = ("seed", "response_format")


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
    ) -> "Reply": ...


@dataclass(frozen=True)
class LLMSettings:
    """Where and how to ask. n: candidates per text. price_in, price_out: USD per million tokens, None if unknown.

    Holds no key. Raises BadInput where a value is out of range or the URL carries a secret.
    """

    base_url: str = "https://api.openai.com/v1"
    model: str = "gpt-4o-mini"
    temperature: float = 0.7
    n: int = 4
    max_in_flight: int = 4
    price_in: float | None = None
    price_out: float | None = None

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.base_url.strip())
            named = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
        except ValueError:  # a port that is no number, a bracket left open
            named = None
        if not named:
            raise BadInput(
                "The address of the model must start with http:// or https:// (a port lies between 1 and 65535), for example "
                "https://api.openai.com/v1 or http://localhost:11434/v1."
            )
        if parts.username or parts.password or parts.query:
            raise BadInput(
                "The address of the model must not hold a key, a password or a '?': it is stored with "
                "the project. Give the key in its own field."
            )
        object.__setattr__(self, "base_url", self.base_url.strip().rstrip("/"))
        object.__setattr__(self, "model", self.model.strip())
        if not self.model:
            raise BadInput("Give the name of the model, as the endpoint lists it.")
        if not 0 <= self.temperature <= 2:
            raise BadInput(f"The temperature must lie between 0 and 2; got {self.temperature}.")
        for name, top in (("n", 50), ("max_in_flight", 64)):
            if not 1 <= getattr(self, name) <= top:
                raise BadInput(f"{name} must lie between 1 and {top}; got {getattr(self, name)}.")

    @property
    def host(self) -> str:
        """Where texts are sent: host, and port where one is given."""
        parts = urlsplit(self.base_url)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    @property
    def site(self) -> str:
        """Scheme, host and port: what a key belongs to. The port is the scheme's usual one where none is given."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    def cost(self, tokens_in: float, tokens_out: float) -> float | None:
        """USD for that many tokens; None where no price was given."""
        if self.price_in is None or self.price_out is None:
            return None
        return (tokens_in * self.price_in + tokens_out * self.price_out) / 1e6


def site_of(base_url: str) -> str:
    """LLMSettings.site of an address. Raises BadInput where it is none."""
    return LLMSettings(base_url=base_url).site


@dataclass(frozen=True)
class Reply:
    """One answer of the endpoint. logprobs: one position per token, each a list of (token, log-probability); () if none.

    tokens_in, tokens_out: as the endpoint counted them, 0 where it did not. cached: no call was made for it.
    """

    content: str
    refusal: str | None = None
    finish_reason: str = "stop"
    request_id: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    logprobs: tuple[tuple[tuple[str, float], ...], ...] = ()
    cached: bool = False

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Reply":
        """The Reply that put_reply was handed, as a cached one."""
        rows = tuple(tuple((t, v) for t, v in row) for row in values.get("logprobs") or ())
        return cls(**{**values, "logprobs": rows, "cached": True})


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
    get_reply(key) -> dict or None and put_reply(key, dict) keep the replies; a dict in memory where absent.
    """

    def __init__(
        self,
        settings: LLMSettings,
        key: str | Callable[[], str | None] | None = None,
        get_reply: Callable[[str], dict[str, Any] | None] | None = None,
        put_reply: Callable[[str, dict[str, Any]], object] | None = None,
        timeout: float = TIMEOUT_S,
        max_retries: int = 3,
    ) -> None:
        memory: dict[str, dict[str, Any]] = {}
        self.settings = settings
        self._ask_key: Callable[[], str | None] = key if callable(key) else lambda: key
        self._key = ""
        self._get, self._put = get_reply or memory.get, put_reply or memory.__setitem__
        self._timeout, self._max_retries = timeout, max_retries
        self._lock, self._dropped = threading.Lock(), set[str]()
        self._openai: openai.OpenAI | None = None
        self._locks: dict[str, threading.Lock] = {}

    def __repr__(self) -> str:
        return f"LLMClient({self.settings.model!r} at {self.settings.host!r})"

    def chat(
        self,
        messages: Messages,
        sample: int = 0,
        temperature: float | None = None,
        top_logprobs: int | None = None,
        max_tokens: int | None = None,
        response_format: dict[str, Any] | None = None,
    ) -> Reply:
        """The reply for this prompt and sample index, from the cache where it is known.

        temperature: the settings' where None. top_logprobs: alternatives wanted per token, None for no logprobs.
        response_format: the schema of a structured reply; endpoints that know none are asked without.
        An empty reply is not kept. Raises EndpointError with a plain message; the key is never part of it.
        """
        heat = self.settings.temperature if temperature is None else temperature
        key = reply_key(self.settings, messages, heat, sample, top_logprobs is not None)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
        with lock:  # two threads with one question: the second finds the first one's answer
            known = self._get(key)
            if known is not None:
                return Reply.from_dict(known)
            options: dict[str, Any] = {"temperature": heat, "seed": sample}
            if top_logprobs is not None:
                options |= {"logprobs": True, "top_logprobs": top_logprobs}
            if max_tokens is not None:
                options["max_tokens"] = max_tokens
            if response_format is not None:
                options["response_format"] = response_format
            reply = self._request(messages, options)
            if reply.content.strip() or reply.refusal or reply.finish_reason == "content_filter":
                self._put(key, {k: v for k, v in asdict(reply).items() if k != "cached"})
        with self._lock:
            self._locks.pop(key, None)
        return reply

    def _client(self) -> "openai.OpenAI":
        key = (self._ask_key() or "").strip()
        with self._lock:
            if self._openai is None or key != self._key:
                import openai

                self._key = key
                made = openai.OpenAI(
                    api_key=self._key or "none",
                    base_url=self.settings.base_url,
                    timeout=self._timeout,
                    max_retries=self._max_retries,
                    http_client=bounded_client(self.settings.host, self._timeout),
                )
                # the library reads these from the environment; they are none of this endpoint's business
                made.organization = made.project = None
                self._openai = made
            return self._openai

    def _request(self, messages: Messages, options: dict[str, Any]) -> Reply:
        import openai

        wire = [{"role": role, "content": content} for role, content in messages]
        garbled = 0
        while True:
            sent = {k: v for k, v in options.items() if k not in self._dropped}
            if "max_tokens" in self._dropped and "max_tokens" in options:
                sent["max_completion_tokens"] = options["max_tokens"]
            try:
                ask: Callable[..., object] = self._client().chat.completions.create
                return _read(ask(model=self.settings.model, messages=wire, **sent))
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                refused = next((k for k in (*_OPTIONAL, "max_tokens") if k in sent and k in server_words(error)), None)
                if refused is None:
                    raise self._plain(error) from None
                self._dropped.add(refused)
            except (openai.OpenAIError, ValueError, TypeError, AttributeError, LookupError) as error:
                # the openai client retries what says that it failed; an answer that cannot be read is retried here
                garbled += 1
                if self._plain(error).reason != "format" or garbled > self._max_retries:
                    raise self._plain(error) from None

    def _plain(self, error: Exception) -> EndpointError:
        return explain(error, self.settings.host, self.settings.model, self._key, self._timeout)


def _read(answer: object) -> Reply:
    """Reply from the client's object. Raises ValueError where it is not a chat completion."""
    choices = getattr(answer, "choices", None)
    if not choices:
        raise ValueError("not a chat completion")
    choice, usage = choices[0], getattr(answer, "usage", None)
    content = choice.message.content
    return Reply(
        content=content if isinstance(content, str) else "",
        refusal=getattr(choice.message, "refusal", None) or None,
        finish_reason=choice.finish_reason or "stop",
        request_id=getattr(answer, "id", None) or None,
        tokens_in=getattr(usage, "prompt_tokens", 0) or 0,
        tokens_out=getattr(usage, "completion_tokens", 0) or 0,
        logprobs=_token_logprobs(choice),
    )


def _token_logprobs(choice: "Choice") -> tuple[tuple[tuple[str, float], ...], ...]:
    positions: Sequence[Any] = getattr(getattr(choice, "logprobs", None), "content", None) or ()
    rows = []
    for position in positions:
        row = {t.token: float(t.logprob) for t in position.top_logprobs or ()}
        row.setdefault(position.token, float(position.logprob))
        rows.append(tuple(sorted(row.items(), key=lambda pair: -pair[1])))
    return tuple(rows)
