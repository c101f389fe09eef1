"""Finished students: their configuration and numbers."""

from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, select

from cod_core.store import schema
from cod_core.store.cache import insert_new
from cod_core.store.database import Database
from cod_core.types import RunConfig, RunResult


def put_runs(db: Database, pid: str, results: list[RunResult]) -> None:
    """Store results. A run that is there already is left alone, since its test split was scored once; one that was judged
    on other texts, or whose weights were not kept and now are, takes its place."""
    if not results:
        return
    rows, t, new = [], schema.runs, {r.config.run_id: r for r in results}
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # two sweeps in one second have an order, too
    for result in results:
        plain = asdict(result)
        config = plain.pop("config")
        rows.append({"project_id": pid, "run_id": result.config.run_id, "config": config, "result": plain, "created_at": at})
    with db.begin() as c:
        there = c.execute(select(t.c.run_id, t.c.result).where(t.c.project_id == pid, t.c.run_id.in_(list(new)))).all()
        if gone := [id for id, old in there if old.get("judged", "") != new[id].judged or new[id].path and not old.get("path")]:
            c.execute(delete(t).where(t.c.project_id == pid, t.c.run_id.in_(gone)))
        c.execute(insert_new(c, t), rows)


def runs(db: Database, pid: str) -> list[RunResult]:
    """Every finished student of the project."""
    t = schema.runs
    with db.read() as c:
        rows = c.execute(select(t.c.config, t.c.result).where(t.c.project_id == pid).order_by(t.c.created_at, t.c.run_id))
        return [
            RunResult(RunConfig(**_known(RunConfig, config)), **{**_known(RunResult, result), "history": tuple(result.get("history", ()))})
            for config, result in rows
        ]


def _known(kind: type[RunConfig] | type[RunResult], values: dict[str, Any]) -> dict[str, Any]:
    """The values this version of the app has a field for."""
    names = {f.name for f in fields(kind)}
    return {k: v for k, v in values.items() if k in names}
