"""A model folder or file that is damaged, half there or made to harm ends as one error of the app, which says what to do."""

import json
import shutil
import struct

import numpy as np
import pytest

from cod_core.errors import CodError, ModelUnavailable
from cod_core.models import gguf
from cod_core.models.encoder import Encoder
from cod_core.models.student import ABOUT_FILE, HEAD_FILE, load_student
from cod_core.models.teachers import BUILTIN, FineTunedTeacher, TransformersTeacher

pytestmark = pytest.mark.slow
LONG = struct.pack("<Q", 2**60)
BODIES = {
    "empty": b"",
    "a word": b"hello",
    "zeros": b"\0" * 1000,
    "a length beyond all": LONG + b"{}",
    "a header that is no JSON": struct.pack("<Q", 9) + b"not json!",
    "a header that nests": struct.pack("<Q", 20_000) + b'{"a":' * 4000,
    "offsets beyond the end": (lambda head: struct.pack("<Q", len(head)) + head)(
        b'{"weight":{"dtype":"F32","shape":[9999999,9999999],"data_offsets":[0,399999920000004]}}'
    ),
    "another tensor": (lambda head: struct.pack("<Q", len(head)) + head + b"\0" * 4)(
        b'{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    ),
}
ABOUTS = {
    "empty": "",
    "no JSON": "{",
    "a list": "[1, 2]",
    "a number": "3",
    "nothing in it": "{}",
    "strange values": json.dumps({"encoder": 5, "labels": "ab", "rank": "x", "max_tokens": None}),
    "no labels": json.dumps({"encoder": "all-MiniLM-L6-v2", "labels": [], "rank": 8, "max_tokens": 128}),
    "another rank": json.dumps({"encoder": "all-MiniLM-L6-v2", "labels": ["negative", "positive"], "rank": -1, "max_tokens": 128}),
    "an encoder of nowhere": json.dumps({"encoder": "../../etc", "labels": ["negative", "positive"], "rank": 8, "max_tokens": 128}),
    "bytes": "\x00\x01\x02",
    "deep": "[" * 100_000,
}


@pytest.fixture
def teacher(tmp_path):
    return shutil.copytree(BUILTIN / "movies", tmp_path / "teacher")


@pytest.mark.parametrize("what", BODIES)
def test_a_teacher_with_damaged_weights(teacher, what):
    """Prevents: a bare SafetensorError, KeyError or RuntimeError on the Teacher page, from a file in a backup or a torn copy."""
    (teacher / "adapter.safetensors").write_bytes(BODIES[what])
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        FineTunedTeacher(teacher)


@pytest.mark.parametrize("what", ABOUTS)
def test_a_teacher_whose_description_is_damaged(teacher, what):
    """Prevents: a bare JSONDecodeError, TypeError or RecursionError, where a description came with a backup."""
    (teacher / "teacher.json").write_text(ABOUTS[what])
    with pytest.raises(CodError):
        FineTunedTeacher(teacher)


@pytest.mark.parametrize("what", BODIES)
def test_a_student_with_a_damaged_head(tmp_path, what):
    """Prevents: a bare error when a student is loaded, or wrong shapes that show themselves at the first text."""
    (tmp_path / ABOUT_FILE).write_text(json.dumps({"kind": "linear", "encoder": "all-MiniLM-L6-v2", "labels": ["a", "b"]}))
    (tmp_path / HEAD_FILE).write_bytes(BODIES[what])
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load_student(tmp_path)


@pytest.mark.parametrize("shape", [(3, 384), (2, 10), (384,), (0, 384)])
def test_a_student_whose_head_fits_nothing(tmp_path, shape):
    """Prevents: shapes that do not fit the labels or the encoder are met at the first text, as a bare ValueError."""
    from safetensors.numpy import save_file

    (tmp_path / ABOUT_FILE).write_text(json.dumps({"kind": "linear", "encoder": "all-MiniLM-L6-v2", "labels": ["a", "b"]}))
    save_file({"weight": np.zeros(shape, np.float32), "bias": np.zeros(2, np.float32)}, tmp_path / HEAD_FILE)
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load_student(tmp_path)


@pytest.mark.parametrize("what", [what for what in ABOUTS if what != "another rank"])  # which students do not have
def test_a_student_whose_description_is_damaged(tmp_path, what):
    """Prevents: as for teachers."""
    from safetensors.numpy import save_file

    save_file({"weight": np.zeros((2, 384), np.float32), "bias": np.zeros(2, np.float32)}, tmp_path / HEAD_FILE)
    (tmp_path / ABOUT_FILE).write_text(ABOUTS[what])
    with pytest.raises(CodError):
        load_student(tmp_path)


@pytest.mark.parametrize("what", ["config", "weights", "tokenizer", "strange config"])
@pytest.mark.parametrize("load", [Encoder, lambda where: TransformersTeacher(where, ("a", "b"))], ids=["encoder", "classifier"])
def test_a_model_folder_of_transformers(tmp_path, what, load):
    """Prevents: what transformers raises from a damaged folder reaches the screen as a bug of ours."""
    folder = shutil.copytree(BUILTIN.parents[0] / "builtin" / "movies", tmp_path / "model")
    config = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8}
    strange = {"model_type": "bert", "hidden_size": "wide", "num_attention_heads": 0, "id2label": [1], "vocab_size": -5}
    texts = {"config": "{", "strange config": json.dumps(strange)}
    (folder / "config.json").write_text(texts.get(what, json.dumps(config)))
    (folder / "model.safetensors").write_bytes(BODIES["a length beyond all"])
    (folder / "tokenizer.json").write_text("[" * 1000 if what == "tokenizer" else "{}")
    with pytest.raises(CodError):
        load(str(folder))


HEAD = b"GGUF" + struct.pack("<I", 3)
GGUFS = {
    **{name: body for name, body in BODIES.items() if name != "another tensor"},
    "version 0": b"GGUF" + struct.pack("<I", 0),
    "nothing behind the head": HEAD,
    "no tensors": HEAD + struct.pack("<QQ", 0, 0),
    "so many tensors": HEAD + struct.pack("<QQ", 2**63, 0),
    "so many fields": HEAD + struct.pack("<QQ", 0, 2**63),
    "a name of 2**60 letters": HEAD + struct.pack("<QQ", 0, 1) + LONG + b"a",
    "an unknown type": HEAD + struct.pack("<QQQ", 0, 1, 1) + b"a" + struct.pack("<I", 99),
    "a list of 2**60": HEAD + struct.pack("<QQQ", 0, 1, 1) + b"a" + struct.pack("<II", 9, 4) + LONG,
    "lists in lists": HEAD + struct.pack("<QQQ", 0, 1, 1) + b"a" + struct.pack("<I", 9) + (struct.pack("<IQ", 9, 1)) * 5000,
    "an unknown model": HEAD + struct.pack("<QQQ", 0, 1, 20) + b"general.architecture" + struct.pack("<IQ", 8, 5) + b"zebra",
}


@pytest.mark.parametrize("what", GGUFS)
def test_a_damaged_gguf_file(tmp_path, what):
    """Prevents: a bare struct.error, IndexError or RecursionError from the page where somebody names a file."""
    file = tmp_path / "model.gguf"
    file.write_bytes(GGUFS[what])
    with pytest.raises(ModelUnavailable, match="could not be read as a language model"):
        gguf.converted(file, tmp_path / "cache")
    assert not [path for path in (tmp_path / "cache").iterdir()], "nothing half made is left"
