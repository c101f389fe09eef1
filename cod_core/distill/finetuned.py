"""The fine-tuned student: an encoder, whole or cut to some layers, trained on from the linear head.

Same objective as the linear student (mean CE + KD + l2 on the head), now over the encoder's weights too, plus
a layer loss for LWD and TED. The number of steps is fixed, so that more rows do not mean longer training; the
two sides of a pair share a minibatch; dropout is off, so a seed decides everything. Knows no store.
"""

import copy
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from cod_core.distill.alignment import LayerAligner
from cod_core.distill.arms import TrainRow
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.linear import SCALE, fit_linear_batch
from cod_core.distill.losses import ce_loss, kd_loss
from cod_core.distill.sweep import CellSpec, EvalSet, Judge, Lookup, versions_used
from cod_core.errors import BadInput
from cod_core.models.encoder import Encoder, mean_pool
from cod_core.models.student import EncoderModel, FinetunedStudent
from cod_core.progress import Progress, silent
from cod_core.types import RunConfig, RunResult

__all__ = ["FinetunedStudent", "load_encoder", "parse_student", "run_finetuned_sweep", "student_name", "train_finetuned"]

STEPS, LEARNING_RATE, BATCH_SIZE = 60, 5e-5, 16
WARMUP = 0.1
LAYER_WEIGHT = 1.0


def student_name(encoder: str, layers: Sequence[int] | None = None) -> str:
    """RunConfig.student of a fine-tuned student: 'finetuned:<encoder>:<layers>'. layers: 0-based, None for all."""
    return f"finetuned:{encoder}:{'all' if layers is None else ','.join(map(str, layers))}"


def parse_student(name: str) -> tuple[str, list[int] | None]:
    """(encoder, layers) of such a name. Raises BadInput where it is none."""
    kind, _, rest = name.partition(":")
    encoder, _, layers = rest.rpartition(":")
    if kind != "finetuned" or not encoder or not (layers == "all" or all(p.isdigit() for p in layers.split(","))):
        raise BadInput(f"Expected a student like 'finetuned:all-MiniLM-L6-v2:1,3,5', got {name!r}.")
    return encoder, None if layers == "all" else [int(p) for p in layers.split(",")]


def load_encoder(student: str) -> EncoderModel:
    """The untrained encoder that a student's name stands for. Raises ModelUnavailable, BadInput."""
    name, layers = parse_student(student)
    loaded = Encoder(name, layers)
    return EncoderModel(loaded.model, loaded.tokenizer, loaded.id)


def pair_batches(rows: Sequence[TrainRow], size: int, generator) -> Iterator[list[int]]:
    """Endless minibatches of row indices: shuffled every epoch, rows of one example never apart.

    size: rows a batch, exceeded only where one example has more rows.
    """
    groups: dict[str, list[int]] = {}
    for i, row in enumerate(rows):
        groups.setdefault(row.example_id, []).append(i)
    units = list(groups.values())
    while True:
        batch: list[int] = []
        for u in torch.randperm(len(units), generator=generator).tolist():
            if batch and len(batch) + len(units[u]) > size:
                yield batch
                batch = []
            batch = batch + units[u]
        yield batch


def train_finetuned(
    config: RunConfig, rows: Sequence[TrainRow], labels: Sequence[str], soft_logprobs, encoder: EncoderModel,
    teacher=None, progress: Progress = silent, scale: float = SCALE,
) -> tuple[FinetunedStudent, tuple[float, ...]]:
    """A student trained on rows, and its loss at every step. `encoder` itself is left as it was.

    soft_logprobs: (n, C). config.steps, learning_rate, batch_size: 0 stands for the defaults. teacher: needed
    for lwd and ted only. progress is called every step and may raise Cancelled. bf16 is used on CUDA.
    Raises BadInput for an unknown label or method, or a teacher that cannot be aligned.
    """
    if config.method not in ("kd", "lwd", "ted"):
        raise BadInput(f"There is no method called {config.method!r}. Choose kd, lwd or ted.")
    hard = gold_indices([row.label for row in rows], labels, len(rows))
    soft = np.asarray(soft_logprobs, dtype=np.float64)
    texts = [row.text for row in rows]
    phi = encoder.encode(texts)
    weight, bias = (a[0] for a in fit_linear_batch(
        phi[None], np.ones((1, len(rows))), hard[None], soft[None], config.temperature, config.kd_weight, config.l2, scale))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model = copy.deepcopy(encoder.model).to(device).eval()
    head = [torch.tensor(a, dtype=torch.float32, device=device, requires_grad=True) for a in (weight, bias)]
    ids, generator = encoder.tokenize(texts), torch.Generator().manual_seed(config.seed)
    aligner = None
    if config.method != "kd":
        aligner = LayerAligner(config.method, teacher, model, encoder.tokenizer, ids, hard, len(labels), generator)
    history = _train(config, rows, ids, hard, soft, encoder.tokenizer, model, head, aligner, generator, scale, progress)
    weight, bias = (a.detach().cpu().double().numpy() for a in head)
    tuned = EncoderModel(model, encoder.tokenizer, encoder.id, encoder.max_tokens)
    return FinetunedStudent(tuned, weight, bias, labels, scale, revision=config.run_id), history


def _train(config, rows, ids, hard, soft, tokenizer, model, head, aligner, generator, scale, progress):
    device, steps = head[0].device, config.steps or STEPS
    rate = config.learning_rate or LEARNING_RATE
    targets, teacher = torch.tensor(hard, device=device), torch.tensor(soft, dtype=torch.float32, device=device)
    groups = [{"params": [p for p in model.parameters() if p.requires_grad], "weight_decay": 0.01},
              {"params": head, "weight_decay": 0.0}]
    if aligner:
        groups.append({"params": list(aligner.modules.parameters()), "lr": 10 * rate, "weight_decay": 0.0})
    optimizer = torch.optim.AdamW(groups, lr=rate)
    trained = [p for group in groups for p in group["params"]]
    warmup = max(1.0, WARMUP * steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1.0, steps - warmup)))
    batches, history = pair_batches(rows, config.batch_size or BATCH_SIZE, generator), []
    for step in range(steps):
        progress(step, steps, "fine-tuning the student")
        batch = next(batches)
        inputs = tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(device)
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=device.type == "cuda"):
            out = model(**inputs, output_hidden_states=aligner is not None)
        logits = scale * mean_pool(out.last_hidden_state.float(), inputs["attention_mask"]) @ head[0].T + head[1]
        loss = ce_loss(logits, targets[batch]).mean() + config.l2 * (head[0] ** 2).sum()
        if config.kd_weight:
            loss = loss + config.kd_weight * kd_loss(logits, teacher[batch], config.temperature)
        if aligner:
            loss = loss + (config.layer_weight or LAYER_WEIGHT) * aligner.loss(out.hidden_states, batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        history.append(float(loss.detach()))
    progress(steps, steps, "fine-tuning the student")
    return tuple(history)


def run_finetuned_sweep(
    specs: Sequence[CellSpec], labels: Sequence[str], encoder: EncoderModel, teacher_logprobs: Callable,
    test: EvalSet, dev: EvalSet = EvalSet(), unlabelled: EvalSet = EvalSet(), done: Iterable[str] = (),
    on_results: Callable = lambda results: None, progress: Progress = silent, teacher=None,
    folder: Path | None = None,
) -> list[RunResult]:
    """Train and score every fine-tuned student not in `done`, one after another; returns the new results.

    encoder: as load_encoder gives it. folder: where given, each student is saved below it under its run id.
    on_results gets [(RunResult, FinetunedStudent)] after every student. The rest as in run_linear_sweep.
    """
    done = set(done)
    todo, results = [spec for spec in specs if spec.config.run_id not in done], []
    if not todo:
        return results
    for spec in todo:
        gold_indices([row.label for row in spec.rows], labels, len(spec.rows))
    soft = Lookup(teacher_logprobs, [row.text for spec in todo for row in spec.rows])
    judge = Judge(labels, teacher_logprobs, test, dev, unlabelled)
    for spec in todo:
        started = time.perf_counter()

        def step(now: int, steps: int, message: str) -> None:
            progress(len(results), len(todo), f"{message}: {now} of {steps} steps")

        student, history = train_finetuned(
            spec.config, spec.rows, labels, soft(row.text for row in spec.rows), encoder, teacher, step)
        dev_metrics, test_metrics = judge.score({name: student.logprobs(s.texts) for name, s in judge.sets.items()})
        path = str(student.save(folder / spec.config.run_id)) if folder else None
        result = RunResult(spec.config, dev_metrics, test_metrics, time.perf_counter() - started, history,
                           versions_used("torch", "transformers"), path=path)
        results.append(result)
        on_results([(result, student)])
        progress(len(results), len(todo), "fine-tuning students")
    return results
