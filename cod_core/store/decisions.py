"""The decision log: append-only, in order."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict

from sqlalchemy import insert, select
from sqlalchemy.engine import Connection

from cod_core.store import schema
from cod_core.store.database import Database
from cod_core.types import Decision

_FIELDS = [c for c in schema.decisions.c if c.name not in ("project_id", "batch")]
Choose = Callable[[list[Decision], dict[int, str]], list[Decision]]


def append(db: Database, pid: str, decision: Decision) -> int:
    """Write one decision; returns its sequence number. On return it is on the disk."""
    return append_all(db, pid, [decision])[0]


def append_all(db: Database, pid: str, many: Sequence[Decision]) -> list[int]:
    """Write decisions as one act, all or none; returns their sequence numbers."""
    batch = secrets.token_hex(6) if len(many) > 1 else None
    with db.begin() as c:
        return [_append(c, pid, decision, batch) for decision in many]


def append_after(db: Database, pid: str, choose: Choose) -> list[int]:
    """Write what `choose` makes of (the log, sequence number -> bulk act), with nothing written in between."""
    with db.begin() as c:
        many = choose(_log(c, pid), _batches(c, pid))
        return [_append(c, pid, decision, None) for decision in many]


def log(db: Database, pid: str) -> list[Decision]:
    """Every decision of the project, oldest first."""
    with db.read() as c:
        return _log(c, pid)


def _append(c: Connection, pid: str, decision: Decision, batch: str | None) -> int:
    values = {**asdict(decision), "reasons": list(decision.reasons), "project_id": pid, "batch": batch}
    del values["seq"]
    return c.execute(insert(schema.decisions).values(values)).inserted_primary_key[0]


def _log(c: Connection, pid: str) -> list[Decision]:
    t = schema.decisions
    rows = c.execute(select(*_FIELDS).where(t.c.project_id == pid).order_by(t.c.seq)).mappings()
    return [Decision(**{**row, "reasons": tuple(row["reasons"] or ()), "comment": row["comment"] or ""})
            for row in rows]


def _batches(c: Connection, pid: str) -> dict[int, str]:
    t = schema.decisions
    query = select(t.c.seq, t.c.batch).where(t.c.project_id == pid, t.c.batch.is_not(None))
    return dict(c.execute(query).tuples().all())
