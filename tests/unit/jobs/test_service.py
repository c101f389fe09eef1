"""Jobs left to a worker service: taken by one, waited for, and never stuck in silence."""

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cod_core.errors import CodError
from cod_core.jobs import processes, queue, service
from cod_core.settings import Limits, Settings
from cod_core.types import Task
from cod_core.workspace import Workspace

ROOT = Path(__file__).resolve().parents[3]


def left(db, pid, kind="generate") -> str:
    job_id = queue.enqueue(db, pid, kind)
    service.leave(db, job_id)
    return job_id


def test_of_services_that_look_at_once_one_takes_the_job(db, pid):
    """Two processes for one job would write the same rows twice, and their numbers may be equal in two containers."""
    job_id = left(db, pid)
    taken, together = [], threading.Barrier(4)

    def look():
        together.wait()
        taken.append(service.take(db))

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [job.id for job in taken if job] == [job_id] and service.take(db) is None
    assert queue.get(db, job_id).pid is None


def test_the_oldest_comes_first_and_jobs_that_others_run_are_left_alone(db, pid):
    queue.enqueue(db, pid, "generate")
    first, second = left(db, pid), left(db, pid)
    assert [service.take(db).id, service.take(db).id, service.take(db)] == [first, second, None]


def test_a_job_that_nobody_takes_says_what_to_start(db, pid):
    """An app without its worker would show "waiting" for ever."""
    job_id = left(db, pid)
    assert queue.newest(db, pid).state == "queued"
    queue.change(db, job_id, heartbeat=time.time() - queue.UNTAKEN_S - 1)
    job = queue.newest(db, pid)
    assert job.state == "failed" and "cod worker" in job.error
    queue.resume(db, job_id)
    service.leave(db, job_id)
    assert service.take(db).id == job_id


def test_a_job_that_waits_for_the_service_holds_up_no_other(db, pid):
    left(db, pid)
    own = queue.enqueue(db, pid, "generate")
    assert queue.claim(db, own, 4711, Limits(heavy=1, light=1))


def test_the_app_leaves_a_job_unless_a_key_was_typed(tmp_path, monkeypatch):
    """A key in the queue would lie in the database and its backups."""
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.setenv("COD_JOBS", "service")
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    started = []
    monkeypatch.setattr(queue, "start_worker", lambda job_id, home, keys: started.append(keys))
    workspace = Workspace()
    project = workspace.project(workspace.create_project("mine", Task("t", ("a", "b"))))
    job_id = project.jobs.start("recheck")
    assert not started and service.take(workspace.db).id == job_id
    queue.change(workspace.db, job_id, state="failed")
    project.endpoints.remember_key("https://llm.example.org/v1", "typed")
    project.jobs.resume(job_id)
    assert started == [{"https://llm.example.org:443": "typed"}] and service.take(workspace.db) is None


def test_an_unknown_place_for_jobs_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("COD_JOBS", "servise")
    with pytest.raises(CodError, match="servise.*here.*service"):
        Settings.load(tmp_path)


def test_a_database_that_fails_for_a_moment_ends_no_service(monkeypatch, tmp_path):
    stop, asked = threading.Event(), []

    def take(db):
        asked.append(1)
        if len(asked) == 2:
            stop.set()
        raise CodError("busy")

    monkeypatch.setattr(service, "take", take)
    service.serve(None, str(tmp_path), stop, every_s=0.01)
    assert len(asked) == 2


def test_the_end_of_a_service_ends_its_workers(monkeypatch):
    """Else they would be killed with the container, and their jobs look alive for minutes."""
    sleeper = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    monkeypatch.setattr(processes, "_started", {"job": (sleeper, time.time())})
    processes.reap()
    assert "job" in processes._started
    processes.end_all(5)
    assert sleeper.poll() == -signal.SIGTERM
    processes.reap()
    assert not processes._started


@pytest.mark.slow
def test_the_command_runs_what_was_left_and_stops_when_asked(tmp_path, monkeypatch):
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    workspace = Workspace(tmp_path)
    job_id = left(workspace.db, workspace.create_project("mine", Task("t", ("a", "b"))), "recheck")
    command = [sys.executable, "-m", "cod_core", "worker", "--home", str(tmp_path)]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 60
    while queue.get(workspace.db, job_id).active and time.monotonic() < until:
        time.sleep(0.2)
    running.send_signal(signal.SIGTERM)
    said = running.communicate(timeout=30)[1]
    job = queue.get(workspace.db, job_id)
    assert job.state in ("done", "failed") and job.error not in (queue.INTERRUPTED, queue.UNTAKEN), job
    assert running.returncode == 0 and f"job {job_id} (recheck) started" in said and "stopped" in said
