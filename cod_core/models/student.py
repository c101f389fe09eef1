"""Finished students as classifiers, and their folders. Knows no training and no store.

A folder holds head.safetensors (weight (C, d), bias (C,)) and student.json (or, for a linear student
exported to run without this app, config.json) naming encoder, labels and scale; a fine-tuned student keeps
its encoder and tokenizer beside the head, as transformers writes them.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from cod_core.errors import ModelUnavailable
from cod_core.models.broken import readable
from cod_core.models.decoder import SequenceStudent, load_sequence_student
from cod_core.models.encoder import MAX_TOKENS, Encoder, length_batches, load_pretrained, load_tokenizer, pool_layers, weights_revision
from cod_core.models.protocols import Model, TextEncoder, Tokenizer
from cod_core.roles import is_path
from cod_core.text import most_pieces
from cod_core.types import Prediction

HEAD_FILE, ABOUT_FILE = "head.safetensors", "student.json"
HEAD_SCALE = 10.0  # of the embeddings that a head reads


class HeadStudent:
    """A softmax head on unit-length embeddings: logits = W (scale * phi) + b. Base of both students."""

    encoder: TextEncoder

    def __init__(
        self, encoder: TextEncoder, weight: ArrayLike, bias: ArrayLike, labels: Sequence[str], scale: float, id: str, revision: str
    ) -> None:
        self.encoder, self.labels, self.scale = encoder, tuple(labels), float(scale)
        self.weight, self.bias = np.asarray(weight, dtype=np.float64), np.asarray(bias, dtype=np.float64)
        if self.weight.ndim != 2 or self.bias.shape != (len(self.labels),) or len(self.weight) != len(self.labels):
            raise ValueError(f"{len(self.labels)} labels need W (C, d), b (C,), got {self.weight.shape}, {self.bias.shape}")
        self.id, self.revision = id, revision

    def logprobs(self, texts: Sequence[str]) -> np.ndarray:
        """(n, C) float64 log-probabilities over `labels`."""
        if not texts:
            return np.zeros((0, len(self.labels)))
        logits = self.scale * (np.asarray(self.encoder.encode(list(texts)), np.float64) @ self.weight.T) + self.bias
        logits -= logits.max(-1, keepdims=True)
        rows: np.ndarray = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
        return rows

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One Prediction per text, in order."""
        return [Prediction(self.labels, tuple(row)) for row in self.logprobs(texts).tolist()]

    def chars_read(self, text: str) -> int:
        """Characters before the point where the tokenizer cuts the text."""
        if most_pieces(text) <= MAX_TOKENS:
            return len(text)
        encoder: Any = getattr(self.encoder, "wrapped", self.encoder)  # of a CachedEncoder
        tokenizer: Tokenizer = encoder.tokenizer
        if len(tokenizer(text)["input_ids"]) <= MAX_TOKENS:
            return len(text)
        encoded = tokenizer(text, truncation=True, max_length=MAX_TOKENS, return_offsets_mapping=True)
        return max(int(end) for _, end in encoded["offset_mapping"])

    def _save_head(self, folder: Path, about: dict[str, Any]) -> None:
        from safetensors.numpy import save_file

        folder.mkdir(parents=True, exist_ok=True)
        save_file({"weight": self.weight.astype(np.float32), "bias": self.bias.astype(np.float32)}, folder / HEAD_FILE)
        about = about | {"labels": list(self.labels), "scale": self.scale, "id": self.id}
        (folder / ABOUT_FILE).write_text(json.dumps(about, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class LinearStudent(HeadStudent):
    """A linear head on a frozen encoder (anything with encode(texts) -> (n, d) and an id)."""

    def __init__(
        self,
        encoder: TextEncoder,
        weight: ArrayLike,
        bias: ArrayLike,
        labels: Sequence[str],
        scale: float = HEAD_SCALE,
        id: str | None = None,
    ) -> None:
        digest = hashlib.sha256(np.ascontiguousarray(weight, np.float32).tobytes())
        digest.update(np.ascontiguousarray(bias, np.float32).tobytes())
        super().__init__(encoder, weight, bias, labels, scale, id or f"linear:{encoder.id}", digest.hexdigest()[:16])

    def save(self, folder: str | Path) -> Path:
        """Write head and description; the encoder is named, not copied."""
        self._save_head(Path(folder), {"kind": "linear", "encoder": self.encoder.id})
        return Path(folder)


class EncoderModel:
    """A transformers encoder with its tokenizer as encode(texts) -> (n, d) unit rows."""

    def __init__(
        self, model: Model, tokenizer: Tokenizer, id: str = "", max_tokens: int = MAX_TOKENS, layers: Sequence[int] = (-1,)
    ) -> None:
        """layers: after which of its layers it is read (pool_layers)."""
        self.model, self.tokenizer, self.id, self.max_tokens, self.pooled = model, tokenizer, id, max_tokens, tuple(layers)

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        """Word-piece ids per text, cut at max_tokens."""
        ids: list[list[int]] = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)["input_ids"]
        return ids

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 rows of length 1."""
        import torch

        ids = self.tokenize(texts)
        device = next(self.model.parameters()).device
        out = np.zeros((len(ids), self.model.config.hidden_size * len(self.pooled)), np.float32)
        self.model.eval()
        with torch.inference_mode():
            for batch in length_batches([len(row) for row in ids]):
                inputs = self.tokenizer.pad({"input_ids": [ids[i] for i in batch]}, return_tensors="pt").to(device)
                out[batch] = pool_layers(self.model, inputs, self.pooled).float().cpu().numpy()
        return out


class FinetunedStudent(HeadStudent):
    """An encoder of its own, fine-tuned together with its head."""

    encoder: EncoderModel

    def __init__(
        self,
        encoder: EncoderModel,
        weight: ArrayLike,
        bias: ArrayLike,
        labels: Sequence[str],
        scale: float = HEAD_SCALE,
        id: str | None = None,
        revision: str = "",
    ) -> None:
        super().__init__(encoder, weight, bias, labels, scale, id or f"finetuned:{encoder.id}", revision)

    def save(self, folder: str | Path) -> Path:
        """Write encoder (save_pretrained, safetensors), tokenizer, head and description."""
        folder = Path(folder)
        about = {"kind": "finetuned", "encoder": self.encoder.id, "max_tokens": self.encoder.max_tokens}
        self._save_head(folder, about | ({} if self.encoder.pooled == (-1,) else {"layers": list(self.encoder.pooled)}))
        self.encoder.model.save_pretrained(folder, safe_serialization=True)
        self.encoder.tokenizer.save_pretrained(folder)
        self.revision = weights_revision(str(folder))
        return folder


def load_student(folder: str | Path, encoder: TextEncoder | None = None) -> HeadStudent | SequenceStudent:
    """The student kept in a folder. encoder: one already loaded, for a linear student; else it is loaded by name.

    Raises ModelUnavailable where files are missing or cannot be read.
    """
    folder = Path(folder)
    with readable(f"The student in {folder.name!r}", "Train or export it again."):
        return _student(folder, encoder)


def _student(folder: Path, encoder: TextEncoder | None) -> HeadStudent | SequenceStudent:
    from safetensors.numpy import load_file

    about_file = next((folder / name for name in (ABOUT_FILE, "config.json") if (folder / name).exists()), None)
    sequence = about_file is not None and '"kind": "sequence"' in about_file.read_text(encoding="utf-8")
    if sequence:
        return load_sequence_student(folder)
    if about_file is None or not (folder / HEAD_FILE).exists():
        raise ModelUnavailable(
            f"The folder {folder.name!r} holds no student: expected {HEAD_FILE} and {ABOUT_FILE}. Train or export it again."
        )
    about, head = json.loads(about_file.read_text(encoding="utf-8")), load_file(folder / HEAD_FILE)
    weight, bias, labels = head["weight"], head["bias"], about["labels"]
    if weight.ndim != 2 or not len(weight) == len(labels) == bias.size > 0:
        raise ValueError(f"a head of shape {weight.shape} for {len(labels)} labels")
    scale, id = float(about.get("scale", HEAD_SCALE)), about.get("id")
    if about.get("kind", "linear") == "linear":
        layers = about.get("layers") or [-1]
        name = about["encoder"] if layers == [-1] else f"{about['encoder']}@{','.join(map(str, layers))}"
        if encoder is None and is_path(name):
            raise ModelUnavailable(
                f"This student reads with the model in {name[:200]}, a folder that its file names. If you trust it, load it yourself: "
                "load_student(folder, Encoder(that folder))."
            )
        if encoder is None:
            encoder = whole = Encoder(name)
            if weight.shape[1] != whole.dimension:
                raise ValueError(f"a head for {weight.shape[1]} numbers a text, where {name} gives {whole.dimension}")
        return LinearStudent(encoder, weight, bias, labels, scale, id)
    from transformers import AutoModel

    model = load_pretrained(AutoModel, str(folder)).eval()
    known = {"encoder": folder.name, "max_tokens": MAX_TOKENS, "layers": (-1,), **about}
    own = EncoderModel(model, load_tokenizer(str(folder)), known["encoder"], int(known["max_tokens"]), known["layers"])
    return FinetunedStudent(own, weight, bias, labels, scale, id, weights_revision(str(folder)))
