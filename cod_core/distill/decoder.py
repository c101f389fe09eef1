"""The fine-tuned student where the named model is a decoder: trained through its sequence-classification head.

The head has no bias and reads unscaled states, so the linear student's solution is carried into it: fitted on the last
token's states divided by their mean length, its bias laid along the states' mean direction. Knows no store.
"""

from collections.abc import Sequence

import numpy as np
import torch

from cod_core.distill.allowed import check_objective
from cod_core.distill.arms import TrainRow
from cod_core.distill.evaluate import gold_indices
from cod_core.distill.finetuned import start_head
from cod_core.distill.linear import SCALE
from cod_core.distill.objective import pairs_within, rows_loss
from cod_core.distill.training import BATCH_SIZE, LEARNING_RATE, STEPS, train_steps
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
    soft_logprobs,
    progress: Progress = silent,
    micro_batch: int = 0,
    loaded=None,
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
    with torch.no_grad():
        states = torch.cat([logits_of(model, tokenizer, [row], device)[1].float().cpu() for row in ids]).double().numpy()
    place_head(model.score, states, *start_head(config, rows, states / mean_length(states), hard, soft))
    large = sum(p.numel() for p in model.parameters()) > LORA_ABOVE
    rank = config.lora_rank or (LORA_RANK if large else 0)
    if rank:
        head = model.score
        model = with_lora(model, rank, config.seed)
        inner = model.get_base_model()
        for p in head.parameters():
            p.requires_grad_(True)
    else:
        inner = model
    targets, teacher = torch.tensor(hard, device=device), torch.tensor(soft, dtype=torch.float32, device=device)
    is_cf = torch.tensor([row.is_cf for row in rows], device=device)

    def loss(part: list[int], batch: list[int]):
        logits, _ = logits_of(inner, tokenizer, [ids[i] for i in part], device)
        pairs = pairs_within([rows[i].example_id for i in part], [rows[i].is_cf for i in part])
        return rows_loss(config, logits, targets[part], teacher[part], is_cf[part], pairs, is_cf[batch])

    trained = [p for p in model.parameters() if p.requires_grad]
    history = train_steps(
        loss,
        lambda: torch.zeros((), requires_grad=True),
        [{"params": trained, "weight_decay": 0.01}],
        rows,
        device,
        config.steps or STEPS,
        config.learning_rate or LEARNING_RATE,
        config.batch_size or BATCH_SIZE,
        torch.Generator().manual_seed(config.seed),
        micro_batch,
        progress,
    )
    whole = model.merge_and_unload() if rank else model
    return SequenceStudent(whole, tokenizer, f"finetuned:{config.encoder}", config.run_id), history


def mean_length(states) -> float:
    return float(np.linalg.norm(states, axis=1).mean())


def place_head(score, states, weight, bias, scale: float = SCALE) -> None:
    """Write the linear student's head (W (C, d), b (C,)) for states / mean_length(states) into a bias-free layer.

    b enters as b m^T / |m|^2 with m the mean state: exact at the mean, close where states share a direction.
    """
    mean = states.mean(0)
    folded = scale * weight / mean_length(states) + np.outer(bias, mean) / max(float(mean @ mean), 1e-12)
    with torch.no_grad():
        score.weight.copy_(torch.tensor(folded, dtype=score.weight.dtype))
        if getattr(score, "bias", None) is not None:
            score.bias.zero_()
