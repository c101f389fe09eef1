"""What the parts of models/ expect of each other, and other rooms of them. Only types: loads nothing."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np

from cod_core.types import Classifier

if TYPE_CHECKING:
    from cod_core.models.llm_teacher import Reading

# A transformers model. Layers, head and numbers stand under names that each architecture chooses, so no type says them.
Model: TypeAlias = Any
# What a tokenizer gives: a mapping whose values are lists or tensors, as the call asks for.
Encoded: TypeAlias = Any


class Tokenizer(Protocol):
    """The part of a transformers tokenizer that is used here."""

    pad_token: str | None
    pad_token_id: int | None
    eos_token: str | None
    eos_token_id: int | None
    bos_token: str | None
    bos_token_id: int | None
    mask_token_id: int | None
    padding_side: str
    model_max_length: int
    chat_template: str | None

    def __call__(self, text: str | list[str], **options: Any) -> Encoded: ...

    def pad(self, encoded: dict[str, Any], **options: Any) -> Encoded: ...

    def decode(self, ids: list[int], **options: Any) -> str: ...

    def apply_chat_template(self, conversation: list[dict[str, str]], **options: Any) -> Any: ...

    def save_pretrained(self, folder: str | Path) -> object: ...

    def get_vocab(self) -> dict[str, int]: ...

    def convert_ids_to_tokens(self, ids: int) -> str: ...


class TextEncoder(Protocol):
    """Texts to (n, d) rows of length 1: an Encoder, a CachedEncoder, an EncoderModel."""

    @property
    def id(self) -> str: ...

    def encode(self, texts: Sequence[str]) -> np.ndarray: ...


class SizedEncoder(TextEncoder, Protocol):
    """A TextEncoder that knows d without reading a text."""

    @property
    def dimension(self) -> int: ...


class LogprobClassifier(Classifier, Protocol):
    """A Classifier whose log-probabilities come as one array (n, C): a CachedClassifier, a loaded classifier, a student."""

    def logprobs(self, texts: Sequence[str]) -> np.ndarray: ...


@runtime_checkable
class Reads(Protocol):
    """A classifier that says besides how much of an answer named a label."""

    def read(self, texts: Sequence[str]) -> "list[Reading]": ...


class Differentiable(Protocol):
    """What FirstOrder takes gradients of: a TorchTeacher, a LinearSurrogate. order: the model's output of each label."""

    model: Model
    tokenizer: Tokenizer
    max_tokens: int
    order: list[int]
