"""From the body of a chat completion to replies, whatever the server made of the format. Pure: knows no HTTP and no task."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

REFUSED = "refused"  # the finish_reason of a record that says: the server does not take this text, and why


@dataclass(frozen=True)
class Reply:
    """One answer of the endpoint. logprobs: one position per token, each a list of (token, log-probability); () if none.

    tokens_in, tokens_out: as the endpoint counted them, 0 where it did not. cached: no call was made for it. left_out: what was
    asked for and not sent, since the model refuses it (see models.quirks).
    """

    content: str
    refusal: str | None = None
    finish_reason: str = "stop"
    request_id: str | None = None
    tokens_in: int = 0
    tokens_out: int = 0
    logprobs: tuple[tuple[tuple[str, float], ...], ...] = ()
    cached: bool = False
    left_out: tuple[str, ...] = ()

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Reply":
        """The Reply that put_reply was handed, as a cached one."""
        rows = tuple(tuple((t, v) for t, v in row) for row in values.get("logprobs") or ())
        return cls(**{**values, "logprobs": rows, "left_out": tuple(values.get("left_out") or ()), "cached": True})

    @property
    def says_something(self) -> bool:
        """Whether it is worth keeping: an empty one is asked for again."""
        return bool(self.content.strip() or self.refusal or self.finish_reason == "content_filter")


class ServerError(Exception):
    """A body with status 200 that holds an error. status: the one it names, 0 where it names none. body: the error's mapping."""

    def __init__(self, status: int, body: Mapping[str, Any]):
        super().__init__("the body holds an error")
        self.status, self.body = status, body


def read_completion(raw: bytes) -> list[Reply]:
    """The replies of a body, one a choice; usage is shared out among them.

    Raises ServerError where the body is an error, ValueError where it is no chat completion.
    """
    try:
        body = json.loads(raw)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(body, Mapping):
        raise ValueError("not an object")
    choices = body.get("choices")
    failed = body.get("error")
    if failed and not (isinstance(choices, list) and choices):
        raise _server_error(failed)
    if not isinstance(choices, list) or not choices:
        raise ValueError("not a chat completion")
    if isinstance(choices[0], Mapping) and choices[0].get("error"):
        raise _server_error(choices[0]["error"])
    usage = body.get("usage")
    counts = [_count(usage, "prompt_tokens"), _count(usage, "completion_tokens")]
    shares = [[count // len(choices) + (i < count % len(choices)) for i in range(len(choices))] for count in counts]
    request_id = body.get("id") if isinstance(body.get("id"), str) else None
    return [_reply(choice, request_id or None, shares[0][i], shares[1][i]) for i, choice in enumerate(choices)]


def _server_error(failed: object) -> ServerError:
    values = failed if isinstance(failed, Mapping) else {"message": str(failed)}
    code = values.get("code", values.get("status"))
    status = int(code) if isinstance(code, int | str) and str(code).isdigit() and 100 <= int(code) < 600 else 0
    return ServerError(status, values)


def _count(usage: object, name: str) -> int:
    value = usage.get(name) if isinstance(usage, Mapping) else None
    return value if isinstance(value, int) and value > 0 else 0


def _reply(choice: object, request_id: str | None, tokens_in: int, tokens_out: int) -> Reply:
    message = choice.get("message") if isinstance(choice, Mapping) else None
    if not isinstance(choice, Mapping) or not isinstance(message, Mapping):
        raise ValueError("not a chat completion")
    reason, refusal = choice.get("finish_reason"), message.get("refusal")
    return Reply(
        content=text_of(message.get("content")),
        refusal=refusal if isinstance(refusal, str) and refusal else None,
        finish_reason=reason if isinstance(reason, str) and reason else "stop",
        request_id=request_id,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        logprobs=_token_logprobs(choice.get("logprobs")),
    )


def text_of(content: object) -> str:
    """The text of a message's content: a string, or a list of parts of which those that hold thoughts are passed over."""
    if isinstance(content, str):
        return content
    if not isinstance(content, Sequence):
        return ""
    parts = [part if isinstance(part, str) else _of_part(part) for part in content]
    return "".join(parts)


def _of_part(part: object) -> str:
    if not isinstance(part, Mapping) or part.get("type", "text") not in ("text", "output_text"):
        return ""
    text = part.get("text")
    value = text.get("value") if isinstance(text, Mapping) else text
    return value if isinstance(value, str) else ""


def _token_logprobs(given: object) -> tuple[tuple[tuple[str, float], ...], ...]:
    positions = given.get("content") if isinstance(given, Mapping) else None
    rows = []
    for position in positions if isinstance(positions, list) else ():
        if not isinstance(position, Mapping):
            continue
        listed = [one for one in position.get("top_logprobs") or () if isinstance(one, Mapping)]
        row = {str(one.get("token")): float(one["logprob"]) for one in listed if _number(one.get("logprob"))}
        if _number(position.get("logprob")):
            row.setdefault(str(position.get("token")), float(position["logprob"]))
        rows.append(tuple(sorted(row.items(), key=lambda pair: -pair[1])))
    return tuple(rows)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
