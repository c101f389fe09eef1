"""A tokenizer, encoder and teacher small enough for a test, and six rows in pairs."""

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from cod_core.distill.arms import TrainRow
from cod_core.distill.linear import log_softmax
from cod_core.types import RunConfig

LABELS = ("bad", "good")
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "bad", "good", "film", "plot", "very", "a", "the"]
ROWS = [
    TrainRow(f"{word} {rest}", word, f"e{i}", cf)
    for i, rest in enumerate(["film", "the plot", "a very film"])
    for word, cf in (("good", False), ("bad", True))
]


def word_tokenizer(words=WORDS):
    inner = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing("[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
    return PreTrainedTokenizerFast(
        tokenizer_object=inner, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]"
    )


def bert(layers=2, width=16, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return BertModel(
            BertConfig(
                vocab_size=len(WORDS),
                hidden_size=width,
                num_hidden_layers=layers,
                num_attention_heads=2,
                intermediate_size=32,
                max_position_embeddings=64,
            )
        )


class SeeThroughTeacher:
    """A teacher whose hidden states can be seen."""

    id, revision, labels = "tiny-teacher", "1", LABELS

    def __init__(self, tokenizer, layers=4, width=24):
        self.model, self.tokenizer = bert(layers, width, 1).eval(), tokenizer


def teach(texts):
    return log_softmax(np.array([[-2.0, 2.0] if "good" in t else [2.0, -2.0] for t in texts]).reshape(-1, 2))


def config(method="kd", steps=8, seed=0, **more):
    return RunConfig(
        method=method,
        arm="cod",
        shots=6,
        seed=seed,
        student="finetuned:tiny:all",
        encoder="tiny",
        teacher_id="t",
        teacher_revision="1",
        data_hash="x",
        steps=steps,
        learning_rate=5e-3,
        batch_size=4,
        **more,
    )
