import pytest
import torch

from cod_core.errors import BadInput
from cod_core.models.device import best_device, compiled, half_precision


@pytest.mark.parametrize("cuda,mps,expected", [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")])
def test_the_fastest_device_is_taken(monkeypatch, cuda, mps, expected):
    monkeypatch.delenv("COD_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert best_device().type == expected


def test_a_device_that_is_not_there_is_refused_not_replaced(monkeypatch):
    """A job meant for a GPU that runs on the processor takes days without a word."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for wrong in ("cuda", "tpu"):
        monkeypatch.setenv("COD_DEVICE", wrong)
        with pytest.raises(BadInput, match="this machine has"):
            best_device()
    monkeypatch.setenv("COD_DEVICE", "CPU")
    assert best_device().type == "cpu"


def test_on_the_processor_nothing_is_compiled_or_rounded():
    model = torch.nn.Linear(2, 2)
    assert compiled(model, torch.device("cpu")) is model
    with half_precision(torch.device("cpu")):
        assert model(torch.ones(1, 2)).dtype == torch.float32


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_cuda_a_compiled_model_computes_in_bf16_what_the_plain_one_does():
    device = torch.device("cuda")
    model = torch.nn.Linear(8, 4).to(device)
    x = torch.randn(3, 8, device=device)
    with half_precision(device):
        fast = compiled(model, device)(x)
    assert fast.dtype == torch.bfloat16 and torch.allclose(fast.float(), model(x), atol=0.05)
