"""A sweep of students that are trained step by step: fine-tuned and contrastive ones, one after another.

What the students share is computed once: the teacher's log-probabilities, the states below the trained layers (of
training and test texts alike). Each student is saved before its result is. Knows no store.
"""

import time
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from cod_core.distill.cells import CellSpec, Done, Judge, Training, answers, soft_labels_of, versions_used
from cod_core.distill.contrastive import train_contrastive
from cod_core.distill.decoder import train_decoder
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.finetuned import Trained, load_encoder, train_finetuned
from cod_core.distill.kinds import CONTRASTIVE, FINETUNED, kind_of
from cod_core.models.decoder import SequenceStudent
from cod_core.models.student import EncoderModel, FinetunedStudent
from cod_core.models.trainable import LowerStates
from cod_core.progress import Progress
from cod_core.said import msg
from cod_core.types import RunResult


def stepwise_batches(cells: Sequence[CellSpec], training: Training) -> Iterator[list[Done]]:
    """Students trained, scored and, where there is a folder, saved, one at a time. Raises BadInput for an unknown label."""
    if not cells:
        return
    labels, name = training.labels, cells[0].config.student
    encoder = training.once(("encoder", name), lambda: (training.load or load_encoder)(name))
    for cell in cells:
        gold_indices([row.label for row in cell.rows], labels, len(cell.rows))
    soft = soft_labels_of(cells, training.teacher_logprobs)
    judge = training.once("judge", lambda: Judge(labels, training.teacher_logprobs, *training.sets))
    training.lap()
    for finished, cell in enumerate(cells):
        started, config = time.perf_counter(), cell.config
        below = None if encoder is None else training.once(("lower", name, config.frozen_layers), _lower(encoder, config.frozen_layers))

        def step(now: int, steps: int, message: str, finished: int = finished) -> None:
            training.progress(finished, len(cells), f"{message}: {now} of {steps} steps")

        student, history = _train(cell, soft(cell), training, encoder, below, step)
        logprobs = {name: student.logprobs(s.texts) for name, s in judge.sets.items()}
        dev, test = judge.score(logprobs)
        path = str(_whole(student).save(training.folder / config.run_id)) if training.folder else None
        seconds = time.perf_counter() - started
        result = RunResult(config, dev, test, seconds, history, versions_used("torch", "transformers"), training.lap(), path)
        yield [Done(result, answers(logprobs), logprobs=logprobs)]
        training.progress(finished + 1, len(cells), msg("fine-tuning students"))


def _finetuned(
    cell: CellSpec, soft: np.ndarray, training: Training, encoder: EncoderModel, below: LowerStates | None, step: Progress
) -> tuple[Trained, tuple[float, ...]]:
    layers, size = training.layer_teacher, training.micro_batch
    return train_finetuned(cell.config, cell.rows, training.labels, soft, encoder, layers, step, lower=below, micro_batch=size)


def _contrastive(
    cell: CellSpec, soft: np.ndarray, training: Training, encoder: EncoderModel, below: LowerStates | None, step: Progress
) -> tuple[Trained, tuple[float, ...]]:
    return train_contrastive(cell.config, cell.rows, training.labels, soft, encoder, step, lower=below)


# what trains a student of each kind whose model is an encoder
TRAINED = {FINETUNED.name: _finetuned, CONTRASTIVE.name: _contrastive}


def _lower(encoder: EncoderModel, frozen: int) -> Callable[[], LowerStates]:
    return lambda: LowerStates(encoder, frozen)


def _train(
    cell: CellSpec, soft: np.ndarray, training: Training, encoder: EncoderModel | None, below: LowerStates | None, step: Progress
) -> tuple[Trained | SequenceStudent, tuple[float, ...]]:
    """The student and its loss at every step; encoder: None for decoders."""
    if encoder is None:
        return train_decoder(cell.config, cell.rows, training.labels, soft, step, training.micro_batch)
    return TRAINED[kind_of(cell.config).name](cell, soft, training, encoder, below, step)


def _whole(student: Trained | SequenceStudent) -> FinetunedStudent | SequenceStudent:
    """The student as it is kept; a decoder is whole already."""
    return student.student() if isinstance(student, Trained) else student
