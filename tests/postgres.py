"""A real PostgreSQL of the test run's own, started where it is installed; databases in it are copies of one made once.

Listens on a socket in a temporary folder only. COD_NEED_POSTGRES=1 (set by .ci/run) makes its absence a failure.
"""

import atexit
import itertools
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from sqlalchemy import create_engine, text

_numbers = itertools.count()


def binaries() -> Path | None:
    """The folder of initdb and pg_ctl, None where PostgreSQL is not installed."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((f for f in folders if (f / "initdb").exists() and (f / "pg_ctl").exists()), None)


def missing() -> bool:
    """Whether tests on PostgreSQL are to be skipped. Raises where they must not be."""
    if binaries() is not None:
        return False
    if os.environ.get("COD_NEED_POSTGRES"):
        raise RuntimeError("COD_NEED_POSTGRES is set, but no initdb and pg_ctl are installed.")
    return True


@cache
def _server() -> str:
    """Address of a running server with a migrated database `template_cod`; stopped when the process ends."""
    folder = Path(tempfile.mkdtemp(prefix="cod-pg-"))
    as_user = {"user": "postgres"} if os.geteuid() == 0 else {}  # PostgreSQL refuses to run as root
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    tools = binaries()

    def run(*command: str) -> None:
        subprocess.run(
            command,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
            **as_user,
        )

    run(str(tools / "initdb"), "-D", f"{folder}/data", "-U", "cod", "--auth=trust", "-E", "UTF8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c full_page_writes=off"
    run(str(tools / "pg_ctl"), "-D", f"{folder}/data", "-o", options, "-l", f"{folder}/log", "-w", "start")

    def stop() -> None:
        subprocess.run(
            [str(tools / "pg_ctl"), "-D", f"{folder}/data", "-m", "immediate", "stop"],
            check=False,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **as_user,
        )
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    address = f"postgresql+psycopg://cod@/{{name}}?host={folder}"
    _sql(address, "CREATE DATABASE template_cod")
    from cod_core.store.database import open_database

    open_database(address.format(name="template_cod")).engine.dispose()
    return address


def _sql(address: str, statement: str) -> None:
    engine = create_engine(address.format(name="postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def new_database(empty: bool = False) -> str:
    """The URL of a fresh database with the newest schema; without any table where `empty`."""
    address, name = _server(), f"cod_{os.getpid()}_{next(_numbers)}"
    _sql(address, f"CREATE DATABASE {name} TEMPLATE {'template0' if empty else 'template_cod'}")
    return address.format(name=name)
