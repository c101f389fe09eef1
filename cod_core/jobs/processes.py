"""Worker processes: started at low priority, watched for their end. Knows nothing of the queue."""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from cod_core.jobs import spare

_started: dict[str, tuple[subprocess.Popen[bytes], float]] = {}
_KEYS = "COD_LLM_KEYS"  # set where keys come on standard input
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_handed: dict[str, str] = {}


def start_worker(job_id: str, home: str, keys: dict[str, str] | None = None) -> int:
    """Start a worker process for a job at low priority; returns its process id.

    keys: site -> LLM key, handed over on the child's standard input only: neither its arguments nor its environment, which a list of
    processes may show, hold one. The worker leaves one core to the browser. A spare one is taken where one waits (keep_spare).
    """
    process = spare.hand(home, job_id, keys or {}) or _begun([job_id], home, keys)
    _started[job_id] = process, time.time()
    return process.pid


def keep_spare(home: str, project_id: str) -> None:
    """Have a worker wait that has loaded what a job of this project is likely to need; the next job of any project is handed to it."""
    spare.keep(home, lambda: _begun(["--spare", project_id], home, waits=True))


def _begun(arguments: list[str], home: str, keys: dict[str, str] | None = None, waits: bool = False) -> subprocess.Popen[bytes]:
    """A new worker process. waits: for its job, on standard input."""
    threads = str(max(1, (os.cpu_count() or 2) - 1))
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, **dict.fromkeys(_THREADS, threads), "TOKENIZERS_PARALLELISM": "false", "PYTHONPATH": path}
    environment.pop(_KEYS, None)
    if keys:
        environment[_KEYS] = "stdin"
    process = subprocess.Popen(
        [sys.executable, "-m", "cod_core.jobs.worker", *arguments, "--home", str(Path(home).resolve())],
        env=environment,
        start_new_session=True,
        stdin=subprocess.PIPE if keys or waits else subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    if keys and process.stdin is not None:
        with contextlib.suppress(OSError), process.stdin as pipe:  # a worker that has ended already says so by itself
            pipe.write(json.dumps(keys).encode())
    threading.Thread(target=process.wait, daemon=True, name=f"waits for {process.pid}").start()  # or it stays as a zombie
    return process


def job_of_spare() -> str | None:
    """In a spare worker: the job that it was handed, whose keys handed_keys gives; None where none came and it is to end."""
    came = spare.wait()
    if came is None:
        return None
    _handed.update(came[1])
    return came[0]


def handed_keys() -> dict[str, str]:
    """site -> LLM key, as start_worker handed them to this process, once; {} where it is no worker. A child of it gets none."""
    if os.environ.pop(_KEYS, None) is None:
        held = dict(_handed)
        _handed.clear()
        return held
    keys: dict[str, str] = json.loads(sys.stdin.buffer.read() or b"{}")
    return keys


def ended(job_id: str, pid: int | None, since: float) -> bool:
    """Whether this process started a worker for the job after `since` (epoch seconds) and it has ended.

    pid: the job's worker as far as known. False where another process started the worker.
    """
    process, started = _started.get(job_id, (None, 0.0))
    if process is None or started < since or pid not in (None, process.pid):
        return False
    return process.poll() is not None


def reap() -> None:
    """Forget the workers of this process that have ended, so that none is left as a zombie."""
    for job_id, (process, _) in list(_started.items()):
        if process.poll() is not None:
            del _started[job_id]


def end_all(seconds: float) -> None:
    """Ask the workers of this process to end, which marks their jobs as interrupted; wait for them so long, then kill."""
    spare.end()
    running = [process for process, _ in _started.values() if process.poll() is None]
    for process in running:
        process.terminate()
    until = time.monotonic() + seconds
    for process in running:
        try:
            process.wait(max(0.0, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()


def alive(pid: int) -> bool:
    """Whether a process of this number runs on this machine. A finished child nobody waited for does not, and the number of a thread,
    to which Linux answers as well, is no process's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    try:
        lines = Path(f"/proc/{pid}/status").read_text(errors="replace").splitlines()
    except OSError:
        return True
    told = {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return told.get("Tgid", str(pid)) == str(pid) and not told.get("State", "").startswith("Z")
