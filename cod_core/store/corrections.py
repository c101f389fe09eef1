"""Corrections of labels: append-only, in order. The label itself stands with its text; this is who changed it, and from what."""

from collections.abc import Iterable
from dataclasses import replace

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from cod_core.errors import BadInput, Stale
from cod_core.store import schema
from cod_core.store.database import Database
from cod_core.store.decisions import rows_written, written_number
from cod_core.store.items import count_labelling
from cod_core.types import LabelCorrection, now

_T, _E = schema.label_corrections, schema.examples
_FIELDS = [c for c in _T.c if c.name != "project_id"]


def correct(db: Database, pid: str, example_id: str, label: str | None, by: str, seen: str | None = None) -> LabelCorrection:
    """Give a text another label, or (None) confirm the one that it has; returns what was written. On return it is on the disk.

    seen: the label that the person saw. Raises BadInput where there is no such text or it has no label, Stale where somebody
    changed the label since; nothing is written then.
    """
    with db.begin() as c:
        present = _label(c, pid, example_id)
        if seen is not None and present != seen:
            raise Stale(f"Somebody changed this label to {present!r} since you opened it. Nothing was changed: look at the text again.")
        return _write(c, pid, LabelCorrection(example_id, present, label, by, now()))


def take_back(db: Database, pid: str, by: str) -> LabelCorrection | None:
    """Take back the person's latest correction that stands and return it; None where none does.

    Raises Stale where somebody else changed that label since: theirs stays.
    """
    with db.begin() as c:
        mine = [r for r in not_taken_back(_log(c, pid)) if r.annotator == by]
        if not mine:
            return None
        last, present = mine[-1], _label(c, pid, mine[-1].example_id)
        if last.new_label is not None and present != last.new_label:
            raise Stale(f"Somebody changed this label to {present!r} after you. It stays as it is.")
        back = None if last.new_label is None else last.old_label
        _write(c, pid, LabelCorrection(last.example_id, present, back, by, now(), undoes=last.seq))
        return last


def _label(c: Connection, pid: str, example_id: str) -> str:
    found = c.execute(select(_E.c.label).where(_E.c.project_id == pid, _E.c.id == example_id)).first()
    if found is None or found.label is None:
        raise BadInput("This text is not among the labelled texts of the project (any more). Go back to the list.")
    return str(found.label)


def _write(c: Connection, pid: str, made: LabelCorrection) -> LabelCorrection:
    """Append the row and, where it changes it, the text's label, which renews what every process holds of the project."""
    values = {**vars(made), "project_id": pid}
    del values["seq"]
    number = written_number(c, values, _T)
    if made.new_label is not None:
        count_labelling(c, pid)
        c.execute(update(_E).where(_E.c.project_id == pid, _E.c.id == made.example_id).values(label=made.new_label))
    return replace(made, seq=number)


def log(db: Database, pid: str) -> list[LabelCorrection]:
    """Every correction of the project, oldest first, those that were taken back too."""
    with db.read() as c:
        return _log(c, pid)


def _log(c: Connection, pid: str) -> list[LabelCorrection]:
    return [LabelCorrection(**r) for r in c.execute(select(*_FIELDS).where(_T.c.project_id == pid).order_by(_T.c.seq)).mappings()]


def not_taken_back(rows: Iterable[LabelCorrection]) -> list[LabelCorrection]:
    """Those of a log that stand: no undo, and none that was undone."""
    known = list(rows)
    undone = {r.undoes for r in known}
    return [r for r in known if r.undoes is None and r.seq not in undone]


def standing(db: Database, pid: str) -> dict[str, LabelCorrection]:
    """Text's id -> the last correction of it that stands: the labels that a person has answered for."""
    return {r.example_id: r for r in not_taken_back(log(db, pid))}


def written(db: Database, pid: str) -> int:
    """How many corrections were ever written, undos among them: grows with each."""
    return rows_written(db, pid, _T)
