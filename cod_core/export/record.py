"""The exported record, `cod-cfe/1.0`: its fields and what must hold between them. Knows no files.

pydantic is the source of the format: its JSON Schema ships in every bundle. A new field takes a new version and a step in
migrations.py, so that older bundles still open.
"""

from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cod_core.types import KEPT, Counterfactual, Decision, Example, FlipCheck

SCHEMA_VERSION = "cod-cfe/1.0"
SPLIT_FILES = ("train", "validation", "test")

MOMENT_PATTERN = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
Moment = Annotated[str, Field(pattern=MOMENT_PATTERN, description="ISO-8601, whole seconds, UTC")]
Probability = Annotated[float, Field(ge=0, le=1 + 1e-6)]


@dataclass(frozen=True)
class ExportItem:
    """One decided pair on its way out or in. check: of the current teacher, None where there is none.

    teacher: {id, revision, sha256, label_names}. proposed_text: what the generator said, if a person changed it.
    fluency_ratio: of the changed text to the original, above 1 where it reads worse; None where it was not measured.
    """

    example: Example
    counterfactual: Counterfactual
    check: FlipCheck | None
    decision: Decision
    proposed_text: str | None = None
    teacher: dict[str, Any] = field(default_factory=dict)
    fluency_ratio: float | None = None


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class EditPart(_Part):
    """Characters a_start:a_end of the original become b_start:b_end; offsets in code points."""

    op: Literal["replace", "delete", "insert"]
    a_start: int
    a_end: int
    b_start: int
    b_end: int
    a_text: str
    b_text: str


class GeneratorPart(_Part):
    kind: Literal["llm", "search", "human", "import"]
    name: str
    revision: str
    prompt_id: str | None
    prompt_version: str | None
    prompt_sha256: str | None
    temperature: float | None
    seed: int | None
    request_id: str | None
    cost_usd: float | None


class TeacherPart(_Part):
    id: str
    revision: str
    sha256: str | None
    label_names: list[str]


class VerificationPart(_Part):
    original_probs: list[Probability]
    counterfactual_probs: list[Probability]
    original_pred: str
    counterfactual_pred: str
    flipped: bool
    reached_target: bool
    original_margin: float
    counterfactual_margin: float
    verified_at: Moment


class MetricsPart(_Part):
    token_edit_distance: int
    edit_fraction: float
    char_edit_distance: int
    similarity: float | None
    similarity_model: str | None
    fluency_ratio: float | None


class DecisionPart(_Part):
    status: Literal["pending", "accepted", "edited", "rejected", "skipped", "needs_review"]
    reasons: list[str]
    override_reason: str | None
    comment: str
    annotator_id: str
    decided_at: Moment
    lead_time_s: float | None
    revision_no: int
    guideline_version: int


class Record(_Part):
    """One line of the exported set. Raises pydantic's ValidationError where an invariant is broken."""

    schema_version: Literal["cod-cfe/1.0"]
    id: str
    pair_id: str
    project_id: str
    split: Literal["train", "validation", "test"]
    text: str
    label: str
    counterfactual_text: str
    counterfactual_label: str
    proposed_text: str | None
    language: str | None
    edit_type: Literal["negation", "lexical", "insert", "delete", "quantifier", "restructure", "resemantic", "shuffle", "other"] | None
    parent_id: str | None
    edits: list[EditPart]
    generator: GeneratorPart
    teacher: TeacherPart
    verification: VerificationPart | None
    metrics: MetricsPart
    decision: DecisionPart
    source: str | None
    metadata: str
    created_at: Moment
    updated_at: Moment

    @model_validator(mode="after")
    def _hold_invariants(self) -> "Record":
        found = self.verification
        if self.text == self.counterfactual_text:
            raise ValueError("the counterfactual text is the original text")
        valid = found is not None and found.flipped and found.reached_target
        if self.decision.status in KEPT and not valid and not self.decision.override_reason:
            elsewhere = f" (it says {found.counterfactual_pred!r})" if found is not None and found.flipped else ""
            raise ValueError(
                f"accepted or edited, but the teacher does not flip to the label aimed at{elsewhere} and no reason to keep it is given"
            )
        if found is not None:
            sizes = {len(found.original_probs), len(found.counterfactual_probs), len(self.teacher.label_names)}
            if len(sizes) != 1:
                raise ValueError("the probabilities and the teacher's label names differ in number")
            if found.verified_at < self.created_at:
                raise ValueError("the check is older than the text")
        return self
