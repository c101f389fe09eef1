"""The fine-tuned student: an encoder, whole or cut to some layers, trained on from the linear head.

Same objective as the linear student (mean CE + KD + l2 on the head), now over the encoder's weights too, with the
options of objective.py, plus a layer loss for LWD and TED. Knows no store.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from cod_core.distill.alignment import LayerAligner
from cod_core.distill.allowed import check_objective
from cod_core.distill.arms import TrainRow
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.kinds import FINETUNED, kind_of, parse_student
from cod_core.distill.kinds import student_name as student_name
from cod_core.distill.linear import SCALE, fit_linear_batch, log_softmax
from cod_core.distill.objective import pairs_of, rows_loss
from cod_core.distill.training import BATCH_SIZE, LEARNING_RATE, STEPS, train_steps
from cod_core.distill.weights import class_shares, row_weights
from cod_core.errors import BadInput
from cod_core.models.decoder import is_decoder
from cod_core.models.encoder import Encoder, mean_pool
from cod_core.models.student import EncoderModel, FinetunedStudent
from cod_core.models.trainable import LowerStates, TrainableEncoder, lora_rank_for
from cod_core.progress import Progress, silent
from cod_core.types import Classifier, RunConfig

LAYER_WEIGHT = 1.0


def load_encoder(student: str) -> EncoderModel | None:
    """The untrained encoder that a student's name stands for; None where that is a decoder (see decoder.py).

    Raises ModelUnavailable, BadInput.
    """
    name, layers = parse_student(student)
    if is_decoder(name):
        if layers is not None or kind_of(student) is not FINETUNED:
            raise BadInput(f"{name!r} is a decoder: it is fine-tuned whole. Choose the student 'finetuned' and all layers.")
        return None
    loaded = Encoder(name, layers)
    return EncoderModel(loaded.model, loaded.tokenizer, loaded.id)


def train_finetuned(
    config: RunConfig,
    rows: Sequence[TrainRow],
    labels: Sequence[str],
    soft_logprobs: ArrayLike,
    encoder: EncoderModel,
    teacher: Classifier | None = None,
    progress: Progress = silent,
    scale: float = SCALE,
    lower: LowerStates | None = None,
    micro_batch: int = 0,
) -> tuple["Trained", tuple[float, ...]]:
    """A student trained on rows, and its loss at every step. `encoder` itself is left as it was.

    soft_logprobs: (n, C). config.steps, learning_rate, batch_size: 0 stands for the defaults. teacher: needed
    for lwd and ted only. lower: states below the trained layers, shared by the students of a sweep. micro_batch:
    rows a forward pass at most. progress is called every step and may raise Cancelled. bf16 is used on CUDA.
    Raises BadInput for an unknown label or method, or a teacher that cannot be aligned.
    """
    check_objective(config)
    if config.method != "kd" and config.frozen_layers:
        raise BadInput(f"The method {config.method!r} aligns every layer, so none can be frozen. Set frozen layers to 0.")
    hard = gold_indices([row.label for row in rows], labels, len(rows))
    soft = np.asarray(soft_logprobs, dtype=np.float64)
    texts = [row.text for row in rows]
    lower = lower or LowerStates(encoder, config.frozen_layers)
    model = TrainableEncoder(lower, config.lora_rank or lora_rank_for(encoder), config.seed)
    states, generator = lower(texts, alone=True), torch.Generator().manual_seed(config.seed)
    weight, bias = start_head(config, rows, model.encode(states).double().numpy(), hard, soft, scale)
    head = [torch.tensor(a, dtype=torch.float32, device=model.device, requires_grad=True) for a in (weight, bias)]
    aligner = None
    if config.method != "kd":
        if teacher is None:
            raise ValueError(f"the method {config.method!r} compares layers with the teacher's own: give the teacher")
        aligner = LayerAligner(
            config.method, teacher, model.model, encoder.tokenizer, encoder.tokenize(texts), hard, len(labels), generator
        )
    history = _train(config, rows, states, hard, soft, model, head, aligner, generator, scale, micro_batch, progress)
    weight, bias = (a.detach().cpu().double().numpy() for a in head)
    return Trained(model, lower, weight, bias, labels, scale, config), history


def start_head(
    config: RunConfig, rows: Sequence[TrainRow], phi: np.ndarray, hard: np.ndarray, soft: np.ndarray, scale: float = SCALE
) -> tuple[np.ndarray, np.ndarray]:
    """The linear student's head (W (C, d), b (C,)) on the rows' embeddings phi (n, d), which training goes on from."""
    weights = row_weights(config, rows)[None]
    weight, bias = fit_linear_batch(phi[None], weights, hard[None], soft[None], config.temperature, config.kd_weight, config.l2, scale)
    return weight[0], bias[0]


def shares_of(config: RunConfig, rows: Sequence[TrainRow], device: torch.device | str) -> Tensor:
    """(n,) how much each row's label makes it count: 1 unless labels are weighted."""
    labels = [row.label for row in rows]
    return torch.tensor(class_shares(labels) if config.class_weights else np.ones(len(labels)), dtype=torch.float32, device=device)


class Trained:
    """A student as it comes out of training: it scores texts on cached lower states, and becomes a whole one to keep."""

    def __init__(
        self,
        model: TrainableEncoder,
        lower: LowerStates,
        weight: np.ndarray,
        bias: np.ndarray,
        labels: Sequence[str],
        scale: float,
        config: RunConfig,
    ):
        self._model, self._lower, self.weight, self.bias = model, lower, weight, bias
        self._labels, self._scale, self._config = labels, scale, config

    def logprobs(self, texts: Sequence[str]) -> np.ndarray:
        """(n, C) log-probabilities, as the finished student gives them."""
        if not texts:
            return np.zeros((0, len(self._labels)))
        phi = self._model.encode(self._lower(list(texts))).double().numpy()
        return log_softmax(self._scale * phi @ self.weight.T + self.bias)

    def student(self) -> FinetunedStudent:
        """The whole student, independent of what made it."""
        own = self._model.finished()
        return FinetunedStudent(
            own, self.weight, self.bias, self._labels, self._scale, f"{kind_of(self._config).name}:{own.id}", self._config.run_id
        )


def _train(
    config: RunConfig,
    rows: Sequence[TrainRow],
    states: Sequence[Tensor],
    hard: np.ndarray,
    soft: np.ndarray,
    model: TrainableEncoder,
    head: Sequence[Tensor],
    aligner: LayerAligner | None,
    generator: torch.Generator,
    scale: float,
    micro_batch: int,
    progress: Progress,
) -> tuple[float, ...]:
    device, rate = model.device, config.learning_rate or LEARNING_RATE
    targets, teacher = torch.tensor(hard, device=device), torch.tensor(soft, dtype=torch.float32, device=device)
    is_cf = torch.tensor([row.is_cf for row in rows], device=device)
    shares = shares_of(config, rows, device)
    groups: list[dict[str, Any]] = [{"params": model.trained(), "weight_decay": 0.01}, {"params": head, "weight_decay": 0.0}]
    if aligner:
        groups.append({"params": list(aligner.modules.parameters()), "lr": 10 * rate, "weight_decay": 0.0})

    def loss(part: list[int], batch: list[int]) -> Tensor:
        last, mask, hidden = model([states[i] for i in part], hidden=aligner is not None)
        logits = scale * mean_pool(last.float(), mask) @ head[0].T + head[1]
        value = rows_loss(
            config, logits, targets[part], teacher[part], is_cf[part], pairs_of(rows, part), is_cf[batch], shares[part], shares[batch]
        )
        if not aligner:
            return value
        # layers are compared token by token, so a part counts by its tokens
        share = np.mean([len(states[i]) for i in part]) / np.mean([len(states[i]) for i in batch])
        return value + (config.layer_weight or LAYER_WEIGHT) * float(share) * aligner.loss(hidden, part)

    return train_steps(
        loss,
        lambda: config.l2 * (head[0] ** 2).sum(),
        groups,
        rows,
        device,
        config.steps or STEPS,
        rate,
        config.batch_size or BATCH_SIZE,
        generator,
        micro_batch,
        progress,
    )
