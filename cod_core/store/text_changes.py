"""Changes of stored texts: corrected, taken out, put back. Append-only; each change holds the row as it was before.

A text that was taken out leaves its table, so that nothing counts, draws or exports it; its proposals and decisions stay, and come
back with it. A text that was corrected loses the verdicts on its proposals, and that nothing was found for it: they were about other words.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, update
from sqlalchemy.engine import Connection

from cod_core.errors import BadInput, Stale
from cod_core.said import msg
from cod_core.store import schema
from cod_core.store.cache import CHUNK, forget_failure
from cod_core.store.database import Database
from cod_core.store.decisions import rows_written, written_number
from cod_core.store.items import count_labelling
from cod_core.text import text_hash
from cod_core.types import now

_T, _E, _CF, _CHECK = schema.text_changes, schema.examples, schema.counterfactuals, schema.flip_checks
CORRECTED, REMOVED, RESTORED = "corrected", "removed", "restored"
_ROW = [c for c in _E.c if c.name != "project_id"]


@dataclass(frozen=True)
class TextChange:
    """row: the columns of the text before the change. undoes: number of the removal that a restoring takes back."""

    seq: int
    example_id: str
    change: str
    row: dict[str, Any]
    annotator: str
    changed_at: str
    undoes: int | None = None


def correct(db: Database, pid: str, example_id: str, text: str, by: str, seen: str | None = None) -> int:
    """Give a stored text other words; returns how many of its proposals lost their verdicts. On return it is on the disk.

    seen: the words that the person saw. Raises BadInput if there is no such text or another text has these words, Stale if
    somebody changed the text since; nothing is written then.
    """
    with db.begin() as c:
        row = _rows(c, pid, [example_id])
        if not row:
            raise BadInput(msg("This text is not in the project (any more). Go back to the list."))
        if seen is not None and row[0]["text"] != seen:
            raise Stale(msg("Somebody changed this text since you opened it. Nothing was changed: look at it again."))
        same = c.execute(select(_E.c.id).where(_E.c.project_id == pid, _E.c.text_hash == text_hash(text), _E.c.id != example_id)).first()
        if same:
            raise BadInput(msg("Another text of this project has exactly these words. Take one of the two out instead."))
        _write(c, pid, example_id, CORRECTED, row[0], by)
        c.execute(update(_E).where(_E.c.project_id == pid, _E.c.id == example_id).values(text=text, text_hash=text_hash(text)))
        own = select(_CF.c.id).where(_CF.c.project_id == pid, _CF.c.example_id == example_id)
        lost = c.execute(select(func.count()).select_from(own.subquery())).scalar_one()
        c.execute(delete(_CHECK).where(_CHECK.c.project_id == pid, _CHECK.c.counterfactual_id.in_(own)))
        forget_failure(c, pid, example_id)
        count_labelling(c, pid)
        return int(lost)


def remove(db: Database, pid: str, example_ids: Sequence[str], by: str) -> int:
    """Take texts out; returns how many were there. All or none."""
    with db.begin() as c:
        rows = _rows(c, pid, example_ids)
        for row in rows:
            _write(c, pid, row["id"], REMOVED, row, by)
        for ids in _chunks([row["id"] for row in rows]):
            c.execute(delete(_E).where(_E.c.project_id == pid, _E.c.id.in_(ids)))
        if rows:
            count_labelling(c, pid)
        return len(rows)


def restore(db: Database, pid: str, example_ids: Sequence[str], by: str) -> int:
    """Put texts back that were taken out, as they were and where they stood; returns how many came back.

    One that has come in again meanwhile, in a file, stays as it came.
    """
    with db.begin() as c:
        wanted = set(example_ids)
        out = [change for change in _out(c, pid) if change.example_id in wanted]
        there = {row["id"] for row in _rows(c, pid, [change.example_id for change in out])}
        for change in out:
            _write(c, pid, change.example_id, RESTORED, change.row, by, change.seq)
            if change.example_id not in there:
                c.execute(insert(_E).values({**change.row, "project_id": pid}))
        if out:
            count_labelling(c, pid)
        return len([change for change in out if change.example_id not in there])


def out(db: Database, pid: str) -> list[TextChange]:
    """The removals that stand, oldest first."""
    with db.read() as c:
        return _out(c, pid)


def absent(db: Database, pid: str) -> frozenset[str]:
    """Ids of the texts that were taken out and are not in the project now."""
    with db.read() as c:
        ids = [change.example_id for change in _out(c, pid)]
        return frozenset(ids) - {row["id"] for row in _rows(c, pid, ids)}


def written(db: Database, pid: str) -> int:
    """How many changes were ever written: grows with each."""
    return rows_written(db, pid, _T)


def log(db: Database, pid: str) -> list[TextChange]:
    """Every change of the project, oldest first."""
    with db.read() as c:
        return _changes(c, _T.c.project_id == pid)


def _changes(c: Connection, *where: ColumnElement[bool]) -> list[TextChange]:
    """Changes of which all this holds, oldest first."""
    fields = [column for column in _T.c if column.name != "project_id"]
    return [TextChange(**r) for r in c.execute(select(*fields).where(*where).order_by(_T.c.seq)).mappings()]


def _out(c: Connection, pid: str) -> list[TextChange]:
    back = _T.alias()
    restored = select(back.c.seq).where(back.c.project_id == pid, back.c.undoes == _T.c.seq).exists()
    return _changes(c, _T.c.project_id == pid, _T.c.change == REMOVED, ~restored)


def _rows(c: Connection, pid: str, example_ids: Sequence[str]) -> list[dict[str, Any]]:
    """The stored rows with these ids, without the project's."""
    return [
        dict(row)
        for ids in _chunks(list(dict.fromkeys(example_ids)))
        for row in c.execute(select(*_ROW).where(_E.c.project_id == pid, _E.c.id.in_(ids))).mappings()
    ]


def _chunks(ids: list[str]) -> list[list[str]]:
    return [ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK)]


def _write(c: Connection, pid: str, example_id: str, change: str, row: dict[str, Any], by: str, undoes: int | None = None) -> None:
    values = {"project_id": pid, "example_id": example_id, "change": change, "row": row, "annotator": by}
    written_number(c, {**values, "changed_at": now(), "undoes": undoes}, _T)
