"""The training loop of a teacher: balanced, until what it learns has settled, the best state kept. Knows no file and no store.

What decides when to stop is in settling.py, without a model.
"""

import collections
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from cod_core.models.device import best_device
from cod_core.models.encoder import length_batches
from cod_core.models.protocols import Model, Tokenizer
from cod_core.models.settling import LEARNT, Bounds, Settling, class_weights, cooling_after, rate
from cod_core.progress import Progress
from cod_core.said import msg

if TYPE_CHECKING:
    import torch


Best: TypeAlias = "tuple[float, list[torch.Tensor] | None]"  # the least held-out loss so far, and the state that had it


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
    nats; None where none were held out. settled: False where a bound of steps or time ended it first."""

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
    """Trains what of a model wants a gradient. n_classes: of the task, for the weights of the loss. clock: seconds."""

    def __init__(
        self,
        model: Model,
        tokenizer: Tokenizer,
        n_classes: int,
        learning_rate: float,
        batch_size: int,
        seed: int,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.clock = clock
        self.model, self.tokenizer, self.n_classes = model, tokenizer, n_classes
        self.learning_rate, self.batch_size, self.seed = learning_rate, batch_size, seed
        self.device = best_device()
        model.to(self.device)
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        self._start = [p.detach().clone() for p in self.parameters]

    def until_learnt(self, rows: Rows, held: Rows, bounds: Bounds, until: float, progress: Progress) -> Learnt:
        """Train until the loss on the held-out rows has settled (that of training, where there are none), then cool down.

        bounds: whose rounds, where given, are taken without looking. until: of the clock, by which the cooling is over,
        whatever the loss says. The state with the least held-out loss stays.
        """
        steady = None if bounds.rounds is None else bounds.most - cooling_after(bounds.most)
        return self._run(rows, held if bounds.rounds is None else held.take([]), bounds, steady, until, progress)

    def again(self, rows: Rows, before: Learnt, until: float, progress: Progress) -> Learnt:
        """Train from the start on other rows, for as many rounds as `before` took, or until the time is over."""
        self.reset()
        batches = self.batches(rows)
        steps = max(1, round(before.rounds * batches))
        bounds = Bounds(steps, 1)
        return self._run(rows, rows.take([]), bounds, max(0, steps - cooling_after(before.steady)), until, progress, batches)

    def reset(self) -> None:
        """Back to the state before any step."""
        self._set(self._start)

    def batches(self, rows: Rows) -> int:
        """Of one round."""
        return -(-len(rows) // self.batch_size)

    def _run(
        self, rows: Rows, held: Rows, bounds: Bounds, steady: int | None, until: float, progress: Progress, batches: int = 0
    ) -> Learnt:
        import torch

        optimizer = torch.optim.AdamW(self.parameters, lr=self.learning_rate, weight_decay=0.01)
        course = Course(bounds, steady, until, self.clock)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, course.rate)
        best: Best = (float("inf"), None)
        self.model.train()
        for batch in self._batches(rows):
            loss = self._step(rows, batch, optimizer)
            schedule.step()
            course.step(loss)
            progress(course.done, course.most, msg("training the teacher"))
            if course.over:
                break
            if course.looks_now:
                seen = self.loss(held) if len(held) else None
                best = best if seen is None else self._better(seen, best)
                course.look(seen)
        last = self._better(self.loss(held), best) if len(held) else best
        if last[1] is not None:
            self._set(last[1])
        self.model.eval()
        rounds = round(course.done / (batches or bounds.batches), 2)
        return Learnt(course.done, course.steady or 0, rounds, self.learning_rate, last[0] if len(held) else None, course.settled)

    def _batches(self, rows: Rows) -> Iterator[list[int]]:
        """Batches for ever, each round in another order."""
        import torch

        generator = torch.Generator().manual_seed(self.seed)
        while True:
            yield from bucketed(rows.ids, self.batch_size, generator)

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

    def _better(self, loss: float, best: "Best") -> "Best":
        return (loss, [p.detach().clone() for p in self.parameters]) if loss < best[0] else best

    def _set(self, state: "list[torch.Tensor]") -> None:
        import torch

        with torch.no_grad():
            for parameter, value in zip(self.parameters, state):
                parameter.copy_(value)


class Course:
    """Where a training stands: how many steps, how many are left, when it settled. No model in it. clock: seconds, as until is."""

    def __init__(self, bounds: Bounds, steady: int | None, until: float, clock: Callable[[], float] = time.monotonic):
        self.bounds, self.steady, self.most, self.done = bounds, steady, bounds.most, 0
        self.cooling = 0 if steady is None else bounds.most - steady
        self.settled = steady is not None
        self._looks, self._recent = Settling(), collections.deque[float](maxlen=max(1, bounds.batches))
        self._until, self._clock = until, clock
        self._begun = clock()

    def rate(self, at: int) -> float:
        """The share of the learning rate at a step."""
        return rate(at, self.bounds.warm, self.steady, self.cooling)

    def step(self, loss: float) -> None:
        """One more batch was learnt from. Begins to cool down where the time left is no more than that takes."""
        self.done += 1
        self._recent.append(loss)
        if (self.steady is None or self.done < self.steady) and self._late():
            self.settled = False
            self._cool()

    def _late(self) -> bool:
        now = self._clock()
        return now + cooling_after(self.done) * (now - self._begun) / self.done > self._until

    def _cool(self) -> None:
        self.steady, self.cooling = self.done, min(cooling_after(self.done), self.most - self.done)
        self.most = self.done + self.cooling

    @property
    def over(self) -> bool:
        return self.done >= self.most

    @property
    def looks_now(self) -> bool:
        """Whether it is time to look at the loss."""
        return self.steady is None and self.done % self.bounds.check == 0

    def look(self, held_out: float | None) -> None:
        """Begin to cool down where the loss has settled, or where the steps are used up. held_out: None without such rows."""
        loss = float(np.mean(self._recent)) if held_out is None else held_out
        self.settled = self._looks.settled(loss) or (held_out is None and loss < LEARNT)
        if self.settled or self.done + cooling_after(self.done) >= self.most:
            self._cool()


def bucketed(ids: Sequence[list[int]], batch_size: int, generator: "torch.Generator") -> list[list[int]]:
    """Random batches of texts of similar length: shuffle, sort pools of 50 batches by length, shuffle batches."""
    import torch

    order = torch.randperm(len(ids), generator=generator).tolist()
    pool, batches = 50 * batch_size, []
    for start in range(0, len(order), pool):
        chunk = sorted(order[start : start + pool], key=lambda i: len(ids[i]))
        batches += [chunk[i : i + batch_size] for i in range(0, len(chunk), batch_size)]
    return [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
