"""What works at an address: one harmless sentence is sent, plain and with each wish, and the answer is said in words."""

import json
from dataclasses import asdict, dataclass
from typing import Any

from cod_core.models.completion import Reply
from cod_core.models.endpoint import HARMLESS, Endpoint
from cod_core.models.endpoint_errors import EndpointError, Trouble, explain
from cod_core.models.quirks import Wishes
from cod_core.said import msg, say

_SCHEMA = {
    "type": "json_schema",
    "json_schema": {
        "name": "test",
        "strict": True,
        "schema": {"type": "object", "properties": {"answer": {"type": "string"}}, "required": ["answer"], "additionalProperties": False},
    },
}


@dataclass(frozen=True)
class Finding:
    """One thing that was tried. works: None where it was not tried, since nothing works. quirk: what to leave out where not."""

    what: str
    works: bool | None
    words: str
    quirk: str = ""


@dataclass(frozen=True)
class Tryout:
    """What works at an address. names: the models that it lists."""

    host: str
    model: str
    findings: tuple[Finding, ...]
    names: tuple[str, ...] = ()

    @property
    def works(self) -> bool:
        """Whether the model answers at all."""
        return bool(self.findings and self.findings[0].works)

    def to_json(self) -> dict[str, Any]:
        return {**asdict(self), "findings": [asdict(one) for one in self.findings], "names": list(self.names)}


def try_out(endpoint: Endpoint) -> Tryout:
    """Five requests of one harmless sentence, no text of a project among them. Raises EndpointError only where nothing may be sent."""
    settings, names = endpoint.settings, _names(endpoint)
    found = [_chat(endpoint)]
    if found[0].works:
        found += [
            _tried(
                endpoint,
                msg("JSON replies"),
                "json",
                {"response_format": _SCHEMA, "max_tokens": 100},
                _is_json,
                msg("replies as the schema says"),
                msg("takes the schema and replies in other words"),
            ),
            _tried(
                endpoint,
                msg("probabilities"),
                "logprobs",
                {"logprobs": True, "top_logprobs": 5, "max_tokens": 8},
                lambda r: bool(r[0].logprobs),
                msg("gives probabilities of words: a teacher says how sure it is"),
                msg("gives none: a teacher here votes"),
            ),
            _tried(
                endpoint,
                msg("temperature"),
                "temperature",
                {"temperature": 0.0, "max_tokens": 8},
                bool,
                msg("takes the temperature that you choose"),
                "",
            ),
            _tried(
                endpoint,
                msg("several samples"),
                "samples",
                {"n": 2, "max_tokens": 8},
                lambda r: len(r) > 1,
                msg("gives several replies to one request"),
                msg("gives one reply a request: several are asked for one after another"),
            ),
        ]
    return Tryout(settings.host, settings.model, tuple(found), tuple(names))


def _names(endpoint: Endpoint) -> list[str]:
    try:
        return endpoint.names()
    except EndpointError as error:
        if error.reason == "unconfirmed":
            raise
        return []


def _chat(endpoint: Endpoint) -> Finding:
    try:
        reply = _ask(endpoint, {"max_tokens": 16})[0]
    except Trouble as trouble:
        return Finding("chat", False, _in_words(endpoint, trouble))
    except EndpointError as error:
        if error.reason == "unconfirmed":
            raise
        return Finding("chat", False, str(error))
    said = " ".join(reply.content.split())[:60]
    return Finding("chat", True, say("answered: “{said}”", said=said) if said else msg("answered with an empty reply"))


def _tried(endpoint: Endpoint, what: str, quirk: str, fields: Wishes, holds: Any, yes: str, no: str) -> Finding:
    """holds: whether the replies show that the wish was heeded."""
    try:
        replies = _ask(endpoint, fields)
    except Trouble as trouble:
        if trouble.may_be_refusal:
            return Finding(what, False, f"is refused and left out from now on ({trouble.said or f'error {trouble.status}'})"[:200], quirk)
        return Finding(what, None, _in_words(endpoint, trouble))
    except EndpointError as error:
        return Finding(what, None, str(error))
    return Finding(what, True, yes) if holds(replies) else Finding(what, False, no, "" if quirk == "json" else quirk)


def _ask(endpoint: Endpoint, fields: Wishes) -> list[Reply]:
    """The harmless sentence with some wishes, without what the model takes under no name."""
    messages = [{"role": "user", "content": HARMLESS}]
    sent = endpoint.quirks.wire(messages, fields)
    try:
        return endpoint.patiently(sent, retries=1)
    except Trouble as trouble:
        if "max_tokens" in sent and trouble.may_be_refusal and "max" in trouble.said:
            return endpoint.patiently(endpoint.quirks.wire(messages, fields, ["max_tokens"]), retries=1)
        raise


def _is_json(replies: list[Reply]) -> bool:
    try:
        value = json.loads(replies[0].content)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and "answer" in value


def _in_words(endpoint: Endpoint, trouble: Trouble) -> str:
    return str(explain(trouble, endpoint.settings.host, endpoint.settings.model, endpoint.key, endpoint.timeout))
