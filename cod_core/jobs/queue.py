"""The queue: jobs as rows, claimed by one worker process at a time. Knows nothing of what jobs do."""

import secrets
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

from sqlalchemy import ColumnElement, insert, or_, select, update
from sqlalchemy.engine import Connection

from cod_core.errors import BadInput, CodError
from cod_core.jobs import order, processes
from cod_core.jobs.processes import handed_keys, keep_spare, start_worker
from cod_core.progress import time_left
from cod_core.roles import Actor
from cod_core.said import say
from cod_core.settings import Limits
from cod_core.store import allowance, schema
from cod_core.store.cache import insert_or_replace
from cod_core.store.database import BUSY_S, Database

__all__ = [
    "Job",
    "Storable",
    "active",
    "cancelled",
    "change",
    "claim",
    "enqueue",
    "enqueue_alone",
    "finish",
    "get",
    "handed_keys",
    "keep_spare",
    "newest",
    "report",
    "request_cancel",
    "resume",
    "start_worker",
    "under_way",
]

ACTIVE = ("queued", "running")
UNCLAIMED_S = 30.0  # a queued job whose worker has given no sign for so long
SILENT_S = BUSY_S + 10.0  # of a process that cannot be seen: its sign may wait for the database so long, and some are missed after that
UNTAKEN_S = 60.0  # a job that was left to the worker service, which looks every second
FOR_SERVICE = 0  # in place of a process id: queued, and left to the worker service (jobs/service.py)
LOST_S = 600.0  # without any heartbeat a process of that number is another program
NO_JOB = "This job does not exist (any more)."
INTERRUPTED = "The work was interrupted; press Resume. What was finished is kept."
UNTAKEN = "No worker took this job. Start one (`cod worker` on this data folder), then press Resume."


class Storable(Protocol):
    """A value that a job's row can hold as JSON: what is asked for, and what came out."""

    def to_json(self) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Job:
    """state: queued, running, done, failed or cancelled. Times are seconds since the epoch. params: what was asked for, as it was
    stored, perhaps by an earlier version; its kind reads it. actor: who started it; None for the person at the command line.
    light: it waits for somebody else's machine most of its time."""

    id: str
    project_id: str
    kind: str
    params: dict[str, Any]
    state: str
    done: int
    total: int
    message: str
    heartbeat: float | None
    cancel: bool
    pid: int | None
    result: dict[str, Any] | None
    error: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None
    actor: Actor | None = None
    light: bool = False

    def __post_init__(self) -> None:
        if isinstance(self.actor, Mapping):  # as a row of the table holds it
            object.__setattr__(self, "actor", Actor(**self.actor) if self.actor else None)

    @property
    def person(self) -> str:
        """Whose job it is, "" for the command line."""
        return self.actor.name if self.actor else ""

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the mean speed so far; None where nothing is finished yet."""
        if self.started_at is None or not self.total:
            return None
        return time_left(self.done, self.total, time.time() - self.started_at)


def enqueue(db: Database, pid: str, kind: str, request: Storable | None = None) -> str:
    """A new queued job's id. request: what is asked for, None for a kind that takes no parameters."""
    with db.begin() as c:
        return _enqueue(c, pid, kind, request)


def enqueue_alone(
    db: Database,
    pid: str,
    kind: str,
    request: Storable | None = None,
    actor: Actor | None = None,
    light: bool = False,
    limits: Limits = Limits(),
) -> tuple[str, bool]:
    """(id of a new queued job, True), or (id of the project's job that is under way, False).

    Looking and queueing are one step: of two tabs that press at once, one starts the job and both follow it. Raises CodError where
    the actor has as many jobs under way as the limits allow.
    """
    with db.begin() as c:
        at_work = _at_work(c, pid)
        if at_work is not None:
            return at_work.id, False
        _refuse_more(c, actor, limits)
        return _enqueue(c, pid, kind, request, actor, light), True


def _at_work(c: Connection, pid: str) -> Job | None:
    """The project's newest job that runs or waits and whose worker is not gone. c: an open write transaction."""
    t = schema.jobs
    rows = c.execute(select(t).where(t.c.project_id == pid, t.c.state.in_(ACTIVE)).order_by(t.c.created_at.desc())).mappings()
    return next((job for job in (Job(**row) for row in rows) if not _dead(job)), None)


def _refuse_more(c: Connection, actor: Actor | None, limits: Limits) -> None:
    """Raises CodError where the actor has as many jobs under way as the limits allow. c: an open write transaction."""
    if actor is not None:
        t = schema.jobs
        live = [job for row in c.execute(select(t).where(t.c.state.in_(ACTIVE))).mappings() if not _dead(job := Job(**row))]
        allowance.refuse("jobs", sum(job.person == actor.name for job in live), 1, limits)


def _enqueue(c: Connection, pid: str, kind: str, request: Storable | None, actor: Actor | None = None, light: bool = False) -> str:
    job_id = secrets.token_hex(6)
    c.execute(
        insert(schema.jobs).values(
            id=job_id,
            project_id=pid,
            kind=kind,
            params=request.to_json() if request is not None else {},
            actor=_stored(actor),
            light=light,
            state="queued",
            done=0,
            total=0,
            message="waiting",
            cancel=False,
            heartbeat=time.time(),
            created_at=time.time(),
        )
    )
    return job_id


def _stored(actor: Actor | None) -> dict[str, Any] | None:
    return asdict(actor) if actor else None


def get(db: Database, job_id: str) -> Job:
    """Raises BadInput where there is no such job."""
    job = _first(db, schema.jobs.c.id == job_id)
    if job is None:
        raise BadInput(say(NO_JOB))
    return job


def newest(db: Database, pid: str) -> Job | None:
    """The project's latest job; one whose worker died is marked as interrupted."""
    return _first(db, schema.jobs.c.project_id == pid)


def active(db: Database, pid: str) -> Job | None:
    """The project's newest queued or running job, None where there is none."""
    t = schema.jobs
    query = select(t).where(t.c.project_id == pid, t.c.state.in_(ACTIVE)).order_by(t.c.created_at.desc())
    with db.read() as c:
        rows = [Job(**row) for row in c.execute(query).mappings()]
    return next((job for job in (_checked(db, job) for job in rows) if job.active), None)


def under_way(db: Database) -> list[Job]:
    """Every job that runs or waits: those that run first, then by how long they wait. Dead ones are marked and left out."""
    t = schema.jobs
    with db.read() as c:
        rows = [Job(**row) for row in c.execute(select(t).where(t.c.state.in_(ACTIVE)).order_by(t.c.created_at, t.c.id)).mappings()]
    alive = [job for job in (_checked(db, job) for job in rows) if job.active]
    return sorted(alive, key=lambda job: job.state != "running")


def _first(db: Database, *where: ColumnElement[bool]) -> Job | None:
    t = schema.jobs
    with db.read() as c:
        row = c.execute(select(t).where(*where).order_by(t.c.created_at.desc()).limit(1)).mappings().first()
    return None if row is None else _checked(db, Job(**row))


def _checked(db: Database, job: Job) -> Job:
    """The job, marked failed where it claims to be at work but its worker is gone."""
    if not job.active or not _dead(job):
        return job
    t = schema.jobs
    error = UNTAKEN if job.pid == FOR_SERVICE else INTERRUPTED
    found: dict[str, Any] = {"state": "failed", "error": error, "message": error, "finished_at": time.time()}
    try:
        with db.begin() as c:  # unless it gave a sign of life or ended meanwhile
            c.execute(update(t).where(t.c.id == job.id, t.c.state == job.state, t.c.heartbeat == job.heartbeat).values(**found))
            row = c.execute(select(t).where(t.c.id == job.id)).mappings().first()
    except CodError:
        return replace(job, **found)  # a full disk: it is seen all the same, and marked once there is room
    return job if row is None else Job(**row)


def _dead(job: Job) -> bool:
    """Whether the worker of an active job is gone.

    A worker that this process started is known to have ended; of others a missing process id counts only
    together with missed heartbeats, since the worker may run in another container or on another machine.
    """
    if processes.ended(job.id, job.pid, job.created_at):
        return True
    silent_for = time.time() - (job.heartbeat or job.created_at)
    if job.pid is None:
        return silent_for > UNCLAIMED_S
    if job.pid == FOR_SERVICE:
        return silent_for > UNTAKEN_S
    return silent_for > LOST_S or (silent_for > SILENT_S and not processes.alive(job.pid))


def change(db: Database, job_id: str, **values: object) -> None:
    """Write columns of a job."""
    with db.begin() as c:
        c.execute(update(schema.jobs).where(schema.jobs.c.id == job_id).values(**values))


def claim(db: Database, job_id: str, pid: int, limits: Limits = Limits()) -> bool:
    """Mark a queued job as run by process pid; False where it is not queued or has to wait (see order.why_wait).

    A job that has to wait gets a heartbeat and the process id, so that it is known to be waiting. Others count whose worker waits.
    """
    t, turns = schema.jobs, schema.turns
    with db.begin() as c:
        rows = [
            Job(**row)
            for row in c.execute(select(t).where(or_(t.c.id == job_id, t.c.state.in_(ACTIVE))).order_by(t.c.created_at, t.c.id)).mappings()
        ]
        mine = next((job for job in rows if job.id == job_id and job.state == "queued"), None)
        if mine is None or (mine.pid not in (None, pid) and not _dead(mine)):
            return False  # it ended, or another worker has it
        others = [_entry(job) for job in rows if job.id != job_id and job.pid and not _dead(job)]
        entry, at = _entry(mine), time.time()
        before = dict(c.execute(select(turns.c.person, turns.c.at).where(turns.c.lane == entry.lane)).tuples().all())
        wait = order.why_wait(entry, others, before, limits.light if mine.light else limits.heavy)
        values = {"message": wait} if wait else {"state": "running", "message": "starting", "started_at": at, "finished_at": None}
        c.execute(update(t).where(t.c.id == job_id).values(pid=pid, heartbeat=at, **values))
        if not wait:
            c.execute(insert_or_replace(c, turns), [{"person": entry.person, "lane": entry.lane, "at": at}])
        return not wait


def _entry(job: Job) -> order.Entry:
    return order.Entry(job.id, job.person, order.LANES[job.light], job.state == "running", job.created_at)


def report(db: Database, job_id: str, pid: int, **values: object) -> bool:
    """Give a sign of life with these columns; False where process pid is to stop.

    That is: the job was cancelled, taken from this process, or deleted with its project.
    """
    t = schema.jobs
    with db.begin() as c:
        mine = (t.c.id == job_id, t.c.pid == pid, t.c.state == "running")
        running = c.execute(update(t).where(*mine).values(heartbeat=time.time(), **values)).rowcount == 1
        return running and not c.execute(select(t.c.cancel).where(t.c.id == job_id)).scalar()


def finish(db: Database, job_id: str, pid: int, state: str, **values: object) -> bool:
    """End the job that process pid runs; False where it is not this process's any more."""
    t = schema.jobs
    with db.begin() as c:
        return (
            c.execute(
                update(t)
                .where(t.c.id == job_id, t.c.pid == pid, t.c.state.in_(ACTIVE))
                .values(state=state, finished_at=time.time(), **values)
            ).rowcount
            == 1
        )


def cancelled(db: Database, job_id: str) -> bool:
    """Whether the job is to stop; a deleted one is."""
    with db.read() as c:
        row = c.execute(select(schema.jobs.c.cancel).where(schema.jobs.c.id == job_id)).first()
    return row is None or bool(row[0])


def request_cancel(db: Database, job_id: str) -> None:
    """Ask the worker to stop after the item in hand; a job that waits is cancelled at once."""
    t = schema.jobs
    with db.begin() as c:
        c.execute(update(t).where(t.c.id == job_id, t.c.state.in_(ACTIVE)).values(cancel=True))
        c.execute(update(t).where(t.c.id == job_id, t.c.state == "queued").values(state="cancelled", finished_at=time.time()))


def resume(db: Database, job_id: str, actor: Actor | None = None, limits: Limits = Limits()) -> None:
    """Queue a stopped job again, as the newest, for whoever resumes it. Raises BadInput where it is at work or done already, or
    another job of its project is under way, and CodError as enqueue_alone."""
    t = schema.jobs
    job = get(db, job_id)  # marks it failed where its worker is gone
    with db.begin() as c:
        if job.state in ("failed", "cancelled"):
            other = _at_work(c, job.project_id)
            if other is not None and other.id != job_id:  # its own: another tab resumed it just now
                raise BadInput(say("Another job is running. Wait until it is done."))
            _refuse_more(c, actor, limits)
        queued = c.execute(
            update(t)
            .where(t.c.id == job_id, t.c.state.in_(("failed", "cancelled")))
            .values(
                state="queued",
                cancel=False,
                error=None,
                result=None,
                pid=None,
                finished_at=None,
                started_at=None,
                heartbeat=time.time(),
                message="waiting",
                created_at=time.time(),
                actor=_stored(actor),
            )
        ).rowcount
    if not queued:
        done = say("This job is done already; start a new one.")
        raise BadInput(done if job.state == "done" else say("This job is running already."))
