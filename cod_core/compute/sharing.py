"""How many processes of one person's account are at heavy work on this machine, so that they share its cores. Knows no work.

Each keeps a locked file in a folder of the account's own while it is at work. The system lets go of the lock however a process ends, so
nobody counts who is gone. Where files cannot be locked so (Windows), everybody counts as alone.
"""

import os
import stat
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]  # asked for before each use

COUNTED_S = 1.0


class AtWork:
    """The processes at work that keep their files in one folder. This one counts once, whatever it does at once."""

    def __init__(self, folder: Path):
        self._folder, self._lock = folder, threading.Lock()
        self._entered, self._own, self._handle = 0, folder, -1
        self._counted: tuple[float, int] = float("-inf"), 1

    @contextmanager
    def entered(self) -> Iterator[None]:
        """While this process is at work."""
        with self._lock:
            self._entered += 1
            if self._entered == 1:
                self._enter()
        try:
            yield
        finally:
            with self._lock:
                self._entered -= 1
                if not self._entered:
                    self._leave()

    def count(self) -> int:
        """Processes at work, this one included; looked for once a second at most."""
        with self._lock:
            if time.monotonic() - self._counted[0] > COUNTED_S:
                self._counted = time.monotonic(), 1 + self._others()
            return self._counted[1]

    def _enter(self) -> None:
        if fcntl is None or not self._is_own():
            return
        with suppress(OSError):  # a full disk: then this one is not counted
            name = f"{os.getpid()}-{uuid.uuid4().hex}"
            made, self._own = self._folder / f".{name}", self._folder / name
            self._handle = os.open(made, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._handle, fcntl.LOCK_EX)
            made.rename(self._own)  # locked before anybody finds it
        self._counted = float("-inf"), 1

    def _leave(self) -> None:
        if self._handle >= 0:
            self._own.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = -1

    def _others(self) -> int:
        if fcntl is None or not self._is_own():
            return 0
        return sum(_held(path) for path in self._folder.iterdir() if path != self._own and not path.name.startswith("."))

    def _is_own(self) -> bool:
        """Whether the folder is there, made now where it was not, and nobody else's."""
        with suppress(OSError):
            self._folder.mkdir(mode=0o700, exist_ok=True)
            found = self._folder.lstat()
            return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid()
        return False


def _held(path: Path) -> bool:
    """Whether the process that made the file lives; else it is taken away."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False  # it left just now
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        path.unlink(missing_ok=True)
        return False
    finally:
        os.close(handle)


AT_WORK = AtWork(Path(tempfile.gettempdir()) / f"cod-at-work-{os.getuid() if hasattr(os, 'getuid') else ''}")
