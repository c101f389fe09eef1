"""Projects: made, listed, changed, erased for good."""

import re
import secrets
import time
from dataclasses import asdict, dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Row, delete, insert, select, union, update

from cod_core.errors import BadInput
from cod_core.said import msg
from cod_core.settings import Limits
from cod_core.store import allowance, cache, schema
from cod_core.store.database import Database
from cod_core.types import Task, now

MOMENT_S = 0.02  # for which a row that another process changed meanwhile may be taken as it was
_GONE = msg("This project does not exist (any more). Choose another one.")


@dataclass(frozen=True)
class ProjectRow:
    """teacher: the spec of the chosen teacher, None where none is. settings: free, JSON."""

    id: str
    name: str
    task: Task
    teacher: dict[str, Any] | None
    settings: dict[str, Any]
    created_at: str
    archived_at: str | None


def new_id() -> str:
    """16 hex digits that sort by time. All ids are of one length, so that none is the beginning of another."""
    return f"{time.time_ns() // 1_000_000:012x}{secrets.token_hex(2)}"


def is_id(text: str) -> bool:
    """Whether a text is an id as new_id gives them; restored projects of earlier versions may have others."""
    return re.fullmatch(r"[0-9a-f]{16}", text) is not None


def create_project(db: Database, name: str, task: Task, person: str | None = None, limits: Limits = Limits()) -> str:
    """The new project's id. person: who makes it, None at the command line. Raises CodError where they have as many as they may."""
    pid = new_id()
    values = {"id": pid, "name": name, "task": asdict(task), "teacher": None, "settings": {}, "created_at": now(), "created_by": person}
    with db.begin() as c:
        allowance.refuse_project(c, person, limits)
        c.execute(insert(schema.projects).values(values))
    return pid


def _project(row: Row[Any] | SimpleNamespace) -> ProjectRow:
    task = Task(**{**row.task, "labels": tuple(row.task["labels"]), "descriptions": tuple(row.task["descriptions"])})
    return ProjectRow(row.id, row.name, task, row.teacher, row.settings, row.created_at, row.archived_at)


def listable(row: dict[str, Any]) -> bool:
    """Whether plain values can be listed as a project: one that cannot would keep all others off the screen."""
    try:
        made = _project(SimpleNamespace(**{"archived_at": None, **row}))
    except (AttributeError, KeyError, TypeError):
        return False
    words = (made.id, made.name, made.created_at, made.task.name, *made.task.labels, *made.task.descriptions)
    return all(isinstance(word, str) for word in words) and isinstance(made.teacher, dict | None)


def list_projects(db: Database) -> list[ProjectRow]:
    """Every project, newest first."""
    t = schema.projects
    with db.read() as c:
        return [_project(r) for r in c.execute(select(t).order_by(t.c.created_at.desc(), t.c.id.desc()))]


def get_project(db: Database, pid: str) -> ProjectRow:
    """The project as it is now. Raises BadInput where there is none with this id.

    Drawing a card asks some seventy times: what was read is remembered until anybody commits. Where the database cannot tell, it is
    remembered for a moment, until this process writes.
    """
    return db.lately(("project", pid), lambda: _read(db, pid), db.writes, MOMENT_S)


def _read(db: Database, pid: str) -> ProjectRow:
    with db.read() as c:
        row = c.execute(select(schema.projects).where(schema.projects.c.id == pid)).first()
    if row is None:
        raise BadInput(_GONE)
    return _project(row)


def set_teacher(db: Database, pid: str, teacher: dict[str, Any] | None) -> None:
    """Choose the teacher's spec, or none. Raises BadInput where there is no such project."""
    with db.begin() as c:
        _found(c.execute(update(schema.projects).where(schema.projects.c.id == pid).values(teacher=teacher)).rowcount)


def update_settings(db: Database, pid: str, changes: dict[str, Any]) -> None:
    """Merge changes into the project's settings. Raises BadInput where there is no such project."""
    t = schema.projects
    with db.begin() as c:
        old = c.execute(select(t.c.settings).where(t.c.id == pid)).scalar()
        _found(c.execute(update(t).where(t.c.id == pid).values(settings={**(old or {}), **changes})).rowcount)


def _found(rows: int) -> None:
    if not rows:
        raise BadInput(_GONE)


def delete_project(db: Database, pid: str) -> str:
    """Erase a project: every row of its own, and every cached number of a text that no project holds. Returns "", or a sentence
    that says where traces of it may be left, because somebody was reading meanwhile.

    Replies that a copy of the project was given stay, as the copy's.
    That takes along the numbers of texts that were only tried out in an editor; they can be computed again.
    """
    erase(db, pid)
    return forget(db)


def erase(db: Database, pid: str) -> None:
    """The rows part of delete_project; `forget` is to follow."""
    held = union(*(select(t.c.text_hash) for t in (schema.examples, schema.counterfactuals)))
    with db.begin() as c:
        cache.hand_over(c, pid)
        for table in reversed(schema.metadata.sorted_tables):
            if "project_id" in table.c:
                c.execute(delete(table).where(table.c.project_id == pid))
        c.execute(delete(schema.projects).where(schema.projects.c.id == pid))
        for table in (schema.predictions, schema.embeddings):
            c.execute(delete(table).where(table.c.text_hash.not_in(held)))


def forget(db: Database) -> str:
    """Leave nothing of erased rows in the database's files; what delete_project does last, to be tried again. Returns as it does."""
    return db.forget_deleted([table.name for table in schema.metadata.sorted_tables])
