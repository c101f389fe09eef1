"""Work that other processes do in tests: it must be importable there."""

import os
import signal
import time
from pathlib import Path

import numpy as np

from cod_core.compute.work import Work
from cod_core.errors import BadInput


def made(given):
    """What is given, with a mark of each process that made it ready: (folder, value)."""
    folder, value = given
    Path(folder, f"made-{os.getpid()}").touch()
    return folder, np.full((64, 64), value)


def product(kit, piece):
    """A sum whose last digits depend on its order."""
    folder, matrix = kit
    drawn = np.random.default_rng(piece).normal(size=(64, 64))
    Path(folder, f"did-{piece}-{os.getpid()}").touch()
    time.sleep(0.02)
    return (drawn @ matrix @ drawn.T)[:2, :2]


def once_deadly(kit, piece):
    """The first process that gets piece 0 is killed, as the kernel does for want of memory."""
    folder, matrix = kit
    mark = Path(folder, "died")
    if piece == 0 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return product(kit, piece)


def refusing(kit, piece):
    raise BadInput(f"Piece {piece} cannot be done.")


def environment(kit, piece):
    time.sleep(0.2)
    return os.getpid(), {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "COD_LLM_KEY", "COD_DATABASE_URL")}


def fatal(kit, piece):
    os._exit(1)


PRODUCTS, DEADLY, FATAL, REFUSING, ENVIRONMENT = (Work(made, do) for do in (product, once_deadly, fatal, refusing, environment))


def first_waits(kit, piece):
    """Piece 0 takes until the folder is told to go on; the others are done at once."""
    folder, _ = kit
    while piece == 0 and not Path(folder, "go").exists():
        time.sleep(0.02)
    Path(folder, f"did-{piece}").touch()
    return piece


WAITING = Work(made, first_waits)
