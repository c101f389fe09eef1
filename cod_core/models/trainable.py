"""A private copy of an encoder of which the upper layers train. Knows no loss, no labels.

The embeddings and the frozen lower layers run once per text, for every student of a sweep and for its test texts
alike; a training step passes through the upper layers only. Large encoders train low-rank adapters instead of
their weights (Hu et al. 2021, arXiv:2106.09685), merged when the student is finished.
"""

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from cod_core.errors import BadInput
from cod_core.models.adapters import adapted
from cod_core.models.device import best_device, compiled
from cod_core.models.encoder import length_batches, mean_pool
from cod_core.models.protocols import Model
from cod_core.models.student import EncoderModel

LORA_ABOVE = 100_000_000
LORA_RANK = 8
CACHE_BYTES = 1 << 30


def lora_rank_for(encoder: EncoderModel) -> int:
    """0 for an encoder small enough to train whole, else the usual rank of its adapters."""
    return LORA_RANK if sum(p.numel() for p in encoder.model.parameters()) > LORA_ABOVE else 0


class _Passed(nn.Module):
    """Stands where the embeddings were: the states of the frozen layers come in instead."""

    def forward(self, input_ids: Any = None, inputs_embeds: Any = None, **_: Any) -> Any:
        return inputs_embeds


class LowerStates:
    """States above the frozen layers by text, each computed once; None of them where nothing is frozen.

    Past `limit` bytes texts are computed again each time instead of kept.
    """

    def __init__(self, encoder: EncoderModel, frozen: int, limit: int = CACHE_BYTES) -> None:
        self.encoder, self.frozen, self._limit = encoder, frozen, limit
        self._kept: dict[tuple[str, bool], torch.Tensor] = {}
        self._bytes = 0
        self._lower = _cut(encoder.model, frozen) if frozen else None

    def __call__(self, texts: Sequence[str], alone: bool = False) -> list[torch.Tensor]:
        """One per text: (tokens,) word-piece ids where nothing is frozen, else (tokens, d) states.

        alone: read one by one, since the last digits depend on the batch and training makes much of them: a student must
        not depend on which others were trained before it.
        """
        if self._lower is None:
            return [torch.tensor(ids) for ids in self.encoder.tokenize(texts)]
        missing = list(dict.fromkeys(t for t in texts if (t, alone) not in self._kept))
        found, ids = {}, self.encoder.tokenize(missing) if missing else []
        device = next(self._lower.parameters()).device
        with torch.inference_mode():
            for batch in length_batches([len(row) for row in ids], int(alone)):
                inputs = self.encoder.tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(device)
                states = self._lower(**inputs).last_hidden_state
                for i, row in zip(batch, states):
                    found[missing[i], alone] = row[: len(ids[i])].clone()
        out = [self._kept[t, alone] if (t, alone) in self._kept else found[t, alone] for t in texts]
        more = sum(state.nbytes for state in found.values())
        if self._bytes + more <= self._limit:  # all or none: a part would be read in other batches next time, with other last digits
            self._kept |= found
            self._bytes += more
        return out


class TrainableEncoder(nn.Module):
    """The layers above `lower.frozen`, trainable. seed: of fresh adapters, where lora_rank > 0.

    Raises BadInput where the encoder has no layers left to train.
    """

    def __init__(self, lower: LowerStates, lora_rank: int = 0, seed: int = 0) -> None:
        super().__init__()
        self._source, self.frozen = lower.encoder, lower.frozen
        self.device = best_device()
        model = copy.deepcopy(lower.encoder.model)
        if self.frozen:
            stack = layers_of(model)
            if self.frozen >= len(stack):
                raise BadInput(f"The encoder has {len(stack)} layers; freezing {self.frozen} leaves none to train.")
            set_layers(model, list(stack[self.frozen :]))
            model.embeddings = _Passed()
        self.model = (with_lora(model, lora_rank, seed) if lora_rank else model).to(self.device).eval()
        self._run = compiled(self.model, self.device)
        self._lora = bool(lora_rank)
        self._pad = self._source.tokenizer.pad_token_id or 0

    def trained(self) -> list[nn.Parameter]:
        return [p for p in self.model.parameters() if p.requires_grad]

    def forward(self, states: Sequence[torch.Tensor], hidden: bool = False) -> tuple[torch.Tensor, torch.Tensor, Any]:
        """(last hidden states (B, T, d), mask (B, T), all hidden states or None) of what LowerStates gave."""
        lengths = torch.tensor([len(s) for s in states])
        mask = (torch.arange(int(lengths.max())) < lengths[:, None]).long().to(self.device)
        fill = 0.0 if self.frozen else self._pad
        padded = nn.utils.rnn.pad_sequence(list(states), batch_first=True, padding_value=fill).to(self.device)
        key = "inputs_embeds" if self.frozen else "input_ids"
        out = self._run(**{key: padded, "attention_mask": mask}, output_hidden_states=hidden)
        return out.last_hidden_state, mask, out.hidden_states if hidden else None

    def pooled(self, states: Sequence[torch.Tensor]) -> torch.Tensor:
        """(B, d) unit-length means of one batch, with gradient."""
        last, mask, _ = self(states)
        return mean_pool(last.float(), mask)

    def encode(self, states: Sequence[torch.Tensor]) -> torch.Tensor:
        """(n, d) unit-length means of any number of texts on the CPU, without gradient, in batches by length."""
        if not states:
            return torch.zeros(0, self._source.model.config.hidden_size)
        out = torch.zeros(len(states), self._source.model.config.hidden_size)
        with torch.inference_mode():
            for batch in length_batches([len(s) for s in states]):
                out[batch] = self.pooled([states[i] for i in batch]).cpu()
        return out

    def finished(self) -> EncoderModel:
        """The whole encoder with the trained layers in place, independent of this object."""
        trained = copy.deepcopy(self.model)
        trained = trained.merge_and_unload() if self._lora else trained
        if self.frozen:
            model = copy.deepcopy(self._source.model)
            set_layers(model, [*layers_of(model)[: self.frozen], *layers_of(trained)])
            trained = model
        for p in trained.parameters():
            p.requires_grad_(True)
        return EncoderModel(trained.eval(), self._source.tokenizer, self._source.id, self._source.max_tokens)


def layers_of(model: Model) -> nn.ModuleList:
    """The transformer layers of a BERT-like encoder. Raises BadInput where they lie elsewhere."""
    stack: nn.ModuleList | None = getattr(getattr(model, "encoder", None), "layer", None)
    if stack is None:
        raise BadInput(f"{type(model).__name__} keeps its layers in a way that cannot be frozen here; train all layers.")
    return stack


def set_layers(model: Model, layers: list[nn.Module]) -> None:
    model.encoder.layer = nn.ModuleList(layers)
    model.config.num_hidden_layers = len(layers)


def with_lora(model: Model, rank: int, seed: int = 0) -> Model:
    """The model with fresh adapters on all its linear layers, everything else frozen."""
    # peft draws the adapters from the global generator: fork it, so that the process keeps its own
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        targets = [name for name, module in model.named_modules() if isinstance(module, nn.Linear) and ".layer" in f".{name}"]
        return adapted(model, r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules=targets or "all-linear")


def _cut(model: Model, frozen: int) -> Model:
    """A view of the encoder that ends after its first `frozen` layers; the weights are shared."""
    lower = copy.copy(model)
    lower._modules = dict(model._modules)
    lower.config = copy.copy(model.config)
    stack = layers_of(model)
    if frozen >= len(stack):
        raise BadInput(f"The encoder has {len(stack)} layers; freezing {frozen} leaves none to train.")
    lower._modules["encoder"] = copy.copy(model.encoder)
    lower.encoder._modules = dict(model.encoder._modules)
    lower.encoder._modules["layer"] = nn.ModuleList(list(stack[:frozen]))
    return lower.eval()
