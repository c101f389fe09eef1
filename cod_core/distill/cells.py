"""What every way of training students shares: a cell, the texts it is judged on, the judge, a finished student.

Knows arrays and callables, no store and no model class. What is the same for many students (embeddings, the teacher's
log-probabilities) is asked for once.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cod_core.distill.arms import TrainRow
from cod_core.distill.evaluate import dropped, gold_indices, metrics
from cod_core.progress import Progress, silent
from cod_core.types import Classifier, RunConfig, RunResult

if TYPE_CHECKING:
    from cod_core.models.student import EncoderModel

Made = TypeVar("Made")
RowsOf = Callable[[list[str]], np.ndarray]
"""Texts -> (n, d) embeddings or (n, C) log-probabilities, in order."""
ANSWERED = ("test", "unlabelled")  # sets of which it is kept what a student answered


def no_lap() -> None:
    """The meter that measures nothing."""


@dataclass(frozen=True)
class CellSpec:
    """One student to train: its configuration and its rows, in order. soft: (n, C), the teacher's where None."""

    config: RunConfig
    rows: tuple[TrainRow, ...]
    soft: np.ndarray | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True)
class EvalSet:
    """Texts a student is judged on. gold: a label or None for each text, or None where there are no labels. without: labels
    left out of the comparison: texts that gold or teacher give one of these judge nobody."""

    texts: tuple[str, ...] = ()
    gold: tuple[str | None, ...] | None = None
    without: frozenset[str] = frozenset()


@dataclass(frozen=True, eq=False)
class Training:
    """What the students of one sweep are trained and judged with.

    sets: test, development, unlabelled. teacher_logprobs: texts -> (n, C). embed: texts -> (n, d) unit rows, for students that
    are solved. load: RunConfig.student -> its untrained encoder, for those trained step by step; load_encoder where None.
    layer_teacher: the teacher itself, for layer methods (alignment.py). folder: where given, students trained step by step are
    saved below it under their run ids. micro_batch: rows a forward pass at most, 0 for whole minibatches. lap: kWh since it was
    called last (energy.py). progress may raise Cancelled: what was handed over before is kept. memo: what students made once and the
    next ones use (encoders, states below the trained layers), also in another call with the same Training.
    """

    labels: Sequence[str]
    sets: tuple[EvalSet, EvalSet, EvalSet]
    teacher_logprobs: RowsOf
    embed: RowsOf | None = None
    load: "Callable[[str], EncoderModel | None] | None" = None
    layer_teacher: Classifier | None = None
    folder: Path | None = None
    micro_batch: int = 0
    lap: Callable[[], float | None] = no_lap
    progress: Progress = silent
    memo: dict[Hashable, Any] = field(default_factory=dict, repr=False)

    def once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        """What was made for a key before, else now."""
        if key not in self.memo:
            self.memo[key] = make()
        made: Made = self.memo[key]
        return made

    def embedding(self) -> RowsOf:
        """embed. Raises ValueError where there is none."""
        if self.embed is None:
            raise ValueError("students that are solved need embeddings: give Training.embed")
        return self.embed


@dataclass(frozen=True, eq=False)
class Done:
    """A finished cell: its result, what it answered by set name ((n,) class indices), and a linear head.

    result.path: the folder that holds a student trained step by step, where it was saved. logprobs: by set name, (n, C), of
    students that are more than a head; dropped by `small`. files: name -> content of a student's own folder, where it was trained
    elsewhere and is to be kept.
    """

    result: RunResult
    told: dict[str, np.ndarray]
    weight: np.ndarray | None = None
    bias: np.ndarray | None = None
    logprobs: dict[str, np.ndarray] | None = field(default=None, repr=False)
    files: dict[str, bytes] | None = field(default=None, repr=False)

    def small(self) -> "Done":
        """What is kept of it: the head in float32, no log-probabilities."""
        weight, bias = (None if part is None else part.astype(np.float32) for part in (self.weight, self.bias))
        return replace(self, weight=weight, bias=bias, logprobs=None)


def answers(scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Done.told: set name -> (n,) class indices of logits or log-probabilities (n, C), for the sets that are not empty."""
    found = {name: scores[name] for name in ANSWERED if len(scores[name])}
    return {name: of.argmax(-1).astype(np.uint8 if of.shape[-1] <= 256 else np.uint16) for name, of in found.items()}


class Lookup:
    """Rows of a matrix by text, each text computed once: wraps embed or teacher_logprobs."""

    def __init__(self, compute: RowsOf, texts: Iterable[str]):
        unique = list(dict.fromkeys(texts))
        self._place = {text: i for i, text in enumerate(unique)}
        self.matrix = np.asarray(compute(unique), dtype=np.float64) if unique else np.zeros((0, 0))
        if len(self.matrix) != len(unique):
            raise ValueError(f"{len(unique)} texts went in, {len(self.matrix)} rows came out")

    def __call__(self, texts: Iterable[str]) -> np.ndarray:
        return self.matrix[[self._place[text] for text in texts]]


def left_to_do(cells: Iterable[CellSpec], done: Iterable[str]) -> list[CellSpec]:
    """The cells whose run ids are not among `done`."""
    finished = set(done)
    return [cell for cell in cells if cell.config.run_id not in finished]


def soft_labels_of(specs: Sequence[CellSpec], teacher_logprobs: RowsOf) -> Callable[[CellSpec], np.ndarray]:
    """A function CellSpec -> (n, C) soft labels; the teacher is asked once for all cells that carry none."""
    known = Lookup(teacher_logprobs, [row.text for spec in specs if spec.soft is None for row in spec.rows])
    return lambda spec: known(row.text for row in spec.rows) if spec.soft is None else np.asarray(spec.soft)


class Judge:
    """Scores students on the dev, test and unlabelled sets; the teacher's side is computed once."""

    def __init__(self, labels: Sequence[str], teacher_logprobs: RowsOf, test: EvalSet, dev: EvalSet, unlabelled: EvalSet):
        self.sets = {"test": test, "dev": dev, "unlabelled": unlabelled}
        self._without = {name: np.array([labels.index(label) for label in s.without], dtype=int) for name, s in self.sets.items()}
        self._gold = {name: dropped(gold_indices(s.gold, labels, len(s.texts)), self._without[name]) for name, s in self.sets.items()}
        self._teacher = {
            name: np.asarray(teacher_logprobs(list(s.texts)), dtype=np.float64) if s.texts else np.zeros((0, len(labels)))
            for name, s in self.sets.items()
        }

    def score(self, logprobs: Mapping[str, np.ndarray]) -> tuple[dict[str, float], dict[str, float]]:
        """(dev, test) metrics from a student's log-probabilities a set name; unlabelled rows join test's
        dictionary as agreement_unlabelled and n_unlabelled."""
        found = {name: metrics(logprobs[name], self._teacher[name], self._gold[name], self._without[name]) for name in self.sets}
        extra = {f"{key}_unlabelled": found["unlabelled"][key] for key in ("n", "agreement") if key in found["unlabelled"]}
        return found["dev"], found["test"] | extra


def versions_used(*packages: str) -> dict[str, str]:
    """Package name -> installed version, for RunResult.versions."""
    out = {}
    for name in packages:
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            continue
    return out
