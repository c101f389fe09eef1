"""A worker process that waits with everything loaded: handed one job, and gone with whoever started it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cod_core.jobs import processes, queue, spare, worker
from cod_core.project import jobs
from cod_core.workspace import Workspace

KEYS = {"https://host:443": "sk-secret"}
WAITER = "import json, sys; from cod_core.jobs import processes; print(json.dumps([processes.job_of_spare(), processes.handed_keys()]))"


@pytest.fixture(autouse=True)
def nobody_waits_afterwards():
    yield
    spare.end()


def child() -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", WAITER], stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def over(process: subprocess.Popen, seconds: float = 30) -> bool:
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A workspace of its own folder with one project, whose jobs are real processes."""
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    w = Workspace(tmp_path / "home")
    return w, w.project(w.create_sample("movies"))


@pytest.mark.slow
def test_the_next_job_is_done_by_the_process_that_waits(own):
    w, project = own
    processes.keep_spare(str(w.settings.home), project.id)
    waiting = spare._spare.process
    job_id = project.jobs.start("recheck")
    assert processes._started[job_id][0] is waiting and spare._spare is None
    deadline = time.time() + 90
    while (job := queue.get(w.db, job_id)).active and time.time() < deadline:
        time.sleep(0.05)
    assert (job.state, job.error, job.pid) == ("done", None, waiting.pid)
    assert over(waiting), "it does one job"


@pytest.mark.slow
def test_a_process_that_is_killed_while_it_waits_costs_nothing(own):
    w, project = own
    processes.keep_spare(str(w.settings.home), project.id)
    waiting = spare._spare.process
    waiting.kill()
    waiting.wait()
    job_id = project.jobs.start("recheck")
    assert processes._started[job_id][0] is not waiting
    project.jobs.cancel(job_id)


def test_what_is_handed_over_is_the_job_and_its_keys(tmp_path):
    spare.keep(str(tmp_path), child)
    waiting = spare._spare.process
    assert spare.hand(str(tmp_path), "job-1", KEYS) is waiting
    out = waiting.stdout.read()
    assert out == b'["job-1", {"https://host:443": "sk-secret"}]\n'
    assert spare.hand(str(tmp_path), "job-2", {}) is None, "one job only"


def test_keys_are_handed_out_once(monkeypatch):
    monkeypatch.setattr(spare, "wait", lambda: ("job-1", KEYS))
    assert processes.job_of_spare() == "job-1"
    assert processes.handed_keys() == KEYS and processes.handed_keys() == {}


def test_it_ends_with_the_process_that_started_it(tmp_path):
    """Closing the app closes the pipe, however it ends: no process is left that holds half a gigabyte."""
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys, time\n"
            f"waits = subprocess.Popen([sys.executable, '-c', {WAITER!r}], stdin=subprocess.PIPE)\n"
            "print(waits.pid, flush=True); time.sleep(60)",
        ],
        stdout=subprocess.PIPE,
    )
    waits = int(parent.stdout.readline())
    assert processes.alive(waits)
    parent.kill()
    deadline = time.time() + 30
    while processes.alive(waits) and time.time() < deadline:
        time.sleep(0.05)
    assert not processes.alive(waits)


def test_a_process_started_for_another_folder_or_with_another_environment_is_let_go(tmp_path, monkeypatch):
    """It would read another database, or hold variables that were changed since."""
    spare.keep(str(tmp_path / "one"), child)
    first = spare._spare.process
    assert spare.hand(str(tmp_path / "two"), "job", {}) is None
    spare.keep(str(tmp_path / "one"), child)
    assert spare._spare.process is first
    monkeypatch.setenv("COD_WORKERS", "2")
    assert spare.hand(str(tmp_path / "one"), "job", {}) is None
    spare.keep(str(tmp_path / "one"), child)
    assert spare._spare.process is not first and over(first)


def test_nothing_is_handed_over_shortly_before_its_end(tmp_path, monkeypatch):
    spare.keep(str(tmp_path), child)
    now = time.monotonic()
    monkeypatch.setattr(spare.time, "monotonic", lambda: now + spare.KEPT_S - spare.LATE_S + 1)
    assert spare.hand(str(tmp_path), "job", {}) is None


def test_a_process_that_nobody_needs_ends_by_itself(monkeypatch):
    read, written = os.pipe()
    with os.fdopen(read) as pipe, os.fdopen(written, "wb"):
        monkeypatch.setattr(spare.sys, "stdin", pipe)
        assert spare.wait(0.05) is None


def test_a_spare_worker_of_a_project_that_is_gone_still_takes_a_job(tmp_path, monkeypatch):
    """What it could not load is loaded, or refused in words, by the job."""
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    monkeypatch.setattr(worker.processes, "job_of_spare", lambda: None)
    assert worker.main(["--spare", "0123456789ab", "--home", str(tmp_path)]) == "gone"
    assert "loaded nothing" in Path(tmp_path / "logs" / "worker.log").read_text()


def test_none_waits_where_it_would_not_be_used(own, monkeypatch):
    """On a small machine, where a service does the work, and where it is switched off."""
    w, project = own
    kept = []
    monkeypatch.setattr(queue, "keep_spare", lambda home, pid: kept.append((home, pid)))
    project.jobs.expect()  # as the tests have it, COD_SPARE_WORKER=0
    monkeypatch.setenv("COD_SPARE_WORKER", "1")
    opened = Workspace(w.settings.home).project(project.id)
    monkeypatch.setattr(jobs, "memory_bytes", lambda: 2 << 30)
    opened.jobs.expect()
    monkeypatch.setattr(jobs, "memory_bytes", lambda: 24 << 30)
    monkeypatch.setenv("COD_JOBS", "service")
    Workspace(w.settings.home).project(project.id).jobs.expect()
    assert kept == []
    opened.jobs.expect()
    assert kept == [(str(w.settings.home), project.id)]
