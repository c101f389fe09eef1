"""Where models run: CUDA, Apple's MPS or the processor. COD_DEVICE overrules the choice."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cod_core.errors import BadInput

if TYPE_CHECKING:
    import torch

CHOICES = ("auto", "cuda", "mps", "cpu")


def best_device() -> "torch.device":
    """The torch.device to use: what COD_DEVICE names, else CUDA, else MPS, else the processor.

    Raises BadInput where COD_DEVICE names what this machine does not have: silently slower would be worse.
    """
    import torch

    wanted = os.environ.get("COD_DEVICE", "auto").strip().lower() or "auto"
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted not in CHOICES or not (wanted == "auto" or there[wanted]):
        raise BadInput(
            f"COD_DEVICE is {wanted!r}; this machine has {', '.join(n for n, has in there.items() if has)}. "
            "Set it to one of these, or leave it out to take the fastest."
        )
    return torch.device(wanted if wanted != "auto" else next(name for name, has in there.items() if has))


def half_precision(device: "torch.device") -> "torch.autocast":
    """Autocast to bf16 on a CUDA device that computes in it; does nothing elsewhere."""
    import torch

    can = device.type == "cuda" and torch.cuda.is_bf16_supported()
    return torch.autocast(device.type if can else "cpu", dtype=torch.bfloat16, enabled=can)


def compiled(model: Callable[..., Any], device: "torch.device") -> Callable[..., Any]:
    """The model compiled on CUDA, where a step repeats often enough to repay it; itself elsewhere.

    Attention is torch's fused kernel on every device already (transformers' sdpa).
    """
    import torch

    return torch.compile(model, dynamic=True) if device.type == "cuda" else model


@contextmanager
def one_thread() -> Iterator[None]:
    """torch on one thread of the processor: sums in another order have other last digits, and training makes much of them."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
