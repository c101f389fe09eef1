"""LoRA adapters by peft, without the one warning that a person at a command line can do nothing about."""

import warnings
from typing import Any

from cod_core.models.protocols import Model

# peft asks a model for a name that transformers 5 calls old; whoever loads a teacher had that on standard error
_OLD_NAME = "`is_gradient_checkpointing` is deprecated"


def adapted(model: Model, **config: Any) -> Model:
    """The model with fresh adapters as peft.LoraConfig describes them."""
    from peft import LoraConfig, get_peft_model

    # not catch_warnings: two threads load models, and each would put the other's filters back
    warnings.filterwarnings("ignore", message=_OLD_NAME, category=FutureWarning)
    return get_peft_model(model, LoraConfig(**config))
