"""One worker process that waits with everything loaded, so that a job begins at once. Knows nothing of the queue, nor what is loaded.

It waits on its standard input, which ends with the process that started it, and for KEPT_S at most. The job, and the keys handed to it,
come as one line of JSON.
"""

import json
import os
import selectors
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

KEPT_S = 900.0
LATE_S = 30.0  # before its end nothing is handed to it any more
_lock = threading.Lock()


@dataclass(frozen=True)
class Spare:
    """A process that waits. of: what it was started for and with; nothing else may be handed to it."""

    process: subprocess.Popen[bytes]
    of: tuple[str, tuple[tuple[str, str], ...]]
    since: float

    @property
    def waits(self) -> bool:
        return self.process.poll() is None and time.monotonic() - self.since < KEPT_S - LATE_S


_spare: Spare | None = None


def surroundings(home: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The data folder and the environment, as a spare worker has to have them."""
    return home, tuple(sorted(os.environ.items()))


def keep(home: str, start: Callable[[], subprocess.Popen[bytes]]) -> None:
    """Have one process wait, started by `start` where none does."""
    global _spare
    with _lock:
        if _spare is not None and _spare.waits and _spare.of == surroundings(home):
            return
        _let_go()
        _spare = Spare(start(), surroundings(home), time.monotonic())


def hand(home: str, job_id: str, keys: dict[str, str]) -> subprocess.Popen[bytes] | None:
    """The waiting process, which has the job now; None where none could take it."""
    global _spare
    with _lock:
        if _spare is None or not _spare.waits or _spare.of != surroundings(home):
            return None
        process, _spare = _spare.process, None
    pipe = process.stdin
    try:
        if pipe is None:
            return None
        with pipe:
            pipe.write(json.dumps({"job": job_id, "keys": keys}).encode() + b"\n")
    except OSError:  # it died since
        return None
    return process


def end() -> None:
    """Let the waiting process end, where there is one."""
    with _lock:
        _let_go()


def _let_go() -> None:
    global _spare
    if _spare is not None and _spare.process.stdin is not None:
        _spare.process.stdin.close()
    _spare = None


def wait(seconds: float = KEPT_S) -> tuple[str, dict[str, str]] | None:
    """In the process that waits: the job and its keys, site -> key; None where none came and it is to end."""
    pipe = sys.stdin.buffer
    with selectors.DefaultSelector() as waiting:
        waiting.register(pipe, selectors.EVENT_READ)
        line = pipe.readline() if waiting.select(seconds) else b""
    if not line.endswith(b"\n"):
        return None
    said = json.loads(line)
    return said["job"], said["keys"]
