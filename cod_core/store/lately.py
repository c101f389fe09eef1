"""What was read of a database, remembered until anybody commits to it: of SQLite the file itself says so. Knows no table.

Ten people on one page ask for the same few rows a hundred times a second, and each asking costs a transaction.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class Lately:
    """file: of an SQLite database; None for one that cannot say whether it has changed, of which only a moment is remembered."""

    def __init__(self, file: str | None):
        self._file = file
        self._lock = threading.Lock()
        self._eye: tuple[int, sqlite3.Connection] | None = None
        self._held: dict[Hashable, tuple[Hashable, float, Any]] = {}

    def mark(self) -> Hashable | None:
        """Another value once anything was committed since, by this process or another; None where that cannot be told.

        Ask for it before what is to be remembered is read: then what was read is no older than the mark.
        """
        if self._file is None:
            return None
        with self._lock:
            try:
                if self._eye is None or self._eye[0] != os.getpid():  # a connection must not be used on both sides of a fork
                    opened = sqlite3.connect(f"file:{self._file}?mode=ro", uri=True, check_same_thread=False, isolation_level=None)
                    self._eye = os.getpid(), opened
                return int(self._eye[1].execute("PRAGMA data_version").fetchone()[0])
            except sqlite3.Error:  # the reading itself says what is wrong
                self._eye = None
                return None

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
