"""A sweep: every student of shots x seeds x arms. Knows arrays and callables, no store and no model class.

What is the same for many students (embeddings, the teacher's log-probabilities) is asked for once. The test
split is scored once per finished student. Students already done are skipped, so a killed sweep goes on.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version

import numpy as np

from cod_core.distill.allowed import check_linear
from cod_core.distill.arms import TrainRow, data_hash, paired_rows, row_count, rows_for
from cod_core.distill.evaluate import gold_indices, metrics
from cod_core.distill.linear import SCALE, fit_linear_batch, log_softmax
from cod_core.distill.prior import folded, label_directions, label_sentences, widened
from cod_core.errors import NotEnoughData
from cod_core.progress import Progress, silent
from cod_core.types import MULTI_ARMS, Counterfactual, Example, RunConfig, RunResult

_CHUNK_BYTES = 32 * 2**20
LINEAR = "linear"


@dataclass(frozen=True)
class CellSpec:
    """One student to train: its configuration and its rows, in order. soft: (n, C), the teacher's where None."""

    config: RunConfig
    rows: tuple[TrainRow, ...]
    soft: np.ndarray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class EvalSet:
    """Texts a student is judged on. gold: a label or None for each text, or None where there are no labels."""

    texts: tuple[str, ...] = ()
    gold: tuple[str | None, ...] | None = None


class Lookup:
    """Rows of a matrix by text, each text computed once: wraps embed or teacher_logprobs."""

    def __init__(self, compute: Callable, texts: Iterable[str]):
        unique = list(dict.fromkeys(texts))
        self._place = {text: i for i, text in enumerate(unique)}
        self.matrix = np.asarray(compute(unique), dtype=np.float64) if unique else np.zeros((0, 0))
        if len(self.matrix) != len(unique):
            raise ValueError(f"{len(unique)} texts went in, {len(self.matrix)} rows came out")

    def __call__(self, texts: Iterable[str]) -> np.ndarray:
        return self.matrix[[self._place[text] for text in texts]]


def plan_cells(
    orders: Mapping[int, Sequence[str]],
    shots: Sequence[int],
    arms: Sequence[str],
    examples: Mapping[str, Example],
    pairs: Mapping[str, Counterfactual],
    teacher_logprobs: Callable,
    second: Mapping[str, Mapping] | None = None,
    soften: Callable | None = None,
    **config,
) -> tuple[list[CellSpec], list[str]]:
    """Every student of the sweep, and a sentence for each (arm, k) that the data do not allow.

    orders: seed -> nested draw. second: arm -> what takes the place of `pairs` in it. soften: (texts, seed) -> soft
    labels to train with, the teacher's where None. config: the RunConfig fields other than arm, shots, seed and
    data_hash. An (arm, k) is left out for all seeds or for none. Raises NotEnoughData where nothing is left.
    """
    drawn, left_out, share = [], [], config.get("cf_share", 0.5)
    for arm in arms:
        for k in shots:
            try:
                drawn += [
                    (arm, k, seed, rows_for(arm, order, k, examples, (second or {}).get(arm, pairs), share))
                    for seed, order in orders.items()
                ]
            except NotEnoughData as error:
                drawn = [cell for cell in drawn if cell[:2] != (arm, k)]
                left_out.append(f"{arm}: {error}")
    if not drawn:
        raise NotEnoughData("No student can be trained with these settings. " + " ".join(left_out[:2]))
    known = Lookup(teacher_logprobs, (row.text for *_, rows in drawn for row in rows)) if soften is None else None
    cells = []
    for arm, k, seed, rows in drawn:
        texts = [row.text for row in rows]
        soft = known(texts) if known else np.asarray(soften(texts, seed), dtype=np.float64)
        share = {"cf_share": sum(r.is_cf for r in rows) / len(rows)} if arm in MULTI_ARMS else {}
        own = RunConfig(arm=arm, shots=row_count(arm, k), seed=seed, data_hash=data_hash(rows, soft), **(config | share))
        cells.append(CellSpec(without_unused(own), tuple(rows), soft))
    return cells, left_out


def without_unused(config: RunConfig) -> RunConfig:
    """The settings on counterfactuals put back where an arm has none or fixes their share: else kd would be trained
    once for every setting of cod."""
    if paired_rows(config.arm, config.shots) == 0:
        return replace(config, cf_share=0.5, cf_weight=1.0, cf_source="")
    return replace(config, cf_share=0.5) if config.arm == "cod_plus" else config


def soft_labels_of(specs: Sequence[CellSpec], teacher_logprobs: Callable) -> Callable[[CellSpec], np.ndarray]:
    """A function CellSpec -> (n, C) soft labels; the teacher is asked once for all cells that carry none."""
    known = Lookup(teacher_logprobs, [row.text for spec in specs if spec.soft is None for row in spec.rows])
    return lambda spec: known(row.text for row in spec.rows) if spec.soft is None else np.asarray(spec.soft)


class Judge:
    """Scores students on the dev, test and unlabelled sets; the teacher's side is computed once."""

    def __init__(self, labels: Sequence[str], teacher_logprobs: Callable, test: EvalSet, dev: EvalSet, unlabelled: EvalSet):
        self.sets = {"test": test, "dev": dev, "unlabelled": unlabelled}
        self._gold = {name: gold_indices(s.gold, labels, len(s.texts)) for name, s in self.sets.items()}
        self._teacher = {
            name: np.asarray(teacher_logprobs(list(s.texts)), dtype=np.float64) if s.texts else np.zeros((0, len(labels)))
            for name, s in self.sets.items()
        }

    def score(self, logprobs: Mapping[str, np.ndarray]) -> tuple[dict[str, float], dict[str, float]]:
        """(dev, test) metrics from a student's log-probabilities a set name; unlabelled rows join test's
        dictionary as agreement_unlabelled and n_unlabelled."""
        found = {name: metrics(logprobs[name], self._teacher[name], self._gold[name]) for name in self.sets}
        extra = {f"{key}_unlabelled": found["unlabelled"][key] for key in ("n", "agreement") if key in found["unlabelled"]}
        return found["dev"], found["test"] | extra


def run_linear_sweep(
    specs: Sequence[CellSpec],
    labels: Sequence[str],
    embed: Callable,
    teacher_logprobs: Callable,
    test: EvalSet,
    dev: EvalSet = EvalSet(),
    unlabelled: EvalSet = EvalSet(),
    done: Iterable[str] = (),
    on_results: Callable = lambda results: None,
    progress: Progress = silent,
    scale: float = SCALE,
    lap: Callable[[], float | None] = lambda: None,
) -> list[RunResult]:
    """Train and score every linear student not in `done`; returns the new results.

    embed: texts -> (n, d) unit rows. teacher_logprobs: texts -> (n, C). done: run ids to skip.
    lap: kWh since it was called last (energy.py), shared out over a batch's students.
    on_results gets a list of (RunResult, W (C, d), b (C,)) after every batch, for saving. progress may raise
    Cancelled: what on_results has seen is kept. Raises BadInput where a label is unknown.
    """
    done = set(done)
    todo = [spec for spec in specs if spec.config.run_id not in done]
    total, results = len(todo), []
    if not todo:
        return results
    for spec in todo:
        check_linear(spec.config)
        gold_indices([row.label for row in spec.rows], labels, len(spec.rows))
    progress(0, total, "reading texts")
    texts = [row.text for spec in todo for row in spec.rows]
    anchors = label_sentences(labels) if any(spec.config.label_prior for spec in todo) else []
    phi = Lookup(embed, texts + anchors + [t for s in (test, dev, unlabelled) for t in s.texts])
    toward = label_directions(phi(anchors)) if anchors else np.zeros((phi.matrix.shape[1], 0))
    soft = soft_labels_of(todo, teacher_logprobs)
    judge = Judge(labels, teacher_logprobs, test, dev, unlabelled)
    spaces = {name: phi(s.texts) if s.texts else np.zeros((0, phi.matrix.shape[1])) for name, s in judge.sets.items()}
    versions = versions_used("numpy")
    progress(0, total, "training students")
    lap()
    for batch in _batches(todo, phi.matrix.shape[1]):
        started = time.perf_counter()
        first = batch[0].config
        rows = np.stack([phi(row.text for row in spec.rows) for spec in batch])
        weight, bias = fit_linear_batch(
            widened(rows, toward, first.label_prior) if first.label_prior else rows,
            np.array([[spec.config.cf_weight if row.is_cf else 1.0 for row in spec.rows] for spec in batch]),
            np.stack([gold_indices([row.label for row in spec.rows], labels, len(spec.rows)) for spec in batch]),
            np.stack([soft(spec) for spec in batch]),
            temperature=first.temperature,
            kd_weight=first.kd_weight,
            l2=first.l2,
            scale=scale,
        )
        weight = folded(weight, toward, first.label_prior) if first.label_prior else weight
        logprobs = {name: _all_logprobs(space, weight, bias, scale) for name, space in spaces.items()}
        scored = [judge.score({name: rows[i] for name, rows in logprobs.items()}) for i in range(len(batch))]
        seconds, energy = (time.perf_counter() - started) / len(batch), lap()
        energy = energy / len(batch) if energy is not None else None
        finished = [
            (RunResult(spec.config, dev_metrics, test_metrics, seconds, versions=versions, energy_kwh=energy), weight[i], bias[i])
            for i, (spec, (dev_metrics, test_metrics)) in enumerate(zip(batch, scored))
        ]
        results += [result for result, _, _ in finished]
        on_results(finished)
        progress(len(results), total, "training students")
    return results


def versions_used(*packages: str) -> dict[str, str]:
    """Package name -> installed version, for RunResult.versions."""
    out = {}
    for name in packages:
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            continue
    return out


def _batches(specs: Sequence[CellSpec], dimension: int):
    """Students with the same number of rows and the same objective together, few enough for the memory."""
    groups: dict[tuple, list[CellSpec]] = {}
    for spec in specs:
        c = spec.config
        groups.setdefault((len(spec.rows), c.temperature, c.kd_weight, c.l2, c.label_prior), []).append(spec)
    for (n, *_), group in sorted(groups.items(), key=lambda item: item[0]):
        size = max(1, _CHUNK_BYTES // (8 * n * max(1, dimension)))
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _all_logprobs(space, weight, bias, scale):
    """(F, n, C) log-probabilities of F heads on one matrix of embeddings.

    One product a head: a student's last digit must not depend on which others were still to do (a killed sweep).
    """
    return np.stack([log_softmax(scale * (space @ w.T) + b) for w, b in zip(weight, bias)])
