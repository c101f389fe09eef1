from dataclasses import replace

import pytest
import torch

from cod_core.distill.allowed import check_linear, check_objective
from cod_core.distill.arms import TrainRow
from cod_core.distill.losses import ce_loss, kd_loss
from cod_core.distill.objective import pairs_within, rows_loss
from cod_core.distill.training import parts, train_steps
from cod_core.errors import BadInput
from cod_core.types import RunConfig

CONFIG = RunConfig("kd", "cod", 4, 0, "linear", "e", "t", "1", "x", kd_weight=0.0)
LOGITS = torch.tensor([[2.0, 0.0], [0.5, 0.0], [-1.0, 1.0], [0.0, 3.0]])
HARD, IS_CF = torch.tensor([0, 1, 1, 0]), torch.tensor([False, True, False, True])
SOFT = torch.log_softmax(LOGITS.flip(0), -1)
PAIRS = [(0, 1), (2, 3)]


def test_plain_objective_is_mean_ce_plus_weighted_kd():
    expected = ce_loss(LOGITS, HARD).mean() + 20 * kd_loss(LOGITS, SOFT, 2.0)
    assert rows_loss(replace(CONFIG, kd_weight=20.0), LOGITS, HARD, SOFT, IS_CF, PAIRS).item() == pytest.approx(expected.item())


def test_pair_weight_adds_half_the_mean_gap_and_nothing_else():
    """pair_loss holds both cross-entropies too: adding it whole would count them twice."""
    ce = ce_loss(LOGITS, HARD)
    gap = ((ce[0] - ce[1]).abs() + (ce[2] - ce[3]).abs()) / 2
    for weight in (0.0, 1.0, 3.0):
        value = rows_loss(replace(CONFIG, pair_weight=weight), LOGITS, HARD, SOFT, IS_CF, PAIRS)
        assert value.item() == pytest.approx((ce.mean() + weight * gap / 2).item(), rel=1e-5)


def test_clamping_costs_nothing_for_a_counterfactual_on_the_right_side():
    config = replace(CONFIG, hard_loss="clamp")
    ce, good = ce_loss(LOGITS, HARD), torch.tensor([[2.0, 0.0], [-4.0, 4.0], [-1.0, 1.0], [4.0, -4.0]])
    value = rows_loss(config, good, HARD, SOFT, IS_CF, PAIRS)
    assert value.item() == pytest.approx((ce[0] + ce[2]).item() / 4, rel=1e-5)
    assert rows_loss(config, LOGITS, HARD, SOFT, IS_CF, PAIRS) > value


def test_weight_of_counterfactuals_is_relative_to_real_rows():
    ce = ce_loss(LOGITS, HARD)
    value = rows_loss(replace(CONFIG, cf_weight=3.0), LOGITS, HARD, SOFT, IS_CF, PAIRS)
    assert value.item() == pytest.approx(((ce[0] + ce[2] + 3 * (ce[1] + ce[3])) / 8).item(), rel=1e-5)


def test_pairs_are_found_by_their_text_wherever_they_stand():
    found = pairs_within(["b", "a", "a", "c", "b"], [True, False, True, False, False])
    assert sorted(found) == [(1, 2), (4, 0)]
    assert pairs_within(["a"], [True]) == []


@pytest.mark.parametrize(
    "wrong",
    [
        dict(method="x"),
        dict(hard_loss="mse"),
        dict(soft_labels="maybe"),
        dict(kappa=1.0),
        dict(pair_weight=-1.0),
        dict(cf_weight=0.0),
        dict(pair_weight=1.0, hard_loss="clamp"),
    ],
)
def test_settings_without_a_meaning_are_refused(wrong):
    with pytest.raises(BadInput):
        check_objective(replace(CONFIG, **wrong))


@pytest.mark.parametrize("stepwise", [dict(method="lwd"), dict(hard_loss="clamp"), dict(pair_weight=1.0)])
def test_a_solved_head_refuses_what_only_steps_can_do(stepwise):
    """A linear student that ignored the wish for clamping would be reported as clamped."""
    with pytest.raises(BadInput, match="step by step"):
        check_linear(replace(CONFIG, **stepwise))


def test_a_split_minibatch_has_the_gradient_of_the_whole_one():
    """Gradient accumulation that averages parts of unlike size alike trains on other weights."""
    rows = [TrainRow("t", "a", f"e{i // 2}", bool(i % 2)) for i in range(6)]
    x = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))

    def trained(micro):
        w = torch.ones(3, requires_grad=True)
        history = train_steps(
            lambda part, _: ((x[part] @ w) ** 2).mean(),
            lambda: 0.1 * (w**2).sum(),
            [{"params": [w]}],
            rows,
            torch.device("cpu"),
            5,
            0.1,
            6,
            torch.Generator().manual_seed(0),
            micro,
        )
        return w.detach(), history

    (whole, one), (split, two) = trained(0), trained(4)
    assert torch.allclose(whole, split, atol=1e-6) and one == pytest.approx(two, rel=1e-5)


@pytest.mark.parametrize("more", [dict(cf_weight=4.0), dict(cf_weight=4.0, hard_loss="clamp"), dict(cf_weight=0.5, pair_weight=1.0)])
def test_a_split_minibatch_has_the_whole_ones_loss_where_counterfactuals_weigh_otherwise(more):
    """A part without counterfactuals counted as much a row as one that holds the heavy ones."""
    config, draw = replace(CONFIG, **more), torch.Generator().manual_seed(0)
    rows = [TrainRow("t", "a", id, cf) for id, cf in (("a", False), ("a", True), ("b", False), ("b", True), ("c", False), ("d", False))]
    logits, teacher = (torch.randn(6, 2, generator=draw).log_softmax(-1) for _ in (0, 1))
    hard, is_cf = torch.tensor([0, 1, 1, 0, 0, 1]), torch.tensor([row.is_cf for row in rows])

    def loss(part):
        pairs = pairs_within([rows[i].example_id for i in part], [rows[i].is_cf for i in part])
        return rows_loss(config, logits[part], hard[part], teacher[part], is_cf[part], pairs, is_cf)

    cut = parts(list(range(6)), rows, 2)
    assert len(cut) == 3 and sum(float(loss(part)) * len(part) / 6 for part in cut) == pytest.approx(float(loss(list(range(6)))), rel=1e-6)


def test_parts_keep_pairs_whole():
    rows = [TrainRow("t", "a", f"e{i // 2}", bool(i % 2)) for i in range(8)]
    for size in (1, 2, 3, 4, 5):
        cut = parts(list(range(8)), rows, size)
        assert sorted(sum(cut, [])) == list(range(8))
        assert all({i ^ 1 for i in part} == set(part) for part in cut)
        assert max(map(len, cut)) <= max(2, size)
    rows = [TrainRow("t", "a", f"e{i // 4}", bool(i % 4)) for i in range(16)]  # a text and its counterfactuals to three labels
    assert [len(part) for part in parts(list(range(16)), rows, 6)] == [4] * 4


def test_the_weight_of_a_counterfactual_holds_for_hard_and_soft_labels_as_in_the_linear_student():
    config = RunConfig("kd", "cod", 2, 0, "finetuned:x:all", "x", "t", "r", "d", cf_weight=3.0, kd_weight=5.0, temperature=1.0)
    logits, teacher = torch.tensor([[1.0, 0.0], [0.0, 2.0]]), torch.log(torch.tensor([[0.8, 0.2], [0.3, 0.7]]))
    hard, is_cf = torch.tensor([0, 1]), torch.tensor([False, True])
    one = [
        float(rows_loss(replace(config, cf_weight=1.0), logits[i : i + 1], hard[i : i + 1], teacher[i : i + 1], is_cf[i : i + 1], []))
        for i in (0, 1)
    ]
    assert float(rows_loss(config, logits, hard, teacher, is_cf, [])) == pytest.approx((one[0] + 3 * one[1]) / 4, rel=1e-6)
