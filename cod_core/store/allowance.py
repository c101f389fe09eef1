"""What one person has here, and the refusal of more. Knows persons by name only, and no files."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from cod_core.errors import CodError
from cod_core.said import Said, say, together
from cod_core.settings import Limits
from cod_core.store import schema

MEGABYTE = 10**6
_SAID: dict[str, Callable[[int, int, int], Said]] = {
    "jobs": lambda has, more, limit: say(
        "You have {has:,} jobs that run or wait, and {limit:,} is the limit. Wait until one has ended, or cancel one.", has=has, limit=limit
    ),
    "projects": lambda has, more, limit: say(
        "You have made {has:,} projects here, and {limit:,} is the limit. Ask an owner to delete one that nobody needs.",
        has=has,
        limit=limit,
    ),
    "texts": lambda has, more, limit: say(
        "You have brought {has:,} texts here. With {more:,} more they would be over the limit of {limit:,}. Bring fewer, or ask an owner "
        "to delete a project.",
        has=has,
        more=more,
        limit=limit,
    ),
    "megabytes": lambda has, more, limit: say(
        "What you brought and made here takes {has:,} MB. With {more:,} more it would be over the limit of {limit:,}. Ask an owner to "
        "delete a project.",
        has=has,
        more=more,
        limit=limit,
    ),
}


@dataclass(frozen=True)
class Held:
    """projects: ids of those that a person made. texts, bytes: what they brought, in projects that still exist."""

    projects: tuple[str, ...]
    texts: int
    bytes: int


def held(c: Connection, person: str) -> Held:
    """What a person has in the database."""
    p, u = schema.projects, schema.uploads
    made = c.execute(select(p.c.id).where(p.c.created_by == person)).scalars().all()
    rows, size = c.execute(select(func.sum(u.c.rows), func.sum(u.c.bytes)).where(u.c.person == person)).one()
    return Held(tuple(made), int(rows or 0), int(size or 0))


def refuse(what: str, has: int, more: int, limits: Limits) -> None:
    """Raises CodError where `more` beside what somebody has would be over the limit of that name; 0 is none."""
    limit: int = getattr(limits, what)
    if limit and has + more > limit:
        raised = say("Whoever runs this app can raise the limit: {variable}.", variable=f"COD_MAX_{what.upper()}")
        raise CodError(together([_SAID[what](has, more, limit), raised]))


def refuse_project(c: Connection, person: str | None, limits: Limits) -> None:
    """Raises CodError where a person may make no more projects. c: the transaction that makes one; None may always."""
    if person is not None:
        refuse("projects", len(held(c, person).projects), 1, limits)
