"""One piece of work after another at every place: 1 and 2 processes, a Dask cluster of 1, 2 and 4 workers on this machine.

    python -m benchmarks.scale --parts places [--small]

For each kind of work: seconds on the clock, of processor of all processes together, and of the busiest one, against one
process of the same run. `times_on_free_cores` is the one process's seconds of processor over those of the busiest one: what the
clock would show if nobody else used the machine and each had a core. Every process has its models before the clock starts; what
a start costs is measured apart. Results are compared bit for bit.
"""

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
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
    shared = Shared(LABELS, (test, EvalSet(), EvalSet()), (told(judged), nothing, nothing), (unit(judged), nothing, nothing))
    specs = []
    for seed in range(cells):
        drawn = rng.permutation(len(texts))[:rows]
        config = RunConfig("kd", "kd", rows, seed, "linear", DEFAULT_ENCODER, "t", "1", str(seed))
        specs.append(CellSpec(config, tuple(TrainRow(texts[i], LABELS[i % 2], str(i), False) for i in drawn), told(rows)))
    return "linear students", SOLVED, shared, cut_parts(specs, LABELS, lambda names: np.stack([known[name] for name in names]))


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
    """Until every process of the engine has its models: it is handed short runs until it is as fast as it gets."""
    fastest = float("inf")
    for _ in range(6):
        begun = time.perf_counter()
        list(engine.run(work, given, pieces[:1] * (2 * engine.slots)))
        took = time.perf_counter() - begun
        if took > 0.8 * fastest:
            return
        fastest = min(fastest, took)


def used(pids: Sequence[int]) -> dict[int, float]:
    """Seconds of processor that each of these processes has used."""
    import psutil

    return {pid: sum(psutil.Process(pid).cpu_times()[:2]) for pid in pids if psutil.pid_exists(pid)}


def processes() -> list[int]:
    """This process and all that it started."""
    import psutil

    return [os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))]


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


def measured(engine: Any, task: Task) -> tuple[dict[str, float], str]:
    """({seconds on the clock, of processor, of processor of the busiest process} of one run, what came of it)."""
    name, work, given, pieces = task
    warmed(engine, work, given, pieces)
    pids = processes()
    begun, before = time.perf_counter(), used(pids)
    found = list(engine.run(work, given, pieces))
    clock, after = time.perf_counter() - begun, used(pids)
    each = [after[pid] - before[pid] for pid in after if pid in before]
    return {"clock_s": round(clock, 2), "processor_s": round(sum(each), 2), "busiest_s": round(max(each), 2)}, plain(found)


def start_costs() -> dict[str, float]:
    """Seconds from nothing to a first piece done beside this process: of numbers alone, and of a teacher."""
    out = {}
    for name, (_, work, given, pieces) in (("linear", linear(20)), ("teacher", models(texts_of(4), 4)[0])):
        with Local(2, start_s=0) as local:
            begun = time.perf_counter()
            local.submit(work, Parcel.of(given), pieces[0]).result()
            out[name] = round(time.perf_counter() - begun, 1)
    return out


def run(small: bool = False, clusters: Sequence[int] = (1, 2, 4)) -> dict[str, Any]:
    """Everything at every place, against one process of the same run."""
    from tests.unit.compute.clusters import loopback

    size = 4 if small else 1
    examples = texts_of(768 // size)
    tasks = [linear(800 // size), *models(examples, 64), *proposing(examples, 32 // size, 16 // size)]
    out: dict[str, Any] = {"start_s": start_costs(), "cores": os.cpu_count(), "load": os.getloadavg()[0], "works": {}}
    with ExitStack() as stack:
        engines: dict[str, Callable[[], Any]] = {"1 process": lambda: Local(1), "2 processes": lambda: Local(2, start_s=0)}
        for n in clusters:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            engines[f"Dask, {n}"] = partial(_Dask, folder, n, loopback)
        for task in tasks:
            rows: dict[str, dict[str, Any]] = {}
            expected = ""
            for name, make in engines.items():
                with make() as engine:
                    row, found = measured(engine, task)
                first = rows.setdefault("1 process", row)
                expected = expected or found
                rows[name] = row | {
                    "times": round(first["clock_s"] / max(row["clock_s"], 1e-9), 2),
                    "times_on_free_cores": round(first["processor_s"] / max(row["busiest_s"], 1e-9), 2),
                    "processor": round(row["processor_s"] / max(first["processor_s"], 1e-9), 2),
                    "same": found == expected,
                }
            out["works"][task[0]] = rows
            print(task[0], rows, flush=True)
    return out


class _Dask:
    """A cluster of its own for one measurement."""

    def __init__(self, folder: str, n: int, loopback: Any):
        self._where, self._n, self._loopback = folder, n, loopback

    def __enter__(self) -> Cluster:
        self._made = self._loopback(Path(tempfile.mkdtemp(dir=self._where)), self._n)
        address, workers = self._made.__enter__()
        self._cluster = Cluster(address)
        until = time.monotonic() + 60
        while self._cluster.slots < len(workers) and time.monotonic() < until:
            time.sleep(1.1)
        return self._cluster

    def __exit__(self, *error: Any) -> None:
        self._cluster.close()
        self._made.__exit__(*error)
