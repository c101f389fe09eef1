"""One piece of work after another at every place: 1 and 2 processes, a Dask cluster of 1, 2 and 4 workers on this machine.

    python -m benchmarks.scale --parts places [--small] [--works 'linear students;search'] [--again]

For each kind of work and place two or three runs, each straight after one of a single process: how many times as fast by the clock, and
seconds of processor of all processes against the single one's, by role (the process that asks, which works too where it is beside
others; Dask's scheduler; workers). Every process has its models before the clock starts; what a start costs is measured apart.
"others" is the share of the machine's cores that somebody else took meanwhile; where the machine is shared, `chrt -r 1` lets the
measured processes go first ("first"), and without it the clock says little. Results are compared bit for bit. Each row is saved as
it comes, and known ones are left alone, so that it can be run in pieces.
"""

import hashlib
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from cod_core.compute.cluster import Cluster
from cod_core.compute.local import Local
from cod_core.compute.work import Parcel, Work
from cod_core.counterfactuals.batch import OFFERING, SEARCHING, Found, OfferPiece, OfferSpec, OwnSpec, Searched, SearchPiece, SearchSpec
from cod_core.counterfactuals.options import SearchOptions
from cod_core.counterfactuals.splicing import as_pieces
from cod_core.data.samples import load_sample
from cod_core.distill.arms import TrainRow
from cod_core.distill.blocks import SOLVED, Shared, cut_parts
from cod_core.distill.cells import CellSpec, Done, EvalSet
from cod_core.models.choice import BuiltinChoice
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.models.portable import ANSWERING, EMBEDDING, encoder_spec, load_encoder, load_teacher, teacher_spec
from cod_core.text import folded
from cod_core.types import Counterfactual, Example, RunConfig

LABELS = ("negative", "positive")
ROLES = ("asking", "scheduler", "worker")
REPEATS = {"2 processes": 3}  # 2 elsewhere
Task = tuple[str, Work[Any, Any, Any, Any], Any, list[Any]]  # name, work, what is given, pieces


def linear(cells: int, judged: int = 2000, rows: int = 32, width: int = 384) -> Task:
    """Linear students on made-up unit rows."""
    rng = np.random.default_rng(0)

    def unit(n: int) -> np.ndarray:
        drawn = rng.normal(size=(n, width)).astype(np.float32)
        return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)

    def told(n: int) -> np.ndarray:
        p = rng.uniform(0.05, 0.95, size=n)
        return np.log(np.stack([p, 1 - p], axis=1))

    texts = [f"text {i}" for i in range(1000)]
    known = dict(zip(texts, unit(len(texts))))
    test = EvalSet(tuple(f"judged {i}" for i in range(judged)), tuple(LABELS[i % 2] for i in range(judged)))
    nothing = np.zeros((0, 0))
    told_of, spaces = (told(judged), nothing, nothing), (unit(judged), nothing, nothing)
    specs = []
    for seed in range(cells):
        drawn = rng.permutation(len(texts))[:rows]
        config = RunConfig("kd", "kd", rows, seed, "linear", DEFAULT_ENCODER, "t", "1", str(seed))
        specs.append(CellSpec(config, tuple(TrainRow(texts[i], LABELS[i % 2], str(i), False) for i in drawn), told(rows)))
    learnt, parts = cut_parts(specs, LABELS, lambda names: np.stack([known[name] for name in names]))
    return "linear students", SOLVED, Shared(LABELS, learnt, (test, EvalSet(), EvalSet()), told_of, spaces), parts


def texts_of(n: int) -> list[Example]:
    """The first labelled training texts of the movies sample."""
    found = load_sample("movies", Path(tempfile.gettempdir()) / "cod-samples")
    return [e for e in found if e.split == "train" and e.label is not None][:n]


def models(examples: Sequence[Example], chunk: int) -> list[Task]:
    """A teacher's answers and embeddings, in chunks."""
    chunks = [[e.text for e in examples[at : at + chunk]] for at in range(0, len(examples), chunk)]
    return [
        ("teacher's answers", ANSWERING, teacher_spec(BuiltinChoice("movies"), LABELS), chunks),
        ("embeddings", EMBEDDING, encoder_spec(DEFAULT_ENCODER), chunks),
    ]


def proposing(examples: Sequence[Example], searched: int, offered: int) -> list[Task]:
    """The search, and offers by both sources without a language model."""
    teacher = teacher_spec(BuiltinChoice("movies"), LABELS)
    spec = SearchSpec(
        teacher,
        encoder_spec(DEFAULT_ENCODER),
        SearchOptions(),
        400,
        "Good or bad?",
        tuple(e.text for e in examples),
        tuple(str(e.label) for e in examples),
    )
    model, encoder = load_teacher(teacher), load_encoder(encoder_spec(DEFAULT_ENCODER))
    said = [LABELS[i] for i in model.logprobs([e.text for e in examples]).argmax(1)]
    other = {name: LABELS[1 - i] for i, name in enumerate(LABELS)}
    pieces, of = as_pieces([e.text for e in examples], [LABELS.index(str(e.label)) for e in examples])
    phi = encoder.encode([e.text for e in examples])
    classes = np.array([LABELS.index(str(e.label)) for e in examples])
    own = OwnSpec(LABELS, phi, classes, tuple(pieces), encoder.encode(pieces), np.array(of), frozenset(folded(e.text) for e in examples))
    search = [SearchPiece(e, label, other[label], 4) for e, label in zip(examples, said)][:searched]
    offers = [OfferPiece(e, label, (other[label],), ("words", "splices")) for e, label in zip(examples, said)][:offered]
    return [("search", SEARCHING, spec, search), ("search and splices, judged", OFFERING, OfferSpec(spec, own), offers)]


def warmed(engine: Any, work: Work[Any, Any, Any, Any], given: Any, pieces: list[Any]) -> None:
    """Everything once, then short runs until they get no faster: then every process of the engine has its models."""
    list(engine.run(work, given, pieces))
    fastest = float("inf")
    for _ in range(6):
        begun = time.perf_counter()
        list(engine.run(work, given, pieces[:1] * (2 * engine.slots)))
        took = time.perf_counter() - begun
        if took > 0.8 * fastest:
            return
        fastest = min(fastest, took)


@dataclass(frozen=True)
class Spent:
    """What a run took. each: process -> seconds of processor. others: the share of the machine's cores that others took, or the host."""

    clock: float
    each: dict[int, float]
    others: float

    @property
    def processor(self) -> float:
        return sum(self.each.values())


def spent(act: Callable[[], object]) -> Spent:
    """What an act takes, over all processes that this one has started before."""
    import psutil

    here = [psutil.Process(), *psutil.Process().children(recursive=True)]
    cores = os.cpu_count() or 1

    def used() -> dict[int, float]:
        out = {}
        for process in here:
            with suppress(psutil.NoSuchProcess):
                out[process.pid] = sum(process.cpu_times()[:2])
        return out

    def idle() -> float:
        times = psutil.cpu_times()
        return times.idle + getattr(times, "iowait", 0.0)

    begun, before, free = time.perf_counter(), used(), idle()
    act()
    clock, after, free = time.perf_counter() - begun, used(), idle() - free
    each = {pid: after[pid] - before[pid] for pid in after if pid in before}
    return Spent(clock, each, max(0.0, 1 - (free + sum(each.values())) / (clock * cores)))


def plain(found: Any) -> str:
    """What came, in a form that can be compared: numbers as their bits, nothing of times."""

    def bare(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.shape, value.dtype.str, hashlib.sha256(value.tobytes()).hexdigest()
        if isinstance(value, dict):
            return {key: bare(one) for key, one in value.items()}
        if isinstance(value, (list, tuple)):
            return [bare(one) for one in value]
        if isinstance(value, Done):
            return bare((value.result.test, value.weight, value.told))
        if isinstance(value, Found):
            return bare((value.offers, value.scored))
        if isinstance(value, Searched):
            return bare((value.proposals, value.scored))
        return replace(value, created_at="") if isinstance(value, Counterfactual) else value

    return repr(bare(found))


def compared(task: Task, engine: Any, roles: Mapping[int, str], repeats: int) -> tuple[dict[str, Any], bool]:
    """(runs of this process alone and of the engine in turn, whether they came to the same)."""
    name, work, given, pieces = task
    runs, found = [], dict[str, str]()
    with Local(1) as one:
        warmed(engine, work, given, pieces)
        warmed(one, work, given, pieces[:2])
        for _ in range(repeats):
            took = {}
            for called, place in (("one", one), ("here", engine)):
                came: list[Any] = []
                took[called] = spent(lambda place=place, came=came: came.extend(place.run(work, given, pieces)))
                found[called] = plain(came)
            alone, here = took["one"], took["here"]
            parts = {role: round(s, 2) for role, s in by_role(here, roles).items()}
            runs.append(
                {
                    "one_s": round(alone.clock, 2),
                    "one_processor_s": round(alone.each[os.getpid()], 2),
                    "clock_s": round(here.clock, 2),
                    "processor_s": round(here.processor, 2),
                    "busiest_s": round(max(here.each.values()), 2),
                    "others": round(here.others, 3),
                }
                | parts
            )
        pulse = by_role(spent(lambda: time.sleep(4)), roles)
    first = hasattr(os, "SCHED_RR") and os.sched_getscheduler(0) == os.SCHED_RR
    return summed(runs) | {
        "first": first,
        "pieces": len(pieces),
        "pulse": {r: round(s / 4, 4) for r, s in pulse.items()},
        "runs": runs,
    }, found["one"] == found["here"]


def by_role(what: Spent, roles: Mapping[int, str]) -> dict[str, float]:
    """Seconds of processor of each role."""
    return {role: sum(s for pid, s in what.each.items() if roles.get(pid, "worker") == role) for role in ROLES}


def summed(runs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Medians over runs. times: as fast by the clock. on_free_cores: one process's seconds of processor over those of the busiest process,
    what the clock would tell if nobody else used the machine and each had a core. processor, and by role: seconds against one process's."""
    of = {
        "times": [run["one_s"] / run["clock_s"] for run in runs],
        "on_free_cores": [run["one_processor_s"] / run["busiest_s"] for run in runs],
        "processor": [run["processor_s"] / run["one_processor_s"] for run in runs],
    } | {role: [run[role] / run["one_processor_s"] for run in runs] for role in ROLES}
    return {name: round(median(values), 3) for name, values in of.items()}


def piece_by_piece(task: Task) -> dict[str, Any]:
    """Seconds of processor of each piece in one process, and of making it ready once its models are in the page cache."""
    _, work, given, pieces = task
    taken = []
    with Local(1) as one:
        list(one.run(work, given, pieces[:2]))
        begun = time.process_time()
        kit = work.ready(given)
        ready = time.process_time() - begun
        begun = time.process_time()
        for _ in one.run(work, given, pieces, lambda: kit):
            taken.append(round(time.process_time() - begun, 4))
            begun = time.process_time()
    return {"each_s": taken, "kit_s": round(ready, 3), "given_bytes": len(Parcel.of(given).data)}


def starts() -> dict[str, dict[str, float]]:
    """What a process beside this one costs until its first piece is done: of numbers alone, and of a teacher."""
    import psutil

    out = {}
    for name, (_, work, given, pieces) in (("linear", linear(20)), ("teacher", models(texts_of(4), 4)[0])):
        clock, processor = [], []
        with Local(1) as one:
            begun = time.perf_counter()
            list(one.run(work, given, pieces[:1] * 2))  # files are in the page cache, as they are where a job runs
            here = time.perf_counter() - begun
        for _ in range(3):
            with Local(2, start_s=0) as local:
                begun = time.perf_counter()
                local.submit(work, Parcel.of(given), pieces[0]).result()
                clock.append(time.perf_counter() - begun)
                processor.append(sum(sum(child.cpu_times()[:2]) for child in psutil.Process().children(recursive=True)))
        out[name] = {"clock_s": round(median(clock), 2), "processor_s": round(median(processor), 2), "one_process_s": round(here, 2)}
    return out


@contextmanager
def dask(n: int) -> Iterator[tuple[Cluster, dict[int, str]]]:
    """A cluster of its own on this machine, and which process is what."""
    import psutil

    from tests.unit.compute.clusters import loopback

    with tempfile.TemporaryDirectory() as folder, loopback(Path(folder), n) as (address, started):
        workers = {process.pid for process in started}
        schedulers = [c.pid for c in psutil.Process().children() if c.pid not in workers]
        with Cluster(address) as cluster:
            until = time.monotonic() + 60
            while cluster.slots < n and time.monotonic() < until:
                time.sleep(1.1)
            yield cluster, {os.getpid(): "asking"} | dict.fromkeys(schedulers, "scheduler") | dict.fromkeys(workers, "worker")


@contextmanager
def beside(n: int) -> Iterator[tuple[Local, dict[int, str]]]:
    """n processes on this machine, this one among them, which asks and works."""
    with Local(n, start_s=0) as local:
        yield local, {os.getpid(): "asking"}


PLACES: dict[str, Callable[[], AbstractContextManager[tuple[Any, dict[int, str]]]]] = {
    "2 processes": partial(beside, 2),
    "Dask, 1 worker": partial(dask, 1),
    "Dask, 2 workers": partial(dask, 2),
    "Dask, 4 workers": partial(dask, 4),
}


def works(small: bool) -> dict[str, Task]:
    size = 4 if small else 1
    examples = texts_of(768 // size)
    found = [linear(4000 // size), *models(examples, 64), *proposing(examples, 32 // size, 36 // size)]
    return {task[0]: task for task in found}


def run(small: bool, again: bool, only: Sequence[str], path: Path) -> None:
    """Every work at every place against one process; what is known already is left alone, and each row is saved as it comes."""

    def known(*keys: str) -> dict[str, Any]:
        found = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        for key in keys:
            found = found.get(key, {})
        return found

    def keep(value: object, *keys: str) -> None:
        whole = found = known()  # somebody may measure other works meanwhile
        for key in keys[:-1]:
            found = found.setdefault(key, {})
        found[keys[-1]] = value
        path.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")

    if again or "starts" not in known():
        keep(os.cpu_count(), "cores")
        keep(starts(), "starts")
    for name, task in works(small).items():
        if only and name not in only:
            continue
        if again or name not in known("pieces"):
            keep(piece_by_piece(task), "pieces", name)
        for place, opened in PLACES.items():
            if place in known("works", name) and not again:
                continue
            with opened() as (engine, roles):
                row, same = compared(task, engine, roles, REPEATS.get(place, 2))
            keep(row | {"same": same}, "works", name, place)
            print(name, place, row, flush=True)
