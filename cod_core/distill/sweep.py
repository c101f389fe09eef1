"""A sweep: every student of shots x seeds x arms, planned; and the linear ones solved. Knows no store and no model class.

The test split is scored once per finished student. Students already done are skipped, so a killed sweep goes on.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cod_core.distill.allowed import check_linear
from cod_core.distill.arms import Partners, TrainRow, data_hash, paired_rows, row_count, rows_for
from cod_core.distill.cells import CellSpec, Done, EvalSet, Judge, Lookup, RowsOf, Training, answers, soft_labels_of, versions_used
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.linear import fit_linear_batch, linear_logits, log_softmax
from cod_core.distill.prior import folded, label_directions, label_sentences, widened
from cod_core.distill.softlabels import Soften
from cod_core.distill.weights import row_weights
from cod_core.errors import NotEnoughData
from cod_core.said import msg
from cod_core.types import MULTI_ARMS, Example, RunConfig, RunResult

__all__ = ["CellSpec", "EvalSet", "Judge", "Lookup", "plan_cells", "soft_labels_of", "versions_used"]
_CHUNK_BYTES = 32 * 2**20


def plan_cells(
    orders: Mapping[int, Sequence[str]],
    shots: Sequence[int],
    arms: Sequence[str],
    examples: Mapping[str, Example],
    pairs: Partners,
    teacher_logprobs: RowsOf,
    second: Mapping[str, Partners] | None = None,
    soften: Soften | None = None,
    **config: Any,
) -> tuple[list[CellSpec], list[str]]:
    """Every student of the sweep, and a sentence for each (arm, k) that the data do not allow.

    orders: seed -> nested draw. second: arm -> what takes the place of `pairs` in it. soften: (texts, seed) -> soft
    labels to train with, the teacher's where None. config: the RunConfig fields other than arm, shots, seed and
    data_hash. An (arm, k) is left out for all seeds or for none. Raises NotEnoughData where nothing is left.
    """
    drawn: list[_Drawn] = []
    left_out: list[str] = []
    for arm in arms:
        partners = (second or {}).get(arm, pairs)
        for k in shots:
            try:
                drawn += [
                    _Drawn(arm, k, seed, tuple(rows_for(arm, order, k, examples, partners, config.get("cf_share", 0.5))))
                    for seed, order in orders.items()
                ]
            except NotEnoughData as error:
                left_out.append(f"{arm}: {error}")
    if not drawn:
        raise NotEnoughData("No student can be trained with these settings. " + " ".join(left_out[:2]))
    labels = soften or _of_the_teacher(drawn, teacher_logprobs)
    return [_cell(one, np.asarray(labels([row.text for row in one.rows], one.seed), dtype=np.float64), config) for one in drawn], left_out


@dataclass(frozen=True)
class _Drawn:
    """The rows of one arm at k in one draw."""

    arm: str
    k: int
    seed: int
    rows: tuple[TrainRow, ...]


def _of_the_teacher(drawn: Sequence[_Drawn], teacher_logprobs: RowsOf) -> Soften:
    """The teacher's own soft labels, asked for once a text."""
    known = Lookup(teacher_logprobs, (row.text for one in drawn for row in one.rows))
    return lambda texts, seed: known(texts)


def _cell(one: _Drawn, soft: np.ndarray, config: Mapping[str, Any]) -> CellSpec:
    share = {"cf_share": sum(r.is_cf for r in one.rows) / len(one.rows)} if one.arm in MULTI_ARMS else {}
    own = RunConfig(arm=one.arm, shots=row_count(one.arm, one.k), seed=one.seed, data_hash=data_hash(one.rows, soft), **{**config, **share})
    return CellSpec(without_unused(own), one.rows, soft)


def without_unused(config: RunConfig) -> RunConfig:
    """The settings on counterfactuals put back where an arm has none or fixes their share: else kd would be trained
    once for every setting of cod."""
    if paired_rows(config.arm, config.shots) == 0:
        return replace(config, cf_share=0.5, cf_weight=1.0, cf_source="")
    return replace(config, cf_share=0.5) if config.arm == "cod_plus" else config


def linear_batches(cells: Sequence[CellSpec], training: Training) -> Iterator[list[Done]]:
    """Linear students trained and scored, a batch at a time; their heads in float64. Raises BadInput for an unknown label."""
    if not cells:
        return
    check_cells(cells, training.labels)
    total, finished = len(cells), 0
    training.progress(0, total, msg("reading texts"))
    read = _read(cells, training)
    training.progress(0, total, msg("training students"))
    training.lap()
    for batch in _batches(cells, read.phi.matrix.shape[1]):
        done = _solved(batch, read, training)
        yield done
        finished += len(done)
        training.progress(finished, total, msg("training students"))


def check_cells(cells: Sequence[CellSpec], labels: Sequence[str]) -> None:
    """Raises BadInput before anything is computed, for settings that cannot be or a label that is none of the project's."""
    for cell in cells:
        check_linear(cell.config)
        gold_indices([row.label for row in cell.rows], labels, len(cell.rows))


@dataclass(frozen=True, eq=False)
class _Read:
    """What many linear students share. phi: embeddings. toward: (d, C) directions of the labels' names (prior.py), of width 0
    where no student reads them. spaces: set name -> (n, d)."""

    phi: Lookup
    toward: np.ndarray
    soft: Callable[[CellSpec], np.ndarray]
    judge: Judge
    spaces: dict[str, np.ndarray]


def _read(cells: Sequence[CellSpec], training: Training) -> _Read:
    anchors = label_sentences(training.labels) if any(cell.config.label_prior for cell in cells) else []
    texts = [row.text for cell in cells for row in cell.rows]
    phi = Lookup(training.embedding(), texts + anchors + [t for s in training.sets for t in s.texts])
    nothing = np.zeros((0, phi.matrix.shape[1]))
    judge = training.once("judge", lambda: Judge(training.labels, training.teacher_logprobs, *training.sets))
    return _Read(
        phi,
        label_directions(phi(anchors)) if anchors else nothing.T,
        soft_labels_of(cells, training.teacher_logprobs),
        judge,
        {name: phi(s.texts) if s.texts else nothing for name, s in judge.sets.items()},
    )


def _solved(batch: Sequence[CellSpec], read: _Read, training: Training) -> list[Done]:
    """The students of one batch, solved together and scored one by one; time and electricity shared out evenly."""
    started = time.perf_counter()
    weight, bias = _heads(batch, read, training.labels)
    scored = [_scored(w, b, read) for w, b in zip(weight, bias)]
    seconds, energy = (time.perf_counter() - started) / len(batch), training.lap()
    each = None if energy is None else energy / len(batch)
    versions = versions_used("numpy")
    return [
        Done(RunResult(cell.config, dev, test, seconds, versions=versions, energy_kwh=each), told, w, b)
        for cell, (dev, test, told), w, b in zip(batch, scored, weight, bias)
    ]


def _heads(batch: Sequence[CellSpec], read: _Read, labels: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """(W (F, C, d), b (F, C)) of students with one number of rows and one objective."""
    first = batch[0].config
    rows = np.stack([read.phi(row.text for row in cell.rows) for cell in batch])
    weight, bias = fit_linear_batch(
        widened(rows, read.toward, first.label_prior) if first.label_prior else rows,
        np.stack([row_weights(cell.config, cell.rows) for cell in batch]),
        np.stack([gold_indices([row.label for row in cell.rows], labels, len(cell.rows)) for cell in batch]),
        np.stack([read.soft(cell) for cell in batch]),
        temperature=first.temperature,
        kd_weight=first.kd_weight,
        l2=first.l2,
    )
    return (folded(weight, read.toward, first.label_prior) if first.label_prior else weight), bias


def _scored(weight: np.ndarray, bias: np.ndarray, read: _Read) -> tuple[dict[str, float], dict[str, float], dict[str, np.ndarray]]:
    """(dev metrics, test metrics, answers) of one head.

    One product a head: a student's last digit must not depend on which others were still to do (a killed sweep).
    """
    logits = {name: linear_logits(space, weight, bias) for name, space in read.spaces.items()}
    return *read.judge.score({name: log_softmax(rows) for name, rows in logits.items()}), answers(logits)


def _batches(specs: Sequence[CellSpec], dimension: int) -> Iterator[list[CellSpec]]:
    """Students with the same number of rows and the same objective together, few enough for the memory."""
    groups: dict[tuple[float, ...], list[CellSpec]] = {}
    for spec in specs:
        c = spec.config
        groups.setdefault((len(spec.rows), c.temperature, c.kd_weight, c.l2, c.label_prior), []).append(spec)
    for _, group in sorted(groups.items(), key=lambda item: item[0]):
        size = max(1, _CHUNK_BYTES // (8 * len(group[0].rows) * max(1, dimension)))
        for start in range(0, len(group), size):
            yield group[start : start + size]
