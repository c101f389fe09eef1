"""Counterfactuals written by an LLM: the generator, and many texts with bounded calls in flight.

Knows no store and no teacher: replies are kept by the client's callables, results handed to a callback in the
caller's thread, and nothing here says whether a text flips. No row is dropped silently: each is counted by reason.
"""

import threading
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from cod_core.counterfactuals.echoes import no_change
from cod_core.counterfactuals.prompts import DEFAULT_TEMPLATE, Demonstration, LastTry, Prompt, render, template
from cod_core.counterfactuals.replies import REASONS, parse_reply
from cod_core.errors import BadInput
from cod_core.models.chat import LLMClient, LLMSettings, Messages, Reply, prompt_sha256
from cod_core.models.endpoint_errors import EndpointError
from cod_core.progress import Progress, silent
from cod_core.text import short_hash
from cod_core.types import Counterfactual, Example, Origin, Task, now

if TYPE_CHECKING:
    from cod_core.models.batch_client import BatchClient
    from cod_core.models.local_chat import LocalClient

__all__ = ["Ask", "LLMClient", "LLMGenerator", "LLMSettings", "Outcome", "Proposals", "propose_locally", "propose_many"]
MAX_FAILURES_IN_A_ROW = 5
_MOST_NAMED, _FIRST_WORDS = 5, 60
_UNREAD = frozenset({"empty", "cut_off", "not_parsed", "too_long", "filter"})


@dataclass(frozen=True)
class Ask:
    """One text to be changed. source: the teacher's class at the text. first_sample: above 0 for "try again".

    keep: phrases that must stay. last: a try to be bettered.
    """

    example: Example
    source: str
    target: str
    first_sample: int = 0
    keep: tuple[str, ...] = ()
    last: LastTry | None = None


@dataclass(frozen=True)
class Proposals:
    """What came of one ask. dropped: replies that held no new text, by reason (a key of replies.REASONS).

    cost_usd: of the calls made now. tokens_in, tokens_out, price_usd: of all its replies, those on record too.
    """

    counterfactuals: tuple[Counterfactual, ...]
    dropped: dict[str, int] = field(default_factory=dict)
    cached: int = 0
    cost_usd: float | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    price_usd: float | None = None

    @property
    def unread(self) -> bool:
        """Whether there were answers and none could be read."""
        return not self.counterfactuals and bool(self.dropped) and set(self.dropped) <= _UNREAD


@runtime_checkable
class _Prepares(Protocol):
    """A client on this machine, which writes the replies to many prompts together and says how many it had to write."""

    def prepare(self, asked: Sequence[tuple[Messages, int]]) -> int: ...


class LLMGenerator:
    """A `Generator` that asks a chat model through an LLMClient with a versioned prompt."""

    def __init__(
        self,
        client: "LLMClient | LocalClient | BatchClient",
        task: Task,
        template_name: str = DEFAULT_TEMPLATE,
        demonstrations: Sequence[Demonstration] = (),
    ):
        """demonstrations: pairs of the project shown as examples. Raises BadInput for an unknown prompt."""
        self.client, self.task, self.demonstrations = client, task, tuple(demonstrations)
        self.template = template(template_name)
        self._template_name = template_name
        self.name = f"llm:{client.settings.model}@{client.settings.host}"

    def prompt(self, ask: Ask) -> Prompt:
        """The prompt exactly as it would be sent."""
        return render(self.task, ask.example.text, ask.source, ask.target, self._template_name, ask.keep, self.demonstrations, ask.last)

    def propose(self, example: Example, source: str, target: str, n: int, first_sample: int = 0) -> list[Counterfactual]:
        """Up to n unverified counterfactuals, different from one another. See ask for why there may be fewer."""
        return list(self.ask(Ask(example, source, target, first_sample), n).counterfactuals)

    def ask(self, ask: Ask, n: int, stop: Callable[[], bool] = lambda: False) -> Proposals:
        """n samples of the ask's prompt, from its first_sample on, as texts and counted reasons.

        stop: looked at between calls. Raises EndpointError, BadInput.
        """
        prompt, text = self.prompt(ask), ask.example.text
        found: dict[str, Counterfactual] = {}
        dropped: Counter[str] = Counter()
        cached, cost, tokens_in, tokens_out = 0, 0.0, 0, 0
        last: EndpointError | None = None
        for sample in range(ask.first_sample, ask.first_sample + n):
            if stop():
                break
            try:
                ahead = ask.first_sample + n - 1 - sample
                reply = self.client.chat(prompt.messages, sample, response_format=prompt.response_format, ahead=ahead)
            except EndpointError as error:
                reason = _lost(error, found, dropped)
                if reason is None:
                    error.cost_usd = cost
                    raise
                dropped[reason], last = dropped[reason] + 1, error
                continue
            price = self.client.settings.cost(reply.tokens_in, reply.tokens_out)
            cached += reply.cached
            tokens_in, tokens_out = tokens_in + reply.tokens_in, tokens_out + reply.tokens_out
            cost += 0.0 if reply.cached else price or 0.0
            parsed = parse_reply(reply.content, text, reply.refusal, reply.finish_reason, prompt.shape)
            made = None if parsed.text is None else self._counterfactual(ask, parsed.text, prompt, reply, sample, price)
            reason = parsed.reason if made is None else _fault(ask, made, found)
            if made is not None and reason is None:
                found[made.id] = made
            else:
                dropped[str(reason)] += 1
        if last and dropped.keys() == {"not_answered"} and not found:
            raise last
        priced = self.client.settings.cost(0, 0) is not None
        return Proposals(
            tuple(found.values()),
            dict(dropped),
            cached,
            cost if priced else None,
            tokens_in,
            tokens_out,
            self.client.settings.cost(tokens_in, tokens_out),
        )

    def _counterfactual(self, ask: Ask, text: str, prompt: Prompt, reply: Reply, sample: int, price: float | None) -> Counterfactual:
        origin = Origin(
            kind="llm",
            name=self.client.settings.model,
            revision=self.client.settings.host,
            prompt_id=prompt.template_id,
            prompt_version=prompt.version,
            prompt_sha256=prompt_sha256(prompt.messages),
            temperature=None if "temperature" in reply.left_out else self.client.settings.temperature,
            seed=sample,
            request_id=reply.request_id,
            cost_usd=price,
        )
        identity = short_hash(ask.example.id, ask.target, text, self.name)
        by = f"written by {self.client.settings.model}"
        return Counterfactual(
            identity,
            ask.example.id,
            text,
            ask.source,
            ask.target,
            origin,
            raw_reply=reply.content,
            note=by + (", told what was wrong with an earlier try" if ask.last else ""),
            created_at=now(),
        )


def _lost(error: EndpointError, found: Collection[str], dropped: Collection[str]) -> str | None:
    """Why one of several answers is missing (a key of REASONS); None where the failure is the whole text's."""
    if error.unanswered:
        return "not_answered"
    return "not_taken" if error.about_text and (found or dropped) else None


def _fault(ask: Ask, made: Counterfactual, found: Collection[str]) -> str | None:
    """Why a text that was read is no new proposal (a key of REASONS). found: ids of those that there are."""
    if any(phrase not in made.text for phrase in ask.keep):
        return "kept_phrase_lost"
    if reason := no_change(ask.example.text, made.text):
        return reason
    return "duplicate" if made.id in found or ask.last is not None and made.text == ask.last.text else None


@dataclass(frozen=True)
class Outcome:
    """What a whole run came to. dropped: replies by reason. failed: example id -> message of the call that failed.

    asked: texts. unread: of them, those none of whose answers could be read. refused: example id -> (its first words, why the
    endpoint does not take it); it is not asked about again. fresh: whether anything was answered now, and not before.
    """

    proposed: int
    dropped: dict[str, int]
    failed: dict[str, str]
    cached: int
    cost_usd: float | None
    asked: int = 0
    unread: int = 0
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)
    fresh: bool = True

    @property
    def sentences(self) -> tuple[str, ...]:
        """The losses in plain words, most frequent first; empty where nothing was lost."""
        lost = sorted(self.dropped.items(), key=lambda item: (-item[1], item[0]))
        said = [f"{self.unread} of {self.asked} texts got no answer that could be read."] if self.unread else []
        said += [f"{count} × {REASONS[reason]}" for reason, count in lost]
        said += [f"Not asked about again: “{words}”. {why}" for words, why in list(self.refused.values())[:_MOST_NAMED]]
        if (more := len(self.refused) - _MOST_NAMED) > 0:
            said.append(f"{more} more texts are not taken and not asked about again.")
        if self.failed:
            first = next(iter(self.failed.values()))
            texts = "1 text" if len(self.failed) == 1 else f"{len(self.failed)} texts"
            said.append(f"{texts} got no answer; resume to ask again. {first}")
        return tuple(said)


def propose_many(
    generator: LLMGenerator,
    asks: Sequence[Ask],
    n: int | None = None,
    on_result: Callable[[Ask, Proposals], object] = lambda ask, proposals: None,
    progress: Progress = silent,
    poll_s: float = 0.5,
) -> Outcome:
    """Proposals for many texts, at most settings.max_in_flight calls open at a time.

    on_result and progress run in the caller's thread, in the order of completion; progress is also called every
    poll_s seconds, so that a Cancelled it raises ends the run at once (calls then open still keep their replies).
    A call that fails for one text is counted and the run goes on; a text that the endpoint does not take is named and not
    asked about again. A failure that the next call would share (key, address, model), or the same text after text, ends the
    run with EndpointError once finished texts were handed over.
    """
    settings = generator.client.settings
    samples = n or settings.n
    if samples < 1:
        raise BadInput(f"Ask for at least 1 candidate a text; got {samples}.")
    stop = threading.Event()
    tally = _Tally(None if settings.cost(0, 0) is None else 0.0)
    ending: EndpointError | None = None
    pool = ThreadPoolExecutor(settings.max_in_flight, thread_name_prefix="llm")
    waiting = iter(asks)
    running: dict[Future[Proposals], Ask] = {}

    def submit() -> None:
        ask = next(waiting, None) if ending is None else None
        if ask is not None:
            running[pool.submit(generator.ask, ask, samples, stop.is_set)] = ask

    try:
        for _ in range(settings.max_in_flight):
            submit()
        while running:
            finished, _ = wait(running, timeout=poll_s, return_when=FIRST_COMPLETED)
            for future in finished:
                ask = running.pop(future)
                try:
                    result = future.result()
                except EndpointError as error:
                    fatal = tally.fail(ask, error)
                    ending = ending or fatal
                else:
                    tally.add(result)
                    tally.cached += result.cached
                    on_result(ask, result)
                tally.done += 1
                submit()
            progress(tally.done, len(asks), f"{tally.proposed} texts from {settings.model}")
    finally:
        stop.set()
        pool.shutdown(wait=False, cancel_futures=True)
    if ending is not None:
        raise ending
    return tally.outcome()


@dataclass
class _Tally:
    """What a run has come to so far. cost: None where no price was given. in_a_row: calls that failed since the last answer."""

    cost: float | None
    done: int = 0
    proposed: int = 0
    cached: int = 0
    in_a_row: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    asked: int = 0
    unread: int = 0
    refused: dict[str, tuple[str, str]] = field(default_factory=dict)

    def add(self, result: Proposals) -> None:
        self.in_a_row = 0
        self.asked += 1
        self.unread += result.unread
        self.proposed += len(result.counterfactuals)
        self.dropped.update(result.dropped)
        self.cost = None if self.cost is None else self.cost + (result.cost_usd or 0.0)

    def fail(self, ask: Ask, error: EndpointError) -> EndpointError | None:
        """Count a call that failed; the error where the next call would fail as well."""
        self.asked += 1
        self.cost = None if self.cost is None else self.cost + error.cost_usd
        if error.about_text:
            self.refused[ask.example.id] = first_words(ask.example.text), str(error)
            return None
        self.failed[ask.example.id] = str(error)
        self.in_a_row += not error.unanswered
        return error if error.fatal or self.in_a_row >= MAX_FAILURES_IN_A_ROW else None

    def outcome(self) -> Outcome:
        counts = self.asked, self.unread, self.refused, self.cached < self.proposed + sum(self.dropped.values())
        return Outcome(self.proposed, dict(self.dropped), self.failed, self.cached, self.cost, *counts)


def first_words(text: str) -> str:
    """The beginning of a text, by which a person knows it."""
    line = " ".join(text.split())
    return line if len(line) <= _FIRST_WORDS else f"{line[:_FIRST_WORDS].rstrip()}…"


def propose_locally(
    generator: LLMGenerator,
    asks: Sequence[Ask],
    n: int | None = None,
    on_result: Callable[[Ask, Proposals], object] = lambda ask, proposals: None,
    progress: Progress = silent,
    at_once: int = 8,
) -> Outcome:
    """As propose_many for a model on this machine: the replies of `at_once` texts are written together.

    Its client has prepare() (models.local_chat). A text too long for the model is counted and the run goes on.
    """
    client = generator.client
    if not isinstance(client, _Prepares):
        raise TypeError(f"propose_locally needs a client that prepares its replies together, not {type(client).__name__}.")
    samples, tally = n or client.settings.n, _Tally(0.0)
    for at in range(0, len(asks), at_once):
        part = asks[at : at + at_once]
        progress(at, len(asks), f"{tally.proposed} texts from {client.settings.model}")
        wanted = [(generator.prompt(ask).messages, ask.first_sample + i) for ask in part for i in range(samples)]
        try:
            tally.cached += len(wanted) - client.prepare(wanted)
        except BadInput:
            pass  # one of them is too long: each is asked alone below
        for ask in part:
            try:
                result = generator.ask(ask, samples)
            except BadInput as error:
                tally.asked += 1
                tally.failed[ask.example.id] = str(error)
                continue
            tally.add(result)
            on_result(ask, result)
    progress(len(asks), len(asks), f"{tally.proposed} texts from {client.settings.model}")
    return tally.outcome()
