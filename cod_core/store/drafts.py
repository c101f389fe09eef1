"""Unfinished texts: one a person and text, saved while they type."""

from sqlalchemy import delete, select, update

from cod_core.store import schema
from cod_core.store.database import Database


def draft_of(db: Database, pid: str, example_id: str, annotator: str) -> tuple[str | None, str, str] | None:
    """(id of the proposal it started from, text, saved at) of the unfinished text; None where there is none."""
    t = schema.drafts
    with db.read() as c:
        row = c.execute(
            select(t.c.base_id, t.c.text, t.c.saved_at).where(
                t.c.project_id == pid, t.c.example_id == example_id, t.c.annotator == annotator
            )
        ).first()
    return None if row is None else (row.base_id, row.text, row.saved_at)


def drafts_of(db: Database, pid: str, example_id: str) -> list[tuple[str, str, str]]:
    """(saved at, annotator, text) of every unfinished text of one example."""
    t = schema.drafts
    with db.read() as c:
        return [
            tuple(row)
            for row in c.execute(select(t.c.saved_at, t.c.annotator, t.c.text).where(t.c.project_id == pid, t.c.example_id == example_id))
        ]


def take_over(db: Database, before: str, name: str) -> None:
    """Unfinished texts kept under one name are another's from now on; the newer name's own stay where both have one."""
    t = schema.drafts
    with db.begin() as c:
        own = c.execute(select(t.c.project_id, t.c.example_id).where(t.c.annotator == name)).tuples().all()
        for pid, example_id in own:
            c.execute(delete(t).where(t.c.project_id == pid, t.c.example_id == example_id, t.c.annotator == before))
        c.execute(update(t).where(t.c.annotator == before).values(annotator=name))
