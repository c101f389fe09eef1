import math

import pytest
import torch

from cod_core.distill.losses import ce_loss, clamping_loss, kd_loss, layer_loss, lwd_loss, pair_loss, ted_loss

LOGITS = torch.tensor([[2.0, 0.0], [-1.0, 1.0]])


def test_kd_loss_is_zero_for_an_equal_student_whatever_the_teachers_scale():
    """A teacher's log-probabilities must serve as well as its logits."""
    for shift in (0.0, 7.0):
        assert kd_loss(LOGITS + shift, torch.log_softmax(LOGITS, -1)).item() == pytest.approx(0, abs=1e-6)


def test_kd_loss_by_hand_carries_t_squared_and_points_from_teacher_to_student():
    """Without T^2 the gradient fades with T; the reverse KL lets the student ignore a teacher's doubt."""
    teacher, t = torch.log(torch.tensor([[0.9, 0.1], [0.5, 0.5]])), 2.0
    expected = 0.0
    for row, logits in zip([(0.9, 0.1), (0.5, 0.5)], LOGITS.tolist()):
        q = [p ** (1 / t) for p in row]
        q = [v / sum(q) for v in q]
        s = [math.exp(v / t) for v in logits]
        s = [v / sum(s) for v in s]
        expected += t * t * sum(a * math.log(a / b) for a, b in zip(q, s)) / 2
    assert kd_loss(LOGITS, teacher, t).item() == pytest.approx(expected, rel=1e-5)


def test_kd_loss_stays_finite_with_its_gradient_where_the_teacher_is_certain():
    """0 * log 0 would turn every weight into nan without a word."""
    logits = LOGITS.clone().requires_grad_()
    kd_loss(logits, torch.tensor([[0.0, -math.inf], [-math.inf, 0.0]])).backward()
    assert torch.isfinite(logits.grad).all()


def test_shapes_that_would_broadcast_are_refused():
    """One teacher row against two student rows would train towards one answer for every text."""
    with pytest.raises(ValueError, match="shape"):
        kd_loss(LOGITS, torch.log_softmax(LOGITS[:1], -1))
    with pytest.raises(ValueError):
        ce_loss(LOGITS, torch.tensor([0]))
    with pytest.raises(ValueError):
        pair_loss(torch.ones(2), torch.ones(1))
    with pytest.raises(ValueError):
        clamping_loss(LOGITS, torch.tensor([0, 1]), torch.tensor([True]))
    with pytest.raises(ValueError):
        kd_loss(LOGITS, LOGITS, 0.0)


def test_layer_loss_ignores_padding():
    """Padding counted in the mean makes short texts look aligned."""
    student, teacher = torch.zeros(1, 3, 2), torch.ones(1, 3, 2)
    teacher[:, 2] = 100.0
    assert layer_loss([student], [teacher], torch.tensor([[1, 1, 0]])).item() == pytest.approx(1.0)


def test_layer_loss_is_a_mean_over_layers_and_refuses_what_cannot_be_aligned():
    mask, zero, one = torch.ones(1, 2), torch.zeros(1, 2, 3), torch.ones(1, 2, 3)
    assert layer_loss([zero, zero], [one, zero], mask).item() == pytest.approx(0.5)
    for students, teachers in (([zero], [one, one]), ([zero], [torch.ones(1, 5, 3)]), ([], [])):
        with pytest.raises(ValueError):
            layer_loss(students, teachers, mask)


def test_lwd_learns_its_map_and_ted_never_trains_the_teachers_filter():
    """A frozen map would pull the student towards a random rotation of the teacher."""
    states, mask = [torch.randn(1, 2, 3, generator=torch.Generator().manual_seed(0))], torch.ones(1, 2)
    wide, same, frozen = torch.nn.Linear(3, 5, bias=False), torch.nn.Linear(3, 4), torch.nn.Linear(5, 4)
    lwd_loss(states, [torch.ones(1, 2, 5)], [wide], mask).backward()
    assert wide.weight.grad.abs().sum() > 0
    ted_loss(states, [frozen(torch.ones(1, 2, 5))], [same], mask).backward()
    assert same.weight.grad.abs().sum() > 0 and frozen.weight.grad is None


def test_clamping_pulls_a_counterfactual_only_on_the_wrong_side():
    """A counterfactual near the boundary treated as a confident example pushes the boundary past it."""
    labels = torch.tensor([0, 0])
    right = clamping_loss(torch.tensor([[2.0, 0.0], [0.3, 0.0]]), labels, torch.tensor([True, True]))
    assert right.item() == 0
    p = 1 / (1 + math.exp(1.0))
    by_hand = 0.5 * math.log(0.5 / p) + 0.5 * math.log(0.5 / (1 - p))
    wrong = clamping_loss(torch.tensor([[-1.0, 0.0], [2.0, 0.0]]), labels, torch.tensor([True, False]))
    assert wrong.item() == pytest.approx((by_hand + math.log(1 + math.exp(-2.0))) / 2, rel=1e-5)


def test_clamping_gradient_is_finite_for_a_certain_student():
    for value in (60.0, -60.0):
        logits = torch.tensor([[value, 0.0]], requires_grad=True)
        clamping_loss(logits, torch.tensor([0]), torch.tensor([True])).backward()
        assert torch.isfinite(logits.grad).all()


def test_pair_loss_charges_the_difference_of_the_two_sides():
    assert pair_loss(torch.tensor([1.0]), torch.tensor([3.0]), 0.5).item() == pytest.approx(5.0)
