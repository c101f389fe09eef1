"""Work at the places of cod_core/compute as a discrete-event simulation: who does which piece when, and who waits. Knows no rates.

`beside` is cod_core/compute/local.py: a process that asks and works, and others that it hands pieces to between its own.
`cluster` is cod_core/compute/cluster.py on Dask: a process that asks and saves, a scheduler that holds what workers cannot take yet (two
pieces a worker), workers that are killed and come back. Whoever shares cores shares them equally.
"""

import heapq
import random
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from cod_core.compute.cluster import AHEAD as AHEAD_OF_A_SLOT
from cod_core.compute.local import AHEAD, HANDED
from cod_core.compute.work import HELD

AT_A_WORKER = 2  # pieces that Dask sends to a worker of one thread: one in hand, one next
DEATHS = 3  # of its workers that Dask lets a piece outlive
Act = Callable[[], None]


class Loop:
    """The clock. now: seconds."""

    def __init__(self) -> None:
        self.now, self._n, self._heap = 0.0, 0, list[tuple[float, int, Act]]()

    def after(self, seconds: float, act: Act) -> None:
        self._n += 1
        heapq.heappush(self._heap, (self.now + seconds, self._n, act))

    def run(self, ended: Callable[[], bool]) -> None:
        """Until it has ended, or nothing more happens."""
        while self._heap and not ended():
            self.now, _, act = heapq.heappop(self._heap)
            act()


class Machine:
    """Cores that are shared equally by whatever is at work on them."""

    def __init__(self, loop: Loop, cores: float):
        self.loop, self.cores = loop, cores
        self._jobs = list[tuple[float, int, Act]]()
        self._n, self._done, self._at, self._version = 0, 0.0, 0.0, 0

    def work(self, seconds: float, then: Act) -> None:
        self._advance()
        self._n += 1
        heapq.heappush(self._jobs, (self._done + seconds, self._n, then))
        self._again()

    @property
    def _rate(self) -> float:
        return min(1.0, self.cores / len(self._jobs))

    def _advance(self) -> None:
        if self._jobs:
            self._done += (self.loop.now - self._at) * self._rate
        self._at = self.loop.now

    def _again(self) -> None:
        self._version += 1
        if self._jobs:
            left = max(0.0, self._jobs[0][0] - self._done)
            self.loop.after(left / self._rate, partial(self._over, self._version))

    def _over(self, version: int) -> None:
        if version != self._version:
            return  # somebody came or went meanwhile
        self._advance()
        _, _, then = heapq.heappop(self._jobs)
        self._again()
        then()


class Server:
    """One thread: what it is asked to do, one after the other. busy: seconds of work done. pulse: the share of it that goes elsewhere."""

    def __init__(self, machine: Machine, pulse: float = 0.0):
        self.machine, self.busy, self._stretch = machine, 0.0, 1 / max(0.05, 1 - pulse)
        self._queue, self._at_work = deque[tuple[float, Act]](), False

    def do(self, seconds: float, then: Act) -> None:
        self._queue.append((seconds, then))
        if not self._at_work:
            self._next()

    def _next(self) -> None:
        self._at_work = bool(self._queue)
        if self._queue:
            seconds, then = self._queue.popleft()
            self.busy += seconds
            self.machine.work(seconds * self._stretch, partial(self._over, then))

    def _over(self, then: Act) -> None:
        then()
        self._next()


@dataclass(frozen=True)
class Costs:
    """Seconds of processor beside the pieces. ask, fetch: of who asks, to hand a piece over and to take its result; save: to keep it.
    plan, note: of the scheduler, before and after. worker: of a worker, a piece. kit: to be made ready, once a worker and task.
    pulse: share of the scheduler's second that a worker that only lives takes. back: from a kill until another worker is there."""

    ask: float = 0.0
    fetch: float = 0.0
    save: float = 0.0
    plan: float = 0.0
    note: float = 0.0
    worker: float = 0.0
    kit: float = 0.0
    pulse: float = 0.0
    back: float = 10.0


@dataclass
class Outcome:
    """clock: seconds. useful: the pieces' own seconds. asking, scheduler: seconds that these were at work. killed: workers. lost: pieces
    begun and done again. given_up: pieces that outlived too many workers, with which Dask ends the run."""

    clock: float = 0.0
    useful: float = 0.0
    asking: float = 0.0
    scheduler: float = 0.0
    killed: int = 0
    lost: int = 0
    given_up: int = 0

    def idle(self, workers: int) -> float:
        """Share of the workers' time in which they do no piece."""
        return 1 - self.useful / (workers * self.clock)


def beside(pieces: Sequence[float], processes: int, cores: int, costs: Costs, handed: int = HANDED) -> float:
    """Seconds on the clock of `processes` that are up and ready. handed: pieces at a process beside, while more than one each is left."""
    loop, found = Loop(), set[int]()
    machine = Machine(loop, cores)
    todo, helpers = deque(range(len(pieces))), [Server(machine) for _ in range(processes - 1)]
    at, came, state = dict.fromkeys(range(len(helpers)), 0), list[int](), {"next": 0, "waits": False}

    def back(helper: int, number: int) -> None:
        at[helper] -= 1
        came.append(number)
        if state["waits"]:
            state["waits"] = False
            step()

    def step() -> None:
        found.update(came)
        spent = costs.fetch * len(came)
        came.clear()
        while todo and todo[0] < state["next"] + AHEAD * processes:
            most = handed if len(todo) > processes else 1
            if not (free := [h for h, n in at.items() if n < most]):
                break
            number, helper = todo.popleft(), min(free, key=lambda h: at[h])
            at[helper] += 1
            spent += costs.ask
            helpers[helper].do(pieces[number] + costs.worker, partial(back, helper, number))
        while state["next"] in found:
            found.discard(int(state["next"]))
            state["next"] += 1
            spent += costs.save
        if state["next"] >= len(pieces):
            return
        if todo and todo[0] < state["next"] + AHEAD * processes:
            number = todo.popleft()
            machine.work(spent + pieces[number], lambda: (came.append(number), step())[1])
        elif came:
            machine.work(spent, step)
        else:
            state["waits"] = True

    step()
    loop.run(lambda: state["next"] >= len(pieces))
    return loop.now


@dataclass
class _Worker:
    server: Server
    held: "OrderedDict[int, dict[int, None]]" = field(default_factory=OrderedDict)
    has: list["_Piece"] = field(default_factory=list)
    lives: bool = True


@dataclass
class _Piece:
    asker: "_Asker"
    task: int
    number: int
    seconds: float
    deaths: int = 0


class _Asker:
    """One process that asks: its tasks one after the other, the pieces of each in order."""

    def __init__(self, run: "_Run", server: Server, tasks: Sequence[tuple[int, Sequence[float]]]):
        self.run, self.server, self.tasks = run, server, deque(tasks)
        self.todo, self.found, self.next, self.away, self.size = deque[_Piece](), set[int](), 0, 0, 0
        self.begin()

    def begin(self) -> None:
        if not self.tasks:
            self.run.open -= 1
            return
        task, pieces = self.tasks.popleft()
        self.todo = deque(_Piece(self, task, i, seconds) for i, seconds in enumerate(pieces))
        self.found, self.next, self.away, self.size = set(), 0, 0, len(pieces)
        self.ask()

    def ask(self) -> None:
        while self.todo and self.away < AHEAD_OF_A_SLOT * len(self.run.workers):
            self.away += 1
            self.server.do(self.run.costs.ask, partial(self.run.asked, self.todo.popleft()))

    def came(self, piece: _Piece) -> None:
        """A result is there; it is saved when all before it are."""
        self.found.add(piece.number)
        while self.next in self.found:
            self.found.discard(self.next)
            self.next += 1
            self.server.do(self.run.costs.save, self.saved)

    def saved(self) -> None:
        self.away -= 1
        self.size -= 1
        self.run.saved += 1
        if self.size:
            self.ask()
        else:
            self.begin()


class _Run:
    """A cluster at work."""

    def __init__(self, tasks: Sequence[Sequence[float]], workers: int, costs: Costs, cores: int, askers: int, kills: float, seed: int):
        self.loop, self.costs, self.out, self.rng = Loop(), costs, Outcome(), random.Random(seed)
        self.kills, self.saved = kills, 0
        self.out.useful = sum(map(sum, tasks))
        shared = Machine(self.loop, cores) if cores else None
        self.machine = lambda: shared or Machine(self.loop, 1)
        self.scheduler = Server(self.machine(), costs.pulse * workers)
        self.workers = [_Worker(Server(self.machine())) for _ in range(workers)]
        self.free = [deque(range(workers)), deque[int]()]  # by pieces that they have
        self.queue = deque[_Piece]()
        self.open = askers
        for number in range(workers if kills else 0):
            self._doom(number)
        numbered = list(enumerate(tasks))
        self.askers = [_Asker(self, Server(self.machine()), numbered[i::askers]) for i in range(askers)]

    def asked(self, piece: _Piece) -> None:
        self.scheduler.do(self.costs.plan, partial(self._queued, piece))

    def _queued(self, piece: _Piece) -> None:
        self.queue.append(piece)
        self._assign()

    def _assign(self) -> None:
        while self.queue and (number := self._free_worker()) is not None:
            worker, piece = self.workers[number], self.queue.popleft()
            worker.has.append(piece)
            if len(worker.has) < AT_A_WORKER:
                self.free[len(worker.has)].append(number)
            kit = 0.0 if piece.task in worker.held else self.costs.kit
            worker.held[piece.task] = {}
            worker.held.move_to_end(piece.task)
            while len(worker.held) > HELD:
                worker.held.popitem(last=False)
            worker.server.do(kit + self.costs.worker + piece.seconds, partial(self._done, number, worker, piece))

    def _free_worker(self) -> int | None:
        for has, known in enumerate(self.free):
            while known:
                number = known.popleft()
                if self.workers[number].lives and len(self.workers[number].has) == has:
                    return number
        return None

    def _done(self, number: int, worker: _Worker, piece: _Piece) -> None:
        if not worker.lives:
            return
        worker.has.remove(piece)
        self.free[len(worker.has)].append(number)
        self.scheduler.do(self.costs.note, partial(self._noted, piece))

    def _noted(self, piece: _Piece) -> None:
        self._assign()
        piece.asker.server.do(self.costs.fetch, partial(piece.asker.came, piece))

    def _doom(self, number: int) -> None:
        self.loop.after(self.rng.expovariate(self.kills / 3600), partial(self._killed, number, self.workers[number]))

    def _killed(self, number: int, worker: _Worker) -> None:
        worker.lives = False
        self.out.killed += 1
        for piece in worker.has:
            piece.deaths += 1
            self.out.lost += 1
            self.out.given_up += piece.deaths == DEATHS + 1
        self.queue.extendleft(reversed(worker.has))
        worker.has = []
        self._assign()
        self.loop.after(self.costs.back, partial(self._back, number))

    def _back(self, number: int) -> None:
        self.workers[number] = _Worker(Server(self.machine()))
        self.free[0].append(number)
        self._doom(number)
        self._assign()


def cluster(
    tasks: Sequence[Sequence[float]], workers: int, costs: Costs, cores: int = 0, askers: int = 1, kills: float = 0.0, seed: int = 0
) -> Outcome:
    """tasks: the pieces' seconds, a list a task; a process that asks begins its next task when the last is saved. cores: of one machine
    that all share, 0 where each has a core of its own. kills: of a worker, an hour."""
    run = _Run(tasks, workers, costs, cores, askers, kills, seed)
    run.loop.run(lambda: not run.open)
    run.out.clock = run.loop.now
    run.out.asking, run.out.scheduler = sum(a.server.busy for a in run.askers), run.scheduler.busy
    return run.out
