"""What was read of a database, remembered until anybody commits to it: the database itself says so. Knows no table.

Ten people on one page ask for the same few rows a hundred times a second, and each asking costs a transaction.
"""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

T = TypeVar("T")
LOOK_AGAIN_S = 5.0  # after a server did not answer
WAIT_S = 0.5  # for a look of another thread
MOMENT_S = 0.01  # for which a server is not asked again, unless this process has written: a page asks a hundred times
_ASK = "SELECT pg_current_snapshot()::text, pg_postmaster_start_time()::text"


class FileEye:
    """Whether anybody committed to an SQLite file: PRAGMA data_version, https://sqlite.org/pragma.html#pragma_data_version."""

    def __init__(self, file: str):
        self._file = file
        self._lock = threading.Lock()
        self._open: tuple[int, sqlite3.Connection] | None = None

    def __call__(self) -> Hashable | None:
        with self._lock:
            try:
                if self._open is None or self._open[0] != os.getpid():  # a connection must not be used on both sides of a fork
                    opened = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, check_same_thread=False, isolation_level=None)
                    self._open = os.getpid(), opened
                return int(self._open[1].execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error:  # the reading itself says what is wrong
                self._open = None
                return None


class ServerEye:
    """Whether anybody committed to a PostgreSQL server: which transactions a look would see. Those that only read are none of them.

    The same snapshot twice means that none began to write or ended between (pg_current_snapshot, version 13 and later). The start of the
    server stands with it, since one that is put in its place may count anew. What others commit is seen MOMENT_S late at most.
    """

    def __init__(self, engine: Engine, writes: Callable[[], int]):
        """writes: another number after each transaction of this process that wrote."""
        self._engine = engine
        self._writes = writes
        self._told: tuple[int, float, Hashable] | None = None
        self._nth = 0  # of the connections that it has opened
        self._lock = threading.Lock()
        self._open: tuple[int, Any] | None = None
        self._blind_until = 0.0
        event.listen(engine, "engine_disposed", self._let_go)

    def __call__(self) -> Hashable | None:
        if not self._lock.acquire(timeout=WAIT_S):  # a look that hangs holds up nobody else's page
            return None
        try:
            asked, writes = time.monotonic(), self._writes()
            if asked < self._blind_until:
                return None
            if self._told is not None and self._told[0] == writes and asked - self._told[1] < MOMENT_S:
                return self._told[2]
            self._told = None
            found = self._look()
            if found is None:
                self._blind_until = time.monotonic() + LOOK_AGAIN_S
            else:
                self._told = writes, asked, found
            return found
        finally:
            self._lock.release()

    def _look(self) -> Hashable | None:
        """What the server says, on a new connection where the one that was open is gone; None where it does not answer."""
        for connection in (self._kept, self._connection):
            with contextlib.suppress(SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error):  # while it connects, and afterwards
                if (opened := connection()) is not None:
                    # a server that lost its last commits may give their numbers again, but not to the same connection
                    return self._nth, *opened.execute(_ASK).fetchone()
            self._drop()
        return None

    def _kept(self) -> Any:
        """The connection that this process has open, None for none: one must not be used on both sides of a fork."""
        return self._open[1] if self._open is not None and self._open[0] == os.getpid() else None

    def _drop(self) -> None:
        kept, self._open = self._kept(), None
        if kept is not None:
            kept.close()

    def _connection(self) -> Any:
        """A connection of the driver's, for as long as the process looks: none of the pool's, and no transaction around a look."""
        opened = self._engine.raw_connection()
        driven: Any = opened.driver_connection
        opened.detach()
        driven.autocommit = True
        self._nth += 1
        self._open = os.getpid(), driven
        return driven

    def _let_go(self, _engine: Engine) -> None:
        with self._lock:
            self._drop()


class Lately:
    """eye: gives another value once anything was committed, None where it cannot tell; None for a database that never can, of which
    only a moment is remembered."""

    def __init__(self, eye: Callable[[], Hashable | None] | None):
        self._eye = eye
        self._held: dict[Hashable, tuple[Hashable, float, Any]] = {}

    def mark(self) -> Hashable | None:
        """Another value once anything was committed since, by this process or another; None where that cannot be told.

        Ask for it before what is to be remembered is read: then what was read is no older than the mark.
        """
        return None if self._eye is None else self._eye()

    def __call__(self, key: Hashable, read: Callable[[], T], writes: int = 0, moment_s: float = 0.0) -> T:
        """What `read` gave under this key, read again once anything was committed; nobody may change it.

        writes, moment_s: where the database cannot say so, what was read is remembered for so many seconds, as long as this process writes
        nothing.
        """
        mark, asked = self.mark(), time.monotonic()
        then, since, held = self._held.get(key, (None, 0.0, None))
        if then is not None and then == (mark, writes) and (mark is not None or asked - since < moment_s):
            known: T = held
            return known
        made = read()
        self._held[key] = (mark, writes), asked, made
        return made
