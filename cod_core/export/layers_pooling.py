"""The means after several layers, as a module of sentence-transformers. This file travels beside the weights: it must need nothing but
torch. https://sbert.net/docs/sentence_transformer/usage/custom_models.html
"""

import json
import math
import shutil
from pathlib import Path
from typing import Any

import torch


class LayersPooling(torch.nn.Module):
    """After each of the layers the mean over the tokens, scaled to length 1; side by side, the whole of length 1 again."""

    def __init__(self, layers: list[int], width: int):
        super().__init__()
        self.layers, self.width = list(layers), width

    def forward(self, features: dict[str, Any]) -> dict[str, Any]:
        """all_layer_embeddings: one (B, T, width) a layer; attention_mask: (B, T). sentence_embedding: (B, len(layers) * width)."""
        mask = features["attention_mask"].unsqueeze(-1)
        states = [features["all_layer_embeddings"][layer] for layer in self.layers]
        means = [torch.nn.functional.normalize((state * mask).sum(1), dim=-1) for state in states]
        features["sentence_embedding"] = torch.cat(means, -1) / math.sqrt(len(means))
        return features

    def get_sentence_embedding_dimension(self) -> int:
        return self.width * len(self.layers)

    def get_embedding_dimension(self) -> int:
        """The same, as sentence-transformers calls it from version 6 on."""
        return self.get_sentence_embedding_dimension()

    def save(self, output_path: str, *args: Any, **kwargs: Any) -> None:
        """output_path: this module's folder in the model's; this file goes beside it, which sentence-transformers leaves to us."""
        shutil.copyfile(__file__, Path(output_path).parent / "layers_pooling.py")
        about = {"layers": self.layers, "width": self.width}
        (Path(output_path) / "config.json").write_text(json.dumps(about), encoding="utf-8")

    @staticmethod
    def load(input_path: str) -> "LayersPooling":
        return LayersPooling(**json.loads((Path(input_path) / "config.json").read_text(encoding="utf-8")))
