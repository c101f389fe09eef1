"""What models and endpoints answered, by content hash: predictions, embeddings, replies."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Column, Insert, Table, delete, func, select, text, update
from sqlalchemy.engine import Connection

from cod_core.store import schema
from cod_core.store.database import Database
from cod_core.types import now

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql, sqlite

CHUNK = 500
COPIED, RESTORED = "copy:", "restored:"
FAILED = "failed:"  # what a key begins with under which texts stand that nothing was found for: text's id -> why


def _lookup(db: Database, table: Table, value: Column[Any], hashes: list[str], **fixed: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    with db.read() as c:
        for start in range(0, len(hashes), CHUNK):
            query = select(table.c.text_hash, value).where(table.c.text_hash.in_(hashes[start : start + CHUNK]))
            for name, wanted in fixed.items():
                query = query.where(table.c[name] == wanted)
            values.update(c.execute(query).tuples().all())
    return values


def _put(db: Database, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows that are not there yet, in one transaction."""
    if not rows:
        return
    with db.begin() as c:
        c.execute(insert_new(c, table), rows)
        fresh_statistics(c, table, len(rows))


def fresh_statistics(connection: Connection, table: Table, rows: int) -> None:
    """Tell PostgreSQL how a table looks after many new rows; without that it reads them one by one for a minute."""
    if rows >= 1000 and connection.dialect.name == "postgresql":
        connection.execute(text(f"ANALYZE {table.name}"))


def _insert(connection: Connection, table: Table) -> "sqlite.Insert | postgresql.Insert":
    from sqlalchemy.dialects import postgresql, sqlite

    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


def insert_new(connection: Connection, table: Table) -> Insert:
    """INSERT that leaves existing rows alone, for SQLite and PostgreSQL."""
    return _insert(connection, table).on_conflict_do_nothing()


def insert_or_replace(connection: Connection, table: Table) -> Insert:
    """INSERT whose values take the place of those of an existing row, for SQLite and PostgreSQL."""
    statement = _insert(connection, table)
    keys = [c.name for c in table.primary_key]
    return statement.on_conflict_do_update(
        index_elements=keys, set_={c.name: statement.excluded[c.name] for c in table.c if c.name not in keys}
    )


def get_predictions(db: Database, classifier_id: str, revision: str, hashes: list[str]) -> dict[str, tuple[float, ...]]:
    table = schema.predictions
    values = _lookup(db, table, table.c.logprobs, hashes, classifier_id=classifier_id, revision=revision)
    return {key: tuple(value) for key, value in values.items()}


def put_predictions(db: Database, classifier_id: str, revision: str, values: dict[str, tuple[float, ...]]) -> None:
    _put(
        db,
        schema.predictions,
        [
            {"classifier_id": classifier_id, "revision": revision, "text_hash": key, "logprobs": [float(v) for v in value]}
            for key, value in values.items()
        ],
    )


def get_embeddings(db: Database, encoder_id: str, hashes: list[str]) -> dict[str, np.ndarray]:
    table = schema.embeddings
    values = _lookup(db, table, table.c.vector, hashes, encoder_id=encoder_id)
    return {key: np.frombuffer(value, dtype=np.float32) for key, value in values.items()}


def put_embeddings(db: Database, encoder_id: str, values: dict[str, np.ndarray]) -> None:
    _put(
        db,
        schema.embeddings,
        [
            {"encoder_id": encoder_id, "text_hash": key, "vector": np.asarray(value, dtype=np.float32).tobytes()}
            for key, value in values.items()
        ],
    )


def copy_key(pid: str, key: str) -> str:
    """Where a project keeps its copy of a reply that stands under `key` as another project's."""
    return f"{COPIED}{pid}:{key}"


def own_key(pid: str, key: str) -> str:
    """The key of a reply, whether it is kept as a copy of this project or not."""
    return key.removeprefix(copy_key(pid, ""))


def hand_over(c: Connection, pid: str) -> None:
    """Let copies take the place of the replies of a project that is being deleted. c: an open write transaction."""
    t = schema.replies
    copies = c.execute(select(t.c.key, t.c.project_id).where(t.c.key.startswith(COPIED), t.c.project_id != pid)).all()
    of_key = {own_key(holder, key): key for key, holder in copies}
    for start in range(0, len(of_key), CHUNK):
        part = list(of_key)[start : start + CHUNK]
        going = c.execute(select(t.c.key).where(t.c.project_id == pid, t.c.key.in_(part))).scalars().all()
        c.execute(delete(t).where(t.c.key.in_(going)))
        for key in going:
            c.execute(update(t).where(t.c.key == of_key[key]).values(key=key))


def restored_key(pid: str, key: str) -> str:
    """Where a restored project keeps a reply that nobody here was told: for this project alone, and never handed over."""
    return f"{RESTORED}{pid}:{key}"


def get_reply(db: Database, key: str, pid: str | None = None) -> dict[str, Any] | None:
    """What is on record under a key. pid: a project that may also use what it was restored with."""
    return get_replies(db, [key], pid).get(key)


def _reply(c: Connection, key: str) -> dict[str, Any] | None:
    reply: dict[str, Any] | None = c.execute(select(schema.replies.c.reply).where(schema.replies.c.key == key)).scalar()
    return reply


def get_replies(db: Database, keys: list[str], pid: str | None = None) -> dict[str, dict[str, Any]]:
    """key -> reply, of those on record. pid: a project that may also use what it was restored with; what was asked here goes before."""
    t = schema.replies
    with db.read() as c:

        def held(wanted: list[str]) -> dict[str, dict[str, Any]]:
            out: dict[str, dict[str, Any]] = {}
            for start in range(0, len(wanted), CHUNK):
                out.update(c.execute(select(t.c.key, t.c.reply).where(t.c.key.in_(wanted[start : start + CHUNK]))).tuples().all())
            return out

        replies = held(keys)
        if pid is not None:
            own = {restored_key(pid, key): key for key in keys if key not in replies}
            replies |= {own[key]: reply for key, reply in held(list(own)).items()}
    return replies


def put_replies(db: Database, pid: str | None, replies: dict[str, dict[str, Any]]) -> None:
    """Remember several replies in one transaction; what is on record under a key already stays."""
    _put(db, schema.replies, [{"key": key, "project_id": pid, "reply": reply, "created_at": now()} for key, reply in replies.items()])


def count(db: Database, pid: str | None, key: str, **amounts: float) -> None:
    """Add amounts to the numbers kept under a key of the replies, in one transaction."""
    _change(db, pid, key, lambda present: {name: present.get(name, 0) + value for name, value in amounts.items()})


def add_to_reply(db: Database, pid: str | None, key: str, more: dict[str, Any]) -> None:
    """Add entries to what is kept under a key of the replies, in one transaction: two writers lose nothing."""
    _change(db, pid, key, lambda present: more)


def forget_failure(c: Connection, pid: str, example_id: str) -> None:
    """Forget, for every teacher, that nothing was found for a text: it has other words now."""
    t = schema.replies
    kept = select(t.c.key, t.c.reply).where(t.c.project_id == pid, t.c.key.startswith(FAILED, autoescape=True))
    for key, reply in c.execute(kept).tuples().all():
        if example_id in reply:
            c.execute(update(t).where(t.c.key == key).values(reply={i: why for i, why in reply.items() if i != example_id}))


def _change(db: Database, pid: str | None, key: str, changes: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    with db.begin() as c:
        present = _reply(c, key) or {}
        c.execute(
            insert_or_replace(c, schema.replies),
            [{"key": key, "project_id": pid, "reply": {**present, **changes(present)}, "created_at": now()}],
        )


def count_predictions(db: Database, classifier_id: str, revision: str) -> int:
    """How many texts a classifier's answers are kept for."""
    t = schema.predictions
    with db.read() as c:
        return (
            c.execute(select(func.count()).select_from(t).where(t.c.classifier_id == classifier_id, t.c.revision == revision)).scalar() or 0
        )


def put_reply(db: Database, pid: str | None, key: str, reply: dict[str, Any]) -> None:
    """Remember a reply; a later one under the same key takes its place."""
    with db.begin() as c:
        c.execute(insert_or_replace(c, schema.replies), [{"key": key, "project_id": pid, "reply": reply, "created_at": now()}])
