"""A sweep of students that are trained step by step: fine-tuned and contrastive ones, one after another.

What the students share is computed once: the teacher's log-probabilities, the states below the trained layers (of
training and test texts alike). Each student is saved before its result is. Knows no store.
"""

import time
from collections.abc import Iterator, Sequence

import numpy as np

from cod_core.distill.cells import CellSpec, Done, Judge, Training, answers, soft_labels_of, versions_used
from cod_core.distill.contrastive import train_contrastive
from cod_core.distill.decoder import train_decoder
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.finetuned import Trained, load_encoder, train_finetuned
from cod_core.distill.kinds import CONTRASTIVE, kind_of
from cod_core.models.decoder import SequenceStudent
from cod_core.models.student import EncoderModel, FinetunedStudent
from cod_core.models.trainable import LowerStates
from cod_core.progress import Progress
from cod_core.types import RunResult


def stepwise_batches(cells: Sequence[CellSpec], training: Training) -> Iterator[list[Done]]:
    """Students trained, scored and, where there is a folder, saved, one at a time. Raises BadInput for an unknown label."""
    if not cells:
        return
    labels = training.labels
    encoder = (training.load or load_encoder)(cells[0].config.student)
    for cell in cells:
        gold_indices([row.label for row in cell.rows], labels, len(cell.rows))
    soft = soft_labels_of(cells, training.teacher_logprobs)
    judge = Judge(labels, training.teacher_logprobs, *training.sets)
    lower: dict[int, LowerStates] = {}
    training.lap()
    for finished, cell in enumerate(cells):
        started, config = time.perf_counter(), cell.config
        below = None
        if encoder is not None:
            below = lower.setdefault(config.frozen_layers, LowerStates(encoder, config.frozen_layers))

        def step(now: int, steps: int, message: str, finished: int = finished) -> None:
            training.progress(finished, len(cells), f"{message}: {now} of {steps} steps")

        student, history = _train(cell, soft(cell), training, encoder, below, step)
        logprobs = {name: student.logprobs(s.texts) for name, s in judge.sets.items()}
        dev, test = judge.score(logprobs)
        path = str(_whole(student).save(training.folder / config.run_id)) if training.folder else None
        seconds = time.perf_counter() - started
        result = RunResult(config, dev, test, seconds, history, versions_used("torch", "transformers"), training.lap(), path)
        yield [Done(result, answers(logprobs), logprobs=logprobs)]
        training.progress(finished + 1, len(cells), "fine-tuning students")


def _train(
    cell: CellSpec, soft: np.ndarray, training: Training, encoder: EncoderModel | None, below: LowerStates | None, step: Progress
) -> tuple[Trained | SequenceStudent, tuple[float, ...]]:
    """The student and its loss at every step; encoder: None for decoders."""
    config, rows, labels = cell.config, cell.rows, training.labels
    if encoder is None:
        return train_decoder(config, rows, labels, soft, step, training.micro_batch)
    if kind_of(config) is CONTRASTIVE:
        return train_contrastive(config, rows, labels, soft, encoder, step, lower=below)
    return train_finetuned(config, rows, labels, soft, encoder, training.layer_teacher, step, lower=below, micro_batch=training.micro_batch)


def _whole(student: Trained | SequenceStudent) -> FinetunedStudent | SequenceStudent:
    """The student as it is kept; a decoder is whole already."""
    return student.student() if isinstance(student, Trained) else student
