"""A whole project as plain rows, out and in again. Knows tables and columns, not what they mean.

Left out: jobs, leases, embeddings and predictions (computed again; those that cost money are read from the replies again).

Nothing that comes in can change what another project is told. Predictions belong to no project, so none is taken: a forged one
would be the verdict of a teacher for everybody. A reply stands under its key once, and belongs to one project:
- one that names the project in its key is the project's own business;
- one that another project has, word for word, stands beside it as the project's copy, which takes the key over when the other
  project is deleted (store/projects.py);
- any other was told somewhere else, or was never told: it is kept for this project alone (cache.restored_key).
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

from sqlalchemy import JSON, Table, insert, select
from sqlalchemy.engine import Connection
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, StatementError

from cod_core.errors import BadInput
from cod_core.settings import Limits
from cod_core.store import allowance, schema
from cod_core.store.cache import CHUNK, COPIED, copy_key, fresh_statistics, insert_new, own_key, restored_key
from cod_core.store.database import Database
from cod_core.store.decisions import written_number
from cod_core.store.projects import is_id
from cod_core.types import now

LOGS = ("decisions", "label_corrections", "text_changes")  # their rows are numbered by the database, and name each other by number
OWN = ("uploads", "examples", "counterfactuals", "flip_checks", *LOGS, "drafts", "replies", "runs", "guidelines", "places")
BATCH = 2000
_HELD: dict[type, tuple[type, ...]] = {str: (str,), int: (int,), float: (int, float), bool: (bool, int), bytes: (bytes,)}
Rows = Callable[[str], Iterable[dict[str, Any]]]


def rows(c: Connection, pid: str, table: str) -> Iterator[dict[str, Any]]:
    """The project's rows of one table as plain values, a batch at a time in memory.

    c: one open reading transaction for all tables, or a decision made meanwhile comes without the text it is about.
    """
    t = schema.metadata.tables[table]
    if table == "predictions":
        held = (
            select(schema.examples.c.text_hash)
            .where(schema.examples.c.project_id == pid)
            .union(select(schema.counterfactuals.c.text_hash).where(schema.counterfactuals.c.project_id == pid))
        )
        query = select(t).where(t.c.text_hash.in_(held))
    elif table == "projects":
        query = select(t).where(t.c.id == pid)
    else:
        query = select(t).where(t.c.project_id == pid).order_by(*t.primary_key)
    for part in c.execute(query, execution_options={"yield_per": BATCH}).mappings().partitions():
        for row in part:
            values = {k: v for k, v in row.items() if k != "project_id"}
            yield {**values, "key": own_key(pid, values["key"])} if table == "replies" else values


def load(
    db: Database,
    project: dict[str, Any],
    own: Rows,
    taken: Callable[[str], str],
    placed: Callable[[str, dict[str, Any]], dict[str, Any]] = lambda pid, row: row,
    was: str | None = None,
    limits: Limits = Limits(),
) -> str:
    """Write a project and its rows, all or none; returns its id, which is a new one. own: table name -> rows as `rows` gave them.

    taken: old id -> the new one (projects.new_id). placed: (id, project) -> the row to write, once the id is known and
    before anything is committed: the place for what has to succeed together with the rows. was: the project's id where the
    rows come from, project["id"] where None; replies whose key names it are found under the new id. Decisions and corrections
    get new numbers, in their old order.
    Raises BadInput where a row is not one of this format, CodError where whoever made the project has as many as the limits allow.
    """
    with db.begin() as c:
        allowance.refuse_project(c, project.get("created_by"), limits)
        was = was or str(project["id"])
        pid = taken(was)
        if not is_id(pid):
            raise ValueError(f"{pid!r} is no id of a project")
        project = placed(pid, project)
        try:
            c.execute(insert(schema.projects).values({**_known("projects", project), "id": pid}))
            for name in OWN:
                t = schema.metadata.tables[name]
                if name in LOGS:
                    _numbered(c, pid, t, own(name))
                elif name == "replies":
                    _replies(c, pid, ({**_known(name, r), "key": own_key(was, r["key"]).replace(was, pid)} for r in own(name)))
                else:
                    _fill(c, t, ({**_known(name, r), "project_id": pid} for r in own(name)))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, StatementError) as error:
            if isinstance(error, DBAPIError) and not isinstance(error, (IntegrityError, DataError, ProgrammingError)):
                raise  # the disk or the database, not the rows
            raise BadInput(
                "The backup holds rows that this app cannot read: it is damaged, or a newer version made it. Nothing was restored."
            ) from error
    return pid


def _known(table: str, row: dict[str, Any]) -> dict[str, Any]:
    """The row's values that the table has. Raises TypeError for one of another kind: SQLite would keep a word where a number goes."""
    columns = schema.metadata.tables[table].c
    known = {k: v for k, v in row.items() if k in columns}
    for name, value in known.items():
        kind = columns[name].type
        if value is not None and not isinstance(kind, JSON) and not isinstance(value, _HELD[kind.python_type]):
            raise TypeError(f"{table}.{name}")
    return known


def _fill(c: Connection, table: Table, rows: Iterable[dict[str, Any]]) -> None:
    batch: list[dict[str, Any]] = []
    total = 0
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            c.execute(insert_new(c, table), batch)
            total, batch = total + len(batch), []
    if batch:
        c.execute(insert_new(c, table), batch)
    fresh_statistics(c, table, total + len(batch))


def _replies(c: Connection, pid: str, rows: Iterable[dict[str, Any]]) -> None:
    """Every reply under a key that no other project reads, unless it is what that project was told too."""
    t, waiting = schema.replies, iter(rows)
    while batch := list(islice(waiting, CHUNK)):
        there = dict(c.execute(select(t.c.key, t.c.reply).where(t.c.key.in_([r["key"] for r in batch]))).tuples().all())
        _fill(c, t, ({**r, "project_id": pid, "key": _place(pid, r["key"], r["reply"], there)} for r in batch))


def _place(pid: str, key: str, reply: Any, there: dict[str, Any]) -> str:
    """The key of a reply that comes in. there: what stands under such keys already."""
    if pid in key and not key.startswith(COPIED):
        return key
    return copy_key(pid, key) if key in there and there[key] == reply else restored_key(pid, key)


def _numbered(c: Connection, pid: str, log: Table, rows: Iterable[dict[str, Any]]) -> None:
    numbers: dict[int, int] = {}
    for row in sorted(rows, key=lambda r: r["seq"]):
        values = {**_known(log.name, row), "project_id": pid}
        old, undoes = values.pop("seq"), values.get("undoes")
        values["undoes"] = None if undoes is None else numbers[undoes]
        numbers[old] = written_number(c, values, log)


def archive(db: Database, pid: str, yes: bool) -> None:
    """Put a project away, or bring it back. Raises BadInput where there is none."""
    t = schema.projects
    with db.begin() as c:
        changed = c.execute(t.update().where(t.c.id == pid).values(archived_at=now() if yes else None)).rowcount
        if not changed:
            raise BadInput("This project does not exist (any more). Choose another one.")
