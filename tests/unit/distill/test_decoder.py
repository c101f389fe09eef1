"""Decoders through their sequence-classification head, on a tiny Qwen2 made here."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from transformers import Qwen2Config, Qwen2ForSequenceClassification

from cod_core.distill.cells import CellSpec, EvalSet, Training
from cod_core.distill.decoder import place_head, train_decoder
from cod_core.distill.finetuned import load_encoder
from cod_core.distill.train import train_cells
from cod_core.errors import BadInput
from cod_core.export.student import write_finetuned_student
from cod_core.models.decoder import is_decoder, load_decoder, logits_of, tokenize
from cod_core.models.student import load_student
from tests.unit.distill.tiny import LABELS, ROWS, WORDS, config, teach, word_tokenizer
from tests.unit.export.test_student_package import TEXTS
from tests.unit.models.test_several_layers import run_here

SOFT = teach([r.text for r in ROWS])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A decoder as a folder: what a person would name."""
    where = tmp_path_factory.mktemp("qwen")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = Qwen2ForSequenceClassification(
            Qwen2Config(
                vocab_size=len(WORDS),
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=2,
                num_attention_heads=2,
                num_key_value_heads=1,
                max_position_embeddings=64,
                pad_token_id=0,
            )
        )
    model.save_pretrained(where)
    word_tokenizer().save_pretrained(where)
    return str(where)


def settings(folder, **more):
    return replace(config(steps=20), **{"student": f"finetuned:{folder}:all", "encoder": folder, **more})


def test_a_decoder_is_told_from_an_encoder(folder):
    assert is_decoder(folder) and not is_decoder("all-MiniLM-L6-v2")
    assert load_encoder(f"finetuned:{folder}:all") is None
    with pytest.raises(BadInput, match="fine-tuned whole"):
        load_encoder(f"contrastive:{folder}:all")


def test_logits_are_those_of_transformers_whatever_the_padding(folder):
    """Pooling at the padded end instead of the last word would read padding, silently."""
    model, tokenizer = load_decoder(folder, LABELS)
    texts = ["good film", "a very bad film the plot"]
    ids = tokenize(tokenizer, texts)
    found, _ = logits_of(model, tokenizer, ids, torch.device("cpu"))
    expected = torch.cat([model(torch.tensor([row])).logits for row in ids])
    assert torch.allclose(found, expected, atol=1e-5)


def test_the_linear_head_is_carried_into_a_head_without_bias():
    rng = np.random.default_rng(0)
    states, weight, bias = rng.normal(size=(5, 8)) + 3, rng.normal(size=(2, 8)), np.array([0.5, -0.5])
    score = torch.nn.Linear(8, 2, bias=False)
    place_head(score, states, weight, bias, 10.0)
    unit = states.mean(0) / np.linalg.norm(states, axis=1).mean()
    assert score.weight.detach().numpy() @ states.mean(0) == pytest.approx(10 * weight @ unit + bias, rel=1e-4)


@pytest.mark.parametrize("rank", [0, 2])
def test_training_lowers_the_loss_and_the_saved_folder_answers_the_same(folder, tmp_path, rank):
    student, history = train_decoder(settings(folder, lora_rank=rank), ROWS, LABELS, SOFT)
    assert history[-1] < history[0]
    again = load_student(student.save(tmp_path))
    assert again.labels == LABELS
    assert again.logprobs(["good film", "bad"]) == pytest.approx(student.logprobs(["good film", "bad"]), abs=1e-5)


def test_a_decoder_is_swept_and_leaves_as_a_folder_that_loads_without_this_app(folder, tmp_path, monkeypatch):
    cell, test = CellSpec(settings(folder), tuple(ROWS)), EvalSet(("good film", "bad film"), ("good", "bad"))
    [[done]] = train_cells([cell], Training(LABELS, (test, EvalSet(), EvalSet()), teach, folder=tmp_path / "kept"))
    result = done.result
    out = write_finetuned_student(tmp_path / "out", result.path)
    told = run_here(out, monkeypatch)
    own = load_student(result.path).predict(TEXTS)
    assert [list(row.values()) for row in told] == [pytest.approx(p.probs, abs=1e-4) for p in own]


def test_layer_methods_are_refused(folder):
    with pytest.raises(BadInput, match="method 'kd'"):
        train_decoder(settings(folder, method="lwd"), ROWS, LABELS, SOFT)
