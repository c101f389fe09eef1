"""Where things are kept and how much the app accepts. Reads the environment, never writes it.

COD_HOME: data folder (default: the platform's user-data folder). COD_DATABASE_URL: another database.
COD_DEVICE: auto, cuda, mps or cpu. COD_SCHEDULER: address of a Dask scheduler for grids of students. Where people sign in,
COD_OWNERS and COD_MEMBERS name mail addresses, and COD_TRUST_UNVERIFIED_EMAIL=1 is for services that never say "verified".
"""

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from cod_core.errors import CodError

MAX_UPLOAD_BYTES = 50 * 2**20
MAX_UNPACKED_BYTES = 200 * 2**20
MAX_ARCHIVE_ENTRIES = 2000
MAX_ROWS = 200_000
MAX_CHARS = 20_000


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


@dataclass(frozen=True)
class Settings:
    """home: data folder, created with mode 0700. database_url: SQLAlchemy URL. scheduler: Dask's address, or None."""

    home: Path
    database_url: str
    scheduler: str | None = None

    @classmethod
    def load(cls, home: str | Path | None = None) -> "Settings":
        """Settings from the argument, else the environment, else the platform's default folder.

        Raises CodError where the folder cannot be made or written to.
        """
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
        return cls(folder, url or f"sqlite:///{folder / 'cod.db'}", os.environ.get("COD_SCHEDULER") or None)

    def folder(self, *parts: str) -> Path:
        """A folder below home, made where missing."""
        path = self.home.joinpath(*parts)
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return path
