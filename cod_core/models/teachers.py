"""Teachers on this machine: the built-in ones, fine-tuned ones, any Hugging Face sequence classifier.

Knows no cache and no store (see cached.py). Labels are the project's: a classifier whose labels cannot be
mapped one to one is refused with both lists side by side.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cod_core.errors import LabelMismatch, ModelUnavailable
from cod_core.models.broken import readable
from cod_core.models.device import best_device
from cod_core.models.encoder import length_batches, libraries, load_pretrained, load_tokenizer, pinned, resolve, revision_of
from cod_core.models.protocols import Model, Tokenizer
from cod_core.text import most_pieces
from cod_core.types import Prediction

BUILTIN = Path(__file__).parent / "builtin"


class TorchTeacher:
    """A loaded sequence classifier as a `Classifier`. order[i]: model output that is the project's label i."""

    def __init__(
        self,
        model: Model,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        order: Sequence[int],
        max_tokens: int,
        id: str,
        revision: str,
        temperature: float = 1.0,
    ) -> None:
        """temperature: what logits are divided by, as calibrated on rows that it was not trained on."""
        self.id, self.revision, self.labels = id, revision, tuple(labels)
        self.tokenizer, self.max_tokens, self.order, self.temperature = tokenizer, max_tokens, list(order), temperature
        self._device = best_device()
        self.model = model.to(self._device).eval()

    def logprobs(self, texts: Sequence[str]) -> np.ndarray:
        """(n, C) float64, of log-probabilities over `labels`, in the order of texts."""
        import torch

        out = np.zeros((len(texts), len(self.labels)))
        if not texts:
            return out
        encoded = self.tokenizer(list(texts), truncation=True, max_length=self.max_tokens)["input_ids"]
        with torch.inference_mode():
            for batch in length_batches([len(ids) for ids in encoded]):
                inputs = self.tokenizer.pad({"input_ids": [encoded[i] for i in batch]}, return_tensors="pt")
                logits = self.model(**inputs.to(self._device)).logits[:, self.order]
                out[batch] = torch.log_softmax(logits.cpu().double() / self.temperature, -1).numpy()
        return out

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """One Prediction per text. Texts beyond max_tokens word pieces are read up to there: see chars_read."""
        return [Prediction(self.labels, tuple(row)) for row in self.logprobs(texts).tolist()]

    def chars_read(self, text: str) -> int:
        """Characters before the point where the tokenizer cuts the text."""
        if most_pieces(text) <= self.max_tokens:
            return len(text)
        encoded = self.tokenizer(text, truncation=True, max_length=self.max_tokens, return_offsets_mapping=True)
        full = len(self.tokenizer(text)["input_ids"])
        if full <= self.max_tokens:
            return len(text)
        return max(int(end) for _, end in encoded["offset_mapping"])


class FineTunedTeacher(TorchTeacher):
    """A teacher written by finetune.finetune_teacher: its encoder plus adapter and head."""

    def __init__(
        self, folder: str | Path, id: str | None = None, labels: Sequence[str] | None = None, label_map: dict[str, str] | None = None
    ):
        """labels: the project's; label_map: teacher label -> project label, by equal names where None.

        Raises ModelUnavailable where the folder is incomplete, LabelMismatch where labels differ."""
        from cod_core.models.finetune import TEACHER_FILE, finetuned_revision, load_finetuned

        folder = Path(folder)
        if not (folder / TEACHER_FILE).exists() or not (folder / "adapter.safetensors").exists():
            raise ModelUnavailable(
                f"No fine-tuned teacher is kept at {folder.name}. Train it again on the Teacher page, or with the command teacher."
            )
        with readable(f"The teacher in {folder.name}", "Train it again on the Teacher page, or with the command teacher."):
            model, tokenizer, about = load_finetuned(folder)
            _check_about(about)
        order = label_order(about["labels"], labels or about["labels"], label_map, folder.name)
        super().__init__(
            model,
            tokenizer,
            labels or about["labels"],
            order,
            about["max_tokens"],
            id or f"finetuned:{folder.name}",
            finetuned_revision(folder),
            float(about.get("temperature", 1.0)),
        )


class TransformersTeacher(TorchTeacher):
    """Any Hugging Face sequence classifier by hub name or local folder. label_map: model label -> project label. revision:
    the hub's commit that gave the verdicts on record; what is on this machine, or the newest, where None."""

    def __init__(self, name: str, labels: Sequence[str], label_map: dict[str, str] | None = None, revision: str | None = None):
        """Raises ModelUnavailable (not reachable, no safetensors), LabelMismatch (labels do not map one to one)."""
        libraries()
        from transformers import AutoModelForSequenceClassification

        local, same = Path(resolve(name)).is_dir(), pinned(resolve(name), revision)
        model = load_pretrained(AutoModelForSequenceClassification, name, **same)
        with readable(f"The labels of {name!r}", "They stand as id2label in its config.json, one a number from 0 on."):
            own = [str(model.config.id2label[i]) for i in range(model.config.num_labels)]
        order = label_order(own, labels, label_map, name)
        tokenizer = load_tokenizer(name, **same)
        limit = min(getattr(model.config, "max_position_embeddings", 512), tokenizer.model_max_length, 512)
        revision = revision_of(resolve(name), **same)
        super().__init__(model, tokenizer, labels, order, limit, f"transformers:{Path(name).name if local else name}", revision)


def _check_about(about: dict[str, Any]) -> None:
    """Raises ValueError where a teacher's description holds values that no teacher has."""
    labels, numbers = about["labels"], (about["max_tokens"], about.get("temperature", 1.0))
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
        raise ValueError("its labels are no list of names")
    if not all(isinstance(number, (int, float)) and number > 0 for number in numbers):
        raise ValueError("its numbers are none")


def label_order(own: Sequence[str], wanted: Sequence[str], label_map: dict[str, str] | None, name: str) -> list[int]:
    """Index of the model output for each wanted label, matched by label_map, else by name ignoring case.

    Raises LabelMismatch with both lists where there are more of one than of the other, or any label is left over or used twice.
    """
    if len(own) != len(wanted):
        raise LabelMismatch(
            f"The teacher {name!r} knows these {len(own)} labels: {', '.join(own)}. The project has {len(wanted)}: "
            f"{', '.join(wanted)}. So it cannot judge this project. Choose another teacher, or train one on your texts."
        )
    renamed = {label.strip().casefold(): name for label, name in (label_map or {}).items()}
    mapped = [renamed.get(label.strip().casefold(), label).strip().casefold() for label in own]
    keys = [label.strip().casefold() for label in wanted]
    if sorted(mapped) != sorted(keys) or len(set(mapped)) != len(mapped):
        raise LabelMismatch(
            f"The classifier {name!r} and the project do not have the same labels.\n"
            f"Classifier: {', '.join(own)}\nProject: {', '.join(wanted)}\n"
            "Say which classifier label stands for which project label; each must be used exactly once."
        )
    return [mapped.index(key) for key in keys]
