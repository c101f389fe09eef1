"""Who waits for what: every job of the data folder that runs or waits, and its cancel."""

from dataclasses import dataclass

from cod_core import roles
from cod_core.jobs import queue
from cod_core.jobs.queue import Job
from cod_core.roles import Actor
from cod_core.settings import owners
from cod_core.store import people, projects
from cod_core.store.database import Database


@dataclass(frozen=True)
class UnderWay:
    """A job that runs or waits. project: its name. may_cancel: whether whoever asks may."""

    job: Job
    project: str
    may_cancel: bool


class JobsUnderWay:
    """The jobs of all projects. actor: who asks; None for the person at the command line."""

    def __init__(self, db: Database, actor: Actor | None = None):
        self.db = db
        self.actor = actor

    def listed(self) -> list[UnderWay]:
        """Those that run first, then those that wait, the longest wait first. A job whose worker died is marked, and left out."""
        names = {row.id: row.name for row in projects.list_projects(self.db)}
        return [UnderWay(job, names.get(job.project_id, ""), self._may(job)) for job in queue.under_way(self.db)]

    def cancel(self, job_id: str) -> None:
        """Ask a job to stop; what it finished is kept. Raises CodError for another person's job, unless an owner asks."""
        job = queue.get(self.db, job_id)
        roles.need(self._role(), "curate" if self._own(job) else "people")
        queue.request_cancel(self.db, job_id)

    def _may(self, job: Job) -> bool:
        return roles.may(self._role(), "curate" if self._own(job) else "people")

    def _own(self, job: Job) -> bool:
        return self.actor is None or job.person == self.actor.name

    def _role(self) -> str:
        return people.role_of(self.db, self.actor, owners())
