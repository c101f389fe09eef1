"""An encoder, the mean of its states and a line as one classifier: the shape in which training starts from the linear solution.

Fresh heads on few texts take most of the training to find what logistic regression on the embeddings gives at once (Kumar et
al. 2022, arXiv:2202.10054). Gives logits as transformers' sequence classifiers do, from word pieces or from their embeddings.
"""

from typing import TYPE_CHECKING, Any

import numpy as np

from cod_core.models.protocols import Model

if TYPE_CHECKING:
    import torch


def pooled_classifier(model: Model, weight: np.ndarray, bias: np.ndarray, scale: float = 1.0, trained: bool = False) -> Model:
    """The module. weight (C, d), bias (C,): the line on mean-pooled states of length `scale`. trained: the line can be trained on."""
    from types import SimpleNamespace

    import torch

    from cod_core.models.encoder import mean_pool

    class PooledClassifier(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = model
            self.config = model.config
            self.weight = torch.nn.Parameter(torch.tensor(weight, dtype=torch.float32), requires_grad=trained)
            self.bias = torch.nn.Parameter(torch.tensor(bias, dtype=torch.float32), requires_grad=trained)

        def get_input_embeddings(self) -> torch.nn.Module:
            table: torch.nn.Module = model.get_input_embeddings()
            return table

        def forward(self, attention_mask: "torch.Tensor", output_hidden_states: bool = False, **inputs: Any) -> SimpleNamespace:
            out = self.model(attention_mask=attention_mask, output_hidden_states=output_hidden_states, **inputs)
            phi = scale * mean_pool(out.last_hidden_state, attention_mask)
            return SimpleNamespace(logits=phi @ self.weight.T + self.bias, hidden_states=out.hidden_states)

    return PooledClassifier()
