"""A student in the folders of other libraries: sentence-transformers (with SetFit and scikit-learn), and transformers.

Weights are safetensors. scikit-learn and SetFit keep a fitted head as a pickle, which runs code when it is opened; the README builds
the same head from its weights instead. Knows no store.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cod_core.errors import CodError
from cod_core.export.card import escaped
from cod_core.export.student import FORMAT, MAX_TOKENS
from cod_core.export.student_card import card

if TYPE_CHECKING:
    from cod_core.models.student import HeadStudent

POOLING = "layers_pooling.py"
_PIPELINE = """import json, numpy
from safetensors.numpy import load_file
from sentence_transformers import SentenceTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
labels, encoder = json.load(open("student.json", encoding="utf-8"))["labels"], SentenceTransformer(".")
weight, bias = (load_file("head.safetensors")[name] for name in ("weight", "bias"))
if len(labels) == 2:  # of two classes scikit-learn keeps the difference
    weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
classifier = LogisticRegression()
classifier.classes_, classifier.coef_, classifier.intercept_ = numpy.array(labels), weight, bias
pipeline = make_pipeline(FunctionTransformer(encoder.encode), classifier)"""

_AFTER = """
`pipeline.predict(["a text"])` gives a label, `pipeline.predict_proba(["a text"])` a probability for each of `classifier.classes_`.

With SetFit: `SetFitModel(model_body=encoder, model_head=classifier, labels=labels)`, after the lines above. `SetFitModel.from_pretrained`
looks for a pickled head, and there is none here on purpose: a pickle runs code when it is opened. What SetFit itself saves has one, so
open that only where it is your own (`trust_remote_code=True` where this folder needs it). The vectors alone are those of
"""

_LAST_LAYER = """`SentenceTransformer(".")`.
"""

_OWN_POOLING = """`SentenceTransformer(".", trust_remote_code=True)`, which lets it run `layers_pooling.py`: it lies in this folder, read it
first, it has some fifty lines. sentence-transformers has no pooling of its own that reads an encoder after several layers.
"""

_TRANSFORMERS = """from transformers import pipeline
classify = pipeline("text-classification", model=".", trust_remote_code=True, top_k=None)
print(classify(["a text"], truncation=True))"""

_OWN_CODE = """
`trust_remote_code=True` lets transformers run `student_model.py`, which lies in this folder: read it first, it has some sixty lines. No
class of transformers has an encoder's unit-length mean under a linear head.
"""


def write_sentence_transformers(folder: str | Path, student: "HeadStudent", info: Mapping[str, object]) -> Path:
    """Write the encoder as sentence-transformers keeps it, and the head beside it: logits = weight @ vector + bias.

    student: with a loaded encoder. One that is read after several layers goes with the code of its pooling. Raises CodError where the
    folder cannot be written.
    """
    from safetensors.numpy import save_file

    whole, layers = _encoder_of(student)
    several, folder = layers != (-1,), Path(folder)
    max_tokens = int(getattr(whole, "max_tokens", MAX_TOKENS))
    about = {"format": FORMAT, "kind": "finetuned", "labels": list(student.labels), "scale": 1.0, "max_tokens": max_tokens}
    note = f"The encoder lies here as sentence-transformers keeps it; it began as {_origin(whole.id, layers)}."
    needs = "sentence-transformers scikit-learn safetensors"
    code = _PIPELINE.replace('SentenceTransformer(".")', 'SentenceTransformer(".", trust_remote_code=True)') if several else _PIPELINE
    texts = _modules(int(whole.model.config.hidden_size), layers) | {
        "sentence_bert_config.json": _json({"max_seq_length": max_tokens, "do_lower_case": False}),
        "student.json": _json(about | {"encoder": whole.id, "layers": list(layers), "info": dict(info)}),
        "README.md": card(
            student.labels, info, note, needs, code, "sentence-transformers", _AFTER + (_OWN_POOLING if several else _LAST_LAYER)
        ),
    }
    with _writing(folder):
        for name, text in texts.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        save_file(_head(student), folder / "head.safetensors")
        whole.model.save_pretrained(folder)
        whole.tokenizer.save_pretrained(folder)
        if several:
            _changed(folder / "config.json", output_hidden_states=True)
            shutil.copyfile(Path(__file__).with_name(POOLING), folder / POOLING)
    return folder


def _modules(width: int, layers: tuple[int, ...]) -> dict[str, str]:
    """name -> content of the files that say how sentence-transformers comes from tokens to a vector."""
    if layers == (-1,):
        paths = ["", "1_Pooling", "2_Normalize"]
        types = [f"sentence_transformers.models.{kind}" for kind in ("Transformer", "Pooling", "Normalize")]
        pooling = {"word_embedding_dimension": width, "pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}
        files = {"1_Pooling/config.json": _json(pooling), "2_Normalize/.gitkeep": ""}
    else:
        paths, types = ["", "1_LayersPooling"], ["sentence_transformers.models.Transformer", "layers_pooling.LayersPooling"]
        files = {"1_LayersPooling/config.json": _json({"layers": list(layers), "width": width})}
    modules = [{"idx": i, "name": str(i), "path": path, "type": kind} for i, (kind, path) in enumerate(zip(types, paths))]
    return {"modules.json": _json(modules), **files}


def write_transformers(folder: str | Path, student: "HeadStudent", info: Mapping[str, object]) -> Path:
    """Write encoder and head as one model that `pipeline("text-classification")` loads, with the code of its class.

    student: with a loaded encoder. Raises CodError where the folder cannot be written.
    """
    import torch

    from cod_core.export.student_model import StudentConfig, StudentForSequenceClassification

    whole, layers = _encoder_of(student)
    labels, folder, head = list(student.labels), Path(folder), _head(student)
    config = StudentConfig(
        whole.model.config.to_dict(),
        layers,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id={name: i for i, name in enumerate(labels)},
    )
    with torch.random.fork_rng(devices=[]):  # weights are drawn before they are replaced
        model: Any = StudentForSequenceClassification(config)
    model.encoder.load_state_dict(whole.model.state_dict())
    with torch.no_grad():
        model.classifier.weight.copy_(torch.from_numpy(head["weight"]))
        model.classifier.bias.copy_(torch.from_numpy(head["bias"]))
    note = f"Encoder and head lie here as one model; the encoder began as {_origin(whole.id, layers)}."
    with _writing(folder):
        model.eval().save_pretrained(folder)
        whole.tokenizer.save_pretrained(folder)
        # the tokenizer cuts texts where the student did
        _changed(folder / "tokenizer_config.json", model_max_length=int(getattr(whole, "max_tokens", MAX_TOKENS)))
        readme = card(labels, info, note, "torch transformers", _TRANSFORMERS, "transformers", _OWN_CODE)
        (folder / "README.md").write_text(readme, encoding="utf-8")
    return folder


def _encoder_of(student: "HeadStudent") -> tuple[Any, tuple[int, ...]]:
    """(the loaded encoder, after which layers it is read), perhaps from behind a cache."""
    whole = getattr(student.encoder, "wrapped", student.encoder)
    return whole, tuple(getattr(whole, "pooled", (-1,)))


def _origin(id: str, layers: tuple[int, ...]) -> str:
    """An encoder as a hub calls it, and after which layers it is read."""
    read = f", read after its layers {' and '.join(map(str, layers))}" if len(layers) > 1 else ""
    return escaped(id.partition("@")[0]) + read


def _head(student: "HeadStudent") -> dict[str, np.ndarray]:
    """weight (C, d) and bias (C,) of unit-length vectors, in float32."""
    weight = np.ascontiguousarray(student.scale * student.weight, dtype=np.float32)
    return {"weight": weight, "bias": np.ascontiguousarray(student.bias, dtype=np.float32)}


def _changed(path: Path, **values: object) -> None:
    """Set values in a JSON file."""
    path.write_text(_json(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


class _writing:
    """Makes the folder anew; what fails leaves none. Raises CodError where it cannot be written."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __enter__(self) -> None:
        try:
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
        except OSError as error:
            raise self._told(error) from error

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None:
            shutil.rmtree(self.folder, ignore_errors=True)
        if isinstance(error, OSError):
            raise self._told(error) from error

    def _told(self, error: OSError) -> CodError:
        return CodError(f"The student could not be written to {self.folder} ({error.strerror}). Free some space and try again.")


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n"
