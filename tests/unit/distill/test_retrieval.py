import numpy as np
import pytest

from cod_core.distill.cells import EvalSet, Training, left_to_do
from cod_core.distill.retrieval import retrieval_batches, retrieval_logprobs
from cod_core.errors import BadInput
from tests.unit.distill.test_sweep import LABELS, World


def test_the_nearest_rows_decide_and_many_far_ones_do_not():
    rows = np.array([[1.0, 0.0]] + [[0.0, 1.0]] * 9)
    found = np.exp(retrieval_logprobs(np.array([[0.8, 0.6], [0.6, 0.8]]), rows, [0] + [1] * 9, 2))
    assert found.argmax(1).tolist() == [0, 1] and found.sum(1) == pytest.approx([1, 1])


def test_a_class_without_a_row_gets_almost_nothing_but_never_minus_infinity():
    assert np.isfinite(retrieval_logprobs(np.eye(2), np.eye(2), [0, 0], 3)).all()


def test_the_sweep_scores_skips_and_checks():
    world = World()
    cells, _ = world.plan(shots=(4,), arms=("kd", "cod"))

    def voted(labels=LABELS, done=()):
        training = Training(labels, (world.test, EvalSet(), EvalSet()), world.teach, world.embed)
        return [one.result for batch in retrieval_batches(left_to_do(cells, done), training) for one in batch]

    first = voted()
    assert len(first) == len(cells) and all(0 <= r.test["accuracy"] <= 1 for r in first)
    assert [r.test for r in voted(done={first[0].config.run_id})] == [r.test for r in first[1:]]
    with pytest.raises(BadInput, match="Unknown label"):
        voted(("bad", "fine"))
