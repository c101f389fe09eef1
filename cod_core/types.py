"""The values that the rooms of the library exchange. Frozen, standard library only, no behaviour
beyond what follows from the fields."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Protocol, runtime_checkable

TIE = 1e-9  # nats: classes that lie no further apart lead together, and a tie is no class
SPLITS = ("train", "validation", "test", "unlabelled")
STATUSES = ("pending", "accepted", "edited", "rejected", "skipped", "needs_review")
KEPT = ("accepted", "edited")
UNATTENDED = "unattended"  # who accepts in a run without a person
REJECT_REASONS = (
    "not_fluent",
    "label_wrong",
    "not_minimal",
    "changes_other_facts",
    "unrealistic_or_unsafe",
    "duplicate",
    "teacher_wrong",
    "other",
)
ARMS = ("kd", "half", "cod", "cod_plus")
FREE = "kd_free"  # k real texts as kd, drawn whether or not they have a counterfactual
CONTROL_ARMS = ("swap", "unverified", "tightened")  # k/2 real rows and k/2 others than verified counterfactuals
MULTI_ARMS = ("cod_all",)  # k/C real rows and (C - 1)k/C counterfactuals, one to each other class
OVERRIDE = "override"  # cod, with the counterfactuals that a person kept against the teacher among the others
ALL_ARMS = ARMS + (FREE,) + CONTROL_ARMS + MULTI_ARMS + (OVERRIDE,)
PAIR_ARMS = ("cod", "cod_plus") + CONTROL_ARMS + MULTI_ARMS + (OVERRIDE,)


def now() -> str:
    """UTC time as ISO-8601 with whole seconds and Z."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Task:
    """name: the question asked. labels: ordered, 2 or more. descriptions: a plain sentence a label, or ()."""

    name: str
    labels: tuple[str, ...]
    descriptions: tuple[str, ...] = ()
    guideline_version: int = 1


@dataclass(frozen=True)
class Example:
    """One text of the person. id: short content hash. label: gold label, None where absent.

    source_id: the document it came from, for splitting. metadata: only columns the person ticked.
    """

    id: str
    text: str
    label: str | None = None
    split: str = "train"
    source_id: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Prediction:
    """labels: ordered label names. logprobs: natural logs of probabilities, one a label."""

    labels: tuple[str, ...]
    logprobs: tuple[float, ...]

    @property
    def probs(self) -> tuple[float, ...]:
        return tuple(math.exp(v) for v in self.logprobs)

    @property
    def label(self) -> str:
        return self.labels[max(range(len(self.logprobs)), key=self.logprobs.__getitem__)]

    def prob(self, label: str) -> float:
        """Probability of one label, in [0, 1]."""
        return math.exp(self.logprobs[self.labels.index(label)])

    def margin_of(self, label: str) -> float:
        """log p(label) minus the largest other log-probability: zero exactly on the boundary."""
        i = self.labels.index(label)
        return self.logprobs[i] - max(v for j, v in enumerate(self.logprobs) if j != i)

    @property
    def decided(self) -> bool:
        """Whether one label leads: a language model that named no label gives all of them the same probability."""
        return self.margin > TIE

    @property
    def margin(self) -> float:
        """Margin of the predicted label, never negative."""
        return self.margin_of(self.label)


@dataclass(frozen=True)
class Origin:
    """Where a counterfactual came from. kind: llm, search, human or import."""

    kind: str
    name: str
    revision: str = ""
    prompt_id: str | None = None
    prompt_version: str | None = None
    prompt_sha256: str | None = None
    temperature: float | None = None
    seed: int | None = None
    request_id: str | None = None
    cost_usd: float | None = None


@dataclass(frozen=True)
class Counterfactual:
    """A proposed text. Never edited in place: an edit makes a new one whose derived_from points back.

    source: the teacher's class at the original. target: the class aimed at. note: what was done, in words.
    """

    id: str
    example_id: str
    text: str
    source: str
    target: str
    origin: Origin
    raw_reply: str | None = None
    derived_from: str | None = None
    note: str = ""
    created_at: str = ""


@dataclass(frozen=True)
class FlipCheck:
    """The teacher's verdict on one exact text. Belongs to one teacher revision.

    similarity: cosine in the encoder's space, None where not measured. truncated: part was not read.
    shift: how far the edit moves what a generating teacher would say, in nats a token; None for other teachers.
    """

    counterfactual_id: str
    teacher_id: str
    teacher_revision: str
    before: Prediction
    after: Prediction
    target: str
    token_edits: int
    edit_fraction: float
    char_edits: int
    similarity: float | None
    truncated: bool
    checked_at: str
    shift: float | None = None

    @property
    def flipped(self) -> bool:
        """The teacher's class differs before and after, and it has one both times: a tie is no class."""
        return self.after.label != self.before.label and self.after.decided and self.before.decided

    @property
    def reached_target(self) -> bool:
        return self.after.label == self.target

    @property
    def valid(self) -> bool:
        """Counts as a counterfactual: flipped, and to the target."""
        return self.flipped and self.reached_target


PURPOSES = ("", "request", "opinion", "adjudication")


@dataclass(frozen=True)
class Decision:
    """One act of a person on one counterfactual. Append-only; undo appends with undoes set.

    purpose: "" decides; "request" asks for a second opinion; "opinion" is one, and moves nothing; "adjudication"
    settles two that differ, and decides.
    """

    counterfactual_id: str
    example_id: str
    status: str
    annotator: str
    reasons: tuple[str, ...] = ()
    override_reason: str | None = None
    comment: str = ""
    decided_at: str = ""
    lead_time_s: float | None = None
    guideline_version: int = 1
    undoes: int | None = None
    seq: int | None = None
    purpose: str = ""

    @property
    def number(self) -> int:
        """Its place in the log; 0 before it is written there."""
        return self.seq or 0


@dataclass(frozen=True)
class LabelCorrection:
    """One act of a person on the label of a text. Append-only; undo appends with undoes set.

    new_label: None where the person confirmed old_label: the teacher is wrong.
    """

    example_id: str
    old_label: str
    new_label: str | None
    annotator: str
    corrected_at: str = ""
    undoes: int | None = None
    seq: int | None = None

    @property
    def label(self) -> str:
        """The label that the person answers for."""
        return self.old_label if self.new_label is None else self.new_label


@dataclass(frozen=True)
class GuidelineExample:
    """A pair that shows what is wanted, or what is not. why: in a sentence."""

    text: str
    counterfactual: str
    good: bool
    why: str = ""


@dataclass(frozen=True)
class Guideline:
    """What the curators of a project agreed on. version: 0 where nothing is written yet.

    reasons: reject reason (of REJECT_REASONS, keys 1, 2, 3 … in that order) -> the project's own words for it.
    note: what changed since the version before.
    """

    version: int
    text: str
    reasons: dict[str, str] = field(default_factory=dict)
    examples: tuple[GuidelineExample, ...] = ()
    note: str = ""
    author: str = ""
    created_at: str = ""


@dataclass(frozen=True)
class RunConfig:
    """Everything that decides one finished student; its hash is the run id.

    shots: total training rows, counterfactuals included. method: kd, lwd, ted, or retrieval (no training).
    student: 'linear', 'finetuned:<encoder>:<layers>', 'contrastive:<encoder>:<layers>' or 'retrieval'.
    data_hash: the rows, labels and soft labels used. hard_loss: ce or clamp, with kappa. pair_weight: of the
    symmetric pair loss. soft_labels: teacher, off, random or scaled. cf_share: counterfactuals among the shots.
    cf_weight: of a counterfactual's row beside a real one. cf_source: which generator's, "" for all.
    lora_rank: 0 trains every weight, or adapters of rank 8 above 100 M parameters. frozen_layers: lower layers (and the
    embeddings) left as they are.
    label_prior: how much the names of the labels tell a linear student beforehand (distill/prior.py), 0 for nothing.
    encoder_revision: of the weights in the encoder's folder; "" for the packaged encoder and those named at a hub.
    class_weights: whether every label counts the same, for draws with more rows of one label than of another.
    """

    method: str
    arm: str
    shots: int
    seed: int
    student: str
    encoder: str
    teacher_id: str
    teacher_revision: str
    data_hash: str
    temperature: float = 2.0
    kd_weight: float = 20.0
    layer_weight: float = 0.0
    l2: float = 2.0
    steps: int = 0
    learning_rate: float = 0.0
    batch_size: int = 0
    hard_loss: str = "ce"
    kappa: float = 0.5
    pair_weight: float = 0.0
    soft_labels: str = "teacher"
    cf_share: float = 0.5
    cf_weight: float = 1.0
    cf_source: str = ""
    lora_rank: int = 0
    frozen_layers: int = 0
    label_prior: float = 0.0
    encoder_revision: str = ""
    class_weights: bool = False

    @property
    def run_id(self) -> str:
        """16 hex digits. Settings added later count only where they differ from their default, so that students
        made by an earlier version keep their id."""
        plain = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name not in _HASHED_ONLY_IF_CHANGED or getattr(self, f.name) != f.default
        }
        return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def real_shots(self) -> int:
        """Real rows among the shots."""
        return self.shots - round(self.cf_share * self.shots) if self.arm in PAIR_ARMS else self.shots

    @property
    def plotted_k(self) -> int:
        """Where the run stands on the k axis: cod_plus at its real rows, half at the k it halves."""
        return {"cod_plus": self.shots // 2, "half": self.shots * 2}.get(self.arm, self.shots)


_HASHED_ONLY_IF_CHANGED = (  # every setting that came after the first version: see run_id
    "hard_loss",
    "kappa",
    "pair_weight",
    "soft_labels",
    "cf_share",
    "cf_weight",
    "cf_source",
    "lora_rank",
    "frozen_layers",
    "label_prior",
    "encoder_revision",
    "class_weights",
)


@dataclass(frozen=True)
class RunResult:
    """A finished student. test and dev: metric name -> value; empty where the split is empty. judged: a mark of the texts
    and labels that it was judged on, "" for students of earlier versions."""

    config: RunConfig
    dev: dict[str, float]
    test: dict[str, float]
    seconds: float
    history: tuple[float, ...] = ()
    versions: dict[str, str] = field(default_factory=dict)
    energy_kwh: float | None = None
    path: str | None = None
    judged: str = ""


@runtime_checkable
class Classifier(Protocol):
    """Teachers and students alike. predict returns one Prediction a text, in order, over `labels`."""

    id: str
    revision: str
    labels: tuple[str, ...]

    def predict(self, texts: Sequence[str]) -> list[Prediction]: ...

    def chars_read(self, text: str) -> int:
        """How many leading characters the classifier reads; len(text) where all of it."""
        ...


@runtime_checkable
class Generator(Protocol):
    """Every source of proposals. Returns up to n unverified counterfactuals, best first."""

    name: str

    def propose(self, example: Example, source: str, target: str, n: int) -> list[Counterfactual]: ...


def to_json(value: Any) -> str:
    """Compact JSON of a dataclass or plain value, keys in a fixed order."""
    plain = asdict(value) if hasattr(value, "__dataclass_fields__") else value
    return json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
