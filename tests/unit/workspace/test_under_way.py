"""Who waits for what: the jobs of all projects in one list, and who may stop them; where work runs is for owners."""

import os

import pytest

from cod_core.errors import CodError
from cod_core.jobs import queue
from cod_core.roles import Actor
from cod_core.settings import ComputePlace, Limits
from cod_core.types import Task
from cod_core.workspace import Workspace
from cod_core.workspace.machines import Machines


@pytest.fixture
def w(tmp_path):
    w = Workspace(tmp_path)
    for name, role in (("ann", "curator"), ("bob", "curator"), ("rob", "owner")):
        w.people.set_role(name, role, "rob")
    return w


def job_of(w, name, project):
    pid = w.create_project(project, Task("Good?", ("a", "b")))
    job_id, _ = queue.enqueue_alone(w.db, pid, "distill", None, Actor(name))
    return job_id


def test_all_jobs_are_listed_with_what_they_wait_for_and_their_person_or_an_owner_stops_them(w):
    """A person whose job did not start saw "waiting" and could not see for whom."""
    first, second = job_of(w, "ann", "Falls"), job_of(w, "bob", "News")
    assert queue.claim(w.db, first, os.getpid(), Limits(heavy=1)) and not queue.claim(w.db, second, os.getpid(), Limits(heavy=1))
    mine = w.acting(Actor("ann")).under_way
    assert [(u.job.id, u.project, u.job.state, u.may_cancel) for u in mine.listed()] == [
        (first, "Falls", "running", True),
        (second, "News", "queued", False),
    ]
    assert "another job" in mine.listed()[1].job.message
    with pytest.raises(CodError, match="role owner"):
        mine.cancel(second)
    w.acting(Actor("rob")).under_way.cancel(second)
    mine.cancel(first)
    assert queue.get(w.db, second).state == "cancelled" and queue.get(w.db, first).cancel
    assert [u.job.id for u in w.under_way.listed()] == [first]


def test_where_work_runs_is_for_owners(w):
    """An address inside the network, and the machines behind it."""
    for asked in ("named", "there", "test"):
        with pytest.raises(CodError, match="role owner"):
            getattr(w.acting(Actor("ann")).machines, asked)()
    owner = Machines(w.db, ComputePlace(workers=1), Actor("rob"))
    assert owner.named() == "this process" and owner.there()[0].memory > 1 << 28
    told = owner.test()
    assert (told.answered, told.same) == (1, True)
