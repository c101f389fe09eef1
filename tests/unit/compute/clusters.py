"""A Dask cluster on loopback for tests and benchmarks: processes of their own."""

import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[3]


@contextmanager
def loopback(folder: Path, workers: int = 2, *options: str):
    """(address, worker processes) of a scheduler and its workers, gone at the end. options: of `dask worker`."""
    file = folder / "scheduler.json"
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}

    def start(*command):
        return subprocess.Popen(
            [sys.executable, "-m", *command, "--scheduler-file", str(file), "--no-dashboard"],
            cwd=folder,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    processes = [start("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0")]
    try:
        for _ in range(600):
            if file.exists() and file.read_text().strip():
                break
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        own = ("distributed.cli.dask_worker", "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", *options)
        started = [start(*own) for _ in range(workers)]
        processes += started
        _wait_until_known(address, workers)
        yield address, started
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _wait_until_known(address: str, workers: int) -> None:
    """A worker takes seconds to start, more on a busy machine, and a test that counts them must not be faster."""
    from distributed import Client

    with Client(address, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(workers, timeout=60)
