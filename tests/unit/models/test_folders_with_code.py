"""Model folders that bring code of their own: none of it runs, by whichever way it is named, and the folder is refused in words."""

import json
import pickle
import shutil
import sys
from pathlib import Path

import pytest

from cod_core.errors import CodError
from cod_core.models.encoder import Encoder
from cod_core.models.local_llm import LocalLLM
from cod_core.models.teachers import BUILTIN, FineTunedTeacher, TransformersTeacher

pytestmark = pytest.mark.slow
CLASSES = {"AutoConfig": "code.C", "AutoModel": "code.M", "AutoModelForCausalLM": "code.M", "AutoModelForSequenceClassification": "code.M"}
BERT = {"model_type": "bert", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 8, "vocab_size": 9}


class Runs:
    """Pickled, it writes a file when it is opened."""

    def __init__(self, mark: Path):
        self.mark = mark

    def __reduce__(self):
        return Path.write_text, (self.mark, "ran")


WAYS = {  # what a folder holds beside its code: name of a file -> its content, made from the file that must never be written
    "an unknown kind of model": lambda mark: {"config.json": {"model_type": "strange", "auto_map": CLASSES}},
    "a known kind with classes of its own": lambda mark: {"config.json": BERT | {"auto_map": CLASSES}},
    "a tokenizer of its own": lambda mark: {
        "config.json": BERT,
        "tokenizer_config.json": {"tokenizer_class": "T", "auto_map": {"AutoTokenizer": ["code.T", "code.T"]}},
    },
    "pickled weights": lambda mark: {"config.json": BERT, "pytorch_model.bin": pickle.dumps(Runs(mark))},
    "pickled weights under a harmless name": lambda mark: {"config.json": BERT, "model.safetensors": pickle.dumps(Runs(mark))},
    "modules of sentence-transformers": lambda mark: {
        "config.json": BERT,
        "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "code.M"}],
    },
    "an adapter that names a library": lambda mark: {
        "config.json": BERT,
        "adapter_config.json": {"peft_type": "LORA", "auto_mapping": {"base_model_class": "M", "parent_library": "code"}},
    },
}
LOADERS = {
    "encoder": lambda folder: Encoder(folder),
    "classifier": lambda folder: TransformersTeacher(folder, ("a", "b")),
    "language model": lambda folder: LocalLLM(folder),
    "fine-tuned teacher": lambda folder: FineTunedTeacher(folder),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("loader", LOADERS)
def test_no_code_of_a_model_folder_runs(tmp_path, monkeypatch, way, loader):
    """Prevents: whoever names a model, or sends one along, runs their program as the app; a question at the terminal holds the server."""
    mark, before = tmp_path / "ran", set(sys.modules)
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("somebody at a terminal is asked"))
    folder = tmp_path / "model"
    if loader == "fine-tuned teacher":
        shutil.copytree(BUILTIN / "movies", folder)
        about = json.loads((folder / "teacher.json").read_text())
        (folder / "teacher.json").write_text(json.dumps(about | {"encoder": str(folder)}))
    folder.mkdir(exist_ok=True)
    for name, content in WAYS[way](mark).items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    program = f"import pathlib\npathlib.Path({str(mark)!r}).write_text('ran')\nclass C: pass\nclass M: pass\nclass T: pass\n"
    for name in ("code.py", "modeling.py", "handler.py", "__init__.py", "conftest.py"):
        (folder / name).write_text(program)
    with pytest.raises(CodError):
        LOADERS[loader](str(folder))
    assert not mark.exists()
    assert not [name for name in set(sys.modules) - before if str(folder) in str(getattr(sys.modules[name], "__file__", ""))]
