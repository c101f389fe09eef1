"""A Dask cluster by its address, at work on one list of pieces. Knows no piece's contents.

`distributed` is an optional extra. What a work is given goes to the scheduler once and to each worker once, and the latest of it stays
there for the next job; it is a task of its own, so it is there again after its worker died. A piece whose worker dies is given to
another one. Pieces that take a GPU ask for the resource GPU where workers offer it (dask worker --resources GPU=1).
"""

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from cod_core.compute.engine import hand_over, nothing_said
from cod_core.compute.machine import Machine, described
from cod_core.compute.versions import refuse_others, versions
from cod_core.compute.work import Found, Given, Kit, Parcel, Piece, Work, done_in_a_worker
from cod_core.errors import BadInput, CodError
from cod_core.said import say

if TYPE_CHECKING:
    from distributed import Client

TRIES, CONNECT_S = 5, 10
NOBODY_S = 60.0  # without a single worker: then somebody has to look
SEEN_S = 1.0
KEPT, PARCEL = 4, "cod-parcel-"  # parcels that a cluster keeps between jobs, and what their names begin with
AHEAD = 3  # pieces a slot that are handed over: enough that none waits for the network


@dataclass(frozen=True)
class Refused:
    """An error that a person can act on, as it comes back from a worker: nothing to try again."""

    error: CodError


class Cluster:
    """address: of the scheduler, such as tcp://10.0.0.1:8786."""

    def __init__(self, address: str):
        self.address = address
        self._client: Client | None = None
        self._checked: set[str] = set()
        self._seen: tuple[float, dict[str, Any]] = float("-inf"), {}

    @property
    def place(self) -> str:
        return say("the cluster at {address}", address=self.address)

    @property
    def slots(self) -> int:
        """Threads of all workers. Raises BadInput where nobody answers."""
        return sum(int(worker["nthreads"]) for worker in self._workers().values())

    @property
    def offers_gpus(self) -> bool:
        """Whether a worker names the resource GPU. Raises BadInput where nobody answers."""
        return any((worker.get("resources") or {}).get("GPU") for worker in self._workers().values())

    def run(
        self,
        work: Work[Given, Kit, Piece, Found],
        given: Given | None,
        pieces: Sequence[Piece],
        kit: Callable[[], Kit] | None = None,
        tick: Callable[[], object] = nothing_said,
        late: Callable[[int, Found], object] | None = None,
    ) -> Generator[Found, None, None]:
        """As Engine.run; besides, BadInput where Dask is missing, nobody answers, or a worker has other versions."""
        if not pieces:
            return
        self._check_versions()
        client, parcel = self._connected(), Parcel.of(given)
        with self._answering():
            data = self._sent(client, parcel)
        options: dict[str, Any] = {"resources": {"GPU": 1}} if work.gpu and self.offers_gpus else {}
        pool = client.get_executor(pure=False, retries=TRIES, **options)  # type: ignore[no-untyped-call]  # the same
        todo, away = deque(pieces), deque[Future[Any]]()

        def send(piece: Piece) -> "Future[Any]":
            return pool.submit(_serve, work, parcel.sha, data, piece, versions())  # type: ignore[no-any-return]  # no types

        try:
            while todo or away:
                self._send_ahead(todo, away, send)
                self._wait_for(away[0], tick)
                yield self._came_of(away.popleft())
        finally:
            ended = [future for future in away if not future.cancel() and future.done() and future.exception() is None]
            numbers = {future: len(pieces) - len(todo) - len(away) + at for at, future in enumerate(away)}
            hand_over(late, {numbers[f]: f.result() for f in ended if not isinstance(f.result(), Refused)})

    def _send_ahead(self, todo: deque[Piece], away: "deque[Future[Any]]", send: "Callable[[Piece], Future[Any]]") -> None:
        """Hand over pieces, AHEAD of them a slot."""
        with self._answering():
            while todo and len(away) < AHEAD * max(1, self.slots):
                away.append(send(todo.popleft()))

    def _came_of(self, future: "Future[Any]") -> Any:
        """What was found. Raises what a worker refused the piece for."""
        with self._answering():
            found = future.result()
        if isinstance(found, Refused):
            raise found.error
        return found

    @staticmethod
    def _sent(client: "Client", parcel: Parcel) -> Any:
        """A future of the parcel's bytes. The latest parcels stay with the cluster when the client goes, so the next job with the same
        one sends nothing."""
        kept: tuple[object, ...] = client.list_datasets()  # type: ignore[no-untyped-call]  # distributed has no types
        known = sorted(str(name) for name in kept if str(name).startswith(PARCEL))
        for name in known:
            if name.endswith(parcel.sha):
                with suppress(KeyError):  # newer ones took its place just now
                    return client.get_dataset(name)
        data = client.submit(_same, parcel.data, key=f"cod-{parcel.sha}", pure=True)
        with suppress(KeyError, ValueError):  # another job does the same just now
            client.publish_dataset(data, name=f"{PARCEL}{time.time_ns():020d}-{parcel.sha}")
            for name in known[: max(0, len(known) + 1 - KEPT)]:
                client.unpublish_dataset(name)
        return data

    def _wait_for(self, future: "Future[Any]", tick: Callable[[], object]) -> None:
        """Until the piece is there; a second each time, so that an interrupt is heard. Raises CodError where all workers went away."""
        alone_since: float | None = None
        while not wait([future], timeout=1.0, return_when=FIRST_COMPLETED).done:
            tick()
            alone_since = None if self._workers() else alone_since or time.monotonic()
            if alone_since is not None and time.monotonic() - alone_since > NOBODY_S:
                raise CodError(f"{self._nobody()} What was finished is kept.")

    @contextmanager
    def _answering(self) -> Iterator[None]:
        """What distributed raises of a scheduler that went away, and of a piece that took several workers with it, as a CodError."""
        from distributed import KilledWorker
        from distributed.comm.core import CommClosedError

        try:
            yield
        except (CancelledError, CommClosedError, TimeoutError) as error:
            raise CodError(
                say(
                    "The Dask scheduler at {address} answers no more. What was finished is kept. Start the scheduler again, then press "
                    "Resume.",
                    address=self.address,
                )
            ) from error
        except KilledWorker as error:
            raise CodError(
                say(
                    "Several workers of the cluster at {address} died at the same piece of work, most likely for want of memory. What was "
                    "finished is kept.",
                    address=self.address,
                )
            ) from error

    def machines(self) -> list[Machine]:
        """The workers, each as it describes itself. Raises BadInput where nobody answers."""
        workers = self._workers()
        told = self._of_each(described)
        return [
            Machine(
                str(workers[address]["name"]) if address in workers else address,
                one.host,
                int(workers[address]["nthreads"]) if address in workers else one.cores,
                int(workers[address]["memory_limit"]) if address in workers else one.memory,
                one.gpus,
                one.versions,
            )
            for address, one in sorted(told.items())
        ]

    def close(self) -> None:
        if self._client is not None:
            self._client.close()  # type: ignore[no-untyped-call]  # distributed has no types
            self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connected(self) -> "Client":
        if self._client is None:
            try:
                from distributed import Client
            except ImportError as error:
                raise BadInput("A cluster needs the package distributed: pip install 'distributed>=2025'.") from error
            try:
                self._client = Client(self.address, timeout=CONNECT_S, set_as_default=False)  # type: ignore[no-untyped-call]  # the same
            except (OSError, ValueError) as error:  # ValueError: an address without a port, or none at all
                raise BadInput(
                    f"No Dask scheduler answers at {self.address}. Start one with `dask scheduler`, or leave COD_SCHEDULER out to use "
                    "this machine."
                ) from error
            except AssertionError as error:  # distributed's own: its thread did not come up within ten seconds
                raise BadInput(f"This machine is too busy to ask the Dask scheduler at {self.address}. Try again in a minute.") from error
        return self._client

    def _workers(self) -> dict[str, Any]:
        """address -> what the scheduler knows of each worker; asked once a second at most."""
        if time.monotonic() - self._seen[0] > SEEN_S:
            client = self._connected()
            with self._answering():
                found = client.scheduler_info(n_workers=-1)["workers"]
            self._seen = time.monotonic(), found
        return self._seen[1]

    def _of_each(self, what: Callable[[], Found]) -> dict[str, Found]:
        """address -> what each worker says."""
        client = self._connected()
        with self._answering():
            told: dict[str, Found] = client.run(what)
        return told

    def _nobody(self) -> str:
        return f"The Dask scheduler at {self.address} has no workers. Start one with `dask worker {self.address}`."

    def _check_versions(self) -> None:
        """Raises BadInput where a worker that was not asked before has other versions, or none comes within CONNECT_S."""
        until = time.monotonic() + CONNECT_S
        while not (workers := self._workers()):
            if time.monotonic() > until:
                raise BadInput(self._nobody())
            time.sleep(SEEN_S)
        if set(workers) - self._checked:
            told = self._of_each(versions)
            refuse_others({str(workers[a]["name"]) if a in workers else a: one for a, one in told.items()})
            self._checked |= set(told)


def _same(data: bytes) -> bytes:
    """A parcel as a task, so that a cluster makes it again where a worker took it with itself."""
    return data


def _serve(work: Work[Any, Any, Any, Any], sha: str, data: bytes, piece: object, wanted: dict[str, str]) -> object:
    """On a worker: one piece. wanted: the app's versions, since a worker may have come after they were compared."""
    try:
        refuse_others({"that came last": versions()}, wanted)
        return done_in_a_worker(work, sha, lambda: data, piece)
    except CodError as error:
        return Refused(error)
