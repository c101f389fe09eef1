"""This process, and processes beside it, at work on one list of pieces. Knows no piece's contents.

This process takes part itself: it does the first pieces, so that nothing waits while others start, and they are started only once
what is left is worth it. They are spawned, import what they work with and never the running script, have this process's priority (a
lower one would be waited for on a busy machine), let go of every key and database address in their environment before anything else
(this one's is the whole app's, and stays as it is), and end with this process however it ends. One that dies loses only what it did.
"""

import multiprocessing
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Self

from cod_core.compute.engine import hand_over, nothing_said
from cod_core.compute.machine import Machine, described
from cod_core.compute.sharing import AT_WORK, AtWork
from cod_core.compute.work import THREADS, Found, Given, Kit, Parcel, Piece, Work, done_in_a_worker
from cod_core.errors import CodError
from cod_core.said import say

TRIES = 5
START_S = 6.0  # for a process that imports torch and loads a small model (docs/scale.md)
LIGHT_S = 1.0  # for one that works on numbers alone
WORTH = 2.0  # what is left must take so many times the start
AHEAD = 8  # finished pieces a process that may wait for an earlier one: more are not begun
HANDED = 2  # pieces at a process beside while there is more than one each: it must not wait for this one, which looks up between its own
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|DATABASE_URL|CREDENTIAL|COOKIE", re.IGNORECASE)
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_STARTING = threading.Lock()  # the main module is the whole process's: two people may press at once


class Local:
    """processes: at work at once on this machine, this one included; 1 starts none."""

    def __init__(
        self, processes: int = 1, start_s: float = START_S, share_gpu: bool = True, share_cores: bool = False, at_work: AtWork = AT_WORK
    ):
        """start_s: what a start is taken to cost; 0 starts at once. share_gpu: whether several processes compute on this machine's GPU,
        where it has one: each holds its own models there. share_cores: whether the processes are shared with the other heavy jobs
        of this machine (at_work), which come and go."""
        self._helpers, self._start_s, self._share_gpu = max(1, processes) - 1, start_s, share_gpu
        self._share_cores, self.at_work = share_cores, at_work
        self._pool: ProcessPoolExecutor | None = None
        self._folder: Path | None = None

    @property
    def slots(self) -> int:
        return self._helpers + 1

    @property
    def offers_gpus(self) -> bool:
        return False

    @property
    def place(self) -> str:
        return say("{n} processes on this computer", n=self.slots) if self._helpers else say("this process")

    def run(
        self,
        work: Work[Given, Kit, Piece, Found],
        given: Given | None,
        pieces: Sequence[Piece],
        kit: Callable[[], Kit] | None = None,
        tick: Callable[[], object] = nothing_said,
        late: Callable[[int, Found], object] | None = None,
    ) -> Generator[Found, None, None]:
        """As Engine.run."""
        return _Run(self, work, given, pieces, kit, tick, late).results()

    def machines(self) -> list[Machine]:
        return [described("this computer", self.slots)]

    def close(self) -> None:
        if self._pool is not None:
            self._end(self._pool)
            self._pool = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    @staticmethod
    def _end(pool: ProcessPoolExecutor) -> None:
        """End the pool's processes now, whatever they do, and wait for them: none is left as a zombie."""
        running, manager = list((getattr(pool, "_processes", None) or {}).values()), getattr(pool, "_executor_manager_thread", None)
        pool.shutdown(wait=False, cancel_futures=True)
        for process in running:
            process.terminate()
        for process in running:
            process.join(5.0)
        if manager is not None:
            manager.join(5.0)  # it frees the pool's semaphores

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ for a run

    @property
    def started(self) -> bool:
        return self._pool is not None

    @property
    def beside(self) -> int:
        """Processes beside this one that may be at work now."""
        return max(1, self.slots // self.at_work.count()) - 1 if self._share_cores and self._helpers else self._helpers

    def worth_starting(self, seconds_left: float, kit_s: float, torch: bool = True, gpu: bool = False) -> bool:
        """Whether processes beside this one are up, or what is left pays for their start. torch, gpu: as Work has them."""
        if gpu and not self._share_gpu and on_gpu():
            return False
        start_s = self._start_s if torch else min(LIGHT_S, self._start_s)
        return bool(self._helpers) and (self.started or seconds_left >= WORTH * (start_s + (kit_s if start_s else 0.0)))

    def submit(self, work: Work[Any, Any, Any, Any], parcel: Parcel, piece: object) -> "Future[Any]":
        """Hand a piece to a process beside this one."""
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="cod-work-"))
        path = self._folder / parcel.sha
        if not path.exists():
            path.write_bytes(parcel.data)
        if self._pool is None:
            spawn = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self._helpers, spawn, initializer=_begin, initargs=(str(self._folder),))
        if len(getattr(self._pool, "_processes", None) or ()) == self._helpers:  # all are up: none will be started
            return self._pool.submit(_serve, work, parcel.sha, str(path), piece)
        with _STARTING, _nameless_main():
            return self._pool.submit(_serve, work, parcel.sha, str(path), piece)

    def dropped(self) -> None:
        """Forget a pool of which a process died; the next piece starts another."""
        if self._pool is not None:
            self._end(self._pool)
            self._pool = None


class _Run:
    """One list of pieces under way."""

    def __init__(
        self,
        local: Local,
        work: Work[Any, Any, Any, Any],
        given: object,
        pieces: Sequence[Any],
        kit: Callable[[], Any] | None,
        tick: Callable[[], object],
        late: Callable[[int, Any], object] | None,
    ):
        self.local, self.work, self.given, self.pieces, self.tick, self.late = local, work, given, pieces, tick, late
        self.make, self.kit, self.kit_s = kit, None, 0.0
        self.parcel: Parcel | None = None
        self.todo, self.found = deque(range(len(pieces))), dict[int, Any]()
        self.away: dict[Future[Any], int] = {}
        self.feared: set[int] = set()  # what was under way when a process died: never done in this one
        self.seconds, self.done_here, self.deaths, self.next = 0.0, 0, 0, 0

    def results(self) -> Generator[Any, None, None]:
        with self.local.at_work.entered():
            try:
                yield from self._in_order()
            finally:
                self._leave()

    def _in_order(self) -> Iterator[Any]:
        while self.next < len(self.pieces):
            self._collect()
            self._hand_out()
            if self.next in self.found:
                yield self.found.pop(self.next)
                self.next += 1
            elif not self._one_here():
                self._wait()

    def _leave(self) -> None:
        """Nothing more is begun, and what is finished already is handed over."""
        for future, number in self.away.items():
            if not future.cancel() and future.done() and future.exception() is None:
                self.found[number] = future.result()
        hand_over(self.late, self.found)

    @property
    def each(self) -> float:
        """Seconds a piece; 0 before the first."""
        return self.seconds / self.done_here if self.done_here else 0.0

    def _ahead(self, number: int) -> bool:
        return number >= self.next + AHEAD * self.local.slots

    def _hand_out(self) -> None:
        """Pieces to the processes beside this one, as many as they can begin soon."""
        if not self.local.worth_starting(self.each * len(self.todo), self.kit_s, self.work.torch, self.work.gpu) and not self.feared:
            return
        beside = self.local.beside
        if self.feared:  # what killed a process is never done in this one
            beside = max(1, beside)
        while self.todo and not self._ahead(self.todo[0]):
            if len(self.away) >= (HANDED * beside if len(self.todo) > self.local.slots else beside):
                break
            number = self.todo.popleft()
            self.parcel = self.parcel or Parcel.of(self.given)
            try:
                self.away[self.local.submit(self.work, self.parcel, self.pieces[number])] = number
            except BrokenProcessPool as error:
                self.todo.appendleft(number)
                self._died(error)

    def _collect(self) -> None:
        """What came back, and what has to be given out again because a process died."""
        for future in [f for f in self.away if f.done()]:
            if future not in self.away:
                continue  # a death took them all back
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                self._died(error)
            elif error is not None:
                raise error
            else:
                self.found[self.away.pop(future)] = future.result()

    def _died(self, error: BaseException) -> None:
        self.deaths += 1
        if self.deaths >= TRIES:
            raise CodError(
                f"Worker processes died {self.deaths} times, most likely for want of memory. Try fewer workers (COD_WORKERS); "
                "what was finished is kept."
            ) from error
        for future, number in list(self.away.items()):
            if future.done() and not future.cancelled() and future.exception() is None:
                self.found[number] = future.result()
            else:
                self.feared.add(number)
                self.todo.append(number)
        self.todo = deque(sorted(self.todo))
        self.away.clear()
        self.local.dropped()

    def _one_here(self) -> bool:
        """Do the next piece in this process, where there is one that may be done here."""
        number = next((n for n in self.todo if n not in self.feared), None)
        if number is None or self._ahead(number):
            return False
        self.todo.remove(number)
        if self.kit is None:
            begun = time.monotonic()
            self.kit = self.make() if self.make is not None else self.work.ready(self.given)
            self.kit_s = time.monotonic() - begun
        begun = time.monotonic()
        self.found[number] = self.work.once(self.kit, self.pieces[number])
        self.seconds, self.done_here = self.seconds + time.monotonic() - begun, self.done_here + 1
        return True

    def _wait(self) -> None:
        """For the processes beside this one; a short while, so that an interrupt is heard."""
        wait(self.away, timeout=1.0, return_when=FIRST_COMPLETED)
        self.tick()


def on_gpu() -> bool:
    """Whether models of this process are on a GPU; False before torch is loaded."""
    from cod_core.models.device import best_device

    return "torch" in sys.modules and best_device().type == "cuda"


def _serve(work: Work[Any, Any, Any, Any], sha: str, path: str, piece: object) -> object:
    """In a process beside: one piece."""
    return done_in_a_worker(work, sha, Path(path).read_bytes, piece)


def _begin(folder: str) -> None:
    """In a process beside, first of all: its own environment, and see to it that it ends with the process that started it."""
    _own_environment()
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent, folder), daemon=True, name="ends with its parent").start()


def _own_environment() -> None:
    """In a process beside, before numpy is loaded: no keys and database addresses, and its share of the processor."""
    for name in filter(_SECRET.search, list(os.environ)):
        del os.environ[name]
    os.environ.update(dict.fromkeys(_THREADS, str(THREADS)))


def _end_with(parent: Any, folder: str) -> None:
    parent.join()
    shutil.rmtree(folder, ignore_errors=True)  # texts: nobody else takes them away where the parent was killed
    os._exit(1)


@contextmanager
def _nameless_main() -> Iterator[None]:
    """While processes start: they import what they work with, never the script that happens to run here.

    A spawned process runs the parent's main script first. Inside a Streamlit server that is the app itself.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
