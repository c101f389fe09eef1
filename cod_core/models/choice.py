"""Which teacher a project has: one frozen type per kind, read from plain mappings and written back as they are stored.

A choice is what a person gives (without id and revision) or what the projects table holds (with them). Loads no model,
reads no weights, knows no store.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from os import PathLike, fspath
from pathlib import Path
from typing import Any, ClassVar, Literal

from cod_core.errors import BadInput
from cod_core.said import msg, say
from cod_core.text import short_hash

MOST_TOKENS, MOST_SAMPLES = 256, 20
UNNAMED_MODEL = "gpt-4o-mini"  # what an earlier version asked where no model was named: such teachers stay who they were
MOST_ROUNDS, FEWEST_MINUTES, MOST_MINUTES = 100, 0.5, 240.0  # of a teacher's training
MINUTES, MOST_USUAL, SO_MANY_ROWS = 4.5, 9.0, 2000  # that all of a training may take: up to so many rows, and at most
PLACES = ("name", "path", "local")  # fields that may name a folder or file: a backup may bring none from elsewhere


@dataclass(frozen=True)
class _Choice:
    """id, revision: of the model as it was loaded when it was chosen, "" before. given: the keys that were read; a field at
    its default is written where its key was given, so that a stored choice is written as it was read."""

    asks: ClassVar[bool] = False  # each answer costs money or seconds, and is kept under the project
    always: ClassVar[frozenset[str]] = frozenset({"kind"})  # keys written whether given or not
    title: ClassVar[str] = ""  # of the kind, on screens
    saved_after: ClassVar[int | None] = None  # texts: answers that cost money or seconds are saved sooner than others

    id: str = field(default="", kw_only=True)
    revision: str = field(default="", kw_only=True)
    given: frozenset[str] = field(default=frozenset(), kw_only=True, repr=False, compare=False)

    def to_json(self) -> dict[str, Any]:
        """The mapping of the projects table, column teacher."""
        values = {f.name: (getattr(self, f.name), f.default) for f in _fields(type(self))}
        return {k: _plain(v) for k, (v, usual) in values.items() if v != usual or k in self.given | self.always}

    @property
    def named(self) -> str:
        """Which one of its kind, in short."""
        return self.id

    @property
    def words(self) -> str:
        """The teacher's name as screens and reports say it."""
        return say("{kind}: {name}", kind=say(self.title), name=self.named) if self.title else self.named

    def labels_hash(self, labels: Sequence[str]) -> str:
        """6 hex digits of the project's labels in their order and the label map: part of the teacher's revision."""
        named: dict[str, str] | None = getattr(self, "label_map", None)
        return short_hash(*labels, *sorted((named or {}).items()))[:6]


@dataclass(frozen=True)
class BuiltinChoice(_Choice):
    """A classifier that comes with the package. label_map: its label -> the project's, None where they are equal."""

    title: ClassVar[str] = msg("Built-in teacher")
    kind: Literal["builtin"] = field(default="builtin", init=False)
    name: str
    label_map: dict[str, str] | None = None

    @property
    def named(self) -> str:
        return Path(self.name).name


@dataclass(frozen=True)
class TransformersChoice(_Choice):
    """A Hugging Face sequence classifier. name: at the hub, or a folder. label_map as in BuiltinChoice."""

    title: ClassVar[str] = msg("Hugging Face classifier")
    kind: Literal["transformers"] = field(default="transformers", init=False)
    name: str
    label_map: dict[str, str] | None = None

    @property
    def named(self) -> str:
        return Path(self.name).name


@dataclass(frozen=True)
class FinetunedChoice(_Choice):
    """A classifier trained on a project's texts. path: its folder. name: in plain words. trained_on: ids of its texts. label_map: as
    in BuiltinChoice, where a label was renamed since."""

    title: ClassVar[str] = msg("Teacher fine-tuned on your texts")
    kind: Literal["finetuned"] = field(default="finetuned", init=False)
    path: str
    name: str | None = None
    trained_on: tuple[str, ...] | None = None
    label_map: dict[str, str] | None = None

    @property
    def named(self) -> str:
        return self.name or Path(self.path).name  # a project's name, in which a slash is no folder


@dataclass(frozen=True)
class LlmChoice(_Choice):
    """A language model that names the label: at an endpoint (base_url, model), or here (local: name, folder or .gguf file).

    samples: answers per text where an endpoint gives no probabilities. calibrate: divide by the prior of content-free
    inputs. price_in, price_out: USD per million tokens. without: what is not sent to it
    (quirks.SWITCHES). Kept when it is chosen: project_id, task, descriptions (what the
    prompt says), reads ("logprobs" or "votes"), weights (revision of a folder; teachers of an earlier version have none).
    """

    asks: ClassVar[bool] = True
    saved_after: ClassVar[int | None] = 32

    title: ClassVar[str] = msg("Language model as teacher")
    kind: Literal["llm"] = field(default="llm", init=False)
    base_url: str | None = None
    model: str | None = None
    local: str | None = None
    temperature: float | None = None
    max_in_flight: int | None = None
    price_in: float | None = None
    price_out: float | None = None
    samples: int = 5
    calibrate: bool = False
    without: tuple[str, ...] = ()
    project_id: str | None = None
    task: str | None = None
    descriptions: tuple[str, ...] | None = None
    reads: str | None = None
    weights: str | None = None

    def memory_key(self, project_id: str | None = None) -> str:
        """Where its calls are counted. project_id: in place of the one on record, which a copied project has from the first."""
        return f"memory:{project_id or self.project_id}:{self.base_url or 'local'}:{self.model or self.local}"

    @property
    def named(self) -> str:
        return Path(str(self.model or self.local)).name


@dataclass(frozen=True)
class GenerativeChoice(_Choice):
    """A language model that answers, and a classifier that judges its answers: the project's texts are prompts.

    local: name, folder or .gguf file of the model, None for the packaged one. max_tokens: of an answer. samples: answers
    per prompt. temperature: see usual_temperature. generator_revision: of the model when it was chosen.
    """

    asks: ClassVar[bool] = True
    saved_after: ClassVar[int | None] = 16
    always: ClassVar[frozenset[str]] = frozenset({"kind", "max_tokens", "samples", "temperature"})

    kind: Literal["generative"] = field(default="generative", init=False)
    judge: "JudgeChoice"
    temperature: float
    local: str | None = None
    max_tokens: int = 24
    samples: int = 1
    generator_revision: str | None = None

    def check(self) -> None:
        """Raises BadInput where the numbers are out of range or do not go together."""
        if not 1 <= self.max_tokens <= MOST_TOKENS or not 1 <= self.samples <= MOST_SAMPLES or not 0 <= self.temperature <= 2:
            raise BadInput(
                f"An answer has 1 to {MOST_TOKENS} tokens, a prompt 1 to {MOST_SAMPLES} answers, the temperature "
                f"lies between 0 and 2; got {self.max_tokens}, {self.samples} and {self.temperature}."
            )
        if self.samples > 1 and self.temperature == 0:
            raise BadInput(say("At temperature 0 every answer to a prompt is the same: ask for one, or raise the temperature."))


JudgeChoice = BuiltinChoice | TransformersChoice | FinetunedChoice
TeacherChoice = JudgeChoice | LlmChoice | GenerativeChoice
KINDS: dict[str, type[TeacherChoice]] = {
    "builtin": BuiltinChoice,
    "transformers": TransformersChoice,
    "finetuned": FinetunedChoice,
    "llm": LlmChoice,
    "generative": GenerativeChoice,
}
JUDGES = ("builtin", "transformers", "finetuned")


def usual_minutes(rows: int) -> float:
    """What all of a training on so many rows may take: AG News had seen two thirds of its 5,000 texts once after 4.5 minutes."""
    return min(MOST_USUAL, MINUTES * max(1.0, rows / SO_MANY_ROWS))


def usual_temperature(samples: int) -> float:
    """Greedy for one answer per prompt; several would all be the same."""
    return 0.0 if samples == 1 else 0.7


def read_choice(values: Mapping[str, Any]) -> TeacherChoice:
    """The choice that a mapping holds, as a person gives it or as it is stored.

    Raises BadInput that names an unknown kind, an unknown key, a field that is missing or cannot be read. Of values only
    numbers and names are quoted, so that no secret given by mistake is. Checks no range: GenerativeChoice.check.
    """
    kind = str(values.get("kind"))
    if kind not in KINDS:
        raise BadInput(f"Unknown kind of teacher: {values.get('kind')!r}. Choose one of: {', '.join(KINDS)}.")
    required = {f.name: f.default is MISSING for f in _fields(KINDS[kind])}
    if unknown := [key for key in values if key not in required]:
        raise BadInput(f"A teacher of the kind {kind!r} has no setting {unknown[0]!r}. Known are: {', '.join(required)}.")
    cleaned = {key: _clean(key, value) for key, value in values.items() if value is not None and key != "kind"}
    held = _completed(kind, {key: value for key, value in cleaned.items() if value is not None})
    if missing := [key for key in required if required[key] and key not in held]:
        raise BadInput(f"A teacher of the kind {kind!r} needs {missing[0]!r}, which is missing.")
    return KINDS[kind](**held, given=frozenset(values))


def _completed(kind: str, held: dict[str, Any]) -> dict[str, Any]:
    """What was given, with what follows from it. Raises BadInput for a language model that is nowhere, a judge that is none."""
    if kind == "llm" and not held.get("local") and not held.get("base_url"):
        raise BadInput(say("Give the address of the model (base_url). Nothing is sent anywhere that you did not name."))
    if kind == "llm" and not held.get("local") and not (held.get("model") or "").strip():
        raise BadInput(say("Give the name of the model too (model), as the service lists it. None is chosen for you."))
    if kind != "generative":
        return held
    held = {"judge": held.get("judge") or _judge("judge", None), "temperature": usual_temperature(held.get("samples", 1)), **held}
    return {**held, "local": held["local"].strip()} if "local" in held else held


def stored_choice(row: Mapping[str, Any] | None) -> TeacherChoice | None:
    """The choice of a project's row, None where none is chosen. The one place that is lenient: a row of another version of
    the app may hold keys that this one does not know, and they are passed over instead of locking the person out."""
    if not row:
        return None
    known = _known_part(row)
    if known.get("kind") == "llm" and not known.get("local") and not known.get("model"):
        known["model"] = UNNAMED_MODEL
    return read_choice(known)


@dataclass(frozen=True)
class FinetuneOptions:
    """What the job finetune_teacher takes. encoder: the model to start from, a decoder or a GGUF file too; None for the
    default. epochs: exactly so many rounds over the texts; None to train until it has learnt. minutes: the most that may take,
    None for the usual bound; of no use beside epochs."""

    encoder: str | None = None
    epochs: int | None = None
    minutes: float | None = None

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "FinetuneOptions":
        """Raises BadInput that names a key which is unknown, cannot be read or is out of range."""
        known = [f.name for f in fields(cls)]
        if unknown := [key for key in values if key not in known]:
            raise BadInput(f"Training a teacher has no setting {unknown[0]!r}. Known are: {', '.join(known)}.")
        epochs, minutes = values.get("epochs"), _number("minutes", values.get("minutes") or "")
        read = cls(_text("encoder", values.get("encoder") or "") or None, None if epochs in (None, "") else _int("epochs", epochs), minutes)
        if read.epochs is not None and not 1 <= read.epochs <= MOST_ROUNDS:
            raise BadInput(f"A training goes over the texts 1 to {MOST_ROUNDS} times; got {read.epochs}.")
        if read.minutes is not None and not FEWEST_MINUTES <= read.minutes <= MOST_MINUTES:
            raise BadInput(f"A training may take {FEWEST_MINUTES:g} to {MOST_MINUTES:g} minutes; got {read.minutes:g}.")
        if read.epochs is not None and read.minutes is not None:
            raise BadInput(say("Give the rounds or the minutes, not both: so many rounds take as long as they take."))
        return read

    def to_json(self) -> dict[str, Any]:
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) is not None}


def _fields(cls: type[_Choice]) -> list[Any]:
    """The fields that are stored, in the order of the stored mapping: what was chosen, then what it was when loaded."""
    own = [f for f in fields(cls) if f.name != "given"]
    return sorted(own, key=lambda f: f.name in ("id", "revision"))


def _known_part(row: Mapping[str, Any]) -> dict[str, Any]:
    kind = str(row.get("kind"))
    known = {f.name for f in _fields(KINDS[kind])} if kind in KINDS else set(row)
    return {k: _known_part(v) if k == "judge" and isinstance(v, Mapping) else v for k, v in row.items() if k in known}


def _plain(value: Any) -> Any:
    return value.to_json() if isinstance(value, _Choice) else list(value) if isinstance(value, tuple) else value


def _text(key: str, value: Any) -> str:
    if not isinstance(value, str | PathLike):
        raise BadInput(f"{key!r} must be a text; got {type(value).__name__}.")
    return str(fspath(value))


def _named(key: str, value: Any) -> str | None:
    text = _text(key, value)
    return text if text.strip() else None


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise BadInput(f"{key!r} must be a list of texts; got {type(value).__name__}.")
    return tuple(_text(key, one) for one in value)


def _label_map(key: str, value: Any) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise BadInput(f"{key!r} must map the teacher's labels to the project's; got {type(value).__name__}.")
    return {_text(key, theirs): _text(key, ours) for theirs, ours in value.items()}


def _number(key: str, value: Any) -> float | None:
    if value == "":
        return None
    try:
        return value if isinstance(value, int | float) else float(value)  # 1 stays 1: what is stored is stored as it came
    except (TypeError, ValueError):
        raise BadInput(f"{key!r} must be a number; got {value!r}.") from None


def _int(key: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        raise BadInput(f"{key!r} must be a whole number; got {value!r}.") from None


def _count(key: str, value: Any) -> int | None:
    return _int(key, value) if value else None  # 0 and "" ask for the usual number


def _judge(key: str, value: Any) -> TeacherChoice:
    """A classifier's choice. A key without a value is left out of it: the command line hands over all it has."""
    held = {k: v for k, v in value.items() if v is not None} if isinstance(value, Mapping) else {}
    if held.get("kind") not in JUDGES or not (held.get("name") or held.get("path")):
        raise BadInput(
            "Choose what judges the answers: a built-in classifier, a Hugging Face classifier, or one that "
            f"was fine-tuned here; got {held.get('kind')!r}."
        )
    return read_choice(held)


_CLEAN: dict[str, Callable[[str, Any], Any]] = {
    "local": _named,
    "base_url": _named,
    "label_map": _label_map,
    "descriptions": _texts,
    "trained_on": _texts,
    "without": _texts,
    "samples": _count,
    "max_tokens": _count,
    "max_in_flight": _count,
    "temperature": _number,
    "price_in": _number,
    "price_out": _number,
    "calibrate": lambda _, value: bool(value),
    "judge": _judge,
}


def _clean(key: str, value: Any) -> Any:
    clean: Callable[[str, Any], Any] = _CLEAN.get(key, _text)
    return clean(key, value)
