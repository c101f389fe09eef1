"""The training loop of a teacher: balanced, until what it learns has settled, the best state kept. Knows no file and no store.

What decides when to stop is in settling.py, without a model.
"""

import collections
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cod_core.models.device import best_device
from cod_core.models.encoder import length_batches
from cod_core.models.protocols import Model, Tokenizer
from cod_core.models.settling import LEARNT, Bounds, Settling, class_weights, cooling_after, rate
from cod_core.progress import Progress

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Rows:
    """ids: word pieces of each text. classes: (n,) class indices."""

    ids: list[list[int]]
    classes: np.ndarray

    def take(self, indices: Sequence[int] | np.ndarray) -> "Rows":
        """Some of the rows."""
        return Rows([self.ids[i] for i in indices], self.classes[np.asarray(indices, dtype=int)])

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Learnt:
    """How a training went. steps: batches seen; steady: those before the cooling. loss: on the held-out rows, class-weighted, in
    nats; None where none were held out. settled: False where a bound ended it first."""

    steps: int
    steady: int
    rounds: float
    learning_rate: float
    loss: float | None
    settled: bool


def logits_of(model: Model, tokenizer: Tokenizer, ids: Sequence[list[int]]) -> np.ndarray:
    """(n, C) float64 logits, without gradients, in the order of ids."""
    import torch

    device = next(model.parameters()).device
    parts: dict[int, np.ndarray] = {}
    with torch.inference_mode():
        for batch in length_batches([len(row) for row in ids]):
            inputs = tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(device)
            found = model(**inputs).logits.double().cpu().numpy()
            parts.update(zip(batch, found))
    return np.stack([parts[i] for i in range(len(ids))])


class Trainer:
    """Trains what of a model wants a gradient. n_classes: of the task, for the weights of the loss."""

    def __init__(self, model: Model, tokenizer: Tokenizer, n_classes: int, learning_rate: float, batch_size: int, seed: int):
        self.model, self.tokenizer, self.n_classes = model, tokenizer, n_classes
        self.learning_rate, self.batch_size, self.seed = learning_rate, batch_size, seed
        self.device = best_device()
        model.to(self.device)
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self._start = [p.detach().clone() for p in self.parameters]

    def until_learnt(self, rows: Rows, held: Rows, rounds: int | None, minutes: float, progress: Progress) -> Learnt:
        """Train until the loss on the held-out rows has settled (that of training, where there are none), then cool down.

        rounds: exactly so many, without looking, where given. minutes: after so long the cooling begins whatever the loss says.
        The state with the least held-out loss stays.
        """
        bounds = Bounds(-(-len(rows) // self.batch_size), rounds)
        steady = None if rounds is None else bounds.most - cooling_after(bounds.most)
        return self._run(rows, held if rounds is None else held.take([]), bounds, steady, minutes, progress)

    def again(self, rows: Rows, before: Learnt, progress: Progress) -> Learnt:
        """Train from the start on other rows, for as many rounds as `before` took."""
        self._set(self._start)
        batches = -(-len(rows) // self.batch_size)
        steps = max(1, round(before.rounds * batches))
        bounds = Bounds(steps, 1)
        return self._run(rows, rows.take([]), bounds, max(0, steps - cooling_after(before.steady)), float("inf"), progress, batches)

    def _run(
        self, rows: Rows, held: Rows, bounds: Bounds, steady: int | None, minutes: float, progress: Progress, batches: int = 0
    ) -> Learnt:
        import torch

        optimizer = torch.optim.AdamW(self.parameters, lr=self.learning_rate, weight_decay=0.01)
        looks, recent = Settling(), collections.deque[float](maxlen=max(1, bounds.batches))
        best: tuple[float, list[torch.Tensor] | None] = (float("inf"), None)
        generator = torch.Generator().manual_seed(self.seed)
        cooling = cooling_after(steady) if steady is not None else 0
        most, step, settled, begun = bounds.most, 0, steady is not None, time.monotonic()
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda at: rate(at, bounds.warm, steady, cooling))
        self.model.train()
        while step < most:
            for batch in bucketed(rows.ids, self.batch_size, generator):
                recent.append(self._step(rows, batch, optimizer))
                schedule.step()
                step += 1
                progress(step, most, "training the teacher")
                if step == most:
                    break
                if steady is None and step % bounds.check == 0:
                    loss = self.loss(held) if len(held) else float(np.mean(recent))
                    best = self._better(loss, best) if len(held) else best
                    settled = looks.settled(loss) or (not len(held) and loss < LEARNT)
                    room = step + cooling_after(step) >= most
                    if settled or room or time.monotonic() - begun > 60 * minutes:
                        steady, cooling = step, min(cooling_after(step), most - step)
                        most = step + cooling
        last = self._better(self.loss(held), best) if len(held) else best
        if last[1] is not None:
            self._set(last[1])
        self.model.eval()
        rounds = step / (batches or bounds.batches)
        return Learnt(step, steady or 0, round(rounds, 2), self.learning_rate, last[0] if len(held) else None, settled)

    def loss(self, rows: Rows) -> float:
        """Class-weighted cross-entropy of rows, in nats: each class counts alike, however few of it there are."""
        from scipy.special import log_softmax

        self.model.eval()
        own = log_softmax(logits_of(self.model, self.tokenizer, rows.ids), axis=-1)[np.arange(len(rows)), rows.classes]
        self.model.train()
        weights = class_weights(rows.classes, self.n_classes)[rows.classes]
        return float(-(own * weights).sum() / weights.sum())

    def _step(self, rows: Rows, batch: list[int], optimizer: "torch.optim.Optimizer") -> float:
        import torch

        some = rows.take(batch)
        inputs = self.tokenizer.pad({"input_ids": some.ids}, return_tensors="pt").to(self.device)
        weights = torch.tensor(class_weights(rows.classes, self.n_classes), dtype=torch.float32, device=self.device)
        target = torch.tensor(some.classes, device=self.device)
        loss = torch.nn.functional.cross_entropy(self.model(**inputs).logits.float(), target, weight=weights)
        torch.autograd.backward(loss)
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        return float(loss.detach())

    def _better(self, loss: float, best: tuple[float, "list[torch.Tensor] | None"]) -> tuple[float, "list[torch.Tensor] | None"]:
        return (loss, [p.detach().clone() for p in self.parameters]) if loss < best[0] else best

    def _set(self, state: "list[torch.Tensor]") -> None:
        import torch

        with torch.no_grad():
            for parameter, value in zip(self.parameters, state):
                parameter.copy_(value)


def bucketed(ids: Sequence[list[int]], batch_size: int, generator: "torch.Generator") -> list[list[int]]:
    """Random batches of texts of similar length: shuffle, sort pools of 50 batches by length, shuffle batches."""
    import torch

    order = torch.randperm(len(ids), generator=generator).tolist()
    pool, batches = 50 * batch_size, []
    for start in range(0, len(order), pool):
        chunk = sorted(order[start : start + pool], key=lambda i: len(ids[i]))
        batches += [chunk[i : i + batch_size] for i in range(0, len(chunk), batch_size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
