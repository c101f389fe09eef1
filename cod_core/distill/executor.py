"""Blocks of a sweep over worker processes here, or over the machines of a Dask scheduler. Knows no block's contents.

Both are behind concurrent.futures. A worker that dies loses only what it was doing: the block is given out again.
Dask is an optional extra (`distributed`); students trained step by step ask for the resource GPU where the cluster's
workers offer it (dask worker --resources GPU=1).
"""

import multiprocessing
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType
from typing import TypeVar

from cod_core.errors import BadInput, CodError

TRIES, CONNECT_S = 5, 10
Piece = TypeVar("Piece")
Found = TypeVar("Found")


def spread(
    work: Callable[[Piece], Found],
    blocks: Sequence[Piece],
    on_done: Callable[[Found], object],
    workers: int = 1,
    scheduler: str | None = None,
    gpu: bool = False,
    threads: int = 1,
) -> int:
    """on_done(work(block)) for every block, here and in order of completion; returns how many were done.

    workers: processes on this machine; 1 works in this process. scheduler: address of a Dask scheduler, such as
    tcp://10.0.0.1:8786, instead. gpu: the blocks train on a GPU. on_done may raise to stop: what is done stays done.
    Raises BadInput where Dask is missing, CodError where workers died again and again.
    """
    if scheduler:
        return _on_dask(work, blocks, on_done, scheduler, gpu)
    if workers <= 1:
        for block in blocks:
            on_done(work(block))
        return len(blocks)
    left, tries = dict(enumerate(blocks)), 0
    while left:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context, initializer=_calm, initargs=(threads,)) as pool:
            with _nameless_main():
                futures = {pool.submit(work, block): number for number, block in left.items()}
            try:
                for future in _as_done(futures):
                    on_done(future.result())
                    del left[futures[future]]
            except BrokenProcessPool as error:
                tries += 1
                if tries >= TRIES:
                    raise CodError(
                        f"Worker processes died {tries} times, most likely for want of memory. Try fewer "
                        "workers; what was finished is kept."
                    ) from error
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return len(blocks)


def _on_dask(work: Callable[[Piece], Found], blocks: Sequence[Piece], on_done: Callable[[Found], object], scheduler: str, gpu: bool) -> int:
    try:
        from distributed import Client
    except ImportError as error:
        raise BadInput("A cluster needs the package distributed: pip install 'distributed>=2025'.") from error
    try:
        client = Client(scheduler, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]  # distributed has no types
    except (OSError, ValueError) as error:  # ValueError: an address without a port, or none at all
        raise BadInput(
            f"No Dask scheduler answers at {scheduler}. Start one with `dask scheduler`, or leave COD_SCHEDULER out to use this machine."
        ) from error
    with client:
        workers = client.scheduler_info(n_workers=-1)["workers"].values()
        offers = any((worker.get("resources") or {}).get("GPU") for worker in workers)
        options = {"resources": {"GPU": 1}} if gpu and offers else {}
        pool = client.get_executor(pure=False, retries=TRIES, **options)  # type: ignore[no-untyped-call]  # the same
        futures = [pool.submit(work, block) for block in blocks]
        try:
            for future in _as_done(futures):
                on_done(future.result())
        except BaseException:
            for future in futures:
                future.cancel()
            raise
    return len(blocks)


def _as_done(futures: "Iterable[Future[Found]]") -> "Iterator[Future[Found]]":
    """Futures as they finish; a short wait each time, so that an interrupt is heard."""
    open_ = set(futures)
    while open_:
        finished, open_ = wait(open_, timeout=1.0, return_when=FIRST_COMPLETED)
        yield from finished


@contextmanager
def _nameless_main() -> Iterator[None]:
    """While worker processes start: they import what they work with, never the script that happens to run here.

    A spawned process runs the parent's main script first. Inside a Streamlit server that is the app itself.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _calm(threads: int) -> None:
    """A worker takes its own share of the processor only, at low priority."""
    import os

    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    try:
        os.nice(10)
    except OSError:
        pass
