import pytest
import torch

from cod_core.distill.memory import memory_for
from cod_core.distill.settings import StudentSettings
from cod_core.errors import ModelUnavailable
from cod_core.models.memory import Size, activation_values, free_bytes, rows_that_fit, size_of, training_bytes
from tests.unit.distill.tiny import bert

MINI = Size(22_700_000, 12_100_000, 6, 384, 12)


def test_the_size_of_a_model_is_read_without_its_weights():
    size = size_of("all-MiniLM-L6-v2")
    assert (size.layers, size.width, size.heads) == (6, 384, 12)
    assert size.parameters == pytest.approx(22_713_216, rel=0.01) and 0.4 < size.outside / size.parameters < 0.6
    with pytest.raises(ModelUnavailable, match="check the name"):
        size_of("no/such-model-here")


def test_the_estimate_of_activations_is_near_what_torch_keeps():
    """An estimate a few times too low starts a job that dies after an hour."""
    model, kept = bert(layers=2, width=64).train(False), []
    ids = torch.randint(0, 12, (8, 32))

    def count(tensor):
        kept.append((tensor.untyped_storage().data_ptr(), tensor.numel()))
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(count, lambda t: t):
        model(input_ids=ids).last_hidden_state.sum()
    parameters = {p.untyped_storage().data_ptr() for p in model.parameters()}
    measured = sum({pointer: n for pointer, n in kept if pointer not in parameters}.values())
    estimate = activation_values(Size(0, 0, 2, 64, 2), 8, 32)
    assert 0.6 < estimate / measured < 3


def test_freezing_adapters_and_half_precision_take_less_and_longer_texts_more():
    whole = training_bytes(MINI, 16, 64)
    assert training_bytes(MINI, 16, 64, frozen_layers=4) < whole > training_bytes(MINI, 16, 64, lora_rank=8)
    assert training_bytes(MINI, 16, 64, half=True) < whole < training_bytes(MINI, 16, 256)


def test_the_micro_batch_is_halved_until_it_fits():
    free = training_bytes(MINI, 8, 256)
    assert rows_that_fit(MINI, 32, 256, free) == 8 and rows_that_fit(MINI, 4, 256, free) == 4
    assert rows_that_fit(MINI, 32, 256, 1000) == 0
    assert free_bytes() > 1 << 20


def test_a_minibatch_whose_texts_are_compared_has_to_fit_whole(monkeypatch):
    """The estimate promised that a contrastive student's would be split, and nothing splits it."""
    whole, small = StudentSettings("contrastive"), StudentSettings("contrastive", batch_size=8)
    frozen, batch = (whole.config_fields()[name] for name in ("frozen_layers", "batch_size"))
    need = memory_for(small, 900).need
    monkeypatch.setattr("cod_core.models.memory.free_bytes", lambda: need)
    assert memory_for(whole, 900).rows == 0 and memory_for(small, 900).rows == 8
    assert memory_for(StudentSettings("finetuned", frozen_layers=frozen, batch_size=batch), 900).rows == 8
