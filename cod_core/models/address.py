"""The address of a model server as people paste it: cleaned, checked, and taken apart for the client.

Holds no key, and refuses an address that does: it is stored with the project.
"""

import re
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, urlsplit

from cod_core.errors import BadInput

_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}(?:-preview)?|preview|latest|v1")
_TAIL = "/chat/completions"


@dataclass(frozen=True)
class Address:
    """text: as it is stored. url: what paths are added to. query: what each request carries ({"api-version": ...} of Azure)."""

    text: str
    url: str
    host: str
    site: str
    query: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, text: str) -> "Address":
        """Reads an address. Raises BadInput where it is none, or holds a key, a password or more of a query than an api-version."""
        parts = _parts(text.strip())
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        versioned = len(query) == 1 and query[0][0] == "api-version" and _VERSION.fullmatch(query[0][1])
        if parts.username or parts.password or parts.fragment or (parts.query and not versioned):
            raise BadInput(
                "The address of the model must not hold a key, a password or a '?' (but for ?api-version=2024-10-21 of Azure): it is "
                "stored with the project. Give the key in its own field."
            )
        path = parts.path.rstrip("/").removesuffix(_TAIL).rstrip("/")
        url = f"{parts.scheme}://{parts.netloc}{path}"
        kept = f"?api-version={query[0][1]}" if versioned else ""
        host = f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        return cls(url + kept, url, host, f"{parts.scheme}://{parts.hostname}:{port}", query)

    @property
    def of_azure(self) -> bool:
        """Whether a key goes in the header that Azure reads."""
        return bool(self.query) or self.host.partition(":")[0].endswith((".openai.azure.com", ".services.ai.azure.com"))

    def for_model(self, model: str) -> str:
        """What the paths of a request for this model are added to: Azure's classic address names the deployment."""
        if not self.query or "/deployments/" in self.url:
            return self.url
        return f"{self.url.removesuffix('/openai')}/openai/deployments/{model}"


def _parts(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        named = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port)
    except ValueError:  # a port that is no number, a bracket left open
        named = None
    if not named:
        raise BadInput(
            "The address of the model must start with http:// or https:// (a port lies between 1 and 65535), for example "
            "https://api.openai.com/v1 or http://localhost:11434/v1."
        )
    return parts
