"""The loop that every student trained step by step runs through. Knows no encoder, no store, no sweep.

The number of steps is fixed, so that more rows do not mean longer training; the two sides of a pair share a
minibatch; dropout is off, so a seed decides everything. Large minibatches may be split and their gradients added.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Any

import torch

from cod_core.distill.arms import TrainRow
from cod_core.models.device import half_precision
from cod_core.progress import Progress, silent
from cod_core.said import msg

STEPS, LEARNING_RATE, BATCH_SIZE = 60, 5e-5, 16
WARMUP = 0.1


def pair_batches(rows: Sequence[TrainRow], size: int, generator: torch.Generator) -> Iterator[list[int]]:
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


def parts(batch: Sequence[int], rows: Sequence[TrainRow], size: int) -> list[list[int]]:
    """A minibatch cut into parts of at most `size` rows (0: one part), exceeded only where one example has more rows."""
    if not size or len(batch) <= size:
        return [list(batch)]
    out: list[list[int]] = [[]]
    for _, one in groupby(batch, lambda i: rows[i].example_id):
        unit = list(one)
        if out[-1] and len(out[-1]) + len(unit) > size:
            out.append([])
        out[-1] += unit
    return out


def no_penalty() -> torch.Tensor:
    """The penalty of a student whose loss depends on its rows only."""
    return torch.zeros((), requires_grad=True)


def train_steps(
    loss: Callable[[list[int], list[int]], torch.Tensor],
    penalty: Callable[[], torch.Tensor],
    groups: list[dict[str, Any]],
    rows: Sequence[TrainRow],
    device: torch.device,
    steps: int,
    rate: float,
    batch_size: int,
    generator: torch.Generator,
    micro_batch: int = 0,
    progress: Progress = silent,
) -> tuple[float, ...]:
    """AdamW over `groups` (as torch takes them) for `steps` steps, warmed up and then falling to zero; the loss at every step.

    loss: of a part of a minibatch and the whole of it, both row indices, so that the parts' mean by rows is the
    minibatch's loss. penalty: what does not depend on the rows.
    micro_batch: rows a forward pass at most (gradient accumulation), 0 for whole minibatches.
    progress is called every step and may raise Cancelled.
    """
    optimizer = torch.optim.AdamW(groups, lr=rate, fused=device.type == "cuda")
    trained = [p for group in groups for p in group["params"]]
    warmup = max(1.0, WARMUP * steps)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min((step + 1) / warmup, (steps - step) / max(1.0, steps - warmup))
    )
    batches, history = pair_batches(rows, batch_size, generator), []
    for step in range(steps):
        progress(step, steps, msg("fine-tuning the student"))
        batch, total = next(batches), 0.0
        optimizer.zero_grad(set_to_none=True)
        for part in parts(batch, rows, micro_batch):
            with half_precision(device):
                value = loss(part, batch) * (len(part) / len(batch))
            torch.autograd.backward(value)
            total += float(value.detach())
        fixed = penalty()
        torch.autograd.backward(fixed)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        schedule.step()
        history.append(total + float(fixed.detach()))
    progress(steps, steps, msg("fine-tuning the student"))
    return tuple(history)
