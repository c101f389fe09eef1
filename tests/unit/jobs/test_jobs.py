"""Jobs: one at a time, followed, cancelled, resumed, and never stuck where a worker died."""

import errno
import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cod_core.counterfactuals.options import GenerateRequest
from cod_core.disk import FULL
from cod_core.errors import BadInput, Cancelled, CodError, NotEnoughData
from cod_core.jobs import queue, worker
from cod_core.store import projects
from cod_core.store.database import BUSY_S

ROOT = Path(__file__).resolve().parents[3]
NOBODY = 2**22 + 1  # above the largest process id of Linux


def work(db, tmp_path, job_id, run_job) -> str:
    """Run a job in this process with a workspace that is handed its work."""
    project = SimpleNamespace(jobs=SimpleNamespace(run=run_job))
    return worker.main([job_id, "--home", str(tmp_path)], workspace=SimpleNamespace(db=db, project=lambda project_id, actor: project))


def test_a_job_runs_and_leaves_its_result(db, pid, tmp_path):
    job_id = queue.enqueue(db, pid, "generate", GenerateRequest(k=8))

    def run_job(job, progress):
        assert (job.params, job.state, job.pid) == (GenerateRequest(k=8).to_json(), "running", os.getpid())
        progress(3, 8, "searching")
        return {"flipped": np.int64(3), "share": np.float32(0.5)}

    assert work(db, tmp_path, job_id, run_job) == "done"
    job = queue.get(db, job_id)
    assert (job.state, job.done, job.total, job.message) == ("done", 3, 8, "searching")
    assert job.result == {"flipped": 3, "share": 0.5} and job.finished_at >= job.started_at
    assert queue.active(db, pid) is None and queue.newest(db, pid) == job


def test_cancel_stops_at_the_next_progress_and_a_resumed_job_goes_on(db, pid, tmp_path):
    job_id, steps = queue.enqueue(db, pid, "generate"), []

    def run_job(job, progress):
        for i in range(len(steps), 4):
            if len(steps) == 2 and not queue.cancelled(db, job_id) and not job.params.get("again"):
                queue.request_cancel(db, job_id)
            progress(i, 4)
            steps.append(i)
            time.sleep(0.21)

    assert work(db, tmp_path, job_id, run_job) == "cancelled" and steps == [0, 1]
    queue.resume(db, job_id)
    queue.change(db, job_id, params={"again": True})
    assert queue.get(db, job_id).cancel is False
    assert work(db, tmp_path, job_id, run_job) == "done" and steps == [0, 1, 2, 3]


def test_a_waiting_job_is_cancelled_at_once(db, pid, tmp_path):
    job_id = queue.enqueue(db, pid, "generate")
    queue.request_cancel(db, job_id)
    assert queue.get(db, job_id).state == "cancelled"
    assert work(db, tmp_path, job_id, lambda job, progress: 1 / 0) == "cancelled"


def test_an_error_for_the_person_is_shown_as_it_is(db, pid, tmp_path):
    def run_job(job, progress):
        raise NotEnoughData("Accept 4 more.")

    job_id = queue.enqueue(db, pid, "distill")
    assert work(db, tmp_path, job_id, run_job) == "failed"
    assert queue.get(db, job_id).error == "Accept 4 more."


def test_a_bug_leaves_its_place_in_the_log_and_no_text_anywhere(db, pid, tmp_path):
    """Messages of errors quote texts and keys; logs are sent around."""

    def run_job(job, progress):
        try:
            {}["a private sentence"]
        except KeyError as error:
            raise RuntimeError("key sk-secret") from error

    job_id = queue.enqueue(db, pid, "distill")
    assert work(db, tmp_path, job_id, run_job) == "failed"
    said = (tmp_path / "logs" / "worker.log").read_text() + str(queue.get(db, job_id))
    assert "RuntimeError" in said and "KeyError" in said and "test_jobs.py" in said and job_id in said
    assert "private" not in said and "sk-secret" not in said and queue.get(db, job_id).error == worker.BUG


def test_of_workers_that_claim_at_once_one_wins(db, pid):
    """Two jobs at a time make both slow and the browser slower."""
    jobs, won, line = [queue.enqueue(db, pid, "generate") for _ in range(4)], [], threading.Barrier(4)

    def go(job_id):
        line.wait()
        if queue.claim(db, job_id, os.getpid()):
            won.append(job_id)

    threads = [threading.Thread(target=go, args=(job_id,)) for job_id in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert [queue.get(db, i).state for i in jobs].count("running") == 1


def test_of_two_tabs_that_press_at_once_one_starts_the_job_and_both_follow_it(db, pid):
    """Two sweeps of one project would take turns and show each other's progress."""
    got, line = [], threading.Barrier(4)

    def press():
        line.wait()
        got.append(queue.enqueue_alone(db, pid, "distill"))

    threads = [threading.Thread(target=press) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({job_id for job_id, _ in got}) == 1 and [new for _, new in got].count(True) == 1
    queue.change(db, got[0][0], heartbeat=time.time() - 31)
    assert queue.enqueue_alone(db, pid, "distill")[1], "a job whose worker is gone must not block the next"


def test_a_second_worker_of_the_same_job_leaves(db, pid, tmp_path):
    """A double click on Resume starts two workers."""
    job_id = queue.enqueue(db, pid, "generate")
    assert queue.claim(db, job_id, os.getppid())
    assert work(db, tmp_path, job_id, lambda job, progress: 1 / 0) == "running"


def test_jobs_wait_for_those_that_waited_before_them(db, pid):
    first, second, third = (queue.enqueue(db, pid, "generate") for _ in range(3))
    me = os.getpid()
    assert queue.claim(db, first, me)
    assert not queue.claim(db, second, me) and not queue.claim(db, third, me)
    assert queue.get(db, second).state == "queued" and "waiting" in queue.get(db, second).message
    queue.finish(db, first, me, "done")
    assert not queue.claim(db, third, me)
    assert queue.claim(db, second, me)


def test_a_job_without_a_worker_does_not_hold_up_the_others(db, pid):
    queue.enqueue(db, pid, "generate")
    assert queue.claim(db, queue.enqueue(db, pid, "distill"), os.getpid())


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_dead_worker_is_found_by_its_silence(db, pid, state):
    """A job that says 'running' for ever can neither be resumed nor replaced."""
    job_id = queue.enqueue(db, pid, "generate")
    queue.change(db, job_id, state=state, pid=NOBODY, heartbeat=time.time() - 3)
    assert queue.get(db, job_id).state == state  # it may live in another container
    queue.change(db, job_id, heartbeat=time.time() - 31)
    assert queue.active(db, pid) is None
    job = queue.newest(db, pid)
    assert job.state == "failed" and "was interrupted; press Resume" in job.error and job.message == job.error
    queue.resume(db, job_id)
    assert queue.claim(db, job_id, os.getpid())


def test_a_worker_in_another_container_may_wait_for_the_database(db, pid):
    """While a large file was imported its signs of life waited, and the page of another project called the living job interrupted."""
    job_id = queue.enqueue(db, pid, "generate")
    queue.change(db, job_id, state="running", pid=NOBODY, heartbeat=time.time() - BUSY_S - 3 * worker.HEARTBEAT_S)
    assert queue.get(db, job_id).state == "running"


def test_a_worker_that_waits_its_turn_asks_a_busy_database_again(db, pid, tmp_path, monkeypatch):
    """It died of it, and the job with it, while an import or a restart of the server kept the database for ten seconds."""
    job_id, asked, real = queue.enqueue(db, pid, "generate"), [], queue.claim

    def claim(*arguments):
        asked.append(arguments)
        if len(asked) < 3:
            raise CodError("busy")
        return real(*arguments)

    monkeypatch.setattr(queue, "claim", claim)
    monkeypatch.setattr(worker, "WAIT_S", 0.01)
    assert work(db, tmp_path, job_id, lambda job, progress: None) == "done"
    monkeypatch.setattr(worker, "LATE_S", -1.0)
    asked.clear()
    with pytest.raises(CodError, match="busy"):
        work(db, tmp_path, queue.enqueue(db, pid, "generate"), lambda job, progress: None)


def test_a_silent_worker_whose_process_lives_is_left_alone(db, pid):
    """A long step under load misses heartbeats without being dead."""
    job_id = queue.enqueue(db, pid, "generate")
    queue.change(db, job_id, state="running", pid=os.getppid(), heartbeat=time.time() - 40)
    assert queue.get(db, job_id).state == "running"
    queue.change(db, job_id, heartbeat=time.time() - 3600)  # the number has gone to another program by now
    assert queue.get(db, job_id).state == "failed"


def test_a_worker_that_was_given_up_does_not_overwrite_its_successor(db, pid, tmp_path):
    """A laptop that slept: its worker was declared dead, the job resumed, and then it wakes up."""
    job_id = queue.enqueue(db, pid, "generate")

    def run_job(job, progress):
        queue.change(db, job_id, pid=os.getppid(), message="the successor's")
        progress(1, 2, "mine")

    assert work(db, tmp_path, job_id, run_job) == "gone"
    assert (queue.get(db, job_id).state, queue.get(db, job_id).message) == ("running", "the successor's")


def test_a_deleted_project_stops_its_worker(db, pid, tmp_path):
    job_id = queue.enqueue(db, pid, "generate")

    def run_job(job, progress):
        projects.delete_project(db, pid)
        with pytest.raises(Cancelled):
            progress(1, 2)
        raise Cancelled("x")

    assert work(db, tmp_path, job_id, run_job) == "gone"
    assert work(db, tmp_path, job_id, run_job) == "gone"


def test_a_job_is_not_resumed_beside_another_one_of_its_project(db, pid):
    """Two jobs of one project at work, of which its page shows the newest only."""
    first, _ = queue.enqueue_alone(db, pid, "generate")
    queue.request_cancel(db, first)
    second, _ = queue.enqueue_alone(db, pid, "distill")
    with pytest.raises(BadInput, match="Another job is running"):
        queue.resume(db, first)
    assert queue.get(db, first).state == "cancelled"
    queue.change(db, second, heartbeat=time.time() - 31)  # its worker is gone
    queue.resume(db, first)


def test_only_stopped_jobs_are_resumed(db, pid):
    job_id = queue.enqueue(db, pid, "generate")
    with pytest.raises(BadInput, match="running already"):
        queue.resume(db, job_id)
    queue.claim(db, job_id, os.getpid())
    queue.finish(db, job_id, os.getpid(), "done")
    with pytest.raises(BadInput, match="done already"):
        queue.resume(db, job_id)
    with pytest.raises(BadInput):
        queue.get(db, "nobody")


def test_heartbeats_go_on_while_the_work_is_silent_and_bring_the_cancel(db, pid):
    job_id = queue.enqueue(db, pid, "generate")
    queue.claim(db, job_id, os.getpid())
    queue.change(db, job_id, heartbeat=0.0)
    with worker.heartbeat(db, job_id, os.getpid(), every_s=0.02) as stopped:
        deadline = time.time() + 5
        while queue.get(db, job_id).heartbeat == 0.0 and time.time() < deadline:
            time.sleep(0.01)
        assert queue.get(db, job_id).heartbeat > 0 and not stopped.is_set()
        queue.request_cancel(db, job_id)
        assert stopped.wait(5)
    with pytest.raises(Cancelled):
        worker.progress_of(db, job_id, os.getpid(), stopped)(1, 2)


def test_a_full_disk_is_the_reason_that_a_job_gives(db, pid, tmp_path):
    """The page said that something went wrong inside the app; nobody thought of making room."""
    job_id = queue.enqueue(db, pid, "generate")

    def run_job(job, progress):
        raise OSError(errno.ENOSPC, "No space left on device")

    assert work(db, tmp_path, job_id, run_job) == "failed" and queue.get(db, job_id).error == FULL


def test_a_dead_job_is_seen_where_it_cannot_be_marked(db, pid, monkeypatch):
    """On a full disk the mark cannot be written: the page of the project showed an error in place of the job, and no way to resume it."""
    job_id = queue.enqueue(db, pid, "generate")
    queue.change(db, job_id, pid=NOBODY, heartbeat=time.time() - 60)

    @contextmanager
    def full():
        raise CodError(FULL)
        yield

    with monkeypatch.context() as patch:
        patch.setattr(db, "begin", full)
        job = queue.newest(db, pid)
        assert (job.state, job.error) == ("failed", queue.INTERRUPTED) and queue.active(db, pid) is None and queue.under_way(db) == []
    assert queue.newest(db, pid).state == "failed"
