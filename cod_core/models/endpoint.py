"""One model at one address: a request goes out, in its turn, again where that may help, and without what the model refuses.

Knows no cache and no task. bounded_http bounds what a server may send and how slowly; pacing says when a call may start; quirks
remember what the model does not take. A request that is refused is blamed on its text only where a harmless one is answered.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from cod_core.models.bounded_http import bounded_client
from cod_core.models.completion import Reply, ServerError, read_completion
from cod_core.models.endpoint_errors import EndpointError, Trouble, explain, trouble_of
from cod_core.models.llm_settings import LLMSettings
from cod_core.models.pacing import MOST_WAIT_S, Pacer
from cod_core.models.quirks import Quirks, Wire, Wishes, attempts, named_in

if TYPE_CHECKING:
    import openai

TIMEOUT_S = 60.0
PATIENCE_S = 180.0  # how long a call is turned away, or its model loads, with no answer to anybody, before it counts as failed
FIRST_BACKOFF_S, MOST_BACKOFF_S = 0.5, 8.0
RATE_BACKOFF_S = 0.1  # the first, where the pacer slows all calls down besides
HOPELESS_S = 30.0  # an endpoint that takes no request at all is not asked what it would take before
HARMLESS = "This is a test. Reply with the word fine; where JSON is asked for, in JSON."
_MOST_NAMES = 500


class Endpoint:
    """Safe to use from several threads. ask_key: gives the key before every request; where it raises, nothing is sent."""

    def __init__(
        self,
        settings: LLMSettings,
        ask_key: Callable[[], str | None],
        quirks: Quirks,
        timeout: float = TIMEOUT_S,
        max_retries: int = 3,
        patience: float = PATIENCE_S,
    ) -> None:
        self.settings, self.quirks = settings, quirks
        self.pacer = Pacer(settings.max_in_flight)
        self._ask_key, self.key, self.timeout = ask_key, "", timeout
        self._max_retries, self._patience = max_retries, patience
        self._lock, self._finding_out = threading.Lock(), threading.Lock()
        self._openai: openai.OpenAI | None = None
        self._worked = set[frozenset[str]]()  # kinds of request that were answered
        self._silent_since: float | None = None  # when the first call failed after the last that was answered
        self._hopeless: tuple[float, Trouble] | None = None  # when nothing was found that the model takes, and what it said

    def ask(self, messages: Wire, options: Wishes) -> list[Reply]:
        """The replies to a request, one a choice. options: fields of the request beside model and messages.

        Raises EndpointError with a plain message; the key is never part of it.
        """
        sent = self.quirks.wire(messages, options)
        try:
            return self.patiently(sent)
        except Trouble as trouble:
            if not trouble.may_be_refusal:
                raise self.plain(trouble) from None
            refused = trouble
        try:
            return self._without_what_it_refuses(messages, options, sent, refused)
        except Trouble as trouble:
            raise self.plain(trouble) from None

    def patiently(self, sent: Mapping[str, Any], retries: int | None = None) -> list[Reply]:
        """The replies to a request as it stands, asked again where that may help. retries: after failures that are no matter of
        waiting. Raises Trouble, EndpointError."""
        tries, most = 0, self._max_retries if retries is None else retries
        while True:
            try:
                return self._once(sent)
            except Trouble as trouble:
                tries += 1
                wait = self._backoff(trouble, tries)
                if not trouble.passes or wait > max(self._patience, MOST_WAIT_S) or (tries > most and not self._worth_waiting(trouble)):
                    raise
                time.sleep(wait)

    def _worth_waiting(self, trouble: Trouble) -> bool:
        """Whether a call that is turned away waits on: others were answered meanwhile, or nobody has waited long."""
        since = self._silent_since
        return trouble.reason in ("rate", "loading") and since is not None and time.monotonic() - since < self._patience

    def _backoff(self, trouble: Trouble, tries: int) -> float:
        if trouble.wait is not None:
            return trouble.wait
        first = RATE_BACKOFF_S if trouble.reason == "rate" else FIRST_BACKOFF_S
        return 0.0 if trouble.reason == "format" else min(MOST_BACKOFF_S, first * 2.0 ** (tries - 1))

    def _once(self, sent: Mapping[str, Any]) -> list[Reply]:
        import openai

        with self.pacer.turn() as begun:
            try:
                ask: Callable[..., Any] = self.client().chat.completions.with_raw_response.create
                raw = ask(model=self.settings.model, **sent)
                replies = read_completion(raw.content)
            except (openai.OpenAIError, ServerError, ValueError, TypeError, AttributeError, LookupError) as error:
                if isinstance(error.__cause__, EndpointError):  # the client wraps what its HTTP raises
                    raise error.__cause__ from None
                trouble = trouble_of(error)
                self._silent_since = self._silent_since or time.monotonic()
                if trouble.reason == "rate":
                    self.pacer.turned_away(trouble.wait, begun)
                raise trouble from None
        self.pacer.answered(raw.headers)
        self._silent_since = None
        self._worked.add(_kind(sent))
        return replies

    def _without_what_it_refuses(self, messages: Wire, options: Wishes, sent: Mapping[str, Any], trouble: Trouble) -> list[Reply]:
        """The replies to a request that was refused as `sent`, once it is known what the model does not take.

        Raises Trouble: about the text where requests of its kind are answered, else what is wrong with all of them.
        """
        with self._finding_out:  # one thread finds out for all
            now = self.quirks.wire(messages, options)
            if now == sent and _kind(sent) not in self._worked:
                found = self._named_by_the_server(messages, options, sent, trouble)
                if found is not None:
                    return found
                self._find_out(messages, options)
                now = self.quirks.wire(messages, options)
        if now == sent:
            raise _about_text(trouble)
        try:
            return self.patiently(now)
        except Trouble as again:
            raise _about_text(again) if again.may_be_refusal else again from None

    def _named_by_the_server(self, messages: Wire, options: Wishes, sent: Mapping[str, Any], trouble: Trouble) -> list[Reply] | None:
        """The replies without what the server's message names, one thing after another; None where it names nothing that helps."""
        suspects, gone = self.quirks.suspects(sent), list[str]()
        while name := named_in(trouble.said, [one for one in suspects if one not in gone]):
            gone.append(name)
            try:
                replies = self.patiently(self.quirks.wire(messages, options, gone), retries=0)
            except Trouble as again:
                if not again.may_be_refusal:
                    raise
                trouble = again
                continue
            self.quirks.learn(gone)
            return replies
        return None

    def _find_out(self, messages: Wire, options: Wishes) -> None:
        """Learn what a harmless request of this kind has to go without. Raises Trouble where it is refused whatever it is without."""
        if self._hopeless is not None and time.monotonic() - self._hopeless[0] < HOPELESS_S:
            raise self._hopeless[1]
        system: Wire = [{"role": "system", "content": "You are part of a test."}] if len(messages) > 1 else []
        harmless: Wire = [*system, {"role": "user", "content": HARMLESS}]
        last: Trouble | None = None
        suspects = self.quirks.suspects(self.quirks.wire(harmless, options))
        for gone in (frozenset[str](), *attempts(suspects)):
            try:
                self.patiently(self.quirks.wire(harmless, options, gone), retries=0)
            except Trouble as trouble:
                if not trouble.may_be_refusal and trouble.reason != "text":
                    raise
                last = trouble
                continue
            self.quirks.learn(gone)
            self._worked.add(_kind(self.quirks.wire(messages, options)))
            return
        assert last is not None
        self._hopeless = time.monotonic(), last
        raise last

    def names(self) -> list[str]:
        """The models that the endpoint lists, as it orders them; [] where it lists none. Raises EndpointError."""
        import openai

        try:
            raw = self.client().with_options(max_retries=1).models.with_raw_response.list()
            listed = raw.http_response.json()
        except (openai.OpenAIError, ValueError, TypeError, AttributeError, LookupError, RecursionError) as error:
            if isinstance(error.__cause__, EndpointError):
                raise error.__cause__ from None
            raise self.plain(trouble_of(error) if isinstance(error, openai.OpenAIError) else Trouble("format")) from None
        rows = listed.get("data", listed.get("models")) if isinstance(listed, Mapping) else listed
        ids = [row.get("id", row.get("name")) for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []
        return [name[:200] for name in ids if isinstance(name, str) and name.strip()][:_MOST_NAMES]

    def client(self) -> "openai.OpenAI":
        """The openai client with the key of this moment. Raises what ask_key raises."""
        key = (self._ask_key() or "").strip()
        with self._lock:
            if self._openai is None or key != self.key:
                self.key, self._openai = key, self._made(key)
            return self._openai

    def _made(self, key: str) -> "openai.OpenAI":
        import openai

        address = self.settings.address
        made = openai.OpenAI(
            api_key=key or "none",
            base_url=address.for_model(self.settings.model),
            timeout=self.timeout,
            max_retries=0,  # see patiently
            default_query=dict(address.query) or None,
            default_headers={"api-key": key} if key and address.of_azure else None,
            http_client=bounded_client(self.settings.host, self.timeout),
        )
        # the library reads these from the environment; they are none of this endpoint's business
        made.organization = made.project = None
        return made

    def plain(self, trouble: Trouble) -> EndpointError:
        """The error for a call that failed, in words and without the key."""
        return explain(trouble, self.settings.host, self.settings.model, self.key, self.timeout, bool(self._worked))


def _kind(sent: Mapping[str, Any]) -> frozenset[str]:
    """What a request holds, whatever its text: one of a kind that was answered is not refused for what it holds."""
    system = ["system"] if sent["messages"][0]["role"] == "system" else []
    return frozenset([*sent, *system, f"alternatives {sent.get('top_logprobs', 0)}"])


def _about_text(trouble: Trouble) -> Trouble:
    """The same trouble, known to be about one text; a server that failed may answer it another time."""
    if trouble.reason == "server":
        return trouble
    return Trouble("text", trouble.status, trouble.said, trouble.wait)
