"""The process of a job: what it is handed, that its death is seen, that it leaves nothing behind and gives way to pages."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cod_core.jobs import processes, queue, worker

ROOT = Path(__file__).resolve().parents[3]


KEY_READER = """
import os, sys, time
from cod_core.jobs import processes
sys.stdout.write("here\\n"); sys.stdout.flush()
held = processes.handed_keys()
again = processes.handed_keys()
open(os.environ["ANSWER"], "w").write(repr((held, again, "COD_LLM_KEYS" in os.environ)))
time.sleep(30)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_a_key_reaches_the_worker_and_stands_nowhere_in_the_list_of_processes(monkeypatch, tmp_path):
    """Arguments of a process can be read by everybody on the machine, its environment by every program of its user."""
    real, answer = processes.subprocess.Popen, tmp_path / "answer"
    monkeypatch.setenv("ANSWER", str(answer))
    monkeypatch.setattr(
        processes.subprocess, "Popen", lambda arguments, **how: real([sys.executable, "-c", KEY_READER, *arguments[3:]], **how)
    )
    number = queue.start_worker("job-of-a-test", str(tmp_path), keys={"https://host:443": "sk-secret"})
    try:
        deadline = time.time() + 30
        while not answer.exists() and time.time() < deadline:
            time.sleep(0.02)
        shown = [Path(f"/proc/{number}/{part}").read_bytes() for part in ("cmdline", "environ")]
        assert b"job-of-a-test" in shown[0] and b"COD_LLM_KEYS=stdin" in shown[1], "what is read is the worker"
        assert not any(b"sk-secret" in part for part in shown) and "COD_LLM_KEYS" not in os.environ
        assert answer.read_text() == repr(({"https://host:443": "sk-secret"}, {}, False))
    finally:
        processes._started.pop("job-of-a-test")[0].kill()


def test_a_process_that_was_handed_no_key_reads_none(monkeypatch):
    """It would wait for ever for what nobody writes."""
    monkeypatch.delenv("COD_LLM_KEYS", raising=False)
    assert queue.handed_keys() == {}


def test_the_worker_opens_the_database_of_whoever_started_it(monkeypatch, tmp_path):
    """A team's PostgreSQL address comes by the environment, a test's folder by the argument."""
    monkeypatch.setenv("COD_HOME", str(tmp_path / "a"))
    monkeypatch.setenv("COD_DATABASE_URL", "postgresql://somewhere/db")
    assert worker._settings(str(tmp_path / "a")).database_url == "postgresql://somewhere/db"
    assert worker._settings(str(tmp_path / "b")).database_url == f"sqlite:///{tmp_path / 'b' / 'cod.db'}"


SLEEPER = """
import sys, time
from types import SimpleNamespace
from cod_core.jobs import worker
from cod_core.store.database import open_database
worker._be_a_process()
def run_job(job, progress):
    for i in range(300):
        progress(i, 300, "at work")
        time.sleep(0.1)
db = open_database(sys.argv[3])
project = SimpleNamespace(jobs=SimpleNamespace(run=run_job))
worker.main([sys.argv[1], "--home", sys.argv[2]], workspace=SimpleNamespace(db=db, project=lambda project_id, actor: project))
"""


def start_sleeper(db, pid, tmp_path) -> tuple[str, subprocess.Popen]:
    job_id = queue.enqueue(db, pid, "generate")
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER, job_id, str(tmp_path), str(db.engine.url)], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    deadline = time.time() + 30
    while queue.get(db, job_id).done < 1 and time.time() < deadline:
        time.sleep(0.05)
    job = queue.get(db, job_id)
    assert (job.state, job.pid, job.message) == ("running", process.pid, "at work")
    return job_id, process


@pytest.mark.slow
def test_a_real_worker_killed_by_kill_9_is_seen_and_can_be_resumed(db, pid, tmp_path):
    job_id, process = start_sleeper(db, pid, tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.time() + 5
    while processes.alive(process.pid) and time.time() < deadline:
        time.sleep(0.02)  # a zombie until somebody waits for it, and not alive as such
    assert not processes.alive(process.pid)
    queue.change(db, job_id, heartbeat=queue.get(db, job_id).heartbeat - 31)
    assert queue.newest(db, pid).state == "failed" and queue.newest(db, pid).done >= 1
    queue.resume(db, job_id)
    assert queue.claim(db, job_id, os.getpid())
    process.wait()


@pytest.mark.slow
def test_a_real_worker_asked_to_end_says_so_at_once(db, pid, tmp_path):
    """Shutting the machine down must not leave a job that looks alive."""
    job_id, process = start_sleeper(db, pid, tmp_path)
    process.terminate()
    assert process.wait(timeout=20) == 0
    assert queue.get(db, job_id).state == "failed" and "press Resume" in queue.get(db, job_id).error


@pytest.mark.slow
def test_a_worker_of_our_own_that_ends_without_a_word_is_seen_at_once(db, pid, tmp_path):
    """The command as the app starts it; there is no such job in its folder, so it leaves."""
    job_id = queue.enqueue(db, pid, "generate")
    queue.start_worker(job_id, str(tmp_path / "elsewhere"))
    deadline = time.time() + 30
    while queue.newest(db, pid).active and time.time() < deadline:
        time.sleep(0.05)
    assert queue.newest(db, pid).state == "failed"
    queue.resume(db, job_id)
    assert queue.get(db, job_id).state == "queued"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_a_worker_that_ended_leaves_no_zombie(tmp_path):
    """Each finished job stayed in the process table until the app was closed."""
    number = queue.start_worker("nobody-asks-for-this-one", str(tmp_path))
    deadline = time.time() + 30
    while Path(f"/proc/{number}").exists() and time.time() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{number}").exists()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="threads have numbers on Linux")
def test_the_number_of_a_thread_is_no_process():
    """A dead worker's number had gone to a thread of another program: its job looked alive."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        assert processes.alive(os.getpid()) and not processes.alive(thread.native_id)
    finally:
        over.set()
        thread.join()


AUTOGROUP = Path("/proc/self/autogroup")
GIVES_WAY = f"import os; from cod_core.jobs import worker; worker.give_way(); print(os.nice(0), open('{AUTOGROUP}').read())"


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="weighs sessions of Linux")
@pytest.mark.parametrize("of_its_own", [True, False])
def test_a_job_gives_way_to_pages_also_where_sessions_are_weighed(of_its_own):
    """Its niceness alone changed nothing there: with ten people a job made one decision in twenty a second slower. A session that
    the worker shares is not its to slow down."""
    before = AUTOGROUP.read_text(encoding="ascii")
    told = subprocess.run([sys.executable, "-c", GIVES_WAY], cwd=ROOT, capture_output=True, text=True, start_new_session=of_its_own)
    niceness, _, group = told.stdout.partition(" ")
    assert niceness == "19", told.stderr
    assert group.split()[-1] == str(worker.SESSION_NICE) if of_its_own else group.strip() == before.strip()
    assert AUTOGROUP.read_text(encoding="ascii") == before
