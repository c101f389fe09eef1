"""Models as values that any process can load: a teacher with its own weights inside, an encoder by name and revision; and their work.

Loaded once a process. A worker whose copy of a model holds other weights refuses: its answers would be another model's. Knows no store.
"""

import tempfile
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cod_core.compute.engine import engine_of
from cod_core.compute.work import Parcel, Work
from cod_core.errors import BadInput
from cod_core.models.cached import Late, Spread
from cod_core.models.choice import BuiltinChoice, FinetunedChoice, TransformersChoice
from cod_core.models.encoder import Encoder, pinned, resolve, revision_of, split_name
from cod_core.models.teachers import BUILTIN, FineTunedTeacher, TorchTeacher, TransformersTeacher
from cod_core.settings import ComputePlace

if TYPE_CHECKING:
    from cod_core.models.local_llm import LocalLLM

LocalChoice = BuiltinChoice | FinetunedChoice | TransformersChoice
Spec = TypeVar("Spec")
Loaded = TypeVar("Loaded")
MOST_LOADED = 4
_loaded: dict[str, Any] = {}
MOST_BYTES = 256 << 20  # of a teacher's own files, which are an adapter and a head


@dataclass(frozen=True)
class TeacherSpec:
    """A teacher on this machine. revision: of its weights. files: name -> content of one that was fine-tuned in a project."""

    choice: LocalChoice
    labels: tuple[str, ...]
    revision: str
    files: tuple[tuple[str, bytes], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder by its name, and the revision of its weights."""

    name: str
    revision: str


@dataclass(frozen=True)
class LLMSpec:
    """A language model by its name and the revision of its weights. folder: where GGUF files are converted, on the app's machine."""

    name: str
    folder: str
    revision: str


def teacher_spec(choice: LocalChoice, labels: Sequence[str]) -> TeacherSpec:
    """The value of a teacher, without loading it. Raises BadInput where its own files are too many to send."""
    from cod_core.models.finetune import finetuned_revision

    if isinstance(choice, TransformersChoice):
        where = resolve(choice.name)
        return TeacherSpec(choice, tuple(labels), revision_of(where, **pinned(where, choice.revision)))
    if isinstance(choice, BuiltinChoice):
        return TeacherSpec(choice, tuple(labels), finetuned_revision(BUILTIN / choice.name))
    paths = [path for path in sorted(Path(choice.path).glob("*")) if path.is_file()]
    if (size := sum(path.stat().st_size for path in paths)) > MOST_BYTES:
        raise BadInput(f"The teacher's files are {size >> 20} MB, too much to send to workers. Leave COD_SCHEDULER and COD_WORKERS out.")
    return TeacherSpec(choice, tuple(labels), finetuned_revision(choice.path), tuple((path.name, path.read_bytes()) for path in paths))


def encoder_spec(name: str) -> EncoderSpec:
    """The value of an encoder, without loading it."""
    return EncoderSpec(name, revision_of(resolve(split_name(name)[0]), ""))


def load_local(choice: LocalChoice, labels: Sequence[str]) -> TorchTeacher:
    """The classifier of a choice, from this machine. Raises ModelUnavailable, LabelMismatch."""
    if isinstance(choice, BuiltinChoice):
        return FineTunedTeacher(BUILTIN / choice.name, f"builtin:{choice.name}", labels, choice.label_map)
    if isinstance(choice, FinetunedChoice):
        return FineTunedTeacher(choice.path, None, labels, choice.label_map)
    return TransformersTeacher(choice.name, labels, choice.label_map, choice.revision or None)


def load_teacher(spec: TeacherSpec) -> TorchTeacher:
    """The teacher, in this process. Raises BadInput where the weights here are others; ModelUnavailable, LabelMismatch."""
    return _once(spec, _teacher)


def load_encoder(spec: EncoderSpec) -> Encoder:
    """The encoder, in this process. Raises BadInput where the weights here are others; ModelUnavailable."""
    return _once(spec, _encoder)


def llm_spec(name: str, folder: Path) -> LLMSpec:
    """The value of a language model, without loading it; a GGUF file is converted now. Raises ModelUnavailable."""
    from cod_core.models.local_llm import resolve_llm

    return LLMSpec(name, str(folder), revision_of(resolve_llm(name, folder)))


def load_llm(spec: LLMSpec) -> "LocalLLM":
    """The language model, in this process. Raises BadInput where the weights here are others; ModelUnavailable."""
    return _once(spec, _llm)


def _once(spec: Spec, load: Callable[[Spec], Loaded]) -> Loaded:
    """The model of a spec, loaded before or now; the latest few are kept, since several works ask for the same."""
    key = Parcel.of(spec).sha
    if key not in _loaded:
        while len(_loaded) >= MOST_LOADED:
            _loaded.pop(next(iter(_loaded)))
        _loaded[key] = load(spec)
    found: Loaded = _loaded[key]
    return found


def _teacher(spec: TeacherSpec) -> TorchTeacher:
    if isinstance(spec.choice, FinetunedChoice):
        with tempfile.TemporaryDirectory(prefix="cod-teacher-") as folder:
            for name, data in spec.files:
                (Path(folder) / Path(name).name).write_bytes(data)
            found: TorchTeacher = FineTunedTeacher(folder, None, spec.labels, spec.choice.label_map)
    else:
        found = load_local(spec.choice, spec.labels)
    same_weights(found.revision, spec.revision, spec.choice.named)
    return found


def _encoder(spec: EncoderSpec) -> Encoder:
    found = Encoder(spec.name)
    same_weights(found.revision, spec.revision, spec.name)
    return found


def _llm(spec: LLMSpec) -> "LocalLLM":
    from cod_core.models.local_llm import LocalLLM

    where = spec.folder if Path(spec.folder).is_dir() else str(Path(tempfile.gettempdir()) / "cod-llm")  # on another machine
    found = LocalLLM(spec.name, where)
    same_weights(found.revision, spec.revision, found.name)
    return found


def same_weights(here: str, wanted: str, name: str) -> None:
    """Raises BadInput where a process has other weights under a name than the app."""
    if here != wanted:
        raise BadInput(
            f"A worker's copy of {name} holds other weights ({here[:12]}) than the app's ({wanted[:12]}), so its answers would be "
            "another model's. Put the same model there."
        )


def answer(teacher: TorchTeacher, texts: list[str]) -> np.ndarray:
    """(n, C) log-probabilities of one chunk."""
    return teacher.logprobs(texts)


def embed(encoder: Encoder, texts: list[str]) -> np.ndarray:
    """(n, d) unit rows of one chunk."""
    return encoder.encode(texts)


def read(llm: "LocalLLM", texts: list[str]) -> np.ndarray:
    """(n,) mean negative log-likelihood a token of one chunk."""
    return llm.nll(texts)


READING = Work[LLMSpec, "LocalLLM", list[str], np.ndarray](load_llm, read, torch=True, gpu=True)
ANSWERING = Work[TeacherSpec, TorchTeacher, list[str], np.ndarray](load_teacher, answer, torch=True, gpu=True)
EMBEDDING = Work[EncoderSpec, Encoder, list[str], np.ndarray](load_encoder, embed, torch=True, gpu=True)


def spread_answers(place: ComputePlace, spec: Callable[[], TeacherSpec], loaded: Callable[[], TorchTeacher]) -> Spread:
    """Asks a teacher about many texts wherever the place is. loaded: the teacher in this process."""

    def rows(chunks: Sequence[list[str]], tick: Callable[[], object], late: Late) -> Generator[np.ndarray, None, None]:
        with engine_of(place) as engine:
            yield from engine.run(ANSWERING, spec(), chunks, loaded, tick, late)

    return rows


def spread_reading(place: ComputePlace, spec: Callable[[], LLMSpec], loaded: "Callable[[], LocalLLM]") -> Spread:
    """Has a language model say how likely many texts are wherever the place is. loaded: the model in this process."""

    def rows(chunks: Sequence[list[str]], tick: Callable[[], object], late: Late) -> Generator[np.ndarray, None, None]:
        with engine_of(place) as engine:
            yield from engine.run(READING, spec(), chunks, loaded, tick, late)

    return rows


def spread_embeddings(place: ComputePlace, name: str, loaded: Callable[[], Encoder]) -> Spread:
    """Embeds many texts wherever the place is. loaded: the encoder in this process."""

    def rows(chunks: Sequence[list[str]], tick: Callable[[], object], late: Late) -> Generator[np.ndarray, None, None]:
        with engine_of(place) as engine:
            yield from engine.run(EMBEDDING, encoder_spec(name), chunks, loaded, tick, late)

    return rows
