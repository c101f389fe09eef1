"""A teacher fine-tuned from a decoder, on a tiny Gemma made here (it scales its embeddings, as the real one does)."""

import numpy as np
import pytest
import torch

from cod_core.models.finetune import finetune_teacher
from cod_core.models.sensitivity import FirstOrder
from cod_core.models.teachers import FineTunedTeacher
from tests.unit.distill.tiny import LABELS, WORDS, word_tokenizer

TEXTS = ["good film", "a good plot", "bad film", "a bad plot"] * 4
NAMES = ["good", "good", "bad", "bad"] * 4


@pytest.fixture(scope="module")
def teacher(tmp_path_factory):
    from transformers import Gemma3ForCausalLM, Gemma3TextConfig

    base, made = tmp_path_factory.mktemp("gemma"), tmp_path_factory.mktemp("teacher")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        Gemma3ForCausalLM(
            Gemma3TextConfig(
                vocab_size=len(WORDS),
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=4,
                num_attention_heads=2,
                num_key_value_heads=1,
                head_dim=8,
                max_position_embeddings=64,
                sliding_window=32,
                pad_token_id=0,
                eos_token_id=3,
                bos_token_id=2,
            )
        ).save_pretrained(base)
    word_tokenizer().save_pretrained(base)
    return FineTunedTeacher(finetune_teacher(TEXTS, NAMES, LABELS, str(base), made, epochs=30, learning_rate=1e-2))


def test_it_learns_and_does_not_depend_on_what_is_read_beside_a_text(teacher):
    """Reading the last place of a padded row instead of the last word would mix texts up."""
    alone = np.concatenate([teacher.logprobs([t]) for t in (*TEXTS[:4], "a very good film the plot")])
    together = teacher.logprobs([*TEXTS[:4], "a very good film the plot"])
    assert np.allclose(alone, together, atol=1e-5)
    assert [p.label for p in teacher.predict(TEXTS[:4])] == NAMES[:4]


def test_only_the_upper_half_was_given_adapters(teacher):
    from cod_core.models.finetune import with_adapter

    model, _ = with_adapter(teacher.model.config._name_or_path, LABELS, 8)
    layers = {
        int(name.split(".layers.")[1].split(".")[0]) for name, p in model.named_parameters() if p.requires_grad and ".layers." in name
    }
    assert layers == {2, 3}


def test_estimates_start_from_the_margin_that_is_scored(teacher):
    """Embeddings read from the table, not asked from the layer, would be off by the layer's scale."""
    row = teacher.logprobs(["a good film"])[0]
    margin, gains = FirstOrder(teacher).estimate("a good film", [(2, 6, "bad"), (2, 6, "good")], 0)
    assert margin == pytest.approx(row[0] - row[1], abs=1e-4)
    assert gains[0] > 0 and abs(gains[1]) < 1e-4
