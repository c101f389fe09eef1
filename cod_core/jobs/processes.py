"""Worker processes: started at low priority, watched for their end. Knows nothing of the queue."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

_started: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
_KEYS = "COD_LLM_KEYS"
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def start_worker(job_id: str, home: str, keys: dict[str, str] | None = None) -> int:
    """Start a worker process for a job at low priority; returns its process id.

    keys: site -> LLM key, handed over in the child's environment only. The worker leaves one core to the browser.
    """
    threads = str(max(1, (os.cpu_count() or 2) - 1))
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, **dict.fromkeys(_THREADS, threads), "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": path}
    environment.pop(_KEYS, None)
    if keys:
        environment[_KEYS] = json.dumps(keys)
    process = subprocess.Popen(
        [sys.executable, "-m", "cod_core.jobs.worker", job_id, "--home", str(Path(home).resolve())],
        env=environment,
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _started[job_id] = process, time.time()
    return process.pid


def handed_keys() -> dict[str, str]:
    """site -> LLM key, as start_worker handed them to this process; {} where it is no worker. A child of it gets none."""
    keys: dict[str, str] = json.loads(os.environ.pop(_KEYS, "{}"))
    return keys


def ended(job_id: str, pid: int | None, since: float) -> bool:
    """Whether this process started a worker for the job after `since` (epoch seconds) and it has ended.

    pid: the job's worker as far as known. False where another process started the worker.
    """
    process, started = _started.get(job_id, (None, 0.0))
    if process is None or started < since or pid not in (None, process.pid):
        return False
    return process.poll() is not None


def alive(pid: int) -> bool:
    """Whether a process of this number runs on this machine; a finished child nobody waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return True
