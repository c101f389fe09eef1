"""Opening the database: pragmas and migrations to the newest schema. Knows no table by name."""

from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError

from cod_core.errors import CodError

HEAD = "0001"
_MIGRATIONS = Path(__file__).parent / "migrations"


class Database:
    """A SQLAlchemy engine; every verb runs in one short transaction of its own."""

    def __init__(self, engine: Engine):
        self.engine = engine

    @contextmanager
    def begin(self):
        """A connection inside a transaction, committed at the end. Raises CodError where the disk is full."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except OperationalError as error:
            raise CodError(plain(error)) from error


def plain(error: OperationalError) -> str:
    """What went wrong with the database, and what to do."""
    said = str(error.orig)
    if "full" in said:
        return "The disk is full, so nothing more can be saved. Free some space and try again; what was saved is kept."
    if "locked" in said:
        return "The database is busy with another program for more than 10 seconds. Try again."
    return f"The database could not be used ({said}). Check that the data folder is reachable and writable."


def open_database(url: str) -> Database:
    """The database at a SQLAlchemy URL, made or migrated to the newest schema.

    SQLite runs in WAL mode with synchronous=FULL, so that a committed decision survives kill -9 and power loss.
    """
    engine = create_engine(url, connect_args={"timeout": 10} if url.startswith("sqlite") else {})
    if url.startswith("sqlite"):
        event.listen(engine, "connect", _pragmas)
    if _revision(engine) != HEAD:
        _migrate(engine, url)
    return Database(engine)


def _pragmas(connection, _record) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _revision(engine: Engine) -> str | None:
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except Exception:  # no such table, in each dialect's own class
        return None


def _migrate(engine: Engine, url: str) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    with _one_at_a_time(engine):
        if _revision(engine) == HEAD:
            return
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


@contextmanager
def _one_at_a_time(engine: Engine):
    """A lock file beside a SQLite database: two processes that start together migrate once."""
    import fcntl

    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        yield
        return
    with open(f"{path}.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
