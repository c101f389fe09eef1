"""The worker process: runs one job, writes its progress and its end into the database.

    python -m cod_core.jobs.worker JOB_ID --home FOLDER
    python -m cod_core.jobs.worker --spare PROJECT_ID --home FOLDER     loads what a job is likely to need, then waits for one

What a job does is the workspace's affair; this file knows only rows, heartbeats and endings.
"""

import argparse
import contextlib
import json
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

from cod_core.disk import refused
from cod_core.errors import BadInput, Cancelled, CodError
from cod_core.jobs import processes, queue
from cod_core.progress import Progress
from cod_core.settings import Settings
from cod_core.store.database import Database, open_database

if TYPE_CHECKING:
    from cod_core.workspace import Workspace

HEARTBEAT_S = 2.0
WAIT_S = 0.5
SESSION_NICE = 10  # a tenth of what a page gets where both want more than there is
LATE_S = 120.0  # for which the end of a job may wait for the database
BUG = "Something went wrong that should not have (details in the log file). What was finished is kept."


class _Stopped(BaseException):
    """The machine asks the process to end (SIGTERM)."""


def main(arguments: list[str] | None = None, workspace: "Workspace | None" = None) -> str:
    """Run the job named on the command line; returns its final state. workspace: another one, for tests.

    Waits while another job runs. Returns "queued" or the state found where another worker has the job,
    "gone" where there is no such job, or none came for a spare worker.
    """
    parser = argparse.ArgumentParser(description="Run one background job.")
    parser.add_argument("job_id", nargs="?")
    parser.add_argument("--spare", metavar="PROJECT_ID")
    parser.add_argument("--home", required=True)
    chosen = parser.parse_args(arguments)
    if arguments is None:
        _be_a_process()
    settings = _settings(chosen.home)
    log = _log(settings)
    try:
        if chosen.spare is not None:
            workspace = _loaded(chosen.spare, settings, log)
            chosen.job_id = processes.job_of_spare()
            if chosen.job_id is None:
                return "gone"
        db = workspace.db if workspace is not None else open_database(settings.database_url)
        return _wait_and_run(chosen.job_id, db, settings, workspace, log)
    except (BadInput, _Stopped):
        return "gone"
    except Exception as error:
        log.error("job %s: the worker stopped\n%s", chosen.job_id, frames(error))
        raise


def _workspace(settings: Settings) -> "Workspace":
    from cod_core.workspace import Workspace

    shared = settings.database_url == os.environ.get("COD_DATABASE_URL")
    return Workspace(None if shared else settings.home)


def _loaded(project_id: str, settings: Settings, log: logging.Logger) -> "Workspace | None":
    """A workspace with what a job of the project is likely to need; None where it cannot be opened: the job itself says why."""
    try:
        workspace = _workspace(settings)
        workspace.project(project_id).jobs.load()
        return workspace
    except Exception as error:
        log.warning("a spare worker loaded nothing\n%s", frames(error))
        return None


def _be_a_process() -> None:
    """Low priority, and SIGTERM as an exception, so that the job is marked before the end."""
    give_way()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise _Stopped

    signal.signal(signal.SIGTERM, stop)


def give_way() -> None:
    """Let pages that people wait for have the processor first; a job takes what they leave.

    Where Linux weighs sessions against each other (autogroup, sched(7)), a process's own niceness counts within its session alone. A
    session that others share stays as it is.
    """
    with contextlib.suppress(OSError, AttributeError):
        os.nice(19)
        if os.getsid(0) == os.getpid():
            Path("/proc/self/autogroup").write_text(str(SESSION_NICE), encoding="ascii")


def _settings(home: str) -> Settings:
    """The settings of whoever started the worker: COD_DATABASE_URL counts for the default folder only."""
    if os.environ.get("COD_DATABASE_URL"):
        usual = Settings.load()
        if usual.home.resolve() == Path(home).resolve():
            return usual
    return Settings.load(home)


def _wait_and_run(job_id: str, db: Database, settings: Settings, workspace: "Workspace | None", log: logging.Logger) -> str:
    pid = os.getpid()
    other = _waited(db, job_id, pid, settings)
    if other is not None:
        return other
    end: dict[str, Any] = {"state": "failed", "error": queue.INTERRUPTED, "message": queue.INTERRUPTED}
    try:
        with heartbeat(db, job_id, pid) as stopped:
            workspace = workspace or _workspace(settings)
            job = queue.get(db, job_id)
            result = workspace.project(job.project_id, job.actor).jobs.run(job, progress_of(db, job_id, pid, stopped))
            end = {"state": "done", "result": plain(result)}
    except Cancelled:
        end = {"state": "cancelled"}
    except CodError as error:
        end = {"state": "failed", "error": str(error)}
    except Exception as error:
        log.error("job %s failed\n%s", job_id, frames(error))
        end = {"state": "failed", "error": str(refused(error) or BUG)}
    except _Stopped:
        pass
    finally:
        kept = _finished(db, job_id, pid, end)
    return end["state"] if kept else "gone"


def _waited(db: Database, job_id: str, pid: int, settings: Settings) -> str | None:
    """Wait until the job is this process's; None then, else the state in which it is somebody else's affair.

    A database that is busy, or away, is asked again for LATE_S.
    """
    until = time.monotonic() + LATE_S
    while True:
        try:
            if queue.claim(db, job_id, pid, settings.limits):
                return None
            job = queue.get(db, job_id)
            if job.state != "queued" or job.pid not in (None, pid):
                return job.state
            until = time.monotonic() + LATE_S
        except BadInput:  # there is no such job
            raise
        except CodError:
            if time.monotonic() > until:
                raise
        time.sleep(WAIT_S)


def _finished(db: Database, job_id: str, pid: int, end: dict[str, Any]) -> bool:
    """As queue.finish; where the disk is full or the database is away, it is tried again for a while: why the job failed is said then."""
    until = time.monotonic() + LATE_S
    while True:
        try:
            return queue.finish(db, job_id, pid, **end)
        except CodError:
            if time.monotonic() > until:
                raise
        time.sleep(HEARTBEAT_S)


@contextlib.contextmanager
def heartbeat(db: Database, job_id: str, pid: int, every_s: float = HEARTBEAT_S) -> Iterator[threading.Event]:
    """Signs of life every 2 s from a thread; yields an Event that is set once the job is to stop."""
    over, stopped = threading.Event(), threading.Event()

    def beat() -> None:
        while not over.wait(every_s):
            try:
                if not queue.report(db, job_id, pid):
                    stopped.set()
            except CodError:
                pass  # busy or full for the moment: the next beat may get through

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield stopped
    finally:
        over.set()
        thread.join()


def progress_of(db: Database, job_id: str, pid: int, stopped: threading.Event | None = None, every_s: float = 0.2) -> Progress:
    """A Progress that writes to the job's row (at most every 0.2 s) and raises Cancelled when asked to stop."""
    last = [float("-inf"), -1]

    def report(done: int, total: int, message: str = "") -> None:
        if stopped is not None and stopped.is_set():
            raise Cancelled("Cancelled. What was finished is kept.")
        finished = done >= total and done != last[1]
        if time.monotonic() - last[0] < every_s and not finished:
            return
        last[:] = [time.monotonic(), done]
        if not queue.report(db, job_id, pid, done=done, total=total, message=message):
            raise Cancelled("Cancelled. What was finished is kept.")

    return report


def plain(result: object) -> dict[str, Any] | None:
    """The result as JSON can hold it: numpy numbers as numbers, anything odd as its name."""

    def simple(value: object) -> object:
        return value.item() if hasattr(value, "item") else str(value)

    kept: dict[str, Any] | None = json.loads(json.dumps(result, default=simple))
    return kept


def frames(error: BaseException) -> str:
    """Where an error came from, and its kind; never its message, which may quote a text or a key."""
    parts: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        where = [f"  {f.filename}:{f.lineno} in {f.name}" for f in traceback.extract_tb(cause.__traceback__)]
        parts.append("\n".join([type(cause).__name__, *where]))
        cause = cause.__cause__ or cause.__context__
    return "\ncaused by ".join(parts)


def _log(settings: Settings) -> logging.Logger:
    """A log file, of 1 MB at most and one older, that holds ids and places in the code only."""
    path = settings.folder("logs") / "worker.log"
    logger = logging.getLogger(f"cod_core.worker.{path}")
    if not logger.handlers:
        handler = RotatingFileHandler(path, maxBytes=2**20, backupCount=1, encoding="utf-8", delay=True)
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        logger.addHandler(handler)
        logger.propagate = False
    return logger


if __name__ == "__main__":
    sys.exit(0 if main() in ("done", "cancelled") else 1)
