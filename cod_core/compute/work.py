"""What is done to many pieces alike: made ready once a process, then done piece by piece. Knows no place and no model.

A `Work` is two functions that any process can import. What they work with is given as values and travels as bytes under the hash
of these bytes; a process that has it ready is not sent it again. No piece may depend on another one: then the results are the same
wherever and in whatever company a piece is done. On a processor they are so to the last bit, since every piece is done with the same
number of threads: sums in another order have other last digits.
"""

import hashlib
import pickle
import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

Given = TypeVar("Given")
Kit = TypeVar("Kit")
Piece = TypeVar("Piece")
Found = TypeVar("Found")
THREADS = 1  # of a piece, everywhere
HELD = 3  # kits that a process keeps: models, texts, embeddings

_held: "OrderedDict[tuple[str, str], Any]" = OrderedDict()
_one_at_a_time = threading.RLock()


@dataclass(frozen=True)
class Work(Generic[Given, Kit, Piece, Found]):
    """make: what is given -> the kit, once a process. do: (kit, piece) -> what is found. Both are functions of a module's top level.

    torch: whether they compute with torch. gpu: whether a piece takes a whole GPU, where a cluster's workers offer any.
    """

    make: Callable[[Given], Kit]
    do: Callable[[Kit, Piece], Found]
    torch: bool = False
    gpu: bool = False

    @property
    def name(self) -> str:
        return f"{self.make.__module__}.{self.make.__qualname__}"

    def once(self, kit: Kit, piece: Piece) -> Found:
        """The piece done with a kit that is ready, on THREADS threads."""
        with limited(THREADS, self.torch):
            return self.do(kit, piece)

    def ready(self, given: Given) -> Kit:
        """A kit, made on THREADS threads."""
        with limited(THREADS, self.torch):
            return self.make(given)


@dataclass(frozen=True)
class Parcel:
    """What is given to a work, as it travels. sha: of the bytes."""

    sha: str
    data: bytes

    @classmethod
    def of(cls, given: object) -> "Parcel":
        data = pickle.dumps(given, protocol=5)
        return cls(hashlib.sha256(data).hexdigest(), data)


def done_in_a_worker(work: "Work[Any, Any, Piece, Found]", sha: str, data: Callable[[], bytes], piece: Piece) -> Found:
    """The piece done in a process that serves: its kit is made where it is not held. data: the parcel's bytes."""
    with _one_at_a_time:  # models, and the number of threads, are the whole process's
        key = work.name, sha
        if key not in _held:
            _held[key] = work.ready(pickle.loads(data()))
            while len(_held) > HELD:
                _held.popitem(last=False)
        _held.move_to_end(key)
        return work.once(_held[key], piece)


class _Torch:
    """How many threads torch had before anybody computed: the number is the whole process's, so the last who computes puts it back."""

    def __init__(self) -> None:
        self._lock, self._users, self._before = threading.Lock(), 0, 0

    def take(self, torch: Any) -> None:
        with self._lock:
            if not self._users:
                self._before = torch.get_num_threads()
            self._users += 1

    def leave(self, torch: Any) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                torch.set_num_threads(self._before)


_torch = _Torch()


@contextmanager
def limited(threads: int, torch: bool = False) -> Iterator[None]:
    """The libraries of this process on so many threads. torch: load it, so that it is among them."""
    from threadpoolctl import threadpool_limits

    if torch:
        import torch as loaded

        _ = loaded
    found = sys.modules.get("torch")
    if found is not None:
        _torch.take(found)
    try:
        with threadpool_limits(threads):
            if found is not None:
                found.set_num_threads(threads)
            yield
    finally:
        if found is not None:
            _torch.leave(found)
