"""The fine-tuned student where the named model is a decoder: trained through its sequence-classification head.

The head has no bias and reads unscaled states, so the linear student's solution is carried into it: fitted on the last
token's states divided by their mean length, its bias laid along the states' mean direction. Knows no store.
Models and tokenizers are transformers' own, typed Any: their parts (score, get_base_model) are attributes that no type names.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import nn

from cod_core.distill.allowed import check_objective
from cod_core.distill.arms import TrainRow
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.finetuned import shares_of, start_head
from cod_core.distill.kinds import FINETUNED
from cod_core.distill.linear import SCALE
from cod_core.distill.objective import pairs_of, rows_loss
from cod_core.distill.training import BATCH_SIZE, LEARNING_RATE, STEPS, no_penalty, train_steps
from cod_core.errors import BadInput
from cod_core.models.decoder import SequenceStudent, load_decoder, logits_of, tokenize
from cod_core.models.device import best_device
from cod_core.models.trainable import LORA_ABOVE, LORA_RANK, with_lora
from cod_core.progress import Progress, silent
from cod_core.types import RunConfig


def train_decoder(
    config: RunConfig,
    rows: Sequence[TrainRow],
    labels: Sequence[str],
    soft_logprobs: ArrayLike,
    progress: Progress = silent,
    micro_batch: int = 0,
    loaded: tuple[Any, Any] | None = None,
) -> tuple[SequenceStudent, tuple[float, ...]]:
    """A student trained on rows, and its loss at every step. loaded: (model, tokenizer) instead of config.encoder's.

    Trains low-rank adapters where config.lora_rank > 0 or the model is large. The rest as in train_finetuned.
    Raises BadInput for layer methods: they align encoders.
    """
    check_objective(config)
    if config.method != "kd" or config.frozen_layers:
        raise BadInput("Decoders are distilled from probabilities, all layers together: method 'kd', no frozen layers.")
    hard, soft = gold_indices([r.label for r in rows], labels, len(rows)), np.asarray(soft_logprobs, dtype=np.float64)
    model, tokenizer = loaded or load_decoder(config.encoder, labels)
    device = best_device()
    model, ids = model.to(device), tokenize(tokenizer, [r.text for r in rows])
    states = last_states(model, tokenizer, ids, device)
    place_head(model.score, states, *start_head(config, rows, states / mean_length(states), hard, soft))
    model, inner = with_adapters(model, config)
    targets, teacher = torch.tensor(hard, device=device), torch.tensor(soft, dtype=torch.float32, device=device)
    is_cf = torch.tensor([row.is_cf for row in rows], device=device)
    shares = shares_of(config, rows, device)

    def loss(part: list[int], batch: list[int]) -> torch.Tensor:
        logits, _ = logits_of(inner, tokenizer, [ids[i] for i in part], device)
        inside = pairs_of(rows, part)
        return rows_loss(config, logits, targets[part], teacher[part], is_cf[part], inside, is_cf[batch], shares[part], shares[batch])

    history = train_steps(
        loss,
        no_penalty,
        [{"params": [p for p in model.parameters() if p.requires_grad], "weight_decay": 0.01}],
        rows,
        device,
        config.steps or STEPS,
        config.learning_rate or LEARNING_RATE,
        config.batch_size or BATCH_SIZE,
        torch.Generator().manual_seed(config.seed),
        micro_batch,
        progress,
    )
    whole = model if model is inner else model.merge_and_unload()
    return SequenceStudent(whole, tokenizer, f"{FINETUNED.name}:{config.encoder}", config.run_id), history


def last_states(model: Any, tokenizer: Any, ids: Sequence[Sequence[int]], device: torch.device) -> np.ndarray:
    """(n, d) states of the last token of each text, read one by one."""
    with torch.no_grad():
        found = [logits_of(model, tokenizer, [row], device)[1].float().cpu() for row in ids]
    out: np.ndarray = torch.cat(found).double().numpy()
    return out


def with_adapters(model: Any, config: RunConfig) -> tuple[Any, Any]:
    """(what is trained, the model that reads): with low-rank adapters where these are asked for or the model is large; twice the
    model itself elsewhere. The head is trained whole."""
    large = sum(p.numel() for p in model.parameters()) > LORA_ABOVE
    rank = config.lora_rank or (LORA_RANK if large else 0)
    if not rank:
        return model, model
    head = model.score
    adapted = with_lora(model, rank, config.seed)
    for p in head.parameters():
        p.requires_grad_(True)
    return adapted, adapted.get_base_model()


def mean_length(states: np.ndarray) -> float:
    return float(np.linalg.norm(states, axis=1).mean())


def place_head(score: nn.Linear, states: np.ndarray, weight: np.ndarray, bias: np.ndarray, scale: float = SCALE) -> None:
    """Write the linear student's head (W (C, d), b (C,)) for states / mean_length(states) into a bias-free layer.

    b enters as b m^T / |m|^2 with m the mean state: exact at the mean, close where states share a direction.
    """
    mean = states.mean(0)
    folded = scale * weight / mean_length(states) + np.outer(bias, mean) / max(float(mean @ mean), 1e-12)
    with torch.no_grad():
        score.weight.copy_(torch.tensor(folded, dtype=score.weight.dtype))
        if getattr(score, "bias", None) is not None:
            score.bias.zero_()
