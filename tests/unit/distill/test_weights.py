"""Row weights: labels that count the same, whatever their number of rows."""

import numpy as np
import pytest

from cod_core.distill.arms import TrainRow
from cod_core.distill.evaluate import is_skewed, macro_f1, metrics
from cod_core.distill.retrieval import retrieval_logprobs
from cod_core.distill.weights import class_shares, row_weights
from cod_core.types import RunConfig

CONFIG = RunConfig("kd", "cod", 4, 0, "linear", "e", "t", "r", "d")


def rows(labels, cf=()):
    return [TrainRow(str(i), label, str(i), i in cf) for i, label in enumerate(labels)]


def test_each_label_has_the_same_weight_together():
    shares = class_shares(["a", "a", "a", "b"])
    assert shares[:3].sum() == pytest.approx(shares[3]) and shares.mean() == pytest.approx(1)
    assert (class_shares(["a", "b"]) == 1).all(), "an even draw is trained as it always was"


def test_weights_are_given_only_where_they_are_asked_for():
    """Else every student of before would be another one under the same name."""
    assert (row_weights(CONFIG, rows("aaab")) == 1).all()
    weighted = RunConfig(**{**vars(CONFIG), "class_weights": True, "cf_weight": 0.5})
    assert row_weights(weighted, rows("aaab", cf={0})).tolist() == pytest.approx([1 / 3, 2 / 3, 2 / 3, 2.0])
    assert weighted.run_id != CONFIG.run_id


def test_a_vote_of_a_rare_label_is_not_drowned_by_the_many():
    space, features, hard = np.eye(2)[:1], np.array([[0.8, 0.6]] * 3 + [[0.8, 0.6]]), [0, 0, 0, 1]
    plain, fair = (retrieval_logprobs(space, features, hard, 2, w)[0] for w in (None, class_shares(["a", "a", "a", "b"])))
    assert plain[0] > plain[1] and fair[0] == pytest.approx(fair[1])


def test_macro_f1_sees_what_accuracy_hides():
    truth = np.array([0] * 9 + [1])
    assert macro_f1(truth, np.zeros(10, int)) == pytest.approx(0.9 / 1.9) and is_skewed(truth, 2)
    assert not is_skewed(np.array([0, 1, 0, 1]), 2)


def test_a_label_that_is_left_out_judges_nobody():
    """Neither by its gold label nor by the teacher's answer: a student is not blamed for a label that it was never shown."""
    student, teacher = np.log([[0.8, 0.1, 0.1]] * 3), np.log([[0.8, 0.1, 0.1], [0.1, 0.1, 0.8], [0.1, 0.8, 0.1]])
    found = metrics(student, teacher, np.array([0, -1, 1]), without=[2])
    assert found["n_gold"] == 2 and found["agreement"] == 0.5 and found["accuracy"] == 0.5
