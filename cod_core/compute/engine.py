"""Where heavy work runs: what every place can do, the choice of a place, and a short test of it. Knows no project.

with engine_of(settings.compute) as engine:
    for found in engine.run(EMBEDDING, given, pieces):
        keep(found)
"""

import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol, Self

from cod_core.compute.machine import Machine, cores, memory_bytes
from cod_core.compute.work import Found, Given, Kit, Piece, Work
from cod_core.errors import CodError
from cod_core.settings import ComputePlace

A_PROCESS_BYTES = 2 << 30  # memory that a process takes at most that holds torch, a teacher, an encoder and a small language model
PATIENCE_S = 30.0
KNOWN_S = 60.0
_asked: "dict[str, tuple[float, Slots]]" = {}


def nothing_said() -> None:
    """The tick that does nothing."""


def hand_over(late: Callable[[int, Found], object] | None, found: Mapping[int, Found]) -> None:
    """At an early end: what was finished ahead of its turn, to whoever asked. A store that refuses now may be why the end is early."""
    if late is not None:
        with suppress(CodError):
            for number in sorted(found):
                late(number, found[number])


class Engine(Protocol):
    """A place where pieces of work are done."""

    @property
    def slots(self) -> int:
        """Pieces that can be done at once; starts nothing, and asks a cluster."""

    @property
    def offers_gpus(self) -> bool:
        """Whether work that takes a GPU gets one elsewhere; asks a cluster."""

    @property
    def place(self) -> str:
        """Where it is, in words: 'this process', '2 processes on this computer', 'the cluster at tcp://...'."""

    def run(
        self,
        work: Work[Given, Kit, Piece, Found],
        given: Given | None,
        pieces: Sequence[Piece],
        kit: Callable[[], Kit] | None = None,
        tick: Callable[[], object] = nothing_said,
        late: Callable[[int, Found], object] | None = None,
    ) -> Generator[Found, None, None]:
        """work.do of every piece, in the order of the pieces, each once.

        given: None where only this process can do it; then kit is needed, and a place that is this process.
        kit: what work.make would give, where this process has it already. tick: called about once a second while nothing comes; it
        may raise to stop. late: told, where the run ends early, of each piece that was finished ahead of its turn, with its number; for
        that the one who asked closes what is returned (contextlib.closing). Raises what a piece raises, CodError where workers die
        again and again.
        """

    def machines(self) -> list[Machine]:
        """What computes there."""

    def close(self) -> None:
        """Let go of processes and connections; what is under way there is dropped."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def engine_of(place: ComputePlace, at_once: bool = False, most: int | None = None) -> Engine:
    """The engine for a place. Nothing is started or asked before the first use. at_once: start processes whatever they are worth.
    most: processes of this machine that have room, this one included."""
    if place.scheduler:
        from cod_core.compute.cluster import Cluster

        return Cluster(place.scheduler)
    from cod_core.compute.local import START_S, Local

    processes = processes_of(place)
    return Local(
        processes if most is None else min(processes, most),
        0.0 if at_once else START_S,
        share_gpu=place.workers > 1,
        share_cores=not place.workers,
    )


def processes_of(place: ComputePlace) -> int:
    """Processes on this machine that a place stands for, this one included: as asked; else all cores but one for whoever sits here, as
    far as memory goes."""
    return place.workers or max(1, min(cores() - 1, memory_bytes() // 2 // A_PROCESS_BYTES))


@dataclass(frozen=True)
class Slots:
    """Pieces at once at a place. problem: why there are none, in words."""

    count: int
    problem: str = ""


def slots_of(place: ComputePlace) -> Slots:
    """How many pieces a place does at once. A cluster is asked once a minute, since a page asks at every press."""
    if not place.scheduler:
        return Slots(processes_of(place))
    known = _asked.get(place.scheduler)
    if known is None or time.monotonic() - known[0] > KNOWN_S:
        try:
            with engine_of(place) as engine:
                found = Slots(engine.slots)
        except CodError as error:
            found = Slots(0, str(error))
        known = _asked[place.scheduler] = time.monotonic(), found
    return known[1]


def expected_seconds(place: ComputePlace, each: float, pieces: int, torch: bool = True) -> float:
    """How long so many pieces take at a place: shared by what works there, where it is worth a start. torch: as Work has it."""
    from cod_core.compute.local import LIGHT_S, START_S, WORTH

    alone, start_s = each * pieces, START_S if torch else LIGHT_S
    return alone if not place.scheduler and alone < WORTH * start_s else alone / max(1, min(slots_of(place).count, pieces))


@dataclass(frozen=True)
class Tested:
    """What a test of a place came to. answered: processes that did a piece. seconds: until all pieces were there, start included.
    same: whether all gave the same numbers."""

    place: str
    answered: int
    seconds: float
    same: bool
    machines: tuple[Machine, ...]


def try_out(place: ComputePlace) -> Tested:
    """Let a place do a few small pieces of work, until each of its processes has answered or half a minute is over.

    Raises CodError as the place does: nobody answers, versions differ.
    """
    import numpy as np

    started = time.monotonic()
    with engine_of(place, at_once=True) as engine:
        found: list[tuple[str, Any]] = []
        while not found or len({who for who, _ in found}) < engine.slots and time.monotonic() - started < PATIENCE_S:
            found += engine.run(TRIAL, 7, [0] * (2 * engine.slots))
        return Tested(
            engine.place,
            len({who for who, _ in found}),
            time.monotonic() - started,
            all(np.array_equal(rows, found[0][1]) for _, rows in found),
            tuple(engine.machines()),
        )


def _trial_matrix(seed: int) -> Any:
    import numpy as np

    return np.random.default_rng(seed).normal(size=(256, 256))


def _trial(matrix: Any, piece: int) -> tuple[str, Any]:
    """(who did it, a product)."""
    import os
    import socket

    time.sleep(0.1)  # longer than handing out takes, so that each process gets some
    return f"{socket.gethostname()}:{os.getpid()}", matrix @ matrix


TRIAL: Work[int, Any, int, tuple[str, Any]] = Work(_trial_matrix, _trial)
