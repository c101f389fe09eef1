"""A student as ONNX for small devices: fp32 and int8, checked against torch before they leave. Knows no store.

The graph holds encoder, pooling and head: word-piece ids and mask in, log-probabilities out. What runs it needs
onnxruntime and tokenizers only (numpy comes with them).
"""

import copy
import json
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cod_core.errors import BadInput, CodError
from cod_core.models.broken import readable

if TYPE_CHECKING:
    from torch.nn import Module
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

    from cod_core.models.student import HeadStudent

AGREEMENT = 0.995
FP32, INT8 = "student.onnx", "student-int8.onnx"

EXAMPLE = """import json, numpy, onnxruntime, tokenizers
about = json.load(open("onnx.json", encoding="utf-8"))
reader = tokenizers.Tokenizer.from_file("tokenizer.json")
reader.enable_truncation(about["max_tokens"]); reader.enable_padding(pad_id=about["pad_id"])
session = onnxruntime.InferenceSession("{model}")
def predict(texts):
    rows = reader.encode_batch(texts)
    ids, mask = (numpy.array([getattr(r, k) for r in rows], dtype=numpy.int64) for k in ("ids", "attention_mask"))
    [logp] = session.run(None, {{"input_ids": ids, "attention_mask": mask}})
    return [dict(zip(about["labels"], row)) for row in numpy.exp(logp).tolist()]"""


@dataclass(frozen=True)
class Measured:
    """One form of a student. agreement: share of the checked texts with torch's class, None for torch itself.

    latency_ms: median of one text at a time. texts_a_second: in batches of texts of like length, 32 at most, the same for
    every form. bytes: of what has to be shipped.
    """

    name: str
    bytes: int
    agreement: float | None
    latency_ms: float
    texts_a_second: float


def write_onnx(folder: str | Path, student: "HeadStudent", texts: Sequence[str]) -> list[Measured]:
    """Write student.onnx, student-int8.onnx, tokenizer.json, onnx.json and README-onnx.md; what was measured.

    student: a HeadStudent with a loaded encoder (models/student.py). texts: what agreement is checked on, 50 or more
    say something. Raises CodError where fp32 and torch differ on more than 0.5 % of the texts, BadInput where the
    student's encoder cannot be had or texts are missing, or the packages onnx and onnxscript are. The files come into the
    folder together and checked, or not at all.
    """
    if not texts:
        raise BadInput("ONNX files are checked against the student on texts: give some.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".onnx-") as room:
        found = _written(Path(room), student, texts)
        for path in sorted(Path(room).iterdir()):
            path.replace(folder / path.name)
    return found


def _written(folder: Path, student: "HeadStudent", texts: Sequence[str]) -> list[Measured]:
    import torch

    whole: Any = getattr(student.encoder, "wrapped", student.encoder)  # a loaded encoder of either kind, perhaps behind a cache
    tokenizer = whole.tokenizer
    max_tokens = int(getattr(whole, "max_tokens", 256))
    with torch.device("cpu"):
        _export(whole.model, student, tokenizer, folder / FP32)
    _quantize(folder / FP32, folder / INT8)
    tokenizer.backend_tokenizer.no_padding()
    tokenizer.backend_tokenizer.no_truncation()
    tokenizer.backend_tokenizer.save(str(folder / "tokenizer.json"))
    about = {"labels": list(student.labels), "max_tokens": max_tokens, "pad_id": int(tokenizer.pad_token_id or 0)}
    (folder / "onnx.json").write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    (folder / "README-onnx.md").write_text(_readme(), encoding="utf-8")
    expected = student.logprobs(list(texts)).argmax(-1)
    bare = copy.copy(student)
    bare.encoder = whole  # without a cache: reading is what is timed, not looking up
    batches = batched(tokenizer, texts)
    found = [measure("torch", bare.logprobs, batches, sum(p.numel() * 4 for p in whole.model.parameters()), None)]
    for name in (FP32, INT8):
        answer = reader(folder, name)
        agreement = float((answer(list(texts)).argmax(-1) == expected).mean())
        found.append(measure(name, answer, batches, (folder / name).stat().st_size, agreement))
        if name == FP32 and agreement < AGREEMENT:
            raise CodError(
                f"The ONNX file gives another class than the student on {1 - agreement:.1%} of {len(texts)} texts, "
                "so it is not to be used. Please report this."
            )
    (folder / "onnx.json").write_text(
        json.dumps(about | {"measured": [asdict(m) for m in found]}, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )
    return found


def reader(folder: str | Path, name: str = FP32, threads: int = 1) -> Callable[[Sequence[str]], np.ndarray]:
    """texts -> (n, C) log-probabilities by onnxruntime; the longest of a batch decides its padding."""
    import onnxruntime
    import tokenizers

    folder = Path(folder)
    with readable(f"The ONNX files in {folder.name!r}", "Export the student again."):
        about = json.loads((folder / "onnx.json").read_text(encoding="utf-8"))
        pieces = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        pieces.enable_truncation(about["max_tokens"])
        pieces.enable_padding(pad_id=about["pad_id"])
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        session = onnxruntime.InferenceSession(str(folder / name), options, providers=["CPUExecutionProvider"])

    def answer(texts: Sequence[str]) -> np.ndarray:
        out = []
        for start in range(0, len(texts), 32):
            rows = pieces.encode_batch(list(texts[start : start + 32]))
            feed = {
                "input_ids": np.array([r.ids for r in rows], dtype=np.int64),
                "attention_mask": np.array([r.attention_mask for r in rows], dtype=np.int64),
            }
            out.append(session.run(None, feed)[0])
        return np.concatenate(out) if out else np.zeros((0, len(about["labels"])))

    return answer


def batched(tokenizer: "PreTrainedTokenizerFast", texts: Sequence[str], most: int = 32) -> list[list[str]]:
    """The texts in batches of like length, `most` of them at most: every form is measured on these."""
    from cod_core.models.encoder import length_batches

    lengths = [len(ids) for ids in tokenizer(list(texts), truncation=True)["input_ids"]]
    return [[texts[i] for i in batch[at : at + most]] for batch in length_batches(lengths) for at in range(0, len(batch), most)]


def measure(
    name: str,
    answer: Callable[[Sequence[str]], object],
    batches: Sequence[Sequence[str]],
    size: int,
    agreement: float | None,
    single: int = 30,
) -> Measured:
    """Latency of one text (median of up to 30) and throughput of all batches on one core, after one call to warm up.

    answer: texts -> anything, without a cache: a text that was read before has to be read again.
    """
    from cod_core.models.device import one_thread

    texts = [text for batch in batches for text in batch]
    some = texts[:: max(1, len(texts) // single)][:single]  # batches are sorted by length
    with one_thread():
        answer(some[:1])
        taken = []
        for text in some:
            start = time.perf_counter()
            answer([text])
            taken.append(time.perf_counter() - start)
        start = time.perf_counter()
        for batch in batches:
            answer(batch)
        seconds = time.perf_counter() - start
    return Measured(name, size, agreement, round(1000 * float(np.median(taken)), 2), round(len(texts) / seconds, 1))


def _export(model: "PreTrainedModel", student: "HeadStudent", tokenizer: "PreTrainedTokenizerFast", path: Path) -> None:
    import torch

    try:
        import onnx  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise BadInput("ONNX files need the packages onnx and onnxscript: pip install onnx onnxscript.") from error
    graph = _graph(model, student).eval()
    inputs = tokenizer(["one text", "another, longer text"], padding=True, return_tensors="pt")
    batch, length = torch.export.Dim("batch", min=1, max=4096), torch.export.Dim("length", min=2, max=512)
    shape = {0: batch, 1: length}
    program = torch.onnx.export(
        graph,
        (inputs["input_ids"], inputs["attention_mask"]),
        dynamo=True,
        verbose=False,
        input_names=["input_ids", "attention_mask"],
        output_names=["logprobs"],
        dynamic_shapes=(shape, shape),
    )
    assert program is not None  # torch gives one wherever it exports with dynamo
    program.save(str(path), external_data=False)


def _graph(model: "Module", student: "HeadStudent") -> "Module":
    import torch

    from cod_core.models.encoder import pool_layers

    layers = getattr(getattr(student.encoder, "wrapped", student.encoder), "pooled", (-1,))

    class Whole(torch.nn.Module):
        """Encoder, pooling and head as one module."""

        weight: torch.Tensor
        bias: torch.Tensor

        def __init__(self) -> None:
            super().__init__()
            self.encoder = copy.deepcopy(model).cpu().float()
            self.register_buffer("weight", torch.tensor(student.scale * student.weight, dtype=torch.float32))
            self.register_buffer("bias", torch.tensor(student.bias, dtype=torch.float32))

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
            phi = pool_layers(self.encoder, {"input_ids": input_ids, "attention_mask": attention_mask}, layers)
            return torch.log_softmax(phi @ self.weight.T + self.bias, -1)

    return Whole()


def _quantize(source: Path, target: Path) -> None:
    """int8 weights of the matrix products and the embeddings, activations scaled as they come.

    A scale a channel: one for a whole matrix changed one answer in twenty on AG News. Weights of seven bits: with eight,
    sums overflow on processors without VNNI, which small machines often are.
    """
    import logging

    from onnxruntime.quantization import QuantType, quantize_dynamic

    logging.getLogger().setLevel(max(logging.WARNING, logging.getLogger().level))
    quantize_dynamic(str(source), str(target), weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)


def _readme() -> str:
    return f"""# The student as ONNX

`{FP32}` computes what the torch student computes; `{INT8}` is a quarter of its size and usually faster, at the
agreement of classes that onnx.json states; its probabilities are off by some hundredths. Install `onnxruntime tokenizers`, then, in
this folder:

```python
{EXAMPLE.format(model=INT8)}
```
"""
