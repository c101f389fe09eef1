"""Whose job runs next where several people ask: turns, light jobs beside heavy ones, limits a person."""

import os
import time

import pytest

from cod_core.errors import CodError
from cod_core.jobs import queue
from cod_core.roles import Actor
from cod_core.settings import Limits
from cod_core.store import projects
from cod_core.types import Task


@pytest.fixture
def pid(db):
    return projects.create_project(db, "mine", Task("t", ("a", "b")))


def job_of(db, pid, name, light=False) -> str:
    job_id = queue.enqueue(db, pid, "generate")
    queue.change(db, job_id, actor={"name": name}, light=light)
    return job_id


def test_nobodys_second_job_comes_before_anothers_first(db, pid):
    """Whoever pressed four times first kept everybody else waiting for all four."""
    me, one = os.getpid(), Limits(heavy=1)
    ann = [job_of(db, pid, "ann") for _ in range(3)]
    assert queue.claim(db, ann[0], me, one)
    assert not any(queue.claim(db, job_id, me, one) for job_id in ann[1:])
    bob = job_of(db, pid, "bob")
    assert not queue.claim(db, bob, me, one)
    queue.finish(db, ann[0], me, "done")
    assert not queue.claim(db, ann[1], me, one) and queue.claim(db, bob, me, one)
    second = job_of(db, pid, "bob")
    assert not queue.claim(db, second, me, one)
    queue.finish(db, bob, me, "done")
    assert not queue.claim(db, second, me, one) and queue.claim(db, ann[1], me, one), "then it is ann's turn again"


def test_to_cancel_and_resume_a_job_is_no_way_to_the_front(db, pid):
    """The turn was read from the job's own row, which a resume writes anew."""
    me, one = os.getpid(), Limits(heavy=1)
    ann, bob = job_of(db, pid, "ann"), job_of(db, projects.create_project(db, "bob's", Task("t", ("a", "b"))), "bob")
    assert queue.claim(db, ann, me, one) and not queue.claim(db, bob, me, one)
    queue.finish(db, ann, me, "cancelled")
    queue.resume(db, ann, Actor("ann"))
    assert not queue.claim(db, ann, me, one) and queue.claim(db, bob, me, one)


def test_a_long_job_of_one_person_holds_back_nobody_else(db, pid):
    """A sweep of two hours made a colleague's check of ten seconds wait for two hours."""
    me = os.getpid()
    assert queue.claim(db, job_of(db, pid, "ann"), me)
    assert queue.claim(db, job_of(db, pid, "bob"), me)
    mine = job_of(db, pid, "ann")
    assert not queue.claim(db, mine, me) and "your other job" in queue.get(db, mine).message


def test_a_light_job_runs_beside_a_heavy_one_and_never_waits_for_it(db, pid):
    """Asking a language model elsewhere takes this machine nothing, and waited for whatever was being trained."""
    me = os.getpid()
    one = Limits(heavy=1, light=1)
    assert queue.claim(db, job_of(db, pid, "ann"), me, one)
    light = [job_of(db, pid, "ann", light=True), job_of(db, pid, "bob", light=True)]
    assert queue.claim(db, light[0], me, one) and not queue.claim(db, light[1], me, one)
    assert queue.claim(db, light[1], me, Limits(heavy=1, light=2))


def test_a_person_has_so_many_jobs_under_way_and_no_more(db, pid):
    """Five hundred presses were five hundred processes that wait."""
    ann, limits = Actor("ann"), Limits(jobs=2)
    others = [projects.create_project(db, f"p{i}", Task("t", ("a", "b"))) for i in range(5)]
    first = [queue.enqueue_alone(db, other, "generate", None, ann, limits=limits)[0] for other in others[:2]]
    with pytest.raises(CodError, match="2 is the limit.*COD_MAX_JOBS"):
        queue.enqueue_alone(db, others[2], "generate", None, ann, limits=limits)
    assert queue.enqueue_alone(db, others[0], "generate", None, ann, limits=limits) == (first[0], False), "the same job is no new one"
    assert queue.enqueue_alone(db, others[2], "generate", None, Actor("bob"), limits=limits)[1]
    assert queue.enqueue_alone(db, others[3], "generate", None, None, limits=limits)[1], "the command line has no limits"
    queue.request_cancel(db, first[0])
    third = queue.enqueue_alone(db, others[4], "generate", None, ann, limits=limits)[0]
    with pytest.raises(CodError, match="COD_MAX_JOBS"):
        queue.resume(db, first[0], ann, limits)
    queue.request_cancel(db, third)
    queue.resume(db, first[0], ann, limits)
    queue.change(db, first[0], heartbeat=time.time() - 31)  # its worker is gone
    assert queue.enqueue_alone(db, others[0], "generate", None, ann, limits=limits)[1]
