"""Students in the folders of other libraries: each is opened by that library, and says what the student says."""

import re
from types import SimpleNamespace

import numpy as np
import pytest

from cod_core.export.libraries import write_sentence_transformers, write_transformers
from cod_core.export.student import write_finetuned_student
from cod_core.models.student import HeadStudent

TEXTS = ["the film is good .", "the film is bad .", "a good plot and a bad end . " * 60]
INFO = {"trained_on": "8 texts", "test texts, measured once": {"accuracy": 0.7125, "n_gold": 40.0}}


@pytest.fixture(scope="module")
def bert(tmp_path_factory):
    """(a random encoder of two layers, a tokenizer of whole words): what an EncoderModel holds."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = ["[PAD]", "[UNK]", *sorted({word for text in TEXTS for word in text.split()})]
    coder = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, unk_token="[UNK]"))
    coder.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=coder, pad_token="[PAD]", unk_token="[UNK]")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        shape = dict(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16, initializer_range=1.0)
        model = BertModel(BertConfig(vocab_size=len(words), max_position_embeddings=64, **shape))
    return model.eval(), tokenizer


def a_student(bert, labels, layers=(-1,)) -> HeadStudent:
    """Random weights on the encoder, read after these layers; texts are cut at 40 pieces."""
    import torch

    from cod_core.models.encoder import pool_layers

    model, tokenizer = bert

    def encode(texts):
        with torch.inference_mode():
            rows = [tokenizer([text], truncation=True, max_length=40, return_tensors="pt") for text in texts]
            return np.concatenate([pool_layers(model, row, layers).numpy() for row in rows])

    encoder = SimpleNamespace(model=model, tokenizer=tokenizer, id="tiny", max_tokens=40, pooled=layers, encode=encode)
    rng = np.random.default_rng(0)
    width = 16 * len(layers)
    return HeadStudent(encoder, rng.normal(size=(len(labels), width)), rng.normal(size=len(labels)), labels, 3.0, "s", "r")


def code_of(folder) -> str:
    return re.search(r"```python\n(.*?)```", (folder / "README.md").read_text(encoding="utf-8"), re.S)[1]


@pytest.mark.slow
@pytest.mark.parametrize("layers", [(-1,), (1, 2)])
def test_the_card_builds_a_pipeline_of_scikit_learn_that_says_the_same(bert, tmp_path, monkeypatch, layers):
    """Prevents: the difference of two classes the wrong way round, and a folder that sentence-transformers pools otherwise."""
    import transformers

    from cod_core.models.student import load_student

    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    for labels in (("no, never", "yes"), ("c", "a", "b")):
        student = a_student(bert, labels, layers)
        folder = write_sentence_transformers(tmp_path / str(len(labels)), student, INFO)
        monkeypatch.chdir(folder)
        made: dict = {}
        assert len(code_of(folder).strip().splitlines()) <= 13
        exec(code_of(folder), made)
        right = np.exp(student.logprobs(TEXTS))
        assert made["pipeline"].predict_proba(TEXTS) == pytest.approx(right, abs=1e-5)
        assert list(made["pipeline"].predict(TEXTS)) == [labels[i] for i in right.argmax(1)]
        again = load_student(folder)
        assert np.exp(again.logprobs(TEXTS)) == pytest.approx(right, abs=1e-5)
        assert np.exp(load_student(again.save(tmp_path / "kept")).logprobs(TEXTS)) == pytest.approx(right, abs=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("layers", [(-1,), (1, -1)])
def test_the_pipeline_of_transformers_loads_a_student_and_says_the_same(bert, tmp_path, monkeypatch, layers):
    """Prevents: labels named LABEL_0, a head that is drawn anew in silence, texts that are too long."""
    import transformers

    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    student = a_student(bert, ("no, never", "yes", "who knows"), layers)
    folder = write_transformers(tmp_path / "s", student, INFO)
    classify = transformers.pipeline("text-classification", model=str(folder), trust_remote_code=True, top_k=None)
    said = [{one["label"]: one["score"] for one in row} for row in classify(TEXTS, truncation=True)]
    right = [dict(zip(student.labels, row)) for row in np.exp(student.logprobs(TEXTS))]
    assert said == [pytest.approx(row, abs=1e-5) for row in right]


@pytest.mark.slow
def test_the_pipeline_loads_a_decoder_as_it_leaves(tmp_path):
    """A decoder is a class of transformers: no code of ours is needed."""
    import transformers

    from cod_core.models.decoder import SequenceStudent, load_decoder
    from tests.tiny_llm import tiny_llm

    labels = ("bad", "good")
    model, tokenizer = load_decoder(str(tiny_llm(tmp_path / "base")), labels)
    student = SequenceStudent(model, tokenizer, "tiny")
    folder = write_finetuned_student(tmp_path / "out", student.save(tmp_path / "saved"), INFO)
    classify = transformers.pipeline("text-classification", model=str(folder), top_k=None)
    said = [{one["label"]: one["score"] for one in row} for row in classify(TEXTS[:2])]
    assert said == [pytest.approx(dict(zip(labels, row)), abs=1e-5) for row in np.exp(student.logprobs(TEXTS[:2]))]


def test_no_folder_holds_a_pickle_and_each_holds_a_card_with_the_figures(bert, tmp_path):
    """A pickle runs code when it is opened."""
    import yaml

    for name, write, layers in (
        ("st", write_sentence_transformers, (-1,)),
        ("st", write_sentence_transformers, (1, 2)),
        ("tf", write_transformers, (-1,)),
    ):
        folder = write(tmp_path / name, a_student(bert, ("no", "yes"), layers), INFO)
        files = [path for path in folder.rglob("*") if path.is_file()]
        assert {path.suffix for path in files} <= {".json", ".safetensors", ".md", ".py", ".txt", ""}
        code = [path.name for path in files if path.suffix == ".py"]
        assert code == (["student_model.py"] if name == "tf" else ["layers_pooling.py"] if layers != (-1,) else [])
        assert all(path in (folder / "README.md").read_text(encoding="utf-8") for path in code)
        _, front, body = (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)
        found = yaml.safe_load(front)
        assert found["model-index"][0]["results"][0]["metrics"] == [{"type": "accuracy", "value": 0.7125}]
        assert found["library_name"] == {"st": "sentence-transformers", "tf": "transformers"}[name]
        assert "| test texts, measured once: accuracy | 0.713 |" in body or "0.712" in body


@pytest.mark.slow
def test_vectors_after_several_layers_are_kept_by_the_library_that_opened_them(bert, tmp_path, monkeypatch):
    """Prevents: a student trained on with SetFit that cannot be saved or opened again."""
    import transformers
    from sentence_transformers import SentenceTransformer

    monkeypatch.setattr(transformers.dynamic_module_utils, "HF_MODULES_CACHE", str(tmp_path / "modules"))
    student = a_student(bert, ("no", "yes"), (1, 2))
    opened = SentenceTransformer(str(write_sentence_transformers(tmp_path / "s", student, INFO)), trust_remote_code=True)
    assert opened.get_embedding_dimension() == 32
    assert opened.encode(TEXTS) == pytest.approx(student.encoder.encode(TEXTS), abs=1e-5)
    opened.save(str(tmp_path / "again"))
    again = SentenceTransformer(str(tmp_path / "again"), trust_remote_code=True)
    assert again.encode(TEXTS) == pytest.approx(opened.encode(TEXTS), abs=1e-6)


def test_a_folder_that_breaks_off_is_none(bert, tmp_path, monkeypatch):
    """Half a student would load with a head of zeros."""
    student = a_student(bert, ("no", "yes"))

    def full(folder):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(student.encoder, "tokenizer", SimpleNamespace(save_pretrained=full))
    for write in (write_sentence_transformers, write_transformers):
        with pytest.raises(Exception, match="No space left"):
            write(tmp_path / "s", student, INFO)
        assert not list(tmp_path.iterdir())
