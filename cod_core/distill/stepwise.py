"""A sweep of students that are trained step by step: fine-tuned and contrastive ones, one after another.

What the students share is computed once: the teacher's log-probabilities, the states below the trained layers (of
training and test texts alike). Each student is saved before its result is. Knows no store.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cod_core.distill.contrastive import train_contrastive
from cod_core.distill.decoder import train_decoder
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.finetuned import train_finetuned
from cod_core.distill.sweep import CellSpec, EvalSet, Judge, soft_labels_of, versions_used
from cod_core.models.student import EncoderModel
from cod_core.models.trainable import LowerStates
from cod_core.progress import Progress, silent
from cod_core.types import RunResult


def run_stepwise_sweep(
    specs: Sequence[CellSpec],
    labels: Sequence[str],
    encoder: EncoderModel | None,
    teacher_logprobs: Callable,
    test: EvalSet,
    dev: EvalSet = EvalSet(),
    unlabelled: EvalSet = EvalSet(),
    done: Iterable[str] = (),
    on_results: Callable = lambda results: None,
    progress: Progress = silent,
    teacher=None,
    folder: Path | None = None,
    micro_batch: int = 0,
    lap: Callable[[], float | None] = lambda: None,
) -> list[RunResult]:
    """Train and score every student not in `done`; returns the new results.

    encoder: as load_encoder gives it; None for decoders, which are loaded afresh for every student. folder: where
    given, each student is saved below it under its run id. lap: kWh since it was called last (energy.py).
    on_results gets [(RunResult, log-probabilities by set name)] after every student. The rest as in
    run_linear_sweep.
    """
    done = set(done)
    todo, results = [spec for spec in specs if spec.config.run_id not in done], []
    if not todo:
        return results
    for spec in todo:
        gold_indices([row.label for row in spec.rows], labels, len(spec.rows))
    soft = soft_labels_of(todo, teacher_logprobs)
    judge = Judge(labels, teacher_logprobs, test, dev, unlabelled)
    lower: dict[int, LowerStates] = {}
    lap()
    for spec in todo:
        started, config = time.perf_counter(), spec.config
        below = None
        if encoder is not None:
            below = lower.setdefault(config.frozen_layers, LowerStates(encoder, config.frozen_layers))

        def step(now: int, steps: int, message: str) -> None:
            progress(len(results), len(todo), f"{message}: {now} of {steps} steps")

        known = soft(spec)
        if encoder is None:
            student, history = train_decoder(config, spec.rows, labels, known, step, micro_batch)
        elif config.student.startswith("contrastive:"):
            student, history = train_contrastive(config, spec.rows, labels, known, encoder, step, lower=below)
        else:
            student, history = train_finetuned(
                config, spec.rows, labels, known, encoder, teacher, step, lower=below, micro_batch=micro_batch
            )
        logprobs = {name: student.logprobs(s.texts) for name, s in judge.sets.items()}
        dev_metrics, test_metrics = judge.score(logprobs)
        whole = (student if encoder is None else student.student()) if folder else None
        path = str(whole.save(folder / config.run_id)) if whole else None
        result = RunResult(
            config, dev_metrics, test_metrics, time.perf_counter() - started, history, versions_used("torch", "transformers"), lap(), path
        )
        results.append(result)
        on_results([(result, logprobs)])
        progress(len(results), len(todo), "fine-tuning students")
    return results
