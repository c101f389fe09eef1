"""The things people work on: texts, proposals, checks, drafts, uploads."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, Table, delete, func, select, update
from sqlalchemy.engine import Connection

from cod_core.data.counts import Counts
from cod_core.errors import BadInput
from cod_core.said import msg
from cod_core.store import schema
from cod_core.store.cache import CHUNK, fresh_statistics, insert_new, insert_or_replace
from cod_core.store.database import Database, storable
from cod_core.text import text_hash
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, now

BATCH = 5000
_E = schema.examples.c
_EXAMPLE = (_E.id, _E.text, _E.label, _E.split, _E.source_id, _E.metadata, _E.position)


def _next_position(c: Connection, table: Table, pid: str) -> int:
    return (c.execute(select(func.max(table.c.position)).where(table.c.project_id == pid)).scalar() or 0) + 1


def _add_new(db: Database, table: Table, pid: str, rows: Iterator[dict[str, Any]]) -> int:
    """Insert rows in order, leaving ids that are there alone; returns how many are new."""
    of_project = select(func.count()).select_from(table).where(table.c.project_id == pid)
    with db.begin() as c:
        before = c.execute(of_project).scalar_one()
        start = _next_position(c, table, pid)
        numbered = ({"project_id": pid, "position": start + i, **row} for i, row in enumerate(rows))
        while batch := list(islice(numbered, BATCH)):
            c.execute(insert_new(c, table), batch)
        added = c.execute(of_project).scalar_one() - before
        fresh_statistics(c, table, added)
        return added


def add_examples(db: Database, pid: str, found: Iterable[Example]) -> int:
    """Store texts in order; ids already there are left alone. Returns how many are new."""
    return _add_new(db, schema.examples, pid, ({**vars(e), "text_hash": text_hash(e.text)} for e in found))


def count_labelling(c: Connection, pid: str) -> None:
    """The project's settings count acts that give stored texts labels as "labellings": every process knows by that when what
    it holds is old."""
    p = schema.projects
    settings = c.execute(select(p.c.settings).where(p.c.id == pid)).scalar() or {}
    c.execute(update(p).where(p.c.id == pid).values(settings={**settings, "labellings": settings.get("labellings", 0) + 1}))


def label_examples(db: Database, pid: str, found: Sequence[Example]) -> None:
    """Give texts that are there the label, split, source and metadata of these values, all or none."""
    t = schema.examples
    if not found:
        return
    with db.begin() as c:
        count_labelling(c, pid)
        for e in found:
            c.execute(
                update(t)
                .where(t.c.project_id == pid, t.c.id == e.id)
                .values(label=e.label, split=e.split, source_id=e.source_id, metadata=e.metadata)
            )


def examples(db: Database, pid: str, split: str | None = None, ids: Sequence[str] | None = None) -> list[Example]:
    """Texts in upload order; of one split, or with these ids, where given."""
    t = schema.examples
    query = select(*_EXAMPLE).where(t.c.project_id == pid)
    if split is not None:
        query = query.where(t.c.split == split)
    with db.read() as c:
        rows = _with_ids(c, query, t.c.id, ids)
    return [_example(row) for row in sorted(rows, key=lambda r: r.position)]


def _matching(query: Select[Any], pid: str, words: str, split: str | None, label: str | None) -> Select[Any]:
    """The query, of texts that hold these words in any letter case, and of this split and label, where given."""
    query = query.where(_E.project_id == pid)
    if words.strip():
        query = query.where(_E.text.icontains(words.strip(), autoescape=True))
    if split is not None:
        query = query.where(_E.split == split)
    return query if label is None else query.where(_E.label == label)


def count_matching(db: Database, pid: str, words: str = "", split: str | None = None, label: str | None = None) -> int:
    """How many texts hold these words, are of this split and have this label."""
    with db.read() as c:
        return int(c.execute(_matching(select(func.count()).select_from(schema.examples), pid, words, split, label)).scalar_one())


def matching(db: Database, pid: str, words: str, split: str | None, label: str | None, offset: int, limit: int) -> list[Example]:
    """Texts that hold these words, are of this split and have this label, in upload order."""
    query = _matching(select(*_EXAMPLE), pid, words, split, label).order_by(_E.position).offset(offset).limit(limit)
    with db.read() as c:
        return [_example(row) for row in c.execute(query)]


def numbered(db: Database, pid: str, ids: Sequence[str]) -> list[tuple[int, Example]]:
    """(place in upload order, text) of the texts with these ids."""
    t = schema.examples
    query = select(*_EXAMPLE).where(t.c.project_id == pid)
    with db.read() as c:
        rows = _with_ids(c, query, t.c.id, ids)
    return [(row.position, _example(row)) for row in rows]


def after(db: Database, pid: str, place: int, n: int) -> list[tuple[int, Example]]:
    """(place in upload order, text) of the n texts that come after a place; an empty list at the end."""
    t = schema.examples
    query = select(*_EXAMPLE).where(t.c.project_id == pid, t.c.position > place).order_by(t.c.position).limit(n)
    with db.read() as c:
        return [(row.position, _example(row)) for row in c.execute(query)]


def counterfactuals_by_id(db: Database, pid: str, ids: Sequence[str]) -> dict[str, Counterfactual]:
    """id -> proposal, of those that the project has."""
    t = schema.counterfactuals
    with db.read() as c:
        return {row.id: as_counterfactual(row) for row in _with_ids(c, select(t).where(t.c.project_id == pid), t.c.id, ids)}


def _example(row: Sequence[Any]) -> Example:
    id, text, label, split, source_id, metadata, _ = row
    return Example(id, text, label, split, source_id, metadata or {})


def _with_ids(c: Connection, query: Select[Any], column: Column[Any], ids: Sequence[str] | None) -> list[Row[Any]]:
    """Rows of the query, with these values of the column where given; asked in chunks, each row once."""
    if ids is None:
        return list(c.execute(query))
    wanted = list(dict.fromkeys(ids))
    return [row for start in range(0, len(wanted), CHUNK) for row in c.execute(query.where(column.in_(wanted[start : start + CHUNK])))]


def example(db: Database, pid: str, example_id: str) -> Example:
    """Raises BadInput where the project has no such text."""
    found = examples(db, pid, ids=[example_id])
    if not found:
        raise BadInput(msg("This text is not in the project (any more). Go back to the list."))
    return found[0]


def counts(db: Database, pid: str) -> Counts:
    """How many texts the project has, by split and gold label."""
    t = schema.examples
    query = select(t.c.split, t.c.label, func.count()).where(t.c.project_id == pid).group_by(t.c.split, t.c.label)

    def counted() -> Counts:
        with db.read() as c:
            return Counts({(split, label): n for split, label, n in c.execute(query)})

    return db.lately(("counts", pid), counted)


def upload_seen(db: Database, pid: str, sha256: str) -> bool:
    t = schema.uploads
    with db.read() as c:
        return c.execute(select(t.c.sha256).where(t.c.project_id == pid, t.c.sha256 == sha256)).first() is not None


def record_upload(
    db: Database, pid: str, sha256: str, name: str, role: str, rows: int, person: str | None = None, size: int | None = None
) -> None:
    """Remember that texts came in. rows, size (bytes): of what is new, which counts to what the person may bring (store/allowance.py)."""
    values = {
        "project_id": pid,
        "sha256": sha256,
        "name": storable(name[:500]),
        "role": role,
        "rows": rows,
        "person": person,
        "bytes": size,
    }
    with db.begin() as c:
        c.execute(insert_new(c, schema.uploads), [{**values, "created_at": now()}])


def size_of(found: Iterable[Example]) -> int:
    """Bytes of texts with what stands beside them."""
    return sum(len(part.encode(errors="ignore")) for e in found for part in (e.text, *map(str, e.metadata.values())))


def add_counterfactuals(db: Database, pid: str, found: Sequence[Counterfactual]) -> int:
    """Store proposals in order; ids already there are left alone. Returns how many are new."""
    return (
        _add_new(
            db,
            schema.counterfactuals,
            pid,
            (
                {
                    **vars(cf),
                    "origin": vars(cf.origin),
                    "text_hash": text_hash(cf.text),
                    "raw_reply": storable(cf.raw_reply),
                    "note": storable(cf.note),
                }
                for cf in found
            ),
        )
        if found
        else 0
    )


def counterfactuals(db: Database, pid: str, example_ids: Sequence[str] | None = None) -> list[Counterfactual]:
    """Proposals in the order they came."""
    t = schema.counterfactuals
    query = select(t).where(t.c.project_id == pid)
    with db.read() as c:
        rows = _with_ids(c, query, t.c.example_id, example_ids)
    return [as_counterfactual(row) for row in sorted(rows, key=lambda r: r.position)]


def as_counterfactual(r: Row[Any]) -> Counterfactual:
    """A row of counterfactuals as a value."""
    return Counterfactual(
        r.id, r.example_id, r.text, r.source, r.target, Origin(**r.origin), r.raw_reply, r.derived_from, r.note or "", r.created_at or ""
    )


def counterfactual(db: Database, pid: str, cf_id: str) -> Counterfactual:
    """Raises BadInput where the project has no such proposal."""
    t = schema.counterfactuals
    with db.read() as c:
        row = c.execute(select(t).where(t.c.project_id == pid, t.c.id == cf_id)).first()
    if row is None:
        raise BadInput(msg("This proposal is not in the project (any more). Go back to the list."))
    return as_counterfactual(row)


def add_checks(db: Database, pid: str, found: Sequence[FlipCheck]) -> None:
    """Store verdicts; a newer one by the same teacher revision takes the old one's place."""
    if not found:
        return
    t = schema.flip_checks
    with db.begin() as c:
        touched = (c.execute(select(func.max(t.c.touched)).where(t.c.project_id == pid)).scalar() or 0) + 1
        c.execute(
            insert_or_replace(c, t),
            [{"project_id": pid, "touched": touched, **vars(k), "before": vars(k.before), "after": vars(k.after)} for k in found],
        )
        fresh_statistics(c, t, len(found))


def as_check(r: Row[Any]) -> FlipCheck:
    """A row of flip_checks as a value."""
    before, after = (Prediction(tuple(p["labels"]), tuple(p["logprobs"])) for p in (r.before, r.after))
    return FlipCheck(
        r.counterfactual_id,
        r.teacher_id,
        r.teacher_revision,
        before,
        after,
        r.target,
        r.token_edits,
        r.edit_fraction,
        r.char_edits,
        r.similarity,
        bool(r.truncated),
        r.checked_at,
        r.shift,
    )


def checks(db: Database, pid: str, teacher_id: str, teacher_revision: str, ids: Sequence[str] | None = None) -> dict[str, FlipCheck]:
    """counterfactual id -> verdict of this teacher revision; of these proposals only, where given."""
    t = schema.flip_checks
    query = select(t).where(t.c.project_id == pid, t.c.teacher_id == teacher_id, t.c.teacher_revision == teacher_revision)
    with db.read() as c:
        return {r.counterfactual_id: as_check(r) for r in _with_ids(c, query, t.c.counterfactual_id, ids)}


def any_checks(db: Database, pid: str) -> dict[str, FlipCheck]:
    """counterfactual id -> the latest verdict by any teacher."""
    t = schema.flip_checks
    with db.read() as c:
        return {r.counterfactual_id: as_check(r) for r in c.execute(select(t).where(t.c.project_id == pid).order_by(t.c.checked_at))}


def _draft_of(pid: str, example_id: str, annotator: str) -> tuple[ColumnElement[bool], ...]:
    t = schema.drafts
    return (t.c.project_id == pid, t.c.example_id == example_id, t.c.annotator == annotator)


def save_draft(db: Database, pid: str, example_id: str, annotator: str, base_id: str | None, text: str) -> None:
    """Remember unfinished text; a later draft takes its place. On return it is on the disk."""
    with db.begin() as c:
        c.execute(
            insert_or_replace(c, schema.drafts),
            [
                {
                    "project_id": pid,
                    "example_id": example_id,
                    "annotator": annotator,
                    "base_id": base_id,
                    "text": storable(text),
                    "saved_at": now(),
                }
            ],
        )


def draft(db: Database, pid: str, example_id: str, annotator: str) -> str | None:
    """The unfinished text, None where there is none."""
    with db.read() as c:
        return c.execute(select(schema.drafts.c.text).where(*_draft_of(pid, example_id, annotator))).scalar()


def drop_draft(db: Database, pid: str, example_id: str, annotator: str) -> None:
    with db.begin() as c:
        c.execute(delete(schema.drafts).where(*_draft_of(pid, example_id, annotator)))
