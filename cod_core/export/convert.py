"""Pairs to records and back. Knows no files.

Probabilities are written with 12 significant digits, and everything else is computed from the digits written,
so export, import and export again give the same record.
"""

import json
import math
from typing import Any

from cod_core.counterfactuals.edit_types import edit_type
from cod_core.export.record import SCHEMA_VERSION, SPLIT_FILES, ExportItem, Record
from cod_core.text import char_distance, diff, edit_fraction, token_distance
from cod_core.types import Counterfactual, Decision, Example, FlipCheck, Origin, Prediction

DEFAULT_SIMILARITY_MODEL = "all-MiniLM-L6-v2"
_SMALLEST = 1e-300


def to_record(item: ExportItem, project_id: str = "", similarity_model: str = DEFAULT_SIMILARITY_MODEL) -> Record:
    """The record of a pair. similarity_model: encoder behind the check's similarity.

    Raises pydantic.ValidationError where the pair breaks an invariant (kept without flip or reason, stale check).
    """
    example, proposal, check, decision = item.example, item.counterfactual, item.check, item.decision
    edits = diff(example.text, proposal.text)
    created = proposal.created_at or decision.decided_at or (check.checked_at if check else "")
    values = dict(
        schema_version=SCHEMA_VERSION,
        id=proposal.id,
        pair_id=example.id,
        project_id=str(project_id),
        split=example.split if example.split in SPLIT_FILES else "train",
        text=example.text,
        label=example.label if example.label is not None else proposal.source,
        counterfactual_text=proposal.text,
        counterfactual_label=proposal.target,
        proposed_text=item.proposed_text,
        language=None,
        edit_type=edit_type(example.text, proposal.text, edits),
        parent_id=proposal.derived_from,
        edits=[vars(edit) for edit in edits],
        generator=vars(proposal.origin),
        teacher=_teacher(item),
        verification=_verification(check) if check else None,
        metrics=_metrics(item, similarity_model),
        decision=_decision(item, created),
        source=example.source_id,
        metadata=json.dumps(_metadata(item), ensure_ascii=False, sort_keys=True).encode("utf-8", "replace").decode(),  # half an emoji: ?
        created_at=created,
        updated_at=decision.decided_at or created,
    )
    return Record.model_validate(values)


def _metrics(item: ExportItem, similarity_model: str) -> dict[str, Any]:
    """As the check measured them; without one, what can be measured of the two texts alone."""
    a, b, check = item.example.text, item.counterfactual.text, item.check
    if check is None:
        tokens, share, characters = token_distance(a, b), edit_fraction(a, b), char_distance(a, b)
    else:
        tokens, share, characters = check.token_edits, check.edit_fraction, check.char_edits
    similarity = check.similarity if check else None
    return dict(
        token_edit_distance=tokens,
        edit_fraction=share,
        char_edit_distance=characters,
        similarity=similarity,
        similarity_model=similarity_model if similarity is not None else None,
        fluency_ratio=item.fluency_ratio,
    )


def _decision(item: ExportItem, created: str) -> dict[str, Any]:
    decision = item.decision
    return dict(
        status=decision.status,
        reasons=list(decision.reasons),
        override_reason=decision.override_reason,
        comment=decision.comment,
        annotator_id=decision.annotator,
        decided_at=decision.decided_at or created,
        lead_time_s=decision.lead_time_s,
        revision_no=2 if item.proposed_text is not None else 1,
        guideline_version=decision.guideline_version,
    )


def from_record(record: Record) -> ExportItem:
    """The pair of a record: every field that the record holds, as the app's own values."""
    example = Example(record.pair_id, record.text, record.label, record.split, record.source, json.loads(record.metadata))
    found, names, metrics, made = (record.verification, tuple(record.teacher.label_names), record.metrics, record.decision)
    proposal = Counterfactual(
        record.id,
        record.pair_id,
        record.counterfactual_text,
        found.original_pred if found else record.label,
        record.counterfactual_label,
        Origin(**record.generator.model_dump()),
        derived_from=record.parent_id,
        created_at=record.created_at,
    )
    check = None
    if found is not None:
        before, after = (
            Prediction(names, tuple(math.log(max(p, _SMALLEST)) for p in probs))
            for probs in (found.original_probs, found.counterfactual_probs)
        )
        check = FlipCheck(
            record.id,
            record.teacher.id,
            record.teacher.revision,
            before,
            after,
            record.counterfactual_label,
            metrics.token_edit_distance,
            metrics.edit_fraction,
            metrics.char_edit_distance,
            metrics.similarity,
            False,
            found.verified_at,
        )
    decision = Decision(
        record.id,
        record.pair_id,
        made.status,
        made.annotator_id,
        tuple(made.reasons),
        made.override_reason,
        made.comment,
        made.decided_at,
        made.lead_time_s,
        made.guideline_version,
    )
    return ExportItem(example, proposal, check, decision, record.proposed_text, record.teacher.model_dump(), record.metrics.fluency_ratio)


def _metadata(item: ExportItem) -> dict[str, Any]:
    """The example's own; of a text without a gold label also who gave the one that the record carries, as for labelled prompts."""
    if item.example.label is not None:
        return item.example.metadata
    return {**item.example.metadata, "label_from": item.check.teacher_id if item.check else item.counterfactual.origin.name}


def _teacher(item: ExportItem) -> dict[str, Any]:
    given, check = item.teacher, item.check
    names = given.get("label_names") or (check.before.labels if check else ())
    return dict(
        id=check.teacher_id if check else str(given.get("id") or ""),
        revision=check.teacher_revision if check else str(given.get("revision") or ""),
        sha256=given.get("sha256"),
        label_names=list(check.before.labels if check else names),
    )


def _verification(check: FlipCheck) -> dict[str, Any]:
    (original, before, was), (changed, after, now) = _written(check.before), _written(check.after)
    return dict(
        original_probs=original,
        counterfactual_probs=changed,
        original_pred=before,
        counterfactual_pred=after,
        flipped=before != after and check.before.decided and check.after.decided,
        reached_target=after == check.target,
        original_margin=was,
        counterfactual_margin=now,
        verified_at=check.checked_at,
    )


def _written(prediction: Prediction) -> tuple[list[float], str, float]:
    """(probabilities as written, class, its margin), the last two from the digits written, so that they agree."""
    logs = [math.log(max(float(f"{p:.12g}"), _SMALLEST)) for p in prediction.probs]
    best = max(range(len(logs)), key=logs.__getitem__)
    margin = logs[best] - max(v for i, v in enumerate(logs) if i != best)
    return [float(f"{math.exp(v):.12g}") for v in logs], prediction.labels[best], margin
