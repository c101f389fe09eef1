"""Guidelines of a project: every version is kept, none is changed."""

from dataclasses import asdict
from typing import Any

from sqlalchemy import Row, func, insert, select, update

from cod_core.errors import BadInput, Stale
from cod_core.store import schema
from cod_core.store.database import Database
from cod_core.types import Guideline, GuidelineExample, now

_T = schema.guidelines


def _guideline(row: Row[Any]) -> Guideline:
    examples = tuple(GuidelineExample(**e) for e in row.examples or ())
    return Guideline(row.version, row.text, row.reasons or {}, examples, row.note or "", row.author or "", row.created_at or "")


def versions(db: Database, pid: str) -> list[Guideline]:
    """Every version, newest first."""
    with db.read() as c:
        return [_guideline(r) for r in c.execute(select(_T).where(_T.c.project_id == pid).order_by(_T.c.version.desc()))]


def get(db: Database, pid: str, version: int | None = None) -> Guideline | None:
    """One version, the newest where not named; None where there is none."""
    query = select(_T).where(_T.c.project_id == pid).order_by(_T.c.version.desc()).limit(1)
    with db.read() as c:
        row = c.execute(query if version is None else query.where(_T.c.version == version)).first()
    return None if row is None else _guideline(row)


def add(db: Database, pid: str, made: Guideline, base: int | None = None) -> int:
    """Store a new version and make it the project's; returns its number.

    base: number of the version that the writer started from (0: none). Raises Stale where somebody wrote another
    one since. The first version is the number that the project's task says (1), the next one where something was decided
    before: that was without.
    """
    projects, log = schema.projects, schema.decisions
    with db.begin() as c:
        newest = c.execute(select(func.max(_T.c.version)).where(_T.c.project_id == pid)).scalar() or 0
        if base is not None and newest != base:
            raise Stale(
                f"Somebody wrote version {newest} of the guideline since you began. Yours was not saved: copy "
                "your text, reload the page, and bring the two together."
            )
        task = c.execute(select(projects.c.task).where(projects.c.id == pid)).scalar()
        if task is None:
            raise BadInput("This project does not exist (any more). Choose another one.")
        decided = c.execute(select(log.c.seq).where(log.c.project_id == pid).limit(1)).first() is not None
        version = newest + 1 if newest else int(task.get("guideline_version") or 1) + decided
        values = {
            **asdict(made),
            "version": version,
            "examples": [asdict(e) for e in made.examples],
            "created_at": made.created_at or now(),
            "project_id": pid,
        }
        c.execute(insert(_T).values(values))
        c.execute(update(projects).where(projects.c.id == pid).values(task={**task, "guideline_version": version}))
        return version
