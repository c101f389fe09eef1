"""What a disk that refuses means, in words. Knows nothing of what was to be written."""

import errno
import os
import shutil
from pathlib import Path

from cod_core.errors import CodError
from cod_core.said import msg

FULL = msg("The disk is full, so nothing more can be saved. Free some space and try again; what was saved is kept.")
CLOSED = msg(
    "The data folder cannot be written to. Make it writable for the user who runs the app, then try again; what was saved is kept."
)
LEAST = 2**20  # bytes without which no database can be worked with
_FULL = (errno.ENOSPC, errno.EDQUOT)
_CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM)


def refused(error: BaseException) -> CodError | None:
    """What an error of the disk comes to for a person, whatever part of the program met it; None for any other error."""
    if isinstance(error, OSError) and error.errno is not None:
        full, closed = error.errno in _FULL, error.errno in _CLOSED and error.filename is not None
    else:  # libraries that are not written in Python know the system's words only
        said = str(error)
        full, closed = os.strerror(errno.ENOSPC) in said, os.strerror(errno.EROFS) in said
    return CodError(FULL) if full else CodError(CLOSED) if closed else None


def no_room(folder: Path) -> bool:
    """Whether the disk of a folder has no room left that a database could work in."""
    try:
        return shutil.disk_usage(folder).free < LEAST
    except OSError:
        return False
