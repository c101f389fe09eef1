import numpy as np
import pytest
from sklearn.metrics import matthews_corrcoef

from cod_core.distill.evaluate import decided_classes, gold_indices, mcc, metrics
from cod_core.distill.linear import log_softmax
from cod_core.errors import BadInput


def sets(n=40, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    return *(log_softmax(3 * rng.normal(size=(n, classes))) for _ in range(2)), rng.integers(0, classes, n)


def test_the_teacher_as_its_own_student_agrees_fully():
    _, teacher, gold = sets()
    found = metrics(teacher, teacher, gold)
    assert found["agreement"] == 1 and found["kl"] == 0
    assert found["accuracy"] == found["teacher_accuracy"]


def test_kl_on_two_rows_by_hand_points_from_teacher_to_student():
    """The reverse direction also looks like a KL and ranks students differently."""
    teacher, student = np.log([[0.8, 0.2], [0.5, 0.5]]), np.log([[0.6, 0.4], [0.5, 0.5]])
    by_hand = (0.8 * np.log(0.8 / 0.6) + 0.2 * np.log(0.2 / 0.4)) / 2
    assert metrics(student, teacher, np.array([0, 1]))["kl"] == pytest.approx(by_hand)


def test_mcc_matches_scikit_learn_and_is_zero_for_a_constant_student():
    """On skewed classes accuracy rewards the majority answer; the coefficient must not."""
    student, _, gold = sets()
    assert mcc(gold, student.argmax(-1), 3) == pytest.approx(matthews_corrcoef(gold, student.argmax(-1)))
    assert mcc(np.array([0, 0, 0, 1]), np.zeros(4, int), 2) == 0


def test_permuted_labels_change_no_metric():
    student, teacher, gold = sets()
    order = np.array([2, 0, 1])
    other = metrics(student[:, order], teacher[:, order], np.argsort(order)[gold])
    assert other == pytest.approx(metrics(student, teacher, gold))


def test_rows_without_gold_count_for_agreement_only():
    student, teacher, _ = sets(4, 2)
    found = metrics(student, teacher, gold_indices(["a", None, None, "b"], ["a", "b"], 4))
    assert found["n"] == 4 and found["n_gold"] == 2 and found["majority"] == 0.5
    assert "accuracy" not in metrics(student, teacher, gold_indices(None, ["a", "b"], 4))
    assert metrics(student[:0], teacher[:0], np.zeros(0, int)) == {}


def test_unknown_labels_and_unequal_shapes_are_refused():
    with pytest.raises(BadInput, match="c"):
        gold_indices(["c"], ["a", "b"], 1)
    student, teacher, gold = sets()
    with pytest.raises(ValueError):
        metrics(student, teacher[:1], gold)


def test_a_text_on_which_the_teacher_is_undecided_has_no_part_in_agreement():
    """Two equal log-probabilities would be taken for the first label, and agreement would hang on the order of labels."""
    teacher = np.log([[0.5, 0.5], [0.5, 0.5], [0.9, 0.1], [0.2, 0.8]])
    for student in ([[0.9, 0.1]] * 4, [[0.1, 0.9]] * 2 + [[0.9, 0.1]] * 2):
        found = metrics(np.log(student), teacher, np.array([0, 1, 0, 1]))
        assert found["agreement"] == 0.5 and found["teacher_accuracy"] == 1.0 and found["n"] == 4
    assert "agreement" not in metrics(np.log([[0.9, 0.1]]), np.log([[0.5, 0.5]]), np.array([0]))
    assert decided_classes(teacher).tolist() == [-1, -1, 0, 1] and decided_classes([]).tolist() == []
