"""What a model does not take, found out once and remembered: each thing is left out by itself, and said in words.

Knows the fields of a request, no HTTP and no store: what is remembered goes through two callables.
"""

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypedDict

Wire = list[dict[str, str]]


class Wishes(TypedDict, total=False):
    """What a request asks for beside its messages, by the names of the wire; what is not in it is not asked for."""

    temperature: float
    seed: int
    n: int
    max_tokens: int
    logprobs: bool
    top_logprobs: int
    response_format: dict[str, Any]


# name of a thing -> the fields of a request that make it up; in the order in which they are suspected
FIELDS: dict[str, tuple[str, ...]] = {
    "json": ("response_format",),
    "alternatives": ("top_logprobs",),
    "logprobs": ("logprobs", "top_logprobs"),
    "samples": ("n",),
    "seed": ("seed",),
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens",),
    "system": ("messages",),
}
SWITCHES = ("temperature", "json", "logprobs", "samples", "seed")  # what a person may leave out from the start
SAID = {
    "json": "takes no schema for its replies, so it was asked in words alone",
    "logprobs": "gives no probabilities of words",
    "seed": "takes no seed, so its replies cannot be repeated exactly",
    "temperature": "takes no temperature, so its own is used",
    "system": "takes no system message, so it was put before the text",
}
_NAMED = {
    "json": re.compile(r"response_?format|json_?schema|structured|\bschema\b|\bjson\b|grammar", re.I),
    "alternatives": re.compile(r"top_?logprobs", re.I),
    "logprobs": re.compile(r"logprob|log_prob", re.I),
    "samples": re.compile(
        r"'n'|\bparameter:? \bn\b|\bn\b (?:must|should|>|is|value)|multiple (?:choices|completions|candidates)|candidate_?count", re.I
    ),
    "seed": re.compile(r"\bseed\b", re.I),
    "temperature": re.compile(r"temperature", re.I),
    "max_tokens": re.compile(r"max_?(?:completion_)?tokens", re.I),
    "system": re.compile(r"system (?:role|message|prompt|instruction)|role.{0,20}system|roles must alternate|developer instruction", re.I),
}
FEW = 5  # alternatives of a word that all endpoints that give any allow


class Quirks:
    """What one model does not take; safe to use from several threads.

    without: names of SWITCHES left out from the start. get() -> names on record, put(names) keeps them.
    """

    def __init__(
        self,
        without: Iterable[str] = (),
        get: Callable[[], Iterable[str]] = tuple,
        put: Callable[[tuple[str, ...]], object] = lambda names: None,
    ):
        self._switched_off = frozenset(without) & FIELDS.keys()
        self._learnt = frozenset(get()) & FIELDS.keys()
        self._put, self._lock = put, threading.Lock()
        self.news: list[str] = []  # names learnt since this object was made, in order

    @property
    def left_out(self) -> frozenset[str]:
        """Names of everything that is left out now."""
        return self._switched_off | self._learnt

    def learn(self, names: Iterable[str]) -> None:
        """The model takes requests without these."""
        with self._lock:
            new = [name for name in FIELDS if name in set(names) - self._learnt]
            if new:
                self._learnt |= frozenset(new)
                self.news += new
                self._put(tuple(sorted(self._learnt)))

    def sentences(self, model: str) -> list[str]:
        """What was found out since this object was made, in words; not what makes no difference to the person."""
        return [f"{model} {SAID[name]}." for name in self.news if name in SAID]

    def wire(self, messages: Wire, options: Wishes, also: Iterable[str] = ()) -> dict[str, Any]:
        """The fields of a request. also: names left out this time."""
        out = self.left_out | frozenset(also)
        gone = {field for name in out - {"alternatives", "system"} for field in FIELDS[name]}
        sent: dict[str, Any] = {field: value for field, value in options.items() if field not in gone}
        if "max_tokens" in out and "max_tokens" in options:
            sent["max_completion_tokens"] = options["max_tokens"]
        if "alternatives" in out and "top_logprobs" in sent:
            sent["top_logprobs"] = min(FEW, sent["top_logprobs"])
        sent["messages"] = _without_system(messages) if "system" in out else messages
        return sent

    def suspects(self, sent: Mapping[str, Any]) -> list[str]:
        """Names of the things in a request that could be left out of it."""
        names = [name for name, fields in FIELDS.items() if name not in ("system", "alternatives") and fields[0] in sent]
        if sent.get("top_logprobs", 0) > FEW:
            names.insert(names.index("logprobs"), "alternatives")
        if len(sent["messages"]) > 1 and sent["messages"][0]["role"] == "system":
            names.append("system")
        return names


def named_in(words: str, suspects: Iterable[str]) -> str | None:
    """The first suspect that a server's message names; None where it names none."""
    return next((name for name in suspects if _NAMED[name].search(words)), None)


def attempts(suspects: list[str]) -> Iterator[frozenset[str]]:
    """What to leave out, one attempt after another: each thing by itself, then more and more of them."""
    yield from (frozenset([name]) for name in suspects)
    yield from (frozenset(suspects[:count]) for count in range(2, len(suspects) + 1))


def _without_system(messages: Wire) -> Wire:
    if not messages or messages[0]["role"] != "system" or len(messages) < 2:
        return messages
    first, second = messages[0], messages[1]
    return [{"role": "user", "content": f"{first['content']}\n\n{second['content']}"}, *messages[2:]]
