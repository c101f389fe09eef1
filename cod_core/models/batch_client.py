"""A client that has many questions answered together, as batches, and hands the answers out one by one afterwards.

Knows no task and no database: what is under way is kept by two callables, so that whoever asks again after a restart waits for the
batch that was sent, and pays for nothing twice. Each answer is kept as the client underneath keeps those of single calls.
"""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from cod_core.models.batches import Batches, Line, Standing
from cod_core.models.chat import LLMClient, LLMSettings, Messages, Reply, reply_key
from cod_core.models.endpoint_errors import EndpointError, Trouble, redact
from cod_core.models.quirks import Wishes
from cod_core.progress import Progress

MOST_ANSWERS = 2_000  # of a batch: 32 kB each before their file is larger than what is read of one
PASSING = ("unreachable", "key", "rate", "quota", "loading", "server", "timeout", "unconfirmed")  # asked again, it may be read
MOST_SAID = 300  # characters of why a batch failed
MOST_BYTES = 32 * 2**20  # of a file of requests
FIRST_LOOK_S, MOST_LOOK_S, STEP_S = 2.0, 60.0, 0.5
PATIENCE_S = 1_800.0  # how long a service that answers no question about its batches is asked again
_TRIES_ALONE = 3


@dataclass(frozen=True)
class Question:
    """One prompt and how many answers are wanted, from `sample` on."""

    messages: Messages
    sample: int
    count: int
    response_format: dict[str, Any] | None = None


Fresh = list[tuple[Question, dict[str, int]]]  # questions with the answers that they lack: key -> number of the sample
Request = tuple[str, dict[str, Any], list[str]]  # custom_id, the fields of the request, the keys of its answers


@dataclass(frozen=True)
class Sent:
    """A batch that was sent. id: "" until the service has named it. asked: custom_id -> the keys of the answers wanted.

    cancelled: by a person here.
    """

    file: str
    id: str
    asked: dict[str, list[str]]
    cancelled: bool = False

    @property
    def keys(self) -> frozenset[str]:
        """The keys of all answers that it is to bring."""
        return frozenset(key for keys in self.asked.values() for key in keys)


class BatchClient:
    """An LLMClient whose questions are sent ahead, together (`send`). `chat` answers from the record and calls nobody.

    get_sent() -> what put_sent(list) kept of the batches under way, [] where there is nothing.
    """

    def __init__(
        self, client: LLMClient, get_sent: Callable[[], list[dict[str, Any]]], put_sent: Callable[[list[dict[str, Any]]], object]
    ) -> None:
        self.client, self.batches = client, Batches(client.endpoint)
        self._get_sent, self._put_sent = get_sent, put_sent
        self._waiting: list[Sent] = []
        self._why: dict[str, str] = {}  # key of an answer that a batch did not bring -> why

    @property
    def settings(self) -> LLMSettings:
        """Those of the client underneath."""
        return self.client.settings

    @property
    def notes(self) -> list[str]:
        """Those of the client underneath."""
        return self.client.notes

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
        """As LLMClient.chat, of what is on record. Raises EndpointError, its reason "batch", where no batch brought the answer."""
        heat = self.settings.temperature if temperature is None else temperature
        key = reply_key(self.settings, messages, heat, sample, top_logprobs is not None)
        if not self.client.knows(key):
            raise EndpointError(self._why.get(key) or self.batches.said_of(None), "batch")
        return self.client.chat(messages, sample, temperature, top_logprobs, max_tokens, response_format)

    def missing(self, question: Question) -> dict[str, int]:
        """key -> number of the sample, of its answers that are not on record."""
        samples = range(question.sample, question.sample + question.count)
        keys = {reply_key(self.settings, question.messages, self.settings.temperature, sample): sample for sample in samples}
        return {key: sample for key, sample in keys.items() if not self.client.knows(key)}

    def send(self, questions: Sequence[Question], progress: Progress) -> Iterator[frozenset[str]]:
        """Have the questions answered; gives the keys that are still under way, first at once and then whenever a batch has ended.

        Questions that an earlier run sent are waited for and not sent again. progress is called twice a second. Whatever ends
        this, the batches go on where they are (see cancel). Raises EndpointError, and what progress raises.
        """
        self._earlier(progress)
        under_way = {key for one in self._waiting for key in one.keys}
        fresh: list[tuple[Question, dict[str, int]]] = []
        for question in questions:
            if keys := {key: sample for key, sample in self.missing(question).items() if key not in under_way}:
                fresh.append((question, keys))
                under_way |= keys.keys()
        self._send(self._but_one(fresh), progress)
        wanted = {key for one in questions for key in self.missing(one)}
        self._waiting = [one for one in self._waiting if one.keys & wanted]
        yield self._under_way()
        for ended in self._ended(list(self._waiting), progress):
            self._waiting.remove(ended)
            yield self._under_way()

    def cancel(self) -> None:
        """Have the service stop what is waited for. Answers until then come to the next run. Raises EndpointError where one goes on."""
        going: list[EndpointError] = []
        for one in self._waiting:
            self._remember(replace(one, cancelled=True))
            try:
                self.batches.cancel(one.id)
            except EndpointError as error:
                if not self._over(one):
                    going.append(EndpointError(f"The batch {one.id} could not be cancelled and goes on. {error}", error.reason))
        if going:
            raise going[0]

    def _over(self, one: Sent) -> bool:
        """Whether a batch has ended by itself, so that there is nothing to cancel; False where that cannot be told."""
        try:
            standing = self.batches.standing(one.id)
        except EndpointError:
            return False
        return standing is None or standing.ended

    def _under_way(self) -> frozenset[str]:
        return frozenset(key for one in self._waiting for key in one.keys)

    # ---- sending

    def _but_one(self, fresh: Fresh) -> Fresh:
        """The questions without the first, which is asked by itself: so it is known what the model refuses, and a thousand requests
        do not come back for one field. A text that is not taken says nothing of the others."""
        for at, (question, keys) in enumerate(fresh[:_TRIES_ALONE]):
            first = min(keys.values())
            try:
                self.client.chat(question.messages, first, response_format=question.response_format, ahead=len(keys) - 1)
            except EndpointError as error:
                if error.about_text:
                    continue
                raise
            self.client.count_as_new(keys)
            return [(one, left) for one, wanted in fresh[at:] if (left := {k: n for k, n in wanted.items() if not self.client.knows(k)})]
        return fresh[_TRIES_ALONE:]

    def _send(self, fresh: Fresh, progress: Progress) -> None:
        """Send the questions as batches, each on record before the service begins with it."""
        requests, gone = [one for question, keys in fresh for one in self._requests(question, keys)], 0
        for part in _parts(requests):
            progress(gone, len(requests), f"sending {len(requests):,} requests to {self.settings.host}")
            file = self.batches.upload([(name, body) for name, body, _ in part])
            sent = Sent(file, "", {name: keys for name, _, keys in part})
            self._remember(sent)
            try:
                made = self.batches.create(file)
            except EndpointError as error:
                if error.reason != "unreachable" and error.fatal:  # else it may have been made, and the next run looks for it
                    self._drop(sent)
                    self.batches.forget([file])
                raise
            self._waiting.append(self._begun(sent, made))
            gone += len(part)

    def _requests(self, question: Question, keys: dict[str, int]) -> Iterator[Request]:
        """One request for all answers, or one for each where the model gives no several. A custom_id is the key of the first
        answer, which tells nothing."""
        wire = [{"role": role, "content": content} for role, content in question.messages]
        wishes: Wishes = {"temperature": self.settings.temperature, "seed": min(keys.values())}
        if question.response_format is not None:
            wishes["response_format"] = question.response_format
        if len(keys) > 1 and "samples" not in self.client.quirks.left_out:
            yield next(iter(keys)), self.client.quirks.wire(wire, {**wishes, "n": len(keys)}), list(keys)
            return
        for key, sample in keys.items():
            yield key, self.client.quirks.wire(wire, {**wishes, "seed": sample}), [key]

    def _begun(self, sent: Sent, standing: Standing) -> Sent:
        if not standing.id:
            raise self.batches.not_offered()
        begun = replace(sent, id=standing.id)
        self._remember(begun)
        return begun

    # ---- waiting

    def _earlier(self, progress: Progress) -> None:
        """Wait for what earlier runs sent and is not answered yet. What ended meanwhile is kept; one that was cancelled ends in
        minutes; one that the service never made is forgotten, and this run sends what it wants of it."""
        self._waiting = []
        for one in self._sent():
            if not one.id:  # the process ended while it was made
                if (made := self.batches.of_file(one.file)) is None:
                    self._drop(one)
                    self.batches.forget([one.file])
                    continue
                one = self._begun(one, made)
            standing = self.batches.standing(one.id)
            if standing is None:
                self._drop(one)
                raise EndpointError(
                    f"{self.settings.host} does not know the batch {one.id} any more, so its answers are lost. "
                    "Start again to send the requests anew.",
                    "request",
                )
            if standing.ended:
                self._collect(one, standing)
            elif one.cancelled or standing.state == "cancelling":
                list(self._ended([one], progress))
            else:
                self._waiting.append(one)

    def _ended(self, waiting: list[Sent], progress: Progress) -> Iterator[Sent]:
        """Each batch once it has ended and what it brought is kept."""
        total, done = sum(len(one.asked) for one in waiting), {one.id: 0 for one in waiting}
        wait, heard = FIRST_LOOK_S, time.monotonic()
        while waiting:
            for one in list(waiting):
                try:
                    standing = self.batches.standing(one.id) or Standing(one.id, "expired")
                except EndpointError as error:
                    if (error.fatal and error.reason != "unreachable") or time.monotonic() - heard > PATIENCE_S:
                        raise
                    break
                heard = time.monotonic()
                done[one.id] = len(one.asked) if standing.ended else min(len(one.asked), standing.answered + standing.failed)
                if standing.ended:
                    self._collect(one, standing)
                    waiting.remove(one)
                    yield one
            self._wait(wait if waiting else 0, progress, sum(done.values()), total)
            wait = min(MOST_LOOK_S, wait * 1.5)

    def _wait(self, seconds: float, progress: Progress, ready: int, total: int) -> None:
        """Seconds pass, in which it is looked twice a second whether to stop."""
        until = time.monotonic() + seconds
        while True:
            progress(ready, total, f"{ready:,} of {total:,} requests are answered; {self.settings.host} has a day for them")
            if (rest := until - time.monotonic()) <= 0:
                return
            time.sleep(min(STEP_S, rest))

    def _collect(self, sent: Sent, standing: Standing) -> None:
        """Keep what a batch brought, and why it did not bring the rest. Raises EndpointError where the service took none of it."""
        lines, lost = self._came(sent, standing)
        answered = any(one.replies for one in lines.values())
        for name, keys in sent.asked.items():
            line = lines.get(name, Line(name))
            if line.replies:
                self.client.keep(keys, line.replies)
            elif line.trouble and _about_text(line.trouble, answered):
                self.client.refuse(keys, str(self.batches.endpoint.plain(replace(line.trouble, reason="text"))))
            why = self.batches.said_of(line.trouble)
            self._why.update({key: why for key in keys if not self.client.knows(key)})
        self._drop(sent)
        self.batches.forget([sent.file, *standing.files])
        if lost is not None:
            raise EndpointError(
                f"The answers of the batch {sent.id} cannot be had from {self.settings.host} any more. {lost} "
                "Start again to send the requests anew.",
                "request",
            )
        if standing.state == "failed" and not lines:
            said = redact(standing.said, self.batches.endpoint.key)[:MOST_SAID]
            raise EndpointError(f"{self.settings.host} did not take the batch, and answered nothing. It said: {said}", "request")

    def _came(self, sent: Sent, standing: Standing) -> tuple[dict[str, Line], EndpointError | None]:
        """custom_id -> what came of it; and why the rest cannot be had, where its file is gone or larger than what is read. Such a
        batch is done with: it would end every later run in the same way."""
        lines: dict[str, Line] = {}
        try:
            for came in self.batches.lines(standing):
                if came.id in sent.asked and not lines.get(came.id, Line("")).replies:
                    lines[came.id] = came
        except EndpointError as error:
            if error.reason in PASSING:
                raise
            return lines, error
        return lines, None

    # ---- what is under way

    def _sent(self) -> list[Sent]:
        return [Sent(**one) for one in self._get_sent()]

    def _remember(self, sent: Sent) -> None:
        self._put_sent([asdict(one) for one in self._sent() if one.file != sent.file] + [asdict(sent)])

    def _drop(self, sent: Sent) -> None:
        self._put_sent([asdict(one) for one in self._sent() if one.file != sent.file])


def _about_text(trouble: Trouble, answered: bool) -> bool:
    """Whether it is this text that is not taken: the service says so, or it took others that were sent the same way."""
    return trouble.reason == "text" or (answered and trouble.status in (400, 422))


def _parts(requests: Sequence[Request]) -> Iterator[list[Request]]:
    """The requests in parts that a batch holds."""
    part, size, answers = list[Request](), 0, 0
    for one in requests:
        of_one = len(json.dumps(one[1]))
        if part and (answers + len(one[2]) > MOST_ANSWERS or size + of_one > MOST_BYTES):
            yield part
            part, size, answers = [], 0, 0
        part.append(one)
        size, answers = size + of_one, answers + len(one[2])
    if part:
        yield part
