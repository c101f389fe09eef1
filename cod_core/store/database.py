"""Opening the database: pragmas, transactions, migrations to the newest schema. Knows no table by name."""

import itertools
import threading
import time
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError

from cod_core.errors import BadInput, CodError, Stale
from cod_core.said import msg, say

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

HEAD = "0008"
BUSY_S = 10
FORGET_S = 5
_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = threading.Lock()  # alembic keeps the migration at work in globals of its module
_ONE_WRITER = 0x0C0D  # the PostgreSQL advisory lock that writers take


_WRITES = itertools.count(1)


class Database:
    """A SQLAlchemy engine; every verb runs in one short transaction of its own.

    writes: another number after each transaction that wrote in this process, to this database or another. recent: what a verb
    remembers for a moment, by what it is of (store.projects).
    """

    writes = 0

    def __init__(self, engine: Engine):
        self.engine = engine
        self.recent: dict[Hashable, Any] = {}

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A connection for writing, committed at the end, rolled back on any error.

        Writers take turns from the first statement on, so what is read inside stays true until the commit.
        Raises CodError where the disk is full or the database is busy for 10 seconds, Stale where the project
        is gone, BadInput for a NUL character, which PostgreSQL stores nowhere.
        """
        try:
            with _plain_errors(), self.engine.connect().execution_options(writes=True) as connection:
                with connection.begin():
                    if self.engine.dialect.name == "postgresql":
                        connection.execute(text(f"SET LOCAL lock_timeout = '{BUSY_S}s'"))
                        connection.execute(text(f"SELECT pg_advisory_xact_lock({_ONE_WRITER})"))
                    yield connection
        finally:
            Database.writes = next(_WRITES)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for reading only: one consistent snapshot that never waits for a writer."""
        with _plain_errors(), self.engine.connect() as connection, connection.begin():
            if self.engine.dialect.name == "postgresql":
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection

    def forget_deleted(self, tables: Sequence[str]) -> str:
        """Leave no copy of erased rows behind in the files of these tables; returns "" or a sentence that says where some may be.

        Waits up to FORGET_S for others to stop reading. A PostgreSQL server's write-ahead log, and backups, are the server's affair.
        """
        try:
            done = self._emptied_log() if self.engine.dialect.name == "sqlite" else self._rewritten(tables)
        except DBAPIError:
            done = False
        if done:
            return ""
        sqlite = self.engine.dialect.name == "sqlite"
        return (
            say(
                "The project is erased. But somebody was reading the database meanwhile, so traces of its texts may be left in "
                "the file beside it that ends in -wal until every program that uses this data folder is closed."
            )
            if sqlite
            else say(
                "The project is erased. But somebody was reading the database meanwhile, so traces of its texts may be left in "
                "the server's files until the next project is erased, or a VACUUM FULL."
            )
        )

    def _emptied_log(self) -> bool:
        """SQLite: what is erased in the database itself is overwritten; its write-ahead log is cut to nothing here."""
        until = time.monotonic() + FORGET_S
        with self.engine.connect().execution_options(outside=True) as connection:
            connection.exec_driver_sql("PRAGMA busy_timeout=200")
            try:
                while True:
                    busy, left, _ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
                    if not busy and left <= 0:  # -1 where there is no such log
                        return True
                    if time.monotonic() > until:
                        return False
                    time.sleep(0.1)
            finally:
                connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_S * 1000}")

    def _rewritten(self, tables: Sequence[str]) -> bool:
        """PostgreSQL: each table written anew without its erased rows, once nobody can see them any more."""
        started = "SELECT count(*) FROM pg_stat_activity WHERE xact_start < :erased AND pid <> pg_backend_pid() AND backend_type = :kind"
        with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            erased, until = connection.execute(text("SELECT clock_timestamp()")).scalar(), time.monotonic() + FORGET_S
            while connection.execute(text(started), {"erased": erased, "kind": "client backend"}).scalar():
                if time.monotonic() > until:
                    return False
                time.sleep(0.1)
            connection.exec_driver_sql(f"SET lock_timeout = '{FORGET_S}s'")
            try:
                for name in (*tables, "pg_statistic"):  # which holds the commonest values of each column
                    connection.exec_driver_sql(f"VACUUM (FULL{', ANALYZE' if name in tables else ''}) {name}")
            finally:
                connection.exec_driver_sql("RESET lock_timeout")
        return True


def storable(text: str | None) -> str | None:
    """The text without what a database cannot hold: NUL characters and halves of surrogate pairs."""
    return None if text is None else text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        if "foreign key" not in str(error.orig).lower():
            raise
        raise Stale("The project was deleted in the meantime, so nothing was saved. Open another project.") from error
    except DataError as error:
        if "NUL" not in str(error.orig):
            raise
        raise BadInput(msg("A NUL character cannot be stored. Remove it, or type the words anew.")) from error
    except ProgrammingError:  # a mistake of ours, not of the disk or the person
        raise
    except DBAPIError as error:
        raise CodError(plain(error)) from error


def plain(error: DBAPIError) -> str:
    """What went wrong with the database, and what to do. Holds no text of the person's."""
    message = str(error.orig)
    if "is full" in message or "No space left" in message:
        return "The disk is full, so nothing more can be saved. Free some space and try again; what was saved is kept."
    if "locked" in message or "lock timeout" in message:
        return f"Another program has kept the database busy for more than {BUSY_S} seconds. Try again."
    if "malformed" in message or "not a database" in message:
        return (
            "The database file is damaged or is not a database of this app. Set COD_HOME to another folder, "
            "or put a backup of cod.db in its place."
        )
    return f"The database could not be used ({message}). Check that the data folder is reachable and writable."


def open_database(url: str) -> Database:
    """The database at a SQLAlchemy URL, made or migrated to the newest schema. Alembic loads only when needed.

    SQLite runs in WAL mode with synchronous=FULL, so that a committed decision survives kill -9 and power loss,
    and with secure_delete, so that erased texts are overwritten. Raises CodError where it cannot be used.
    """
    sqlite = url.startswith("sqlite")
    engine = _engine(url, sqlite)
    if sqlite:
        event.listen(engine, "connect", _pragmas)
        event.listen(engine, "begin", _begin)
    db = Database(engine)
    if _revision(db) != HEAD:
        _migrate(db)
    return db


def _engine(url: str, sqlite: bool) -> Engine:
    """Raises CodError where the address is not one of SQLite or PostgreSQL, or what speaks to the latter is not installed."""
    try:
        made = make_url(url)
        if sqlite:
            return create_engine(made, hide_parameters=True, connect_args={"timeout": BUSY_S})
        if made.drivername not in ("postgres", "postgresql", "postgresql+psycopg"):
            raise ArgumentError(made.drivername)
        return create_engine(
            made.set(drivername="postgresql+psycopg"), hide_parameters=True, pool_pre_ping=True, connect_args={"connect_timeout": BUSY_S}
        )
    except ImportError as error:
        raise CodError("PostgreSQL needs the package psycopg: pip install 'psycopg[binary]'") from error
    except ArgumentError as error:
        raise CodError(
            "COD_DATABASE_URL is not the address of a database that this app can use. Expected "
            "sqlite:///FILE or postgresql://NAME:PASSWORD@HOST/DATABASE."
        ) from error


def _pragmas(connection: "DBAPIConnection", _record: "ConnectionPoolEntry") -> None:
    connection.isolation_level = None  # transactions begin where _begin says, not where sqlite3 guesses
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={BUSY_S * 1000}")
    for attempt in range(50):  # the first switch to WAL does not wait for others that switch too
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            break
        except Exception as error:
            if "locked" not in str(error) or attempt == 49:
                raise
            time.sleep(0.05)
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("outside"):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _revision(db: Database) -> str | None:
    """The schema's revision, None for an empty database."""
    with _plain_errors(), db.engine.connect() as connection:
        if not db.engine.dialect.has_table(connection, "alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(db: Database, to: str = "head") -> None:
    """Bring the schema to HEAD inside one write transaction: programs that start together migrate once.

    Raises CodError where a newer version of the app made the database.
    """
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        with _MIGRATING, db.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, to)
    except CommandError as error:
        raise CodError(
            f"The database has schema {_revision(db)!r}; this version of the app knows up to {HEAD!r}. "
            "A newer version made it: install that version, or set COD_HOME to another folder."
        ) from error
