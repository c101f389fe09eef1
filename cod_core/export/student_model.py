"""A student as a model of transformers. This file travels beside the weights: it must need nothing but torch and transformers.

An encoder, the mean of its states over the tokens, scaled to length 1, and a linear head: no class of transformers computes that.
https://huggingface.co/docs/transformers/custom_models
"""

import math
from typing import Any, ClassVar

import torch
from transformers import AutoConfig, AutoModel, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class StudentConfig(PretrainedConfig):
    """encoder: the configuration of the encoder. layers: after which of its layers it is read; (-1,) for the last."""

    model_type = "cod-student"
    sub_configs: ClassVar[dict[str, Any]] = {"encoder": AutoConfig}

    def __init__(self, encoder: Any = None, layers: tuple[int, ...] = (-1,), **more: Any):
        if isinstance(encoder, dict):
            encoder = AutoConfig.for_model(**encoder)
        self.encoder = encoder if encoder is not None else AutoConfig.for_model("bert")
        self.layers = list(layers)
        super().__init__(**more)


class StudentForSequenceClassification(PreTrainedModel):
    """logits = W phi + b, phi the encoder's unit-length mean."""

    config_class = StudentConfig
    base_model_prefix = "student"

    def __init__(self, config: StudentConfig):
        super().__init__(config)
        self.encoder = AutoModel.from_config(config.encoder)
        self.classifier = torch.nn.Linear(config.encoder.hidden_size * len(config.layers), config.num_labels or 2)
        self.post_init()

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor | None = None,
        token_type_ids: torch.Tensor | None = None,
        **ignored: Any,
    ) -> SequenceClassifierOutput:
        """input_ids, attention_mask: (B, T). logits: (B, C)."""
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        inputs = {"input_ids": input_ids, "attention_mask": mask}
        if token_type_ids is not None:
            inputs["token_type_ids"] = token_type_ids
        last = self.config.layers == [-1]  # which some encoders norm once more than the state of their last layer
        found = self.encoder(**inputs, output_hidden_states=not last)
        states = [found.last_hidden_state] if last else [found.hidden_states[i] for i in self.config.layers]
        weights = mask.unsqueeze(-1)
        means = [(state * weights).sum(1) / weights.sum(1).clamp(min=1) for state in states]
        units = torch.cat([torch.nn.functional.normalize(mean, dim=-1) for mean in means], -1) / math.sqrt(len(means))
        return SequenceClassifierOutput(logits=self.classifier(units))


StudentConfig.register_for_auto_class()
StudentForSequenceClassification.register_for_auto_class("AutoModelForSequenceClassification")
