"""The decision log: append-only, in order. Writers take turns, so what was checked still holds when it is written."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, func, insert, select
from sqlalchemy.engine import Connection, RowMapping

from cod_core.errors import Stale
from cod_core.said import say, together
from cod_core.store import schema
from cod_core.store.database import Database, storable
from cod_core.types import Decision

_T = schema.decisions
_FIELDS = [c for c in _T.c if c.name not in ("project_id", "batch")]
MOVES = ("", "adjudication")
"""Purposes of decisions that move the state of their text."""
CHUNK = 500
Replies = Callable[[list[Decision]], list[Decision]]


def append(db: Database, pid: str, decision: Decision, seen: int | None = None) -> int:
    """Write one decision; returns its sequence number. On return it is on the disk. seen: see append_all."""
    return append_all(db, pid, [decision], None if seen is None else {decision.example_id: seen})[0]


def append_all(db: Database, pid: str, many: Sequence[Decision], seen: dict[str, int] | None = None) -> list[int]:
    """Write decisions as one act, all or none; returns their sequence numbers.

    seen: example id -> the text's version (see `versions`) that the person saw. Raises Stale where somebody decided
    on the text since; nothing is written then.
    """
    batch = secrets.token_hex(6) if len(many) > 1 else None
    with db.begin() as c:
        if seen:
            _unchanged(c, pid, seen, {decision.annotator for decision in many})
        return [_append(c, pid, decision, batch) for decision in many]


def append_after(db: Database, pid: str, example_id: str, make: Replies, seen: int | None = None) -> list[int]:
    """Write what `make` makes of a text's log as one act; returns its numbers. Nothing is written in between.

    seen: as in append. Raises Stale as append_all does, and what `make` raises; nothing is written then.
    """
    with db.begin() as c:
        many = make(_logged(c, pid, _T.c.example_id == example_id))
        if seen is not None:
            _unchanged(c, pid, {example_id: seen}, {decision.annotator for decision in many})
        batch = secrets.token_hex(6) if len(many) > 1 else None
        return [_append(c, pid, decision, batch) for decision in many]


def _unchanged(c: Connection, pid: str, seen: dict[str, int], mine: set[str]) -> None:
    current = _versions(c, pid, list(seen))
    moved = [i for i, version in seen.items() if current.get(i, 0) != version]
    if not moved:
        return
    last = c.execute(select(_T.c.annotator, _T.c.decided_at).where(_T.c.project_id == pid, _T.c.seq == current.get(moved[0]))).first()
    who, when = last if last is not None else ("somebody", "")
    who, at = say("you, in another window,") if who in mine else who, (when or "")[11:16]
    decided = (
        say("{n} of these texts were decided by {who} at {at} (UTC) since you opened it.", n=len(moved), who=who, at=at)
        if len(seen) > 1
        else say("This text was decided by {who} at {at} (UTC) since you opened it.", who=who, at=at)
    )
    raise Stale(together([decided, say("Nothing was overwritten: look at it again, then decide.")]))


def versions(db: Database, pid: str, example_ids: Sequence[str]) -> dict[str, int]:
    """example id -> number of the last decision (or undo) that moved its state; absent where there is none."""
    with db.read() as c:
        return _versions(c, pid, example_ids)


def _versions(c: Connection, pid: str, example_ids: Sequence[str]) -> dict[str, int]:
    newest: dict[str, int] = {}
    for start in range(0, len(example_ids), CHUNK):
        query = select(_T.c.example_id, func.max(_T.c.seq)).where(
            _T.c.project_id == pid, _T.c.example_id.in_(example_ids[start : start + CHUNK]), _T.c.purpose.in_(MOVES)
        )
        newest.update(c.execute(query.group_by(_T.c.example_id)).tuples().all())
    return newest


def take_back(db: Database, pid: str, annotator: str, undo: Replies) -> list[int]:
    """Write what `undo` makes of the annotator's last act that stands (one decision, or those of a bulk act).

    Nothing is written in between; an empty list where nothing stands.
    """
    with db.begin() as c:
        other = _T.alias()
        standing = (
            _T.c.project_id == pid,
            _T.c.annotator == annotator,
            _T.c.undoes.is_(None),
            ~select(other.c.seq).where(other.c.undoes == _T.c.seq, other.c.project_id == pid).exists(),
        )
        query = select(*_FIELDS, _T.c.batch).where(*standing).order_by(_T.c.seq.desc())
        last = c.execute(query.limit(1)).mappings().first()
        if last is None:
            return []
        act = [last] if last["batch"] is None else list(c.execute(query.where(_T.c.batch == last["batch"])).mappings())
        batch = secrets.token_hex(6) if len(act) > 1 else None
        return [_append(c, pid, made, batch) for made in undo([_decision(row) for row in reversed(act)])]


def log(db: Database, pid: str, after: int = 0, example_ids: Sequence[str] | None = None) -> list[Decision]:
    """Decisions of the project with a number above `after`, oldest first; on these texts only, where given."""
    query = select(*_FIELDS).where(_T.c.project_id == pid, _T.c.seq > after).order_by(_T.c.seq)
    with db.read() as c:
        if example_ids is None:
            return [_decision(row) for row in c.execute(query).mappings()]
        rows = [
            row
            for start in range(0, len(example_ids), CHUNK)
            for row in c.execute(query.where(_T.c.example_id.in_(example_ids[start : start + CHUNK]))).mappings()
        ]
    return [_decision(row) for row in sorted(rows, key=lambda r: r["seq"])]


def log_of(c: Connection, pid: str, after: int) -> list[Decision]:
    """As `log`, inside a transaction that is open already."""
    return _logged(c, pid, _T.c.seq > after)


def _logged(c: Connection, pid: str, *where: ColumnElement[bool]) -> list[Decision]:
    return [_decision(row) for row in c.execute(select(*_FIELDS).where(_T.c.project_id == pid, *where).order_by(_T.c.seq)).mappings()]


def stream(db: Database, pid: str, chunk: int = 2000) -> Iterator[Decision]:
    """Every decision, oldest first, a chunk at a time in memory."""
    last = 0
    while True:
        with db.read() as c:
            rows = (
                c.execute(select(*_FIELDS).where(_T.c.project_id == pid, _T.c.seq > last).order_by(_T.c.seq).limit(chunk)).mappings().all()
            )
        if not rows:
            return
        yield from map(_decision, rows)
        last = rows[-1]["seq"]


def annotators(db: Database, pid: str) -> list[str]:
    """Everybody who decided anything, in the order of their first decision."""
    query = select(_T.c.annotator).where(_T.c.project_id == pid).group_by(_T.c.annotator).order_by(func.min(_T.c.seq))
    with db.read() as c:
        return list(c.execute(query).scalars())


def append_each(db: Database, pid: str, many: Sequence[Decision]) -> None:
    """Write decisions in one step, each an act of its own (an undo takes back one)."""
    with db.begin() as c:
        for decision in many:
            _append(c, pid, decision, None)


def _append(c: Connection, pid: str, decision: Decision, batch: str | None) -> int:
    values: dict[str, Any] = {
        **vars(decision),
        "reasons": list(decision.reasons),
        "project_id": pid,
        "batch": batch,
        "comment": storable(decision.comment),
        "override_reason": storable(decision.override_reason),
    }
    del values["seq"]
    return written_number(c, values)


def written_number(c: Connection, values: dict[str, Any], log: Table = _T) -> int:
    """Write a row of a log (decisions where not said); returns the number that the database gave it."""
    key = c.execute(insert(log).values(values)).inserted_primary_key
    if key is None:
        raise RuntimeError(f"The database gave a row of {log.name} no number.")  # never: seq is its primary key
    return int(key[0])


def rows_written(db: Database, pid: str, log: Table) -> int:
    """How many rows of a log the project has, those that were undone too: grows with each."""
    with db.read() as c:
        return c.execute(select(func.count()).select_from(log).where(log.c.project_id == pid)).scalar_one()


def _decision(row: RowMapping) -> Decision:
    values = {k: v for k, v in row.items() if k != "batch"}
    return Decision(**{**values, "reasons": tuple(row["reasons"] or ()), "comment": row["comment"] or ""})
