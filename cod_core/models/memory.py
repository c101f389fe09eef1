"""How much memory fine-tuning takes, before it is started. Counts, no training.

weights + gradients + AdamW's two moments of what is trained (4 bytes each), and the activations kept for the
backward pass: per trained layer and token about 34 d + 5 heads * tokens values of 2 bytes in the count of
Korthikanti et al. 2022 (arXiv:2205.05198), here in 4 bytes, or in 2 under bf16 on CUDA.
"""

from dataclasses import dataclass

from cod_core.errors import ModelUnavailable

RUNTIME_BYTES = 600 << 20


@dataclass(frozen=True)
class Size:
    """A model's numbers: parameters, those outside its layers (embeddings), layers, width, heads."""

    parameters: int
    outside: int
    layers: int
    width: int
    heads: int


def size_of(name: str) -> Size:
    """The size of a model by name or folder, from its configuration alone. Raises ModelUnavailable."""
    import torch
    from transformers import AutoModel

    from cod_core.models.encoder import load_config, split_name

    config = load_config(split_name(name)[0])
    try:
        with torch.device("meta"):
            model = AutoModel.from_config(config)  # type: ignore[no-untyped-call]  # transformers leaves it without types
    except (OSError, ValueError) as error:
        raise ModelUnavailable(f"There is no model called {name!r} here: check the name or the folder.") from error
    total = sum(p.numel() for p in model.parameters())
    inside = sum(p.numel() for n, p in model.named_parameters() if ".layer." in f".{n}" or ".layers." in f".{n}")
    return Size(total, total - inside, config.num_hidden_layers, config.hidden_size, config.num_attention_heads)


def activation_values(size: Size, rows: int, tokens: int, layers: int | None = None) -> int:
    """Numbers kept for the backward pass of `rows` texts of `tokens` tokens through `layers` layers (all where None)."""
    per_layer = rows * tokens * (17 * size.width + 2.5 * size.heads * tokens)
    return int(per_layer * (size.layers if layers is None else layers))


def training_bytes(size: Size, rows: int, tokens: int, frozen_layers: int = 0, lora_rank: int = 0, half: bool = False) -> int:
    """Bytes at the peak of one step. rows: texts per forward pass (the micro batch). half: bf16 activations."""
    layers = size.layers - frozen_layers
    share = layers / max(1, size.layers)
    trained = int((size.parameters - size.outside) * share) + (0 if frozen_layers else size.outside)
    if lora_rank:
        trained = int(layers * 12 * lora_rank * size.width)
    activations = activation_values(size, rows, tokens, layers) * (2 if half else 4)
    return RUNTIME_BYTES + 4 * size.parameters * 2 + 12 * trained + activations


def rows_that_fit(size: Size, rows: int, tokens: int, free: int, *, frozen_layers: int = 0, lora_rank: int = 0, half: bool = False) -> int:
    """The largest micro batch, halved from `rows`, whose step fits into `free` bytes; 0 where not even 2 rows do."""
    while rows >= 2 and training_bytes(size, rows, tokens, frozen_layers, lora_rank, half) > free:
        rows //= 2
    return rows if rows >= 2 else 0


def free_bytes() -> int:
    """Memory free for training on the device in use: the GPU's, or this machine's."""
    import torch

    from cod_core.models.device import best_device

    if best_device().type == "cuda":
        return int(torch.cuda.mem_get_info()[0])
    try:
        with open("/proc/meminfo", encoding="ascii") as handle:
            found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in handle}
        return found["MemAvailable"]
    except (OSError, KeyError, ValueError):
        import os

        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
