import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from cod_core.distill import executor
from cod_core.distill.executor import spread
from cod_core.errors import BadInput
from tests.unit.distill.work import dies_once, double, slowly

ROOT = Path(__file__).parents[3]


def test_one_worker_is_this_process_and_an_interrupt_keeps_what_is_done():
    found = []

    def keep(value):
        found.append(value)
        if len(found) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        spread(double, [1, 2, 3], keep)
    assert found == [2, 4]


@pytest.mark.slow
def test_a_killed_worker_process_loses_nothing_and_repeats_nothing_finished(tmp_path):
    found = Counter()
    assert spread(dies_once, [(str(tmp_path), i) for i in range(4)], lambda n: found.update([n]), workers=2) == 4
    assert found == {0: 1, 1: 1, 2: 1, 3: 1} and (tmp_path / "died").exists()


@pytest.mark.slow
def test_workers_never_run_the_script_that_happens_to_be_running(tmp_path, monkeypatch):
    """Streamlit names its app as the main module: every worker ran the whole app once, and died of it."""
    script = tmp_path / "app.py"
    script.write_text("raise SystemExit('the app was run')\n")
    app = ModuleType("__main__")
    app.__file__ = str(script)
    monkeypatch.setitem(sys.modules, "__main__", app)
    found = []
    assert spread(double, [1, 2], found.append, workers=2) == 2
    assert sorted(found) == [2, 4] and sys.modules["__main__"] is app


@pytest.fixture
def cluster(tmp_path):
    """A Dask scheduler and two workers on loopback, processes of their own: (address, worker processes)."""
    file = tmp_path / "scheduler.json"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def start(*command):
        return subprocess.Popen(
            [sys.executable, "-m", *command, "--scheduler-file", str(file), "--no-dashboard"],
            cwd=tmp_path,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    scheduler = start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")
    processes = [scheduler]
    try:
        for _ in range(600):
            if file.exists() and file.read_text().strip():
                break
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        workers = [start("distributed.cli.dask_worker", "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny") for _ in range(2)]
        processes += workers
        yield address, workers
    finally:
        for process in processes:
            process.kill()
            process.wait()


@pytest.mark.slow
def test_a_cluster_that_loses_a_worker_in_the_middle_gives_every_cell_exactly_once(cluster, tmp_path):
    address, workers = cluster
    marks, found = tmp_path / "marks", Counter()
    marks.mkdir()

    def keep(number):
        found.update([number])
        if len(found) == 4:
            busy = {int(p.name.split("-")[1]) for p in marks.iterdir()}
            victim = next(w for w in workers if w.pid in busy)
            os.kill(victim.pid, signal.SIGKILL)

    assert spread(slowly, [(str(marks), i) for i in range(16)], keep, scheduler=address) == 16
    assert found == Counter(range(16))
    assert sum(w.poll() is not None for w in workers) == 1


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(executor, "CONNECT_S", 1)
    with pytest.raises(BadInput, match="No Dask scheduler answers at tcp://127.0.0.1:9"):
        spread(double, [1], print, scheduler="tcp://127.0.0.1:9")
