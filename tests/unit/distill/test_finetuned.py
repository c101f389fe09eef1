import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from cod_core.distill import alignment
from cod_core.distill.alignment import LayerAligner, aligned_layers, train_filters
from cod_core.distill.cells import CellSpec, EvalSet, Training
from cod_core.distill.finetuned import parse_student, student_name, train_finetuned
from cod_core.distill.linear import fit_linear_batch, linear_logits, objective
from cod_core.distill.train import train_cells
from cod_core.distill.training import pair_batches
from cod_core.errors import BadInput, Cancelled, ModelUnavailable
from cod_core.models.encoder import cut_layers
from cod_core.models.student import EncoderModel, LinearStudent, load_student
from cod_core.types import Classifier
from tests.unit.distill.tiny import LABELS, ROWS, WORDS, SeeThroughTeacher, bert, config, teach, word_tokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return word_tokenizer()


@pytest.fixture(scope="module")
def encoder(tokenizer):
    return EncoderModel(bert().eval(), tokenizer, "tiny", 32)


def train(encoder, settings, teacher=None, **more):
    trained, history = train_finetuned(settings, ROWS, LABELS, teach([r.text for r in ROWS]), encoder, teacher, **more)
    return trained.student(), history


def test_starts_at_the_linear_head_and_improves_on_it_with_the_encoder_untouched(encoder):
    """A fresh head on a cut encoder stays at chance (docs/method.md section 7); a shared encoder would leak seeds."""
    before = copy.deepcopy(encoder.model.state_dict())
    student, history = train(encoder, config(steps=30))
    assert all(torch.equal(before[name], value) for name, value in encoder.model.state_dict().items())
    assert len(history) == 30 and np.mean(history[-5:]) < 0.8 * np.mean(history[:3])
    assert [p.label for p in student.predict([r.text for r in ROWS])] == [r.label for r in ROWS]
    assert isinstance(student, Classifier)


@pytest.mark.parametrize("cf_weight", [1.0, 9.0])
def test_the_first_step_costs_exactly_what_the_linear_student_costs(encoder, cf_weight):
    """Another scale, temperature, pooling or weight than the linear solver's would throw its solution away."""
    _, history = train(encoder, replace(config(steps=1), batch_size=6, cf_weight=cf_weight))
    texts, hard = [r.text for r in ROWS], np.array([[LABELS.index(r.label) for r in ROWS]])
    phi, weights = encoder.encode(texts)[None], np.array([[cf_weight if r.is_cf else 1.0 for r in ROWS]])
    weight, bias = fit_linear_batch(phi, weights, hard, teach(texts)[None])
    expected = objective(linear_logits(phi, weight, bias), weights, hard, teach(texts)[None], weight)[0]
    assert history[0] == pytest.approx(expected, rel=1e-5)


def test_one_seed_gives_one_student_and_the_process_generator_is_left_alone(encoder):
    state = torch.get_rng_state()
    (one, first), (_, again), (_, other) = (train(encoder, config(seed=s)) for s in (1, 1, 2))
    assert first == again and first != other
    assert torch.equal(state, torch.get_rng_state())


def test_pairs_are_never_shuffled_apart_and_every_row_is_seen_each_epoch():
    """C's code shuffles pairs apart, so that a batch pulls to one side."""
    batches = pair_batches(ROWS, 4, torch.Generator().manual_seed(0))
    for _ in range(5):
        epoch = [next(batches), next(batches)]
        assert sorted(sum(epoch, [])) == list(range(6))
        for batch in epoch:
            assert all(i ^ 1 in batch for i in batch)


def test_number_of_steps_does_not_grow_with_the_rows(encoder):
    """Otherwise more shots would also mean longer training."""
    rows = ROWS * 3
    _, history = train_finetuned(config(steps=5), rows, LABELS, teach([r.text for r in rows]), encoder)
    assert len(history) == 5


@pytest.mark.parametrize("method", ["lwd", "ted"])
def test_layer_methods_train_student_and_maps_on_cached_teacher_states(encoder, tokenizer, method):
    teacher = SeeThroughTeacher(tokenizer)
    before = copy.deepcopy(teacher.model.state_dict())
    student, history = train(encoder, config(method, steps=10, layer_weight=5.0), teacher)
    _, plain = train(encoder, config("kd", steps=10))
    assert np.isfinite(history).all() and history[-1] != plain[-1]
    assert all(torch.equal(before[n], v) for n, v in teacher.model.state_dict().items())
    assert student.logprobs(["good film"]).shape == (1, 2)


@pytest.mark.parametrize("method", ["lwd", "ted"])
def test_a_split_minibatch_costs_what_the_whole_one_costs_whatever_the_padding(encoder, tokenizer, method):
    """Layers are compared token by token: parts of short texts counted as much as parts of long ones."""
    teacher, settings = SeeThroughTeacher(tokenizer), replace(config(method, steps=1, layer_weight=5.0), batch_size=6)
    (_, whole), (_, split) = (train(encoder, settings, teacher, micro_batch=size) for size in (0, 2))
    assert split == pytest.approx(whole, rel=1e-5)


def test_a_teacher_equal_to_the_student_costs_lwd_nothing_whatever_the_padding(encoder, tokenizer):
    """Cached states mixed up between rows, or padded at another place, would not cancel."""
    twin = SeeThroughTeacher(tokenizer)
    twin.model = copy.deepcopy(encoder.model)
    ids = encoder.tokenize([r.text for r in ROWS])
    aligner = LayerAligner("lwd", twin, encoder.model, tokenizer, ids, [0] * 6, 2, torch.Generator())
    batch = [4, 0, 3]
    inputs = tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt")
    states = encoder.model(**inputs, output_hidden_states=True).hidden_states
    assert aligner.loss(states, batch).item() == pytest.approx(0, abs=1e-10)


def test_ted_filters_learn_the_task_from_frozen_states():
    """Filters left at their start would make TED a second LWD."""
    g = torch.Generator().manual_seed(0)
    states = [torch.randn(2, 3, 6, generator=g) + (i % 2) for i in range(10)]
    filters = train_filters(states, [i % 2 for i in range(10)], 2, 6, g)
    assert len(filters) == 2 and all((f.weight - torch.eye(6)).abs().max() > 0.01 for f in filters)


def test_layers_are_aligned_evenly_with_the_last_on_the_last():
    assert aligned_layers(3, 6) == [(0, 1), (1, 3), (2, 5)]
    assert aligned_layers(6, 3) == [(1, 0), (3, 1), (5, 2)]
    assert aligned_layers(2, 2) == [(0, 0), (1, 1)]


def test_teachers_that_cannot_be_aligned_are_refused_before_training(encoder, tokenizer):
    class Opaque:
        id = "llm:some"

    with pytest.raises(BadInput, match="hidden states"):
        train(encoder, config("lwd"), Opaque())
    other = SeeThroughTeacher(word_tokenizer(WORDS[:5] + WORDS[5:][::-1]))
    with pytest.raises(BadInput, match="word pieces"):
        alignment.check_alignable(other, tokenizer)
    with pytest.raises(BadInput, match="no method"):
        train(encoder, config("magic"))


def test_cancel_is_heard_within_a_step(encoder):
    def stop(done, total, message):
        if done == 2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        train(encoder, config(), progress=stop)


def test_a_saved_student_answers_the_same_after_loading(encoder, tmp_path):
    """A head saved without its scale, or an encoder saved before training, loads without an error."""
    student, _ = train(encoder, config(steps=3))
    again = load_student(student.save(tmp_path / "tuned"))
    texts = ["good film", "bad plot", "the very bad film"]
    assert again.logprobs(texts) == pytest.approx(student.logprobs(texts), abs=1e-5)
    assert again.labels == LABELS and again.id == student.id and again.revision == student.revision
    linear = LinearStudent(encoder, student.weight, student.bias, LABELS, 7.0)
    loaded = load_student(linear.save(tmp_path / "linear"), encoder)
    assert loaded.logprobs(texts) == pytest.approx(linear.logprobs(texts), abs=1e-5)
    assert loaded.revision == linear.revision
    with pytest.raises(ModelUnavailable, match="holds no student"):
        load_student(tmp_path)


def test_an_encoder_cut_to_its_last_layer_is_saved_and_loaded_as_it_was_trained(tokenizer, tmp_path):
    """A config that still counts the old layers would load fresh random ones beside the trained one."""
    model = bert()
    cut_layers(model, [1])
    student, _ = train(EncoderModel(model.eval(), tokenizer, "tiny[1]", 32), config(steps=3))
    again = load_student(student.save(tmp_path))
    assert again.encoder.model.config.num_hidden_layers == 1
    assert again.logprobs(["good film"]) == pytest.approx(student.logprobs(["good film"]), abs=1e-5)


def test_chars_read_stops_where_the_tokenizer_cuts(encoder):
    student = LinearStudent(encoder, np.zeros((2, 16)), np.zeros(2), LABELS)
    assert student.chars_read("good film") == 9
    long = "good film " * 200
    assert student.chars_read(long) < len(long) and student.predict([]) == []


def test_sweep_trains_scores_saves_and_goes_on(encoder, tmp_path):
    cells = [CellSpec(config(steps=2, seed=s), tuple(ROWS)) for s in (0, 1)]
    sets = (EvalSet(("good the film", "bad the film"), LABELS[::-1]), EvalSet(), EvalSet())
    training = Training(LABELS, sets, teach, load=lambda student: encoder, folder=tmp_path)
    [[first]] = train_cells(cells[:1], training)
    results = [one.result for batch in train_cells(cells, training, {first.result.config.run_id}) for one in batch]
    assert [r.config.seed for r in results] == [1]
    assert results[0].test["n"] == 2 and len(results[0].history) == 2
    assert load_student(results[0].path).predict(["good film"])[0].labels == LABELS


def test_student_names_say_encoder_and_layers():
    for layers in (None, [1, 3, 5]):
        assert parse_student(student_name("org/model", layers)) == ("org/model", layers)
    for wrong in ("linear", "finetuned::all", "finetuned:x:1,b"):
        with pytest.raises(BadInput):
            parse_student(wrong)
