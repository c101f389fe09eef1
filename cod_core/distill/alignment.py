"""Layer alignment for LWD and TED: which layers go together, and the losses between them while training.

Needs a teacher whose hidden states can be seen and that reads the same word pieces as the student; both are
checked before anything is trained. The teacher's states are computed once a text and kept, real tokens only.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional as F

from cod_core.distill.losses import lwd_loss, ted_loss
from cod_core.errors import BadInput
from cod_core.models.protocols import Tokenizer
from cod_core.types import Classifier

if TYPE_CHECKING:
    from transformers import PreTrainedModel

FILTER_STEPS = 100
FILTER_RATE = 1e-3


def aligned_layers(student_layers: int, teacher_layers: int) -> list[tuple[int, int]]:
    """(student layer, teacher layer), 0-based, spread evenly: the last goes with the last.

    A student deeper than its teacher has only as many of its layers aligned as the teacher has.
    """
    pairs = min(student_layers, teacher_layers)
    return [((i + 1) * student_layers // pairs - 1, (i + 1) * teacher_layers // pairs - 1) for i in range(pairs)]


def check_alignable(teacher: Classifier, student_tokenizer: Tokenizer) -> "PreTrainedModel":
    """The teacher's own model, or BadInput where its states are hidden or its word pieces differ.

    teacher: a classifier with model and tokenizer, possibly behind a cache's `wrapped`.
    """
    teacher = getattr(teacher, "wrapped", teacher)
    model, tokenizer = getattr(teacher, "model", None), getattr(teacher, "tokenizer", None)
    if hasattr(teacher, "answers"):
        raise BadInput(
            f"Layer-wise distillation (LWD, TED) compares layers of teacher and student on one text, and {teacher.id!r} is "
            "a model's answer and its judge: two models that read different texts. Use the method 'kd'."
        )
    if model is None or tokenizer is None or not hasattr(model, "config"):
        raise BadInput(
            f"Layer-wise distillation (LWD, TED) needs the teacher's hidden states, and {teacher.id!r} only gives "
            "probabilities. Use the method 'kd', or a teacher that runs on this machine."
        )
    if tokenizer.get_vocab() != student_tokenizer.get_vocab():
        raise BadInput(
            f"Layer-wise distillation compares teacher and student token by token, but {teacher.id!r} and the student "
            "split texts into different word pieces. Use the method 'kd', or a student of the teacher's family."
        )
    found: PreTrainedModel = model
    return found


def hidden_states(
    model: "PreTrainedModel", tokenizer: Tokenizer, ids: Sequence[Sequence[int]], layers: Sequence[int]
) -> list[torch.Tensor]:
    """One tensor (len(layers), tokens, d) a text on the CPU, from a frozen model; layers 0-based."""
    device = next(model.parameters()).device
    out = []
    with torch.no_grad():
        for start in range(0, len(ids), 16):
            inputs = tokenizer.pad({"input_ids": [list(row) for row in ids[start : start + 16]]}, return_tensors="pt").to(device)
            states = model(**inputs, output_hidden_states=True).hidden_states
            stacked = torch.stack([states[layer + 1] for layer in layers], 1).float().cpu()
            out += [stacked[i, :, inputs["attention_mask"][i].bool().cpu()] for i in range(len(stacked))]
    return out


def padded(states: Sequence[torch.Tensor], device: torch.device) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Cached states of a batch as (B, T, d) a layer, padded with zeros at the end, and the mask (B, T)."""
    longest = max(s.shape[1] for s in states)
    full = torch.stack([F.pad(s, (0, 0, 0, longest - s.shape[1])) for s in states]).to(device)
    mask = torch.tensor([[1] * s.shape[1] + [0] * (longest - s.shape[1]) for s in states], device=device)
    return [full[:, i] for i in range(full.shape[1])], mask


class LayerAligner:
    """The layer loss of one training run, and what it trains besides the student (maps or filters).

    method: lwd or ted. ids, labels: word pieces and class indices of the training rows. Raises BadInput as
    check_alignable does. For ted, filters and task heads are trained here first, both models frozen.
    """

    def __init__(
        self,
        method: str,
        teacher: Classifier,
        student_model: "PreTrainedModel",
        tokenizer: Tokenizer,
        ids: Sequence[Sequence[int]],
        labels: np.ndarray,
        classes: int,
        generator: torch.Generator,
    ):
        teacher_model = check_alignable(teacher, tokenizer)
        if method not in ("lwd", "ted"):
            raise BadInput(f"There is no layer-wise method called {method!r}. Choose kd, lwd or ted.")
        limit = getattr(teacher_model.config, "max_position_embeddings", 512)
        if max(map(len, ids)) > limit:
            raise BadInput(f"The teacher reads at most {limit} word pieces and a training text has more. Use 'kd'.")
        layers = aligned_layers(student_model.config.num_hidden_layers, teacher_model.config.num_hidden_layers)
        self.method, self._student_layers = method, [s for s, _ in layers]
        self._device = next(student_model.parameters()).device
        self._teacher = hidden_states(teacher_model, tokenizer, ids, [t for _, t in layers])
        wide, narrow = self._teacher[0].shape[-1], student_model.config.hidden_size
        if method == "lwd":
            self.modules = torch.nn.ModuleList(linear(narrow, wide, generator) for _ in layers)
        else:
            self._filter_teacher(labels, classes, len(layers), wide, generator)
            own = hidden_states(student_model, tokenizer, ids, self._student_layers)
            self.modules = train_filters(own, labels, classes, wide, generator)
        self.modules.to(self._device)

    def _filter_teacher(self, labels: np.ndarray, classes: int, depth: int, wide: int, generator: torch.Generator) -> None:
        filters = train_filters(self._teacher, labels, classes, wide, generator)
        with torch.no_grad():
            self._teacher = [torch.stack([filters[i](s[i]) for i in range(depth)]) for s in self._teacher]

    def loss(self, states: Sequence[torch.Tensor], batch: Sequence[int]) -> torch.Tensor:
        """Layer loss of a batch. states: the student model's hidden_states; batch: indices of its rows."""
        teacher, mask = padded([self._teacher[i] for i in batch], self._device)
        chosen = [states[layer + 1] for layer in self._student_layers]
        return (lwd_loss if self.method == "lwd" else ted_loss)(chosen, teacher, self.modules, mask)


def linear(inputs: int, outputs: int, generator: torch.Generator) -> torch.nn.Linear:
    """A bias-free map drawn from `generator`; the identity where the widths are equal."""
    # made without weights: torch would draw them from the global generator
    layer = torch.nn.Linear(inputs, outputs, bias=False, device="meta").to_empty(device="cpu")
    weight = torch.eye(inputs) if inputs == outputs else torch.randn(outputs, inputs, generator=generator) / inputs**0.5
    with torch.no_grad():
        layer.weight.copy_(weight)
    return layer


def train_filters(
    states: Sequence[torch.Tensor], labels: np.ndarray, classes: int, width: int, generator: torch.Generator, steps: int = FILTER_STEPS
) -> torch.nn.ModuleList:
    """TED's first stage: a filter a layer, trained with a task head on frozen states (Liang et al. 2023).

    states: one (layers, tokens, d) a text. labels: class indices. The filtered states are averaged over the
    tokens and classified by the head, which is then dropped. Returns filters d -> width, trainable.
    """
    depth, _, d = states[0].shape
    pooled = torch.stack([s.mean(1) for s in states])  # a linear filter of the mean is the mean of the filtered
    targets = torch.as_tensor(labels, dtype=torch.long)
    filters = torch.nn.ModuleList(linear(d, width, generator) for _ in range(depth))
    heads = torch.nn.ModuleList(linear(width, classes, generator) for _ in range(depth))
    optimizer = torch.optim.AdamW([*filters.parameters(), *heads.parameters()], lr=FILTER_RATE)
    for _ in range(steps):
        loss = sum((F.cross_entropy(heads[i](filters[i](pooled[:, i])), targets) for i in range(depth)), torch.zeros(()))
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        optimizer.step()
    return filters
