"""People and their roles, and where each of them was last. Names are pseudonyms or, signed in, mail addresses."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, or_, select, update
from sqlalchemy.engine import Connection

from cod_core.errors import BadInput, CodError
from cod_core.roles import Actor
from cod_core.said import msg, say
from cod_core.store import schema
from cod_core.store.cache import insert_or_replace
from cod_core.store.database import Database
from cod_core.types import now

ROLES = ("curator", "reviewer", "owner")
_T = schema.people
_ON_IT = _T.c.removed_at.is_(None)
NOT_ON_IT = msg("{name} is not on the list of this team. Ask an owner to add you.")


def roles(db: Database) -> dict[str, str]:
    """name -> role of everybody on the list, in alphabetical order."""
    with db.read() as c:
        return dict(c.execute(select(_T.c.name, _T.c.role).where(_ON_IT).order_by(_T.c.name)).tuples().all())


def role_of(db: Database, actor: Actor | None, owners: Sequence[str] = ()) -> str:
    """What an actor may do at this moment; only reads. None is the person at this machine's command line, who owns it.

    On one machine without sign-in everybody is an owner until somebody is put on the list; names that are not on it are
    curators then. owners: mail addresses that are always owners. Raises CodError for who signed in and is not on the list (any
    more), comes with another account than before, or has signed out.
    """
    if actor is None:
        return "owner"
    if not actor.signed_in:
        known = db.lately("roles", lambda: roles(db))
        return known.get(actor.name) or ("curator" if "owner" in known.values() else "owner")
    with db.read() as c:
        row = c.execute(select(_T).where(_T.c.name == actor.name)).first()
    if row is None or row.removed_at is not None or not actor.subject:
        raise CodError(say(NOT_ON_IT, name=actor.name))
    _same_account(row, actor)
    if actor.issued_at is not None and row.not_before is not None and actor.issued_at <= row.not_before:
        raise CodError(msg("You have signed out. Sign in again."))
    return "owner" if actor.name in owners else str(row.role)


def _same_account(row: Row[Any], actor: Actor) -> None:
    if row.subject is not None and (row.issuer, row.subject) != (actor.issuer, actor.subject):
        raise CodError(
            say(
                "Another account was the first to sign in here as {name}. Ask an owner to take that address off the "
                "list and to put it on again; the next account to sign in with it is let in.",
                name=actor.name,
            )
        )


def is_bound(db: Database, name: str) -> bool:
    """Whether an account has signed in under this name before."""
    with db.read() as c:
        return c.execute(select(_T.c.subject).where(_T.c.name == name)).scalar() is not None


def admit(db: Database, actor: Actor, first: str = "owner", owner: bool = False) -> None:
    """Put a person who signed in on the list where they are not on it, and bind the entry to their account.

    first: the role of the very first person. owner: they are one whatever the list says, and always come back. Raises CodError
    for who was taken off the list, under this address or with this account, and for another account with the same address.
    """
    with db.begin() as c:
        row = c.execute(select(_T).where(_T.c.name == actor.name)).first()
        account = (_T.c.issuer == actor.issuer, _T.c.subject == actor.subject)
        removed = c.execute(select(_T.c.name).where(*account, _T.c.removed_at.is_not(None)).limit(1)).first()
        if not owner and (removed is not None or (row is not None and row.removed_at is not None)):
            raise CodError(say(NOT_ON_IT, name=actor.name))
        bound = {"issuer": actor.issuer, "subject": actor.subject}
        if row is None:
            none_yet = c.execute(select(_T.c.name).where(_T.c.role == "owner", _ON_IT).limit(1)).first() is None
            role = "owner" if owner else first if none_yet else "curator"
            c.execute(insert(_T).values(name=actor.name, role=role, added_by=None, added_at=now(), **bound))
            return
        if row.removed_at is None:
            _same_account(row, actor)
        c.execute(update(_T).where(_T.c.name == actor.name).values(removed_at=None, **bound, **({"role": "owner"} if owner else {})))


def sign_out(db: Database, actor: Actor) -> None:
    """What the provider said of this person until now is not believed any more; a later sign-in is."""
    with db.begin() as c:
        earlier = or_(_T.c.not_before.is_(None), _T.c.not_before < actor.issued_at)
        c.execute(update(_T).where(_T.c.name == actor.name, earlier).values(not_before=actor.issued_at))


def set_role(db: Database, name: str, role: str, by: str) -> None:
    """Give a person a role. Who was taken off the list comes back, with whatever account signs in first.

    Raises BadInput for an unknown role, and where the last owner would be lost.
    """
    if role not in ROLES:
        raise BadInput(say("Unknown role {role!r}. Choose one of: {roles}.", role=role, roles=", ".join(ROLES)))
    with db.begin() as c:
        if role != "owner":
            _keep_an_owner(c, name)
        back = {"issuer": None, "subject": None, "removed_at": None}
        c.execute(update(_T).where(_T.c.name == name, _T.c.removed_at.is_not(None)).values(**back))
        if not c.execute(update(_T).where(_T.c.name == name).values(role=role, added_by=by)).rowcount:
            c.execute(insert(_T).values(name=name, role=role, added_by=by, added_at=now()))


def remove(db: Database, name: str) -> None:
    """Take a person off the list; what they decided stays. Raises BadInput for the last owner.

    That they were taken off is remembered: a list of members that names their whole domain would let them in again.
    """
    with db.begin() as c:
        _keep_an_owner(c, name)
        c.execute(update(_T).where(_T.c.name == name).values(removed_at=now()))


def _keep_an_owner(c: Connection, name: str) -> None:
    owners = set(c.execute(select(_T.c.name).where(_T.c.role == "owner", _ON_IT)).scalars())
    if owners == {name}:
        raise BadInput(say("{name} is the only owner. Make somebody else an owner first.", name=name))


def be_at(db: Database, pid: str, person: str, page: str, item: str | None) -> None:
    """Remember where a person is in a project."""
    with db.begin() as c:
        c.execute(insert_or_replace(c, schema.places), [{"project_id": pid, "person": person, "page": page, "item": item, "at": now()}])


def places(db: Database, person: str) -> dict[str, tuple[str, str | None, str]]:
    """project id -> (page, item, time) where the person was last."""
    t = schema.places
    with db.read() as c:
        return {r.project_id: (r.page, r.item, r.at) for r in c.execute(select(t).where(t.c.person == person))}
