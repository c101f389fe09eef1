"""Frozen layers, adapters: what is trained, what is not, and that nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from cod_core.distill.finetuned import train_finetuned
from cod_core.errors import BadInput
from cod_core.models.student import EncoderModel, load_student
from cod_core.models.trainable import LowerStates, TrainableEncoder, lora_rank_for, with_lora
from tests.unit.distill.tiny import LABELS, ROWS, bert, config, teach, word_tokenizer

TEXTS = ["good film", "a very bad film", "the plot", "good"]


@pytest.fixture(scope="module")
def encoder():
    return EncoderModel(bert(layers=3).eval(), word_tokenizer(), "tiny", 32)


@pytest.mark.parametrize("frozen", [0, 1, 2])
def test_upper_layers_on_cached_states_give_what_the_whole_encoder_gives(encoder, frozen):
    """Padding, masks or positions treated otherwise above the cut would train another model than the one saved."""
    lower = LowerStates(encoder, frozen)
    found = TrainableEncoder(lower).encode(lower(TEXTS))
    assert torch.allclose(found, torch.tensor(encoder.encode(TEXTS)), atol=1e-5)


def test_training_with_frozen_layers_changes_only_what_lies_above_them(encoder, tmp_path):
    before = {k: v.clone() for k, v in encoder.model.state_dict().items()}
    settings = replace(config(steps=4), frozen_layers=2)
    trained, _ = train_finetuned(settings, ROWS, LABELS, teach([r.text for r in ROWS]), encoder)
    student = trained.student()
    after = student.encoder.model.state_dict()
    changed = {k for k in before if not torch.equal(before[k], after[k])}
    assert changed and all(k.startswith("encoder.layer.2.") for k in changed)
    assert trained.logprobs(TEXTS) == pytest.approx(student.logprobs(TEXTS), abs=1e-4)
    assert load_student(student.save(tmp_path)).logprobs(TEXTS) == pytest.approx(student.logprobs(TEXTS), abs=1e-5)


def test_lower_states_are_computed_once_and_never_beyond_the_limit(encoder):
    lower, calls = LowerStates(encoder, 1), []
    lower._lower.register_forward_hook(lambda *_: calls.append(1))
    first = lower(TEXTS)
    assert len(calls) == 1 and all(torch.equal(a, b) for a, b in zip(lower(TEXTS), first)) and len(calls) == 1
    small = LowerStates(encoder, 1, limit=0)
    assert all(torch.allclose(a, b) for a, b in zip(small(TEXTS), first)) and not small._kept
    assert lower([]) == [] and LowerStates(encoder, 0)(["good"])[0].tolist() == encoder.tokenize(["good"])[0]


def test_a_student_does_not_depend_on_what_was_read_before_it():
    """Its rows' states had other last digits in a sweep than alone, and other answers after forty steps."""
    wide = EncoderModel(bert(layers=2, width=128).eval(), word_tokenizer(), "tiny", 64)
    settings = replace(config(), frozen_layers=1)
    many = [" ".join(["good", "film", "plot", "a"][: 1 + i % 4] * (1 + i % 9)) for i in range(60)]
    shared = LowerStates(wide, 1)
    shared(many + [r.text for r in ROWS])
    shared(many[::-1], alone=True)
    (one, first), (other, again) = (
        train_finetuned(settings, ROWS, LABELS, teach([r.text for r in ROWS]), wide, lower=lower) for lower in (None, shared)
    )
    assert first == pytest.approx(again, rel=1e-3)  # to the last digit on some processors, not on all
    assert np.allclose(one.logprobs(TEXTS), other.logprobs(TEXTS), rtol=0.01)


def test_freezing_everything_is_refused(encoder):
    with pytest.raises(BadInput, match="leaves none to train"):
        LowerStates(encoder, 3)
    with pytest.raises(BadInput, match="aligns every layer"):
        train_finetuned(replace(config("lwd"), frozen_layers=1), ROWS, LABELS, teach([r.text for r in ROWS]), encoder)


def test_adapters_train_alone_start_as_nothing_and_are_merged_into_a_plain_model(encoder, tmp_path):
    """A folder with adapters beside it would not load outside this app."""
    lower = LowerStates(encoder, 0)
    model = TrainableEncoder(lower, lora_rank=2, seed=3)
    assert torch.allclose(model.encode(lower(TEXTS)), torch.tensor(encoder.encode(TEXTS)), atol=1e-5)
    few = sum(p.numel() for p in model.trained())
    assert 0 < few < 0.5 * sum(p.numel() for p in encoder.model.parameters())
    trained, history = train_finetuned(replace(config(steps=6), lora_rank=2), ROWS, LABELS, teach([r.text for r in ROWS]), encoder)
    student = trained.student()
    assert set(student.encoder.model.state_dict()) == set(encoder.model.state_dict())
    assert trained.logprobs(TEXTS) == pytest.approx(student.logprobs(TEXTS), abs=1e-4)
    assert load_student(student.save(tmp_path)).logprobs(TEXTS) == pytest.approx(student.logprobs(TEXTS), abs=1e-5)


def test_fresh_adapters_belong_to_their_seed_and_leave_the_process_generator_alone():
    state = torch.get_rng_state()
    one, two, other = (with_lora(bert(), 2, seed).state_dict() for seed in (1, 1, 2))
    names = [k for k in one if "lora_A" in k]
    assert names and all(torch.equal(one[k], two[k]) for k in names) and not all(torch.equal(one[k], other[k]) for k in names)
    assert torch.equal(state, torch.get_rng_state())


def test_only_large_encoders_train_adapters_by_themselves(encoder):
    assert lora_rank_for(encoder) == 0
