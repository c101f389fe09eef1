"""The queue: jobs as rows, claimed by one worker process at a time. Knows nothing of what jobs do."""

import os
import secrets
import subprocess
import sys
import time
from dataclasses import dataclass

from sqlalchemy import insert, select, update

from cod_core.errors import BadInput
from cod_core.progress import time_left
from cod_core.store import schema
from cod_core.store.database import Database

STALE_S = 30.0
INTERRUPTED = "The work was interrupted. Press Resume: what was finished is kept."


@dataclass(frozen=True)
class Job:
    """state: queued, running, done, failed or cancelled. Times are seconds since the epoch."""

    id: str
    project_id: str
    kind: str
    params: dict
    state: str
    done: int
    total: int
    message: str
    heartbeat: float | None
    cancel: bool
    pid: int | None
    result: dict | None
    error: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None

    @property
    def active(self) -> bool:
        return self.state in ("queued", "running")

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the mean speed so far; None where nothing is finished yet."""
        if self.started_at is None or not self.total:
            return None
        return time_left(self.done, self.total, time.time() - self.started_at)


def enqueue(db: Database, pid: str, kind: str, params: dict) -> str:
    """A new queued job's id."""
    job_id = secrets.token_hex(6)
    with db.begin() as c:
        c.execute(insert(schema.jobs).values(
            id=job_id, project_id=pid, kind=kind, params=params, state="queued", done=0, total=0, message="waiting",
            cancel=False, heartbeat=time.time(), created_at=time.time()))
    return job_id


def get(db: Database, job_id: str) -> Job:
    """Raises BadInput where there is no such job."""
    with db.begin() as c:
        row = c.execute(select(schema.jobs).where(schema.jobs.c.id == job_id)).mappings().first()
    if row is None:
        raise BadInput("This job does not exist (any more).")
    return _checked(db, Job(**row))


def newest(db: Database, pid: str) -> Job | None:
    """The project's latest job; one whose worker died is marked as interrupted."""
    t = schema.jobs
    with db.begin() as c:
        row = c.execute(select(t).where(t.c.project_id == pid).order_by(t.c.created_at.desc()).limit(1)).mappings().first()
    return None if row is None else _checked(db, Job(**row))


def active(db: Database, pid: str) -> Job | None:
    """The project's queued or running job, None where there is none."""
    job = newest(db, pid)
    return job if job is not None and job.active else None


def _checked(db: Database, job: Job) -> Job:
    """The job, marked failed where it claims to run but its worker is gone."""
    if not job.active or (job.pid is not None and _alive(job.pid)):
        return job
    silent_for = time.time() - (job.heartbeat or job.created_at)
    if silent_for < (STALE_S if job.pid is None else 1.0):
        return job
    change(db, job.id, state="failed", error=INTERRUPTED, finished_at=time.time())
    return get(db, job.id)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:  # a finished child that nobody waited for is not alive
        with open(f"/proc/{pid}/stat", encoding="utf-8") as handle:
            return handle.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return True


def change(db: Database, job_id: str, **values) -> None:
    """Write columns of a job."""
    with db.begin() as c:
        c.execute(update(schema.jobs).where(schema.jobs.c.id == job_id).values(**values))


def claim(db: Database, job_id: str, pid: int) -> bool:
    """Mark a queued job as run by process pid; False where it is not queued or another job is running."""
    t = schema.jobs
    with db.begin() as c:
        running = c.execute(select(t.c.id, t.c.pid).where(t.c.state == "running")).all()
        if any(row.pid and _alive(row.pid) for row in running):
            return False
        return c.execute(update(t).where(t.c.id == job_id, t.c.state == "queued").values(
            state="running", pid=pid, started_at=time.time(), heartbeat=time.time())).rowcount == 1


def cancelled(db: Database, job_id: str) -> bool:
    with db.begin() as c:
        return bool(c.execute(select(schema.jobs.c.cancel).where(schema.jobs.c.id == job_id)).scalar())


def request_cancel(db: Database, job_id: str) -> None:
    """Ask the worker to stop after the item in hand; a job that waits is cancelled at once."""
    t = schema.jobs
    with db.begin() as c:
        c.execute(update(t).where(t.c.id == job_id).values(cancel=True))
        c.execute(update(t).where(t.c.id == job_id, t.c.state == "queued").values(
            state="cancelled", finished_at=time.time()))


def resume(db: Database, job_id: str) -> None:
    """Queue a stopped job again. Raises BadInput where it is still running."""
    job = get(db, job_id)
    if job.active:
        raise BadInput("This job is running already.")
    change(db, job_id, state="queued", cancel=False, error=None, pid=None, finished_at=None, started_at=None,
           heartbeat=time.time(), message="waiting", created_at=time.time())


def start_worker(job_id: str, home: str, key: str | None = None) -> int:
    """Start a worker process for a job at low priority; returns its process id.

    key: an LLM key, handed over in the child's environment only.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": str(max(1, (os.cpu_count() or 2) - 1)),
                   "TOKENIZERS_PARALLELISM": "false"}
    if key:
        environment["COD_LLM_KEY"] = key
    root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    process = subprocess.Popen(
        [sys.executable, "-m", "cod_core.jobs.worker", job_id, "--home", home], cwd=root, env=environment,
        start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return process.pid
