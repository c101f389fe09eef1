"""Projects: made, listed, changed, erased for good."""

import secrets
from dataclasses import asdict, dataclass

from sqlalchemy import delete, insert, select, update

from cod_core.errors import BadInput
from cod_core.store import schema
from cod_core.store.database import Database
from cod_core.types import Task, now


@dataclass(frozen=True)
class Project:
    """teacher: the spec of the chosen teacher, None where none is. settings: free, JSON."""

    id: str
    name: str
    task: Task
    teacher: dict | None
    settings: dict
    created_at: str
    archived_at: str | None


def create_project(db: Database, name: str, task: Task) -> str:
    """The new project's id: 12 random hex digits."""
    pid = secrets.token_hex(6)
    with db.begin() as c:
        c.execute(insert(schema.projects).values(
            id=pid, name=name, task=asdict(task), teacher=None, settings={}, created_at=now()))
    return pid


def _project(row) -> Project:
    task = Task(**{**row.task, "labels": tuple(row.task["labels"]), "descriptions": tuple(row.task["descriptions"])})
    return Project(row.id, row.name, task, row.teacher, row.settings, row.created_at, row.archived_at)


def list_projects(db: Database) -> list[Project]:
    """Every project, newest first."""
    with db.begin() as c:
        return [_project(r) for r in c.execute(select(schema.projects).order_by(schema.projects.c.created_at.desc()))]


def get_project(db: Database, pid: str) -> Project:
    """Raises BadInput where there is none with this id."""
    with db.begin() as c:
        row = c.execute(select(schema.projects).where(schema.projects.c.id == pid)).first()
    if row is None:
        raise BadInput("This project does not exist (any more). Choose another one.")
    return _project(row)


def _change(db: Database, pid: str, **values) -> None:
    with db.begin() as c:
        c.execute(update(schema.projects).where(schema.projects.c.id == pid).values(**values))


def set_teacher(db: Database, pid: str, teacher: dict | None) -> None:
    _change(db, pid, teacher=teacher)


def update_settings(db: Database, pid: str, changes: dict) -> None:
    """Merge changes into the project's settings."""
    with db.begin() as c:
        table = schema.projects
        old = c.execute(select(table.c.settings).where(table.c.id == pid)).scalar_one()
        c.execute(update(table).where(table.c.id == pid).values(settings={**old, **changes}))


def delete_project(db: Database, pid: str) -> None:
    """Erase a project and every cached number of texts that no other project holds."""
    with db.begin() as c:
        held = []
        for table in (schema.examples, schema.counterfactuals):
            held += list(c.execute(select(table.c.text_hash).where(table.c.project_id == pid)).scalars())
        for table in reversed(schema.metadata.sorted_tables):
            if "project_id" in table.c:
                c.execute(delete(table).where(table.c.project_id == pid))
        c.execute(delete(schema.projects).where(schema.projects.c.id == pid))
        for at in range(0, len(held), 500):
            chunk = set(held[at : at + 500])
            for table in (schema.examples, schema.counterfactuals):
                chunk -= set(c.execute(select(table.c.text_hash).where(table.c.text_hash.in_(chunk))).scalars())
            for table in (schema.predictions, schema.embeddings):
                c.execute(delete(table).where(table.c.text_hash.in_(chunk)))
