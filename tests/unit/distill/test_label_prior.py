"""The names of the labels as a head start: directions, folding, and what they buy a student that saw almost nothing."""

import numpy as np
import pytest

from cod_core.distill.arms import TrainRow
from cod_core.distill.blocks import SOLVED, Shared, bench_of, cut_parts
from cod_core.distill.cells import CellSpec, EvalSet, Training
from cod_core.distill.linear import fit_linear_batch, linear_logits
from cod_core.distill.prior import folded, label_directions, widened
from cod_core.distill.settings import StudentSettings
from cod_core.distill.train import train_cells
from cod_core.errors import BadInput
from cod_core.models.encoder import Encoder
from cod_core.types import RunConfig

LABELS = ("about food", "about sports")
TEXTS = {
    "about food": ("The soup was too salty.", "She baked bread with rye flour.", "Add garlic and simmer the sauce."),
    "about sports": ("He scored in the last minute.", "The team lost the final match.", "She won the race by a second."),
}
UNSEEN = {
    "about food": ("A ripe tomato needs no dressing.", "We roasted the potatoes in butter.", "The cake fell in the oven."),
    "about sports": ("The goalkeeper saved a penalty.", "They train for the marathon.", "The umpire stopped the game."),
}


@pytest.fixture(scope="module")
def encoder():
    return Encoder()


def test_directions_point_from_the_middle_to_each_label():
    toward = label_directions([[1.0, 0.0, 5.0], [0.0, 1.0, 5.0]])
    assert toward.shape == (3, 2)
    assert np.allclose(toward[:, 0], -toward[:, 1])
    assert np.isclose((toward**2).sum(), 1.0)
    assert not toward[2].any(), "what the labels share is no direction between them"


def test_labels_that_the_encoder_cannot_tell_apart_give_no_direction():
    assert not label_directions([[1.0, 2.0], [1.0, 2.0]]).any()


def test_a_folded_head_answers_as_the_head_on_widened_features():
    draw = np.random.default_rng(0)
    phi, toward, weight = draw.normal(size=(2, 7, 5)), draw.normal(size=(5, 3)), draw.normal(size=(2, 3, 8))
    wide = linear_logits(widened(phi, toward, 1.5), weight, np.zeros((2, 3)))
    assert np.allclose(wide, linear_logits(phi, folded(weight, toward, 1.5), np.zeros((2, 3))))


def test_gain_zero_is_the_plain_student():
    draw = np.random.default_rng(1)
    phi, toward = draw.normal(size=(1, 6, 4)), draw.normal(size=(4, 2))
    hard, soft = np.array([[0, 1, 0, 1, 0, 1]]), np.log(np.full((1, 6, 2), 0.5))
    plain, _ = fit_linear_batch(phi, np.ones((1, 6)), hard, soft)
    wide, _ = fit_linear_batch(widened(phi, toward, 0.0), np.ones((1, 6)), hard, soft)
    assert np.allclose(plain, folded(wide, toward, 0.0), atol=1e-7)


JUDGED = EvalSet(tuple(t for texts in UNSEEN.values() for t in texts), tuple(x for x, texts in UNSEEN.items() for _ in texts))


def teach(texts):
    sure = {t: label for found in (TEXTS, UNSEEN) for label, told in found.items() for t in told}
    return np.log([[0.9, 0.1] if sure[t] == LABELS[0] else [0.1, 0.9] for t in texts]).reshape(-1, 2)


def cell(prior: float, rows: list[TrainRow]) -> CellSpec:
    config = RunConfig("kd", "kd", len(rows), 0, "linear", "all-MiniLM-L6-v2", "t", "1", "d", label_prior=prior)
    return CellSpec(config, tuple(rows), teach([row.text for row in rows]))


def sweep(encoder, prior: float, rows: list[TrainRow]):
    """Test accuracy and the head of one student of these rows."""
    training = Training(LABELS, (JUDGED, EvalSet(), EvalSet()), teach, encoder.encode)
    [[done]] = train_cells([cell(prior, rows)], training)
    return done.result.test["accuracy"], done.weight


def test_two_texts_and_the_names_of_the_labels_are_a_better_student_than_two_texts(encoder):
    rows = [TrainRow(TEXTS[label][i], label, str(i), False) for i, label in enumerate(LABELS)]
    told, head = sweep(encoder, 4.0, rows)
    alone, plain = sweep(encoder, 0.0, rows)
    assert head.shape == plain.shape, "it leaves as a plain linear head"
    assert told == 1.0 > alone


def test_a_block_carries_what_the_labels_mean_so_a_worker_needs_no_model(encoder):
    rows = [TrainRow(TEXTS[label][i], label, str(i), False) for i, label in enumerate(LABELS)]
    empty = EvalSet((), None)
    learnt, (part,) = cut_parts([cell(4.0, rows)], LABELS, encoder.encode)
    shared = Shared(
        LABELS,
        learnt,
        (JUDGED, empty, empty),
        (teach(JUDGED.texts), np.zeros((0, 2)), np.zeros((0, 2))),
        (encoder.encode(JUDGED.texts), np.zeros((0, 384)), np.zeros((0, 384))),
    )
    (done,) = SOLVED.once(bench_of(shared), part)
    assert np.allclose(done.weight, sweep(encoder, 4.0, rows)[1], atol=1e-5)


def test_students_without_it_keep_their_ids_and_with_it_get_their_own():
    usual = RunConfig("kd", "kd", 8, 0, "linear", "e", "t", "1", "d")
    assert RunConfig("kd", "kd", 8, 0, "linear", "e", "t", "1", "d", label_prior=0.0).run_id == usual.run_id
    assert RunConfig("kd", "kd", 8, 0, "linear", "e", "t", "1", "d", label_prior=1.5).run_id != usual.run_id


def test_only_the_linear_student_takes_it_and_never_below_nothing():
    assert StudentSettings(label_prior=1.5).config_fields()["label_prior"] == 1.5
    assert "label_prior" not in StudentSettings("finetuned", label_prior=1.5).config_fields()
    with pytest.raises(BadInput, match="label_prior"):
        StudentSettings(label_prior=-1)
