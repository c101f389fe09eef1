"""What one step of training costs: the losses of losses.py put together as a RunConfig says. Tensors in, a scalar out.

CE (or clamping) + kd_weight * KD, with the pair term where pair_weight > 0, every mean taken over the rows, in which a
counterfactual's counts cf_weight times (in clamping once).
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from cod_core.distill.arms import TrainRow
from cod_core.distill.losses import ce_loss, clamping_loss, kd_loss, pair_loss
from cod_core.types import RunConfig


def pairs_within(example_ids: Sequence[str], is_cf: Sequence[bool]) -> list[tuple[int, int]]:
    """(index of an original, index of its counterfactual) for every pair that is whole in this batch."""
    originals = {id: i for i, (id, cf) in enumerate(zip(example_ids, is_cf)) if not cf}
    return [(originals[id], i) for i, (id, cf) in enumerate(zip(example_ids, is_cf)) if cf and id in originals]


def pairs_of(rows: Sequence[TrainRow], part: Sequence[int]) -> list[tuple[int, int]]:
    """pairs_within of the rows with these indices."""
    return pairs_within([rows[i].example_id for i in part], [rows[i].is_cf for i in part])


def rows_loss(
    config: RunConfig,
    logits: Tensor,
    hard: Tensor,
    teacher_logprobs: Tensor,
    is_cf: Tensor,
    pairs: Sequence[tuple[int, int]],
    whole: Tensor | None = None,
    shares: Tensor | None = None,
    whole_shares: Tensor | None = None,
) -> Tensor:
    """The objective of one batch but for the penalty of the head and layer losses.

    logits, teacher_logprobs: (B, C). hard, is_cf: (B,). pairs: as pairs_within gives them. whole: is_cf of the minibatch
    that these rows are a part of, None where they are all of it; the parts' mean by rows is then the minibatch's loss.
    shares, whole_shares: how much the label of each row makes it count (distill/weights.py), of the rows and of the minibatch.
    """
    weights, every = (torch.where(cf.bool(), config.cf_weight, 1.0) for cf in (is_cf, is_cf if whole is None else whole))
    if shares is not None:
        weights, every = weights * shares, every * (shares if whole_shares is None else whole_shares)
    weights = weights / every.mean()
    if config.hard_loss == "clamp":
        loss = clamping_loss(logits, hard, is_cf, config.kappa)
    else:
        ce = ce_loss(logits, hard)
        loss = (weights * ce).mean()
        if config.pair_weight and pairs:
            a, b = (torch.tensor([p[side] for p in pairs], device=logits.device) for side in (0, 1))
            # pair_loss holds CE(x) + CE(x') too, which the mean over rows has already
            gap = pair_loss(ce[a], ce[b], config.pair_weight) - (ce[a] + ce[b]).mean()
            loss = loss + gap * len(pairs) / len(logits)
    if config.kd_weight:
        loss = loss + config.kd_weight * weights.mean() * kd_loss(logits, teacher_logprobs, config.temperature, weights)
    return loss
