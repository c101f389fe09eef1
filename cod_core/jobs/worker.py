"""The worker process: runs one job, writes its progress and its end into the database.

    python -m cod_core.jobs.worker JOB_ID --home FOLDER
"""

import argparse
import logging
import os
import threading
import time

from cod_core.errors import Cancelled, CodError
from cod_core.jobs import queue

HEARTBEAT_S = 2.0
BUG = "Something went wrong that should not have. The details are in the log file; what was finished is kept."


def main(arguments: list[str] | None = None, workspace=None) -> str:
    """Run the job named on the command line; returns its final state. workspace: another one, for tests."""
    parser = argparse.ArgumentParser(description="Run one background job.")
    parser.add_argument("job_id")
    parser.add_argument("--home", required=True)
    chosen = parser.parse_args(arguments)
    try:
        os.nice(19)
    except (OSError, AttributeError):
        pass
    if workspace is None:
        from cod_core.workspace import Workspace
        workspace = Workspace(chosen.home)
    db = workspace.db
    while not queue.claim(db, chosen.job_id, os.getpid()):
        if queue.get(db, chosen.job_id).state != "queued":
            return queue.get(db, chosen.job_id).state
        queue.change(db, chosen.job_id, heartbeat=time.time(), message="waiting for another job to finish")
        time.sleep(0.5)
    return _run(workspace, db, chosen.job_id)


def _run(workspace, db, job_id: str) -> str:
    stop = threading.Event()
    beat = threading.Thread(target=_beat, args=(db, job_id, stop), daemon=True)
    beat.start()
    end = {"state": "done"}
    try:
        end["result"] = workspace.run_job(queue.get(db, job_id), progress_of(db, job_id))
    except Cancelled:
        end = {"state": "cancelled"}
    except CodError as error:
        end = {"state": "failed", "error": str(error)}
    except Exception:
        _log(workspace).exception("job %s failed", job_id)
        end = {"state": "failed", "error": BUG}
    finally:
        stop.set()
        beat.join()
    queue.change(db, job_id, finished_at=time.time(), **end)
    return end["state"]


def progress_of(db, job_id: str, every_s: float = 0.2):
    """A Progress that writes to the job's row (at most every 0.2 s) and raises Cancelled when asked to stop."""
    last = [0.0]

    def report(done: int, total: int, message: str = "") -> None:
        if time.monotonic() - last[0] < every_s and done < total:
            return
        last[0] = time.monotonic()
        if queue.cancelled(db, job_id):
            raise Cancelled("Cancelled.")
        queue.change(db, job_id, done=done, total=total, message=message, heartbeat=time.time())
    return report


def _beat(db, job_id: str, stop: threading.Event) -> None:
    while not stop.wait(HEARTBEAT_S):
        queue.change(db, job_id, heartbeat=time.time())


def _log(workspace) -> logging.Logger:
    """A log file that holds ids and tracebacks, never texts or keys."""
    logger = logging.getLogger("cod_core.worker")
    if not logger.handlers:
        logger.addHandler(logging.FileHandler(workspace.settings.folder("logs") / "worker.log", encoding="utf-8"))
    return logger


if __name__ == "__main__":
    main()
