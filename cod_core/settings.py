"""Where things are kept, who may read them, and how much the app accepts. Reads the environment, never writes it.

COD_HOME: data folder (default: the platform's user-data folder). COD_DATABASE_URL: another database.
COD_DEVICE: auto, cuda, mps or cpu. COD_SCHEDULER: address of a Dask scheduler for heavy work. COD_WORKERS: processes for it on this
machine instead. COD_JOBS=service: long work is left to `cod worker`. COD_SPARE_WORKER=0: no worker process waits with its models
loaded for the next job. Where people sign in,
COD_OWNERS and COD_MEMBERS name mail addresses, COD_TRUST_UNVERIFIED_EMAIL=1 is for services that never say "verified", and
COD_SIGN_IN_DAYS says how long a sign-in is good for.
What one person may have at once: COD_MAX_JOBS, COD_MAX_PROJECTS, COD_MAX_TEXTS, COD_MAX_MEGABYTES (0: as much as they like, which
it is where nobody signs in and none of them is set). How
many jobs run at once, one a person: COD_HEAVY_JOBS, COD_LIGHT_JOBS.
"""

import os
import re
import shlex
import stat
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import platformdirs

from cod_core.errors import CodError
from cod_core.said import say

MAX_UPLOAD_BYTES = 50 * 2**20
MAX_UNPACKED_BYTES = 200 * 2**20
MAX_ARCHIVE_ENTRIES = 2000
MAX_LINE_BYTES = 16 * 2**20  # of a file in an archive that is read line by line
MAX_ROWS = 200_000
MAX_CHARS = 20_000
MAX_REPLY_CHARS = 5 * MAX_CHARS  # of a model: what it thought aloud counts


def _addresses(variable: str) -> tuple[str, ...]:
    return tuple(name.strip().lower() for name in os.environ.get(variable, "").split(",") if name.strip())


def owners() -> tuple[str, ...]:
    """Mail addresses that are always owners where people sign in."""
    return _addresses("COD_OWNERS")


def members() -> tuple[str, ...]:
    """Mail addresses, and domains as @domain, that are welcome where people sign in; none: everybody who can."""
    return _addresses("COD_MEMBERS")


def trusts_unverified() -> bool:
    """Whether a mail address counts of which the sign-in service never says if it was verified."""
    return os.environ.get("COD_TRUST_UNVERIFIED_EMAIL") == "1"


def sign_in_days() -> int:
    """How many days a sign-in is good for; 0: as long as its cookie, which is Streamlit's 30 days."""
    return _number("COD_SIGN_IN_DAYS", 7)


def _service() -> bool:
    """Whether COD_JOBS leaves long work to a worker service. Raises CodError for another word."""
    where = os.environ.get("COD_JOBS", "").strip()
    if where not in ("", "here", "service"):
        raise CodError(f"COD_JOBS is {where!r}. Expected here (jobs run beside the app) or service (they are left to `cod worker`).")
    return where == "service"


def _spare() -> bool:
    """Whether a worker may wait; on Windows nothing can be waited for on a pipe with a time limit (jobs/spare.py)."""
    return os.name != "nt" and os.environ.get("COD_SPARE_WORKER", "").strip() != "0"


PERSONAL = ("jobs", "projects", "texts", "megabytes")  # limits of one person


@dataclass(frozen=True)
class Limits:
    """What one person may have here: jobs that wait or run, projects they made, texts they brought, megabytes of these texts and of
    the files of their projects; 0: no limit. heavy, light: jobs that run at once, at least 1, each of another person.

    named: which of the first four whoever runs the app set. Where people sign in, all hold; where nobody does, these alone (`of`), and
    who changes their name begins anew. The command line has no limits.
    """

    jobs: int = 5
    projects: int = 200
    texts: int = 1_000_000
    megabytes: int = 20_000
    heavy: int = 2
    light: int = 4
    named: tuple[str, ...] = ()

    @classmethod
    def load(cls) -> "Limits":
        """From the environment, else as they are usually. Raises CodError for what is no whole number, or too small."""
        usual = cls()
        return cls(
            jobs=_number("COD_MAX_JOBS", usual.jobs),
            projects=_number("COD_MAX_PROJECTS", usual.projects),
            texts=_number("COD_MAX_TEXTS", usual.texts),
            megabytes=_number("COD_MAX_MEGABYTES", usual.megabytes),
            heavy=_number("COD_HEAVY_JOBS", usual.heavy, least=1),
            light=_number("COD_LIGHT_JOBS", usual.light, least=1),
            named=tuple(what for what in PERSONAL if os.environ.get(f"COD_MAX_{what.upper()}", "").strip()),
        )

    def of(self, signed_in: bool) -> "Limits":
        """What holds for one person: nothing that nobody set, where they work alone at their own machine."""
        if signed_in:
            return self
        jobs, projects, texts, megabytes = (int(getattr(self, what)) if what in self.named else 0 for what in PERSONAL)
        return replace(self, jobs=jobs, projects=projects, texts=texts, megabytes=megabytes)


def _number(variable: str, usual: int, least: int = 0) -> int:
    said = os.environ.get(variable, "").strip() or str(usual)
    if not re.fullmatch(r"[0-9]{1,12}", said) or int(said) < least:
        raise CodError(f"{variable} must be a whole number of {least} or more; it is {said[:40]!r}. Change it and start the app again.")
    return int(said)


@dataclass(frozen=True)
class ComputePlace:
    """Where heavy work runs (cod_core/compute). scheduler: address of a Dask scheduler, such as tcp://10.0.0.1:8786; else processes
    on this machine: workers, the one that asks included; 0: as many as cores and memory allow, one core left free."""

    scheduler: str | None = None
    workers: int = 0

    @classmethod
    def load(cls) -> "ComputePlace":
        """From COD_SCHEDULER and COD_WORKERS. Raises CodError for what is no number of processes."""
        return cls(os.environ.get("COD_SCHEDULER", "").strip() or None, _number("COD_WORKERS", 0))


@dataclass(frozen=True)
class Settings:
    """home: data folder, created with mode 0700. database_url: SQLAlchemy URL. compute: where heavy work runs.
    limits: what one person may have. service: long work is left to a worker service, not started beside the app. spare: a worker may
    wait with its models loaded."""

    home: Path
    database_url: str
    compute: ComputePlace = ComputePlace()
    limits: Limits = Limits()
    service: bool = False
    spare: bool = True

    @classmethod
    def load(cls, home: str | Path | None = None) -> "Settings":
        """Settings from the argument, else the environment, else the platform's default folder.

        From here on the process makes files that its own user alone can read (umask 077); what is there already keeps its modes
        (see open_to_others). Raises CodError where the folder cannot be made or written to, where COD_JOBS says what is not known,
        and as Limits.load.
        """
        os.umask(0o077)
        chosen = home or os.environ.get("COD_HOME")
        folder = Path(chosen or platformdirs.user_data_dir("cod-curation")).expanduser()
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise CodError(
                f"The data folder {folder} cannot be created ({error.strerror}). Set COD_HOME to a folder that you may write to."
            ) from error
        if not os.access(folder, os.W_OK):
            raise CodError(f"The data folder {folder} cannot be written to. Set COD_HOME to another folder.")
        url = None if home else os.environ.get("COD_DATABASE_URL")
        return cls(folder, url or f"sqlite:///{folder / 'cod.db'}", ComputePlace.load(), Limits.load(), _service(), _spare())

    def folder(self, *parts: str) -> Path:
        """A folder below home, made where missing."""
        path = self.home.joinpath(*parts)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path


def files_of(home: Path, project_id: str) -> list[Path]:
    """What lies in a data folder for this project and no other: a folder of its id in each room, and its temporary files.

    An id may be the beginning of another one where an earlier version restored it, so names are compared, not matched.
    """
    if not re.fullmatch(r"[0-9a-f]{8,32}", project_id):
        raise ValueError(f"{project_id!r} is no id of a project")
    temporary = re.compile(rf"{project_id}[a-z0-9_]{{8}}")  # as Python's tempfile names what is to begin with the id
    rooms = [room for room in sorted(home.iterdir()) if room.is_dir() and not room.is_symlink()] if home.is_dir() else []
    own = [room / project_id for room in rooms if os.path.lexists(room / project_id)]
    return own + [path for path in sorted(home.glob(f"tmp/{project_id}*")) if temporary.fullmatch(path.name)]


def bytes_of(home: Path, project_ids: Iterable[str]) -> int:
    """What the files made for these projects take on the disk."""
    kept = [path for pid in project_ids for path in files_of(home, pid)]
    return sum(part.lstat().st_size for path in kept for part in (path, *path.rglob("*")) if part.is_file() and not part.is_symlink())


def open_to_others(settings: Settings) -> str:
    """A sentence with the command that mends it, where other users of this machine can read the data; else ''."""
    if os.name == "nt":
        return ""
    database = Path(settings.database_url.removeprefix("sqlite:///")) if settings.database_url.startswith("sqlite:///") else None
    if database is not None and settings.home in database.parents:
        database = None  # behind the folder's own door
    loose = [path for path in (settings.home, database) if path is not None and path.exists() and _others(path)]
    if not loose:
        return ""
    command = "chmod -R go-rwx " + " ".join(shlex.quote(str(path)) for path in loose)
    return say("Other users of this machine can read the texts and decisions kept here. Close them off with: {command}", command=command)


def _others(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))
