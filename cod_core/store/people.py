"""People and their roles, and where each of them was last. Names are pseudonyms or, signed in, mail addresses."""

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection

from cod_core.errors import BadInput
from cod_core.store import schema
from cod_core.store.cache import insert_or_replace
from cod_core.store.database import Database
from cod_core.types import now

ROLES = ("curator", "reviewer", "owner")
_T = schema.people


def roles(db: Database) -> dict[str, str]:
    """name -> role of everybody on the list, in alphabetical order."""
    with db.read() as c:
        return dict(c.execute(select(_T.c.name, _T.c.role).order_by(_T.c.name)).tuples().all())


def join(db: Database, name: str, role_if_first: str = "owner", role: str = "curator") -> str:
    """Put a person on the list where they are not on it; returns their role. The very first becomes the owner."""
    with db.begin() as c:
        present: str | None = c.execute(select(_T.c.role).where(_T.c.name == name)).scalar()
        if present is not None:
            return present
        first = c.execute(select(_T.c.name).where(_T.c.role == "owner").limit(1)).first() is None
        given = role_if_first if first else role
        c.execute(insert(_T).values(name=name, role=given, added_by=None, added_at=now()))
        return given


def set_role(db: Database, name: str, role: str, by: str) -> None:
    """Give a person a role. Raises BadInput for an unknown role, and where the last owner would be lost."""
    if role not in ROLES:
        raise BadInput(f"Unknown role {role!r}. Choose one of: {', '.join(ROLES)}.")
    with db.begin() as c:
        if role != "owner":
            _keep_an_owner(c, name)
        if not c.execute(update(_T).where(_T.c.name == name).values(role=role, added_by=by)).rowcount:
            c.execute(insert(_T).values(name=name, role=role, added_by=by, added_at=now()))


def remove(db: Database, name: str) -> None:
    """Take a person off the list; what they decided stays. Raises BadInput for the last owner."""
    with db.begin() as c:
        _keep_an_owner(c, name)
        c.execute(delete(_T).where(_T.c.name == name))


def _keep_an_owner(c: Connection, name: str) -> None:
    owners = set(c.execute(select(_T.c.name).where(_T.c.role == "owner")).scalars())
    if owners == {name}:
        raise BadInput(f"{name} is the only owner. Make somebody else an owner first.")


def be_at(db: Database, pid: str, person: str, page: str, item: str | None) -> None:
    """Remember where a person is in a project."""
    with db.begin() as c:
        c.execute(insert_or_replace(c, schema.places), [{"project_id": pid, "person": person, "page": page, "item": item, "at": now()}])


def places(db: Database, person: str) -> dict[str, tuple[str, str | None, str]]:
    """project id -> (page, item, time) where the person was last."""
    t = schema.places
    with db.read() as c:
        return {r.project_id: (r.page, r.item, r.at) for r in c.execute(select(t).where(t.c.person == person))}
