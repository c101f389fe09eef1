"""Where benchmarks/faults.py has its work done: a PostgreSQL server of its own, a Dask cluster on loopback, processes beside others.

Knows neither the work nor what is asked of it.
"""

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine, text

from tests.postgres import binaries

ROOT = Path(__file__).parents[1]


class Server:
    """A PostgreSQL server in a folder, as it is installed: it writes through to the disk. Listens on a socket there only."""

    def __init__(self, folder: Path):
        self.folder, self._numbers = folder, itertools.count()
        self._as = {"user": "postgres"} if os.geteuid() == 0 else {}  # PostgreSQL refuses to run as root
        folder.mkdir()
        for above in (folder, *folder.parents):
            if self._as and above != Path("/") and not above.stat().st_mode & 0o001:
                above.chmod(0o711)
        if self._as:
            shutil.chown(folder, "postgres", "postgres")
        self._do("initdb", "-D", f"{folder}/data", "-U", "cod", "--auth=trust", "-E", "UTF8")
        self.start()

    def _do(self, name: str, *arguments: str) -> None:
        tools, env = binaries(), {**os.environ, "LC_ALL": "C.UTF-8"}
        assert tools is not None, "PostgreSQL is not installed"
        said = subprocess.DEVNULL
        subprocess.run([str(tools / name), *arguments], check=True, stdout=said, stderr=said, cwd=self.folder, env=env, **self._as)  # type: ignore[call-overload]  # user

    def start(self) -> None:
        options = f"-c listen_addresses='' -c unix_socket_directories={self.folder}"
        self._do("pg_ctl", "-D", f"{self.folder}/data", "-o", options, "-l", f"{self.folder}/log", "-w", "start")

    def stop(self, how: str = "immediate") -> None:
        """immediate: as a power cut would, without a checkpoint."""
        self._do("pg_ctl", "-D", f"{self.folder}/data", "-m", how, "-w", "stop")

    @property
    def pid(self) -> int:
        return int((self.folder / "data" / "postmaster.pid").read_text().split()[0])

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://cod@/{name}?host={self.folder}"

    def new(self, of: str = "template0") -> str:
        """The name of a new database, a copy of another."""
        name = f"d{next(self._numbers)}"
        engine = create_engine(self.url("postgres"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {of}"))
        engine.dispose()
        return name


class LoopbackCluster:
    """A Dask scheduler and its workers, one thread each, in processes of their own."""

    def __init__(self, folder: Path, workers: int = 2):
        folder.mkdir()
        self.file = folder / "scheduler.json"
        self.processes = [self._started("dask_scheduler", "--host", "127.0.0.1", "--port", "0")]
        while not self.file.exists() or not self.file.read_text().strip():
            time.sleep(0.1)
        self.address = json.loads(self.file.read_text())["address"]
        own = ("--host", "127.0.0.1", "--nthreads", "1", "--no-nanny")
        self.processes += [self._started("dask_worker", *own) for _ in range(workers)]
        from distributed import Client

        with Client(self.address, timeout=120, set_as_default=False) as client:  # type: ignore[no-untyped-call]  # no types
            client.wait_for_workers(workers, timeout=120)  # type: ignore[no-untyped-call]  # the same

    def _started(self, command: str, *options: str) -> "subprocess.Popen[bytes]":
        env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        own = [sys.executable, "-m", f"distributed.cli.{command}", "--scheduler-file", str(self.file), "--no-dashboard", *options]
        return subprocess.Popen(own, cwd=self.file.parent, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@contextmanager
def cluster(folder: Path) -> Iterator[LoopbackCluster]:
    made = LoopbackCluster(folder)
    try:
        yield made
    finally:
        made.close()


def helpers_of(pid: int, what: bytes = b"spawn_main") -> list[int]:
    """The processes that a process computes with beside it (cod_core/compute/local.py), none where none has begun.
    what: a part of their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
            if parent == pid and what in path.with_name("cmdline").read_bytes():
                found.append(int(path.parent.name))
        except OSError:
            continue  # it has ended
    return found
