"""The decision log: append-only, in order."""

from dataclasses import asdict

from sqlalchemy import insert, select

from cod_core.store import schema
from cod_core.store.database import Database
from cod_core.types import Decision


def append(db: Database, pid: str, decision: Decision) -> int:
    """Write one decision; returns its sequence number. On return it is on the disk."""
    values = {k: v for k, v in asdict(decision).items() if k != "seq"}
    with db.begin() as c:
        return c.execute(insert(schema.decisions).values(
            project_id=pid, **{**values, "reasons": list(decision.reasons)})).inserted_primary_key[0]


def log(db: Database, pid: str) -> list[Decision]:
    """Every decision of the project, oldest first."""
    t = schema.decisions
    with db.begin() as c:
        rows = c.execute(select(t).where(t.c.project_id == pid).order_by(t.c.seq)).mappings()
        return [Decision(**{k: (tuple(v or ()) if k == "reasons" else v) for k, v in r.items() if k != "project_id"})
                for r in rows]
