"""The labels of a project, changed with everything that names them, in one transaction: all of it or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import Table, delete, func, select, union, update
from sqlalchemy.engine import Connection

from cod_core.store import schema
from cod_core.store.cache import CHUNK, insert_new
from cod_core.store.database import Database
from cod_core.store.items import count_labelling
from cod_core.types import Task

TeacherKey = tuple[str, str]
_NAMED: tuple[tuple[Table, tuple[str, ...]], ...] = (
    (schema.examples, ("label",)),
    (schema.counterfactuals, ("source", "target")),
    (schema.flip_checks, ("target",)),
    (schema.label_corrections, ("old_label", "new_label")),
)


def write(db: Database, pid: str, task: Task, renamed: Mapping[str, str], teacher: dict[str, Any] | None) -> None:
    """Store the task with its new labels, whatever bears an old name under the new one, and the teacher's spec.

    renamed: old label -> new label; several may become one.
    """
    with db.begin() as c:
        p = schema.projects
        had, settings = c.execute(select(p.c.task, p.c.settings).where(p.c.id == pid)).one()
        if out := (settings or {}).get("left_out"):
            settings = {**settings, "left_out": _still_left_out(out, had["labels"], task.labels, renamed)}
        c.execute(update(p).where(p.c.id == pid).values(task=asdict(task), teacher=teacher, settings=settings))
        for table, columns in _NAMED:
            for column in columns:
                _rename(c, pid, table, column, renamed)
        _rename_in_rows_taken_out(c, pid, renamed)
        count_labelling(c, pid)


def _still_left_out(out: Sequence[str], had: Sequence[str], labels: Sequence[str], renamed: Mapping[str, str]) -> list[str]:
    """Which labels stay left out of the comparison: those of whose texts none was in it; none where fewer than two labels would be left."""
    came_of = {label: [old for old in had if renamed.get(old, old) == label] for label in labels}
    left_out = [label for label, old in came_of.items() if old and all(one in out for one in old)]
    return left_out if len(labels) - len(left_out) >= 2 else []


def _rename(c: Connection, pid: str, table: Table, column: str, renamed: Mapping[str, str]) -> None:
    """Through placeholders, so that two labels may swap their names."""
    for at, old in enumerate(renamed):
        c.execute(update(table).where(table.c.project_id == pid, table.c[column] == old).values({column: f"\x01{at}"}))
    for at, new in enumerate(renamed.values()):
        c.execute(update(table).where(table.c.project_id == pid, table.c[column] == f"\x01{at}").values({column: new}))


def _rename_in_rows_taken_out(c: Connection, pid: str, renamed: Mapping[str, str]) -> None:
    t = schema.text_changes
    for seq, row in c.execute(select(t.c.seq, t.c.row).where(t.c.project_id == pid)).all():
        if row.get("label") in renamed:
            c.execute(update(t).where(t.c.seq == seq).values(row={**row, "label": renamed[row["label"]]}))


def carry_verdicts(db: Database, pid: str, before: TeacherKey, after: TeacherKey, labels: Sequence[str]) -> int:
    """Verdicts of a teacher under its identity and labels of now: nothing about its answers changed but their names.

    labels: the new names, in the old order. Returns how many there are.
    """
    t = schema.flip_checks
    of = (t.c.project_id == pid, t.c.teacher_id == before[0], t.c.teacher_revision == before[1])
    with db.begin() as c:
        touched = c.execute(select(func.max(t.c.touched)).where(t.c.project_id == pid)).scalar() or 0
        rows = c.execute(select(t.c.counterfactual_id, t.c.before, t.c.after).where(*of)).all()
        c.execute(delete(t).where(t.c.project_id == pid, t.c.teacher_id == after[0], t.c.teacher_revision == after[1]))
        for cf_id, was, became in rows:
            values = {"before": {**was, "labels": list(labels)}, "after": {**became, "labels": list(labels)}}
            key = {"teacher_id": after[0], "teacher_revision": after[1], "touched": touched + 1}
            c.execute(update(t).where(*of, t.c.counterfactual_id == cf_id).values(**values, **key))
        _carry_predictions(c, pid, before, after)
        return len(rows)


def _carry_predictions(c: Connection, pid: str, before: TeacherKey, after: TeacherKey) -> None:
    """What the teacher said of the project's texts, under its new identity too; rows hold no names, and the order is the same."""
    p = schema.predictions
    held = union(*(select(t.c.text_hash).where(t.c.project_id == pid) for t in (schema.examples, schema.counterfactuals)))
    said = select(p.c.text_hash, p.c.logprobs).where(p.c.classifier_id == before[0], p.c.revision == before[1], p.c.text_hash.in_(held))
    key = {"classifier_id": after[0], "revision": after[1]}
    if rows := [{**key, "text_hash": row.text_hash, "logprobs": row.logprobs} for row in c.execute(said)]:
        for start in range(0, len(rows), CHUNK):
            c.execute(insert_new(c, p), rows[start : start + CHUNK])


def between(db: Database, pid: str, one: str, other: str) -> int:
    """Proposals that change one of these labels to the other, either way."""
    t = schema.counterfactuals
    ways = ((t.c.source == one) & (t.c.target == other)) | ((t.c.source == other) & (t.c.target == one))
    with db.read() as c:
        return int(c.execute(select(func.count()).select_from(t).where(t.c.project_id == pid, ways)).scalar_one())


def count_students(db: Database, pid: str) -> int:
    """Finished students on record."""
    with db.read() as c:
        return int(c.execute(select(func.count()).select_from(schema.runs).where(schema.runs.c.project_id == pid)).scalar_one())


def forget_students(db: Database, pid: str) -> int:
    """Take finished students off the record: they answer with other labels than the project has. Returns how many there were."""
    with db.begin() as c:
        return int(c.execute(delete(schema.runs).where(schema.runs.c.project_id == pid)).rowcount)
