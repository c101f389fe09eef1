"""Plain messages for what can go wrong with an LLM endpoint. The key is never part of one.

Knows the `openai` client's errors; knows no cache, prompt or task.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from cod_core.errors import ModelUnavailable
from cod_core.models.completion import ServerError
from cod_core.models.pacing import retry_after

KEY_VARIABLE, ADDRESS_VARIABLE = "COD_LLM_KEY", "COD_LLM_BASE_URL"


class EndpointError(ModelUnavailable):
    """A call failed, or was not made. reason: unreachable, key, not_found, rate, quota, loading, server, timeout, request, text,
    format, unconfirmed, batch.

    fatal: the next call would fail the same way, so a run stops. An answer that cannot be read is not: one may be
    garbled by the way; an address that is no API garbles all, and a run stops after a few in a row. about_text: this text is
    at fault and no other: it is named and not asked about again. unanswered: a batch ended without this answer. cost_usd: of
    the replies to the same text that came before.
    """

    def __init__(self, message: str, reason: str):
        super().__init__(message)
        self.reason, self.cost_usd = reason, 0.0

    @property
    def fatal(self) -> bool:
        return self.reason in ("unreachable", "key", "not_found", "quota", "request", "unconfirmed")

    @property
    def about_text(self) -> bool:
        return self.reason == "text"

    @property
    def unanswered(self) -> bool:
        return self.reason == "batch"


@dataclass(eq=False)
class Trouble(Exception):
    """One call that failed, before anybody decides whether it is tried again. reason: as of EndpointError; about a text only
    where the server says so. status: of HTTP, 0 for none. said: the server's words. wait: seconds that it asks to wait."""

    reason: str
    status: int = 0
    said: str = ""
    wait: float | None = None
    there: str = ""  # where a redirect points

    @property
    def passes(self) -> bool:
        """Whether the same call may work a moment later."""
        return self.reason in ("rate", "loading", "server", "timeout", "unreachable", "format")

    @property
    def may_be_refusal(self) -> bool:
        """Whether it may be about something that the request holds, said or not."""
        return self.reason in ("request", "server") and self.status in (400, 422, 500, 501)


def redact(message: str, key: str = "") -> str:
    """The message without the key and without anything that looks like one."""
    clean = message.replace(key, "[key]") if key else message
    return re.sub(r"\b(?:sk|key|gsk|hf)[-_][\w*\-]{6,}|Bearer\s+\S+", "[key]", clean)


def plain_http_warning(base_url: str) -> str:
    """A sentence for whoever is about to send a key and texts over plain http to another machine; "" where nobody can read along."""
    parts = urlsplit(base_url.strip())
    if parts.scheme != "http" or _on_this_machine(parts.hostname or ""):
        return ""
    return (
        f"Everybody on the way to {parts.hostname} can read the texts and the key, for this address begins with http:// and not "
        "with https://. Use https, or a tunnel to that machine (ssh -L), unless the network is your own."
    )


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# ---- what happened

_TAG = re.compile(r"<[^<>]{0,400}>")
_TOO_LONG = re.compile(
    r"context.{0,12}(?:length|window|size)|maximum (?:context|input|prompt)|max_model_len|too (?:long|large|many tokens)|"
    r"reduce the (?:length|number)|exceeds? .{0,40}(?:tokens|context|length)|above.max.length|longer than",
    re.I,
)
_FILTERED = re.compile(
    r"content.{0,12}(?:filter|policy|management)|responsibleai|data.inspection|flagged|moderation|safety (?:system|setting|filter)|"
    r"inappropriate|prohibited.content|usage polic",
    re.I,
)
_NO_CREDIT = re.compile(
    r"insufficient.{0,3}(?:quota|balance|credit|funds)|exceeded your current quota|credit balance|billing|out of credits", re.I
)


def trouble_of(error: Exception) -> Trouble:
    """What an error of the client, of the body's reader or of the body itself says."""
    import openai

    if isinstance(error, ServerError):
        said = words_of(error.body)
        return trouble_of_status(error.status, said, None) if error.status >= 400 else Trouble(_by_words(said) or "server", 0, said)
    if isinstance(error, openai.APITimeoutError):
        return Trouble("timeout")
    if isinstance(error, openai.APIConnectionError):
        return Trouble("unreachable")
    if isinstance(error, openai.APIStatusError):
        there = urlsplit(error.response.headers.get("location", "")).netloc.rpartition("@")[2]
        found = trouble_of_status(error.status_code, words_of(error.body), retry_after(error.response.headers))
        found.there = there[:100] or "another place"
        return found
    return Trouble("format")


def trouble_of_status(status: int, said: str, wait: float | None) -> Trouble:
    """What an answer of 400 and more says. said: the server's words. wait: seconds that it asks to wait."""
    if status == 402 or (status in (400, 403, 429) and _NO_CREDIT.search(said)):
        return Trouble("quota", status, said)
    if status == 413 or (status in (400, 403, 422, 500) and _by_words(said)):
        return Trouble("text", status, said)
    usual = {401: "key", 403: "key", 404: "not_found", 405: "not_found", 429: "rate", 503: "loading", 529: "rate"}
    passing = status >= 500 or status in (408, 409, 425)
    return Trouble(usual.get(status, "server" if passing else "request"), status, said, wait)


def _by_words(said: str) -> str | None:
    return "text" if _TOO_LONG.search(said) or _FILTERED.search(said) else None


def words_of(body: object) -> str:
    """What the server said about a failure, as it came, at most 300 characters, with what its content filter found."""
    if isinstance(body, Mapping):
        inner = body.get("error") if isinstance(body.get("error"), Mapping) else body
        said = (
            f"{inner.get('param') or ''} {inner.get('message') or inner.get('error') or inner.get('detail') or ''}"
            if isinstance(inner, Mapping)
            else ""
        )
        code = inner.get("code") if isinstance(inner, Mapping) else None
        named = f" ({code})" if isinstance(code, str) and _FILTERED.search(code) and not _FILTERED.search(said) else ""
        body = said + named + _filtered(inner)
    return " ".join(_TAG.sub(" ", str(body or "")[:3000]).split())[:300]


def _filtered(error: object) -> str:
    """ " [violence: medium]" of Azure's content filter."""
    inner = error.get("innererror") if isinstance(error, Mapping) else None
    found = inner.get("content_filter_result") if isinstance(inner, Mapping) else None
    hits = (
        [f"{name}: {hit.get('severity') or 'found'}" for name, hit in found.items() if isinstance(hit, Mapping) and hit.get("filtered")]
        if isinstance(found, Mapping)
        else []
    )
    return f" [{', '.join(hits)}]" if hits else ""


# ---- how it is said


def explain(trouble: Trouble, host: str, model: str, key: str, timeout: float, worked: bool = False) -> EndpointError:
    """The EndpointError for a call that failed. key: taken out of what the server said. timeout: in seconds. worked: whether the
    endpoint has answered before, so that its address is right."""
    said = redact(trouble.said, key)  # servers repeat the key they were sent
    message = _message(trouble, host, model, timeout, f" It said: {said}" if said else "", worked)
    return EndpointError(message, trouble.reason)


def _message(trouble: Trouble, host: str, model: str, timeout: float, said: str, worked: bool) -> str:
    status = f" (error {trouble.status})" if trouble.status else ""
    if 300 <= trouble.status < 400:
        return (
            f"{host} sent the request on to {trouble.there}{status}, where nothing was sent: "
            "texts go to addresses that a person named. If that address is right, give it as the address of the model."
        )
    if trouble.reason == "text":
        return f"{_about_text(trouble, host, model)}{status}.{said}"
    if trouble.reason == "not_found":
        return f"{host} knows no model {model!r} at this address{status}. Check the model's name{_or_address(trouble, worked)}.{said}"
    if trouble.reason == "format" and worked:
        return f"{host} sent an answer that could not be read, also when asked again. Others were read, so the address is right."
    return {
        "timeout": f"{host} did not answer within {timeout:g} seconds, also when asked again. Finished replies "
        "are kept. Try again later, choose a faster model, or allow fewer calls at a time.",
        "unreachable": f"{host} could not be reached. Check {'' if worked else 'the address and '}that the server runs and can be "
        "reached from this machine. Finished replies are kept.",
        "key": f"{host} refused the key{status}. Check that the key is right and may use "
        f"{model}; it is given in the session or in {KEY_VARIABLE}, and is not stored. Where {ADDRESS_VARIABLE} "
        f"is set, that key goes to this address only.{said if trouble.status == 403 else ''}",
        "rate": f"{host} turned the call away: too many requests{status}, also after waiting. Finished replies are kept. "
        f"Go on later, or allow fewer calls at a time.{said}",
        "quota": f"{host} turned the call away: the credit is used up{status}. Finished replies are kept. Go on once it is paid for.{said}",
        "loading": f"{host} is not ready{status}, also after waiting. Finished replies are kept. Go on in a few minutes.{said}",
        "server": f"{host} failed{status}, also when asked again. Finished replies are kept. Try again later.{said}",
        "request": f"{host} did not accept the request for {model}{status}.{said}",
        "format": f"{host} answered, but not as an OpenAI-compatible endpoint does. Check that the address is that "
        "of the API, which usually ends in /v1.",
    }[trouble.reason]


def _about_text(trouble: Trouble, host: str, model: str) -> str:
    if _FILTERED.search(trouble.said):
        return f"The content filter of {host} refused this text"
    if trouble.status == 413 or _TOO_LONG.search(trouble.said):
        return f"This text is too long for {model} at {host}"
    return f"{host} did not accept this text, and accepts others"


def _or_address(trouble: Trouble, worked: bool) -> str:
    of_model = worked or re.search(r"\bmodel\b|deployment", trouble.said, re.I)
    return "" if of_model else ", and that the address is the one that ends in /v1"
