"""Opening the database: pragmas, transactions, migrations to the newest schema. Knows no table by name."""

import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, event, make_url, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, ProgrammingError

from cod_core.disk import CLOSED, FULL, no_room
from cod_core.errors import BadInput, CodError, Stale
from cod_core.said import msg, say
from cod_core.store.lately import FileEye, Lately, ServerEye

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

HEAD = "0008"
BUSY_S = 10
FORGET_S = 5
_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = threading.Lock()  # alembic keeps the migration at work in globals of its module
# a server whose machine or network is gone is given up after 40 seconds, not after the quarter of an hour that the system takes
_PATIENCE = {"connect_timeout": BUSY_S, "keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 2, "tcp_user_timeout": 40_000}
_ONE_WRITER = 0x0C0D  # the PostgreSQL advisory lock that writers take


_WRITES = itertools.count(1)


class _OfThread(threading.local):
    """open: the connection of what this thread does together, None where that is nothing. failed: a part of it was refused."""

    open: Connection | None = None
    failed = False


class Database:
    """A SQLAlchemy engine; every verb runs in one short transaction of its own, but for those that are done `together`.

    writes: another number after each transaction that wrote in this process, to this database or another.
    """

    writes = 0

    def __init__(self, engine: Engine):
        self.engine = engine
        self._lately = Lately(
            FileEye(engine.url.database or "") if engine.dialect.name == "sqlite" else ServerEye(engine, lambda: Database.writes)
        )
        self._mine = _OfThread()

    @property
    def lately(self) -> Lately:
        """What was read, until anybody commits; of what is done together nothing is remembered, since it may yet be rolled back."""
        return self._lately if self._mine.open is None else Lately(None)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What this thread's verbs read and write inside is one transaction: all of it is kept at the end, or none.

        Others wait with their writing meanwhile, so what takes long is done before. Inside another such block it is part of that one.
        Raises what `begin` raises.
        """
        if self._mine.open is not None:
            yield
            return
        with self.begin() as connection:
            self._mine.open, self._mine.failed = connection, False
            try:
                yield
                if self._mine.failed:
                    raise RuntimeError("A part of what is done together failed, so the rest may not be kept without it.")
            finally:
                self._mine.open = None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A connection for writing, committed at the end, rolled back on any error.

        Writers take turns from the first statement on, so what is read inside stays true until the commit.
        Raises CodError where the disk is full or the database is busy for 10 seconds, Stale where the project
        is gone, BadInput for a NUL character, which PostgreSQL stores nowhere.
        """
        try:
            if self._mine.open is not None:
                with self._joined() as connection:
                    yield connection
                return
            with _plain_errors(self.engine), self.engine.connect().execution_options(writes=True) as connection:
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
        if self._mine.open is not None:
            with self._joined() as connection:
                yield connection
            return
        with _plain_errors(self.engine), self.engine.connect() as connection, connection.begin():
            if self.engine.dialect.name == "postgresql":
                connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
            yield connection

    @contextmanager
    def _joined(self) -> Iterator[Connection]:
        """The connection of what is done together."""
        assert self._mine.open is not None
        try:
            with _plain_errors(self.engine):
                yield self._mine.open
        except Exception:  # a reader that stops early is no failure
            self._mine.failed = True
            raise

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
def _plain_errors(engine: Engine) -> Iterator[None]:
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
        raise CodError(plain(error, engine)) from error


def plain(error: DBAPIError, engine: Engine) -> str:
    """What went wrong with the database, and what to do. Holds no text of the person's, and no address of a server."""
    message, sqlite = str(error.orig), engine.dialect.name == "sqlite"
    if "is full" in message or "No space left" in message or sqlite and no_room(Path(engine.url.database or ".").parent):
        return FULL
    if "locked" in message or "lock timeout" in message:
        return say("Another program has kept the database busy for more than {seconds} seconds. Try again.", seconds=BUSY_S)
    if "malformed" in message or "not a database" in message:
        return say(
            "The database file is damaged or is not a database of this app. Set COD_HOME to another folder, "
            "or put a backup of cod.db in its place."
        )
    if not sqlite:
        return say("The database server does not answer. Start it again, or ask whoever runs it, then try again; what was saved is kept.")
    if "readonly" in message or "read-only" in message:
        return CLOSED
    return say("The database could not be used ({why}). Check that the data folder is reachable and writable.", why=message)


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
        return create_engine(made.set(drivername="postgresql+psycopg"), hide_parameters=True, pool_pre_ping=True, connect_args=_PATIENCE)
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
    with _plain_errors(db.engine), db.engine.connect() as connection:
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
