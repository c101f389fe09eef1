from dataclasses import replace

import numpy as np
import pytest
import torch

from cod_core.distill.cells import CellSpec, EvalSet, Training
from cod_core.distill.contrastive import aimed_similarity, contrastive_loss, train_contrastive
from cod_core.distill.stepwise import stepwise_batches
from cod_core.errors import BadInput
from cod_core.models.student import EncoderModel, load_student
from tests.unit.distill.tiny import LABELS, ROWS, bert, config, teach, word_tokenizer

CONFIG = replace(config(steps=30), student="contrastive:tiny:all", learning_rate=5e-3, batch_size=8)
E = torch.nn.functional.normalize(torch.tensor([[1.0, 0.0], [1.0, 0.2], [0.0, 1.0]]), dim=-1)
SURE = torch.log(torch.tensor([[1.0, 1e-12], [1.0, 1e-12], [1e-12, 1.0]]))


@pytest.fixture(scope="module")
def encoder():
    return EncoderModel(bert().eval(), word_tokenizer(), "tiny", 32)


def test_texts_of_one_class_are_drawn_together_and_of_two_apart():
    aimed = aimed_similarity(torch.tensor([0, 0, 1]), SURE)
    assert torch.allclose(aimed, torch.tensor([[1.0, 1, 0], [1, 1, 0], [0, 0, 1]]), atol=1e-5)
    doubt = aimed_similarity(torch.tensor([0, 1]), torch.log(torch.tensor([[0.5, 0.5], [0.5, 0.5]])))
    assert 0.5 < doubt[0, 1] < 1 and doubt[0, 0] == pytest.approx(1)


def test_loss_is_zero_for_the_aimed_similarities_and_ignores_a_row_with_itself():
    cosines = E @ E.T
    assert contrastive_loss(E, cosines).item() == pytest.approx(0, abs=1e-12)
    assert contrastive_loss(E, cosines + torch.eye(3)).item() == pytest.approx(0, abs=1e-12)


def test_a_counterfactual_pair_weighs_more_in_either_order():
    aimed = (E @ E.T).clone()
    aimed[0, 2] = aimed[2, 0] = 1.0
    plain = contrastive_loss(E, aimed)
    assert plain.item() == pytest.approx(1 / 3)
    for pair in ((0, 2), (2, 0)):
        assert contrastive_loss(E, aimed, [pair], 4.0).item() == pytest.approx(4 / 6)
    with pytest.raises(ValueError, match="similarities"):
        contrastive_loss(E, aimed[:2])


def test_training_separates_the_classes_and_leaves_the_encoder_alone(encoder):
    before = {k: v.clone() for k, v in encoder.model.state_dict().items()}
    trained, history = train_contrastive(CONFIG, ROWS, LABELS, teach([r.text for r in ROWS]), encoder)
    assert history[-1] < 0.5 * history[0]
    assert all(torch.equal(before[k], v) for k, v in encoder.model.state_dict().items())
    guess = trained.logprobs([r.text for r in ROWS]).argmax(-1)
    assert [LABELS[i] for i in guess] == [r.label for r in ROWS]


def test_losses_of_other_students_are_refused(encoder):
    with pytest.raises(BadInput, match="step by step"):
        train_contrastive(replace(CONFIG, pair_weight=1.0), ROWS, LABELS, teach([r.text for r in ROWS]), encoder)


def test_a_contrastive_student_is_swept_saved_and_loaded_as_it_was_scored(encoder, tmp_path):
    cell, test = CellSpec(replace(CONFIG, steps=3), tuple(ROWS)), EvalSet(("good the film", "bad the film"), ("good", "bad"))
    training = Training(LABELS, (test, EvalSet(), EvalSet()), teach, load=lambda student: encoder, folder=tmp_path)
    [[done]] = stepwise_batches([cell], training)
    result = done.result
    assert load_student(result.path).logprobs(test.texts) == pytest.approx(done.logprobs["test"], abs=1e-4)
    assert np.isfinite(result.history).all()
