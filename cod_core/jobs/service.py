"""Jobs left to a worker service: the studio leaves them in the queue, `cod worker` takes each one and starts its process.

The two share the database and the data folder, and may run in two containers. Knows nothing of what jobs do. No key passes
through the queue: what needs a key that somebody typed is not left here (project/jobs.py).
"""

import logging
import threading
import time

from sqlalchemy import select, update

from cod_core.errors import CodError
from cod_core.jobs import processes
from cod_core.jobs.queue import FOR_SERVICE, Job
from cod_core.store import schema
from cod_core.store.database import Database

EVERY_S = 1.0
GRACE_S = 8.0  # a container that is stopped has ten seconds
_log = logging.getLogger(__name__)


def leave(db: Database, job_id: str) -> None:
    """Leave a queued job, which nobody runs yet, to the worker service."""
    t = schema.jobs
    with db.begin() as c:
        c.execute(
            update(t)
            .where(t.c.id == job_id, t.c.state == "queued", t.c.pid.is_(None))
            .values(pid=FOR_SERVICE, heartbeat=time.time(), message="waiting for the worker")
        )


def take(db: Database) -> Job | None:
    """The oldest job that was left, now the caller's to start; None where there is none. Of several services one gets it."""
    t = schema.jobs
    left = (t.c.state == "queued", t.c.pid == FOR_SERVICE)
    with db.read() as c:
        if c.execute(select(t.c.id).where(*left).limit(1)).first() is None:
            return None
    with db.begin() as c:
        row = c.execute(select(t).where(*left).order_by(t.c.created_at, t.c.id).limit(1)).mappings().first()
        if row is None:
            return None
        c.execute(update(t).where(t.c.id == row["id"]).values(pid=None, heartbeat=time.time(), message="waiting"))
        return Job(**row)


def serve(db: Database, home: str, stop: threading.Event, every_s: float = EVERY_S) -> None:
    """Start the process of every job that is left, until `stop` is set; then end those that run, which marks their jobs.

    How many run at once is said in settings.Limits; the processes of the others wait (jobs/queue.claim). A database that does not
    answer is asked again.
    """
    while not stop.wait(every_s):
        try:
            while (job := take(db)) is not None:
                processes.start_worker(job.id, home)
                _log.info("job %s (%s) started", job.id, job.kind)
        except CodError as error:
            _log.warning("%s", error)
        processes.reap()
    processes.end_all(GRACE_S)
