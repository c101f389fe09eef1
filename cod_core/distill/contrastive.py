"""The contrastive student: the encoder learns which texts belong together, then a head is solved on it.

SetFit's recipe (Tunstall et al. 2022, arXiv:2209.11055): cosine similarity of two texts is trained towards 1 where
their labels agree and 0 where they differ (squared error), then a classifier is fitted on the new embeddings. Here
every pair within a minibatch is compared, each text encoded once; x and its counterfactual x' always share the
minibatch and are a hard negative pair, weighted as such; similarities aimed at are the teacher's, not the labels'
alone; and the head is the linear student's (CE + KD), solved exactly. Knows no store.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from cod_core.distill.allowed import check_linear
from cod_core.distill.arms import TrainRow
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.finetuned import Trained, start_head
from cod_core.distill.linear import SCALE
from cod_core.distill.objective import pairs_of
from cod_core.distill.training import no_penalty, train_steps
from cod_core.models.student import EncoderModel
from cod_core.models.trainable import LowerStates, TrainableEncoder, lora_rank_for
from cod_core.progress import Progress, silent
from cod_core.types import RunConfig

STEPS, LEARNING_RATE, BATCH_SIZE = 60, 5e-5, 32
HARD_NEGATIVE = 4.0


def aimed_similarity(hard: Tensor, teacher_logprobs: Tensor) -> Tensor:
    """(B, B) similarities to train towards: 1 for equal, 0 for disjoint beliefs (Bhattacharyya coefficient).

    hard: (B,) class indices. teacher_logprobs: (B, C). A row's belief is the mean of its label and the teacher's
    probabilities, so that a text the teacher is unsure of lies between the classes.
    """
    belief = (torch.nn.functional.one_hot(hard, teacher_logprobs.shape[-1]) + teacher_logprobs.exp()) / 2
    root = belief.sqrt()
    return root @ root.T


def contrastive_loss(
    embeddings: Tensor, aimed: Tensor, pairs: Sequence[tuple[int, int]] = (), hard_negative: float = HARD_NEGATIVE
) -> Tensor:
    """Weighted mean squared difference of the cosines of all two different rows from `aimed`.

    embeddings: (B, d) of length 1, B >= 2. aimed: (B, B). pairs: rows (x, x'), whose weight is hard_negative, all
    others' 1. Raises ValueError where the shapes differ.
    """
    n = len(embeddings)
    if aimed.shape != (n, n) or n < 2:
        raise ValueError(f"{n} embeddings need at least 2 rows and aimed similarities ({n}, {n}), got {tuple(aimed.shape)}")
    weights = torch.triu(torch.ones(n, n, device=embeddings.device), 1)
    for a, b in pairs:
        weights[min(a, b), max(a, b)] = hard_negative
    return (weights * (embeddings @ embeddings.T - aimed) ** 2).sum() / weights.sum()


def train_contrastive(
    config: RunConfig,
    rows: Sequence[TrainRow],
    labels: Sequence[str],
    soft_logprobs: ArrayLike,
    encoder: EncoderModel,
    progress: Progress = silent,
    scale: float = SCALE,
    lower: LowerStates | None = None,
) -> tuple[Trained, tuple[float, ...]]:
    """A student trained on rows, and its contrastive loss at every step. `encoder` itself is left as it was.

    Arguments as in train_finetuned. Raises BadInput for an unknown label, or losses that a solved head cannot have.
    """
    check_linear(config)
    hard = gold_indices([row.label for row in rows], labels, len(rows))
    soft = np.asarray(soft_logprobs, dtype=np.float64)
    lower = lower or LowerStates(encoder, config.frozen_layers)
    model = TrainableEncoder(lower, config.lora_rank or lora_rank_for(encoder), config.seed)
    states = lower([row.text for row in rows], alone=True)
    targets = torch.tensor(hard, device=model.device)
    teacher = torch.tensor(
        soft if config.kd_weight else np.log(np.eye(len(labels))[hard].clip(1e-9)), dtype=torch.float32, device=model.device
    )

    def loss(part: list[int], _: list[int]) -> Tensor:
        if len(part) < 2:
            return torch.zeros((), device=model.device, requires_grad=True)
        return contrastive_loss(
            model.pooled([states[i] for i in part]), aimed_similarity(targets[part], teacher[part]), pairs_of(rows, part)
        )

    history = train_steps(
        loss,
        no_penalty,
        [{"params": model.trained(), "weight_decay": 0.01}],
        rows,
        model.device,
        config.steps or STEPS,
        config.learning_rate or LEARNING_RATE,
        config.batch_size or BATCH_SIZE,
        torch.Generator().manual_seed(config.seed),
        0,
        progress,
    )
    weight, bias = start_head(config, rows, model.encode(states).double().numpy(), hard, soft, scale)
    return Trained(model, lower, weight, bias, labels, scale, config), history
