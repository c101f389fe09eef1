"""Decoders (Qwen, Llama, ...) as classifiers through their sequence-classification head. Knows no training, no store.

transformers reads the last token that is not padding; so does everything here. The folder of a finished student is
what transformers writes: AutoModelForSequenceClassification loads it without this app.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cod_core.models.broken import readable
from cod_core.models.device import best_device
from cod_core.models.encoder import MAX_TOKENS, length_batches, load_config, load_pretrained, load_tokenizer, weights_revision
from cod_core.models.protocols import Model, Tokenizer
from cod_core.text import most_pieces
from cod_core.types import Prediction

if TYPE_CHECKING:
    import torch

ABOUT_FILE = "student.json"


def is_decoder(name: str, **options: Any) -> bool:
    """Whether a model (name or folder) generates text: then its last token stands for the text, not the mean.

    Raises ModelUnavailable where there is no such model.
    """
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES as CAUSAL
    from transformers.models.auto.modeling_auto import MODEL_FOR_MASKED_LM_MAPPING_NAMES as MASKED

    kind = load_config(name, **options).model_type
    return kind in CAUSAL and kind not in MASKED


def load_decoder(name: str, labels: Sequence[str], **options: Any) -> tuple[Model, Tokenizer]:
    """(model, tokenizer): a sequence classifier over `labels` with a fresh head, padding set. Raises ModelUnavailable."""
    import torch
    from transformers import AutoModelForSequenceClassification

    # transformers draws the fresh head from the global generator; it is replaced before training
    with torch.random.fork_rng(devices=[]):
        model = load_pretrained(
            AutoModelForSequenceClassification,
            name,
            num_labels=len(labels),
            id2label=dict(enumerate(labels)),
            label2id={n: i for i, n in enumerate(labels)},
            **options,
        )
    tokenizer = load_tokenizer(name, **options)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    tokenizer.padding_side = "right"
    model.config.pad_token_id = tokenizer.pad_token_id
    return model.float().eval(), tokenizer


def tokenize(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int = MAX_TOKENS) -> list[list[int]]:
    """Token ids per text, cut at max_tokens; never empty."""
    ids = tokenizer(list(texts), truncation=True, max_length=max_tokens)["input_ids"] if texts else []
    return [row or [tokenizer.pad_token_id] for row in ids]


def logits_of(
    model: Model, tokenizer: Tokenizer, ids: Sequence[Sequence[int]], device: "torch.device"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """(B, C) logits of one padded batch and the (B, d) states they are read from, with gradient."""
    import torch

    longest = max(map(len, ids))
    pad = tokenizer.pad_token_id
    rows = torch.tensor([list(row) + [pad] * (longest - len(row)) for row in ids], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids], device=device)
    states = base_of(model)(input_ids=rows, attention_mask=mask).last_hidden_state
    last = states[torch.arange(len(ids), device=device), mask.sum(1) - 1]
    return model.score(last).float(), last


def base_of(model: Model) -> Model:
    """The decoder below the classification head."""
    return getattr(model, model.base_model_prefix)


class SequenceStudent:
    """A finished decoder as a `Classifier`. model: AutoModelForSequenceClassification, its labels in id2label."""

    def __init__(self, model: Model, tokenizer: Tokenizer, id: str, revision: str = "", max_tokens: int = MAX_TOKENS) -> None:
        self.model, self.tokenizer, self.max_tokens = model.to(best_device()).eval(), tokenizer, max_tokens
        self.labels = tuple(model.config.id2label[i] for i in range(model.config.num_labels))
        self.id, self.revision = id, revision

    def logprobs(self, texts: Sequence[str]) -> np.ndarray:
        """(n, C) float64 log-probabilities over `labels`."""
        import torch

        ids, out = tokenize(self.tokenizer, texts, self.max_tokens), np.zeros((len(texts), len(self.labels)))
        device = next(self.model.parameters()).device
        with torch.inference_mode():
            for batch in length_batches([len(row) for row in ids]):
                logits, _ = logits_of(self.model, self.tokenizer, [ids[i] for i in batch], device)
                out[batch] = torch.log_softmax(logits.cpu().double(), -1).numpy()
        return out

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One Prediction per text, in order."""
        return [Prediction(self.labels, tuple(row)) for row in self.logprobs(texts).tolist()]

    def chars_read(self, text: str) -> int:
        """Characters before the point where the tokenizer cuts the text."""
        if most_pieces(text) <= self.max_tokens or len(self.tokenizer(text)["input_ids"]) <= self.max_tokens:
            return len(text)
        cut = self.tokenizer(text, truncation=True, max_length=self.max_tokens, return_offsets_mapping=True)
        return max(int(end) for _, end in cut["offset_mapping"])

    def save(self, folder: str | Path) -> Path:
        """Write model (safetensors), tokenizer and description."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        self.model.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        about = {"kind": "sequence", "labels": list(self.labels), "id": self.id, "max_tokens": self.max_tokens}
        (folder / ABOUT_FILE).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        self.revision = weights_revision(str(folder))
        return folder


def load_sequence_student(folder: str | Path) -> SequenceStudent:
    """The student kept in a folder. Raises ModelUnavailable where files are missing."""
    from transformers import AutoModelForSequenceClassification

    folder = Path(folder)
    with readable(f"The student in {folder.name!r}", "Train or export it again."):
        about = json.loads((folder / ABOUT_FILE).read_text(encoding="utf-8"))
        model = load_pretrained(AutoModelForSequenceClassification, str(folder))
        return SequenceStudent(model, load_tokenizer(str(folder)), about["id"], weights_revision(str(folder)), int(about["max_tokens"]))
