"""Every loss a student is trained with, as a pure function of tensors. Knows no model, no data, no schedule.

The total per row (Hamman et al. 2025, arXiv:2510.21631): CE + kd_weight * KD + layer_weight * layer loss.
"""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def ce_loss(student_logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy with hard labels, one value a row (B,), in nats.

    student_logits: (B, C). labels: (B,) int64 class indices. Raises ValueError where the shapes differ.
    """
    if labels.shape != student_logits.shape[:1]:
        raise ValueError(f"expected one label a row, got logits {tuple(student_logits.shape)}, labels {tuple(labels.shape)}")
    return F.cross_entropy(student_logits.float(), labels, reduction="none")


def kd_loss(student_logits: Tensor, teacher_logprobs: Tensor, temperature: float = 2.0, weights: Tensor | None = None) -> Tensor:
    """Soft-label distillation: T^2 * KL(teacher || student), mean over the batch, in nats; weighted by weights (B,).

    student_logits: (B, C) float. teacher_logprobs: (B, C), each row's logsumexp is 0; softmax(logp / T) equals
    softmax(logits / T), so no teacher has to show its logits. temperature > 0.
    Raises ValueError where the shapes differ: broadcasting would train towards uniform.
    Hinton et al. 2015, arXiv:1503.02531; the CoD code uses T = 2, weight 20.
    """
    if student_logits.shape != teacher_logprobs.shape:
        raise ValueError(
            f"student_logits {tuple(student_logits.shape)} and teacher_logprobs {tuple(teacher_logprobs.shape)} must be "
            "of one shape: broadcasting would compare a student with another row's teacher."
        )
    if temperature <= 0:
        raise ValueError(f"temperature must be positive, got {temperature}")
    teacher = F.log_softmax(teacher_logprobs.float() / temperature, -1)
    student = F.log_softmax(student_logits.float() / temperature, -1)
    # a teacher that is certain has log-probability -inf, whose term p log p is 0, not nan
    gap = torch.where(teacher.exp() > 0, teacher - student, torch.zeros_like(student))
    each = temperature**2 * (teacher.exp() * gap).sum(-1)
    return each.mean() if weights is None else (weights * each).sum() / weights.sum()


def layer_loss(student_states: Sequence[Tensor], teacher_states: Sequence[Tensor], mask: Tensor) -> Tensor:
    """Mean squared distance of aligned hidden states over real tokens, mean over the aligned layers.

    student_states, teacher_states: lists of (B, T, d), the student's already mapped or filtered to the
    teacher's width. mask: (B, T), 0 at padding. LWD (layer-wise distillation) maps the student's states by a
    learned matrix, TED (Liang et al. 2023, arXiv:2210.01351) filters both. The paper writes a sum of squares
    over dimensions; here it is their mean, so that layer_weight keeps its meaning across widths.
    Raises ValueError where layers, shapes or masks differ. The CoD code also averages over padding.
    """
    if len(student_states) != len(teacher_states) or not student_states:
        raise ValueError(f"{len(student_states)} student layers cannot be aligned with {len(teacher_states)} teacher layers")
    weights = mask.float().unsqueeze(-1)
    total = torch.zeros((), device=mask.device)
    for student, teacher in zip(student_states, teacher_states):
        if student.shape != teacher.shape or student.shape[:2] != mask.shape:
            raise ValueError(
                f"states {tuple(student.shape)} and {tuple(teacher.shape)} must agree with each other and with the "
                f"mask {tuple(mask.shape)}: teacher and student have to read the same tokens."
            )
        squares = (student.float() - teacher.float()) ** 2 * weights
        total = total + squares.sum() / (weights.sum().clamp(min=1) * student.shape[-1])
    return total / len(student_states)


def lwd_loss(student_states: Sequence[Tensor], teacher_states: Sequence[Tensor], maps: Iterable[nn.Module], mask: Tensor) -> Tensor:
    """Layer-wise distillation: layer_loss of maps[i](student state i) against the teacher's state i.

    maps: one linear module a layer, student width -> teacher width.
    """
    return layer_loss([m(s) for m, s in zip(maps, student_states, strict=True)], teacher_states, mask)


def ted_loss(
    student_states: Sequence[Tensor], teacher_filtered: Sequence[Tensor], student_filters: Iterable[nn.Module], mask: Tensor
) -> Tensor:
    """Task-aware layer-wise distillation, second stage: filtered student states against the teacher's.

    teacher_filtered: the teacher's states through its trained, frozen filters. student_filters: modules.
    """
    filtered = [f(s) for f, s in zip(student_filters, student_states, strict=True)]
    return layer_loss(filtered, [t.detach() for t in teacher_filtered], mask)


def clamping_loss(student_logits: Tensor, labels: Tensor, is_cf: Tensor, kappa: float = 0.5) -> Tensor:
    """Counterfactual clamping, mean over the batch: for teachers that only give hard labels.

    An original costs its cross-entropy. A counterfactual costs KL(kappa || p(target)) of two Bernoulli
    variables while p(target) <= kappa, else 0: it pulls only a student on the wrong side.
    student_logits: (B, C). labels: (B,), the target for a counterfactual. is_cf: (B,) bool. 0 < kappa < 1.
    Dissanayake & Dutta 2024, arXiv:2405.05369.
    """
    if is_cf.shape != labels.shape:
        raise ValueError(f"labels {tuple(labels.shape)} and is_cf {tuple(is_cf.shape)} must be of one shape")
    if not 0 < kappa < 1:
        raise ValueError(f"kappa must lie between 0 and 1, got {kappa}")
    ce = ce_loss(student_logits, labels)
    log_p = -ce
    log_rest = torch.log((-torch.expm1(log_p)).clamp(min=1e-12))
    k = torch.tensor(kappa, dtype=log_p.dtype, device=log_p.device)
    pull = k * (k.log() - log_p) + (1 - k) * (torch.log1p(-k) - log_rest)
    pull = torch.where(log_p <= k.log(), pull, torch.zeros_like(pull))
    return torch.where(is_cf.bool(), pull, ce).mean()


def pair_loss(ce_original: Tensor, ce_counterfactual: Tensor, weight: float = 1.0) -> Tensor:
    """Symmetric pair loss: CE(x) + CE(x') + weight * |CE(x) - CE(x')|, mean over the pairs.

    ce_original, ce_counterfactual: (P,) cross-entropies of the two sides of each pair, in one order.
    """
    if ce_original.shape != ce_counterfactual.shape:
        raise ValueError(f"{tuple(ce_original.shape)} originals and {tuple(ce_counterfactual.shape)} counterfactuals are not pairs")
    return (ce_original + ce_counterfactual + weight * (ce_original - ce_counterfactual).abs()).mean()
