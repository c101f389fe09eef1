"""Who somebody is, and who may do what. Pure values: the screen asks here before any database is open."""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cod_core.errors import CodError
from cod_core.said import msg, say

EVERYBODY, REVIEWERS, OWNERS = ("curator", "reviewer", "owner"), ("reviewer", "owner"), ("owner",)
ALLOWED = {
    "create": EVERYBODY,
    "import": EVERYBODY,
    "teach": EVERYBODY,
    "propose": EVERYBODY,
    "curate": EVERYBODY,
    "distil": EVERYBODY,
    "export": EVERYBODY,
    "adjudicate": REVIEWERS,
    "bulk": REVIEWERS,
    "guideline": REVIEWERS,
    "endpoint": OWNERS,
    "key": OWNERS,
    "model folder": OWNERS,
    "encoder folder": OWNERS,
    "backup": OWNERS,
    "restore": OWNERS,
    "archive": OWNERS,
    "duplicate": OWNERS,
    "people": OWNERS,
    "machines": OWNERS,
    "delete": OWNERS,
    "hub push": OWNERS,
}
"""What a person does -> who may. endpoint: name an address that texts go to. model folder, encoder folder: have files of this
machine loaded as a model. machines: see and test where heavy work runs. Every verb that writes names its act with `needs`
(cod_core/project/place.py)."""


ROLE_NAMES = {"curator": say("curator"), "reviewer": say("reviewer"), "owner": say("owner")}
MOST_NAME = 40  # characters
UNNAMED = "unnamed-"  # what the name of a person begins with who has not given one yet


@dataclass(frozen=True)
class Actor:
    """Whoever asks for something. name: a pseudonym or, signed in, the verified mail address.

    issuer, subject: of the account, told apart from another account with the same address. issued_at: when the provider said
    so, in seconds since the epoch; None where it is not known, and for work that goes on after its person has left.
    """

    name: str
    issuer: str = ""
    subject: str = ""
    signed_in: bool = False
    issued_at: float | None = None


def actor_of(claims: Mapping[str, Any], trust_unverified: bool = False, days: int = 0) -> Actor:
    """The person whom a provider's claims describe. Raises CodError where they prove no mail address, or are too old.

    Only an `email_verified` that is True counts. trust_unverified: for providers that never send that claim; one that sends
    anything else than True has said no all the same. No other claim stands in for the address: people choose those themselves.
    days: how long the claims are good for from when the provider made them (`iat`), 0 for ever; where it does not say when, also.
    """
    mail, verified = claims.get("email"), claims.get("email_verified")
    name = mail.strip().lower() if isinstance(mail, str) else ""
    issuer, subject = (str(claims.get(key) or "") for key in ("iss", "sub"))
    if "@" not in name or not issuer or not subject:
        raise CodError(msg("The sign-in service names no mail address for this account. Ask an owner which account to use."))
    if verified is not True and not (trust_unverified and verified is None):
        raise CodError(
            say("The sign-in service does not confirm that {name} is yours. Confirm your address there, then sign in again.", name=name)
        )
    issued = claims.get("iat")
    at = float(issued) if isinstance(issued, int | float) else None
    if days and at is not None and time.time() - at > days * 86_400:
        told = (
            say("You signed in more than {days} days ago. Sign out here, then sign in again.", days=days)
            if days > 1
            else say("You signed in more than 1 day ago. Sign out here, then sign in again.")
        )
        raise CodError(told)
    return Actor(name, issuer, subject, True, at)


def is_path(model: str) -> bool:
    """Whether the name of a model leads to files of this machine, and not to a package of the app or to a hub."""
    named = model.strip().partition("@")[0]  # without the layers that an encoder is read after
    return named.startswith(("/", ".", "~", "\\")) or named[1:2] == ":" or named.lower().endswith(".gguf") or os.path.exists(named)


def refused_name(name: str) -> str:
    """Why records may not stand under this name; "" where they may."""
    given = name.strip()
    if not given:
        return msg("Give your name, or a pseudonym.")
    if given.lower() in ("me", "i", "myself") or given.startswith(UNNAMED):
        return say("“{name}” does not tell others who decided. Give your name, or a pseudonym.", name=given)
    return ""


def may(role: str, act: str) -> bool:
    """Whether a role allows an act (a key of ALLOWED)."""
    return role in ALLOWED[act]


def named(act: str) -> str:
    """The roles that allow an act: 'reviewer or owner'."""
    first, *others = (ROLE_NAMES[role] for role in ALLOWED[act])
    for role in others:
        first = say("{one} or {other}", one=first, other=role)
    return first


def need(role: str, act: str) -> None:
    """Raises CodError in plain words where the role does not allow the act."""
    if not may(role, act):
        raise CodError(
            say("This needs the role {roles}; yours is {mine}. Ask an owner.", roles=named(act), mine=ROLE_NAMES.get(role, role))
        )
