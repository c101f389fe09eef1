"""Work that other processes do in tests: it must be importable there."""

import os
import signal
import time
from pathlib import Path


def double(number):
    return 2 * number


def dies_once(job):
    """(folder, number): the first process that gets number 1 is killed, as the kernel does for want of memory."""
    folder, number = job
    mark = Path(folder) / "died"
    if number == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def slowly(job):
    """(folder, number): leaves a mark with its process's id, takes its time."""
    folder, number = job
    (Path(folder) / f"{number}-{os.getpid()}").touch()
    time.sleep(0.4)
    return number
