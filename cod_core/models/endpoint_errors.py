"""Plain messages for what can go wrong with an LLM endpoint. The key is never part of one.

Knows the `openai` client's errors; knows no cache, prompt or task.
"""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from cod_core.errors import ModelUnavailable

KEY_VARIABLE, ADDRESS_VARIABLE = "COD_LLM_KEY", "COD_LLM_BASE_URL"


class EndpointError(ModelUnavailable):
    """A call failed, or was not made. reason: unreachable, key, not_found, rate, server, timeout, request, format, unconfirmed.

    fatal: the next call would fail the same way, so a run stops. An answer that cannot be read is not: one may be
    garbled by the way; an address that is no API garbles all, and a run stops after a few in a row. cost_usd: of the
    replies to the same text that came before.
    """

    def __init__(self, message: str, reason: str):
        super().__init__(message)
        self.reason, self.cost_usd = reason, 0.0

    @property
    def fatal(self) -> bool:
        return self.reason in ("unreachable", "key", "not_found", "request", "unconfirmed")


def redact(message: str, key: str = "") -> str:
    """The message without the key and without anything that looks like one."""
    clean = message.replace(key, "[key]") if key else message
    return re.sub(r"\b(?:sk|key|gsk|hf)[-_][\w*\-]{6,}|Bearer\s+\S+", "[key]", clean)


def server_words(error: Exception) -> str:
    """What the server said about the failure, as it came, at most 300 characters."""
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        body = f"{body.get('param') or ''} {body.get('message') or body.get('error') or body.get('detail') or ''}"
    return " ".join(str(body or "").split())[:300]


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


def explain(error: Exception, host: str, model: str, key: str, timeout: float) -> EndpointError:
    """The EndpointError for any error of the client. key: taken out of what the server said. timeout: in seconds."""
    if isinstance(error.__cause__, EndpointError):  # the client wraps what its HTTP raises
        return EndpointError(str(error.__cause__), error.__cause__.reason)
    said = redact(server_words(error), key)  # servers repeat the key they were sent
    reason, message = _reason(error, host, model, timeout, f" It said: {said}" if said else "")
    return EndpointError(message, reason)


def _reason(error: Exception, host: str, model: str, timeout: float, said: str) -> tuple[str, str]:
    """(reason, message), most specific first."""
    import openai

    if isinstance(error, openai.APITimeoutError):
        return "timeout", (
            f"{host} did not answer within {timeout:g} seconds, also when asked again. Finished replies "
            "are kept. Try again later, choose a faster model, or allow fewer calls at a time."
        )
    if isinstance(error, openai.APIConnectionError):
        return "unreachable", (
            f"{host} could not be reached. Check the address and that the server runs and can be "
            "reached from this machine. Finished replies are kept."
        )
    if isinstance(error, (openai.AuthenticationError, openai.PermissionDeniedError)):
        return "key", (
            f"{host} refused the key (error {error.status_code}). Check that the key is right and may use "
            f"{model}; it is given in the session or in {KEY_VARIABLE}, and is not stored. Where {ADDRESS_VARIABLE} "
            "is set, that key goes to this address only."
        )
    if isinstance(error, openai.NotFoundError):
        return "not_found", (
            f"{host} knows no model {model!r} at this address (error 404). Check the model's name, "
            f"and that the address is the one that ends in /v1.{said}"
        )
    if isinstance(error, openai.RateLimitError):
        return "rate", (
            f"{host} turned the call away: too many requests, or the credit is used up (error 429), also "
            f"when asked again. Finished replies are kept. Wait, or allow fewer calls at a time.{said}"
        )
    if isinstance(error, openai.APIStatusError):
        if 300 <= error.status_code < 400:
            there = urlsplit(error.response.headers.get("location", "")).netloc.rpartition("@")[2]
            return "request", (
                f"{host} sent the request on to {there[:100] or 'another place'} (error {error.status_code}), where nothing was sent: "
                "texts go to addresses that a person named. If that address is right, give it as the address of the model."
            )
        if error.status_code >= 500:
            return "server", (
                f"{host} failed (error {error.status_code}), also when asked again. Finished replies are kept. Try again later."
            )
        return "request", f"{host} did not accept the request for {model} (error {error.status_code}).{said}"
    return "format", (
        f"{host} answered, but not as an OpenAI-compatible endpoint does. Check that the address is that "
        "of the API, which usually ends in /v1."
    )
