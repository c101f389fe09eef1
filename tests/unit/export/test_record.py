"""Records: a broken invariant in an exported set is found by nobody afterwards."""

import json
from dataclasses import replace

import pytest
from export_items import ITEMS, LABELS, TEACHER, WHEN, item, prediction
from pydantic import ValidationError

from cod_core.export.bundle import kept_records
from cod_core.export.convert import edit_type, from_record, to_record
from cod_core.export.record import Record
from cod_core.types import FlipCheck


def test_a_record_holds_what_the_format_names():
    record = to_record(ITEMS[1], "p1")
    assert record.schema_version == "cod-cfe/1.0" and record.project_id == "p1" and record.split == "test"
    assert record.teacher.label_names == list(LABELS) and record.verification.flipped
    assert record.verification.original_pred == "positive" and record.verification.counterfactual_pred == "negative"
    assert sum(record.verification.original_probs) == pytest.approx(1)
    assert record.proposed_text == "bad acting" and record.decision.revision_no == 2 and record.source == "doc7"
    assert json.loads(record.metadata) == {"ward": "3"} and record.generator.kind == "llm"
    assert record.created_at == WHEN and record.decision.annotator_id == "me"


def test_edits_are_offsets_in_code_points():
    """Offsets in UTF-16 or bytes point into the middle of letters."""
    record = to_record(item("😀 a fine film", "😀 a poor film"))
    edit = record.edits[0]
    assert record.text[edit.a_start : edit.a_end] == edit.a_text == "fine"
    assert record.counterfactual_text[edit.b_start : edit.b_end] == edit.b_text == "poor"


@pytest.mark.parametrize("kept", ITEMS[:4] + [ITEMS[4]], ids=lambda i: i.counterfactual.text[:12])
def test_a_record_survives_import_and_export_unchanged(kept):
    """A digit lost at every pass makes two exports of one set differ."""
    record = to_record(kept, "p1")
    parsed = Record.model_validate_json(record.model_dump_json())
    back = from_record(parsed)
    assert to_record(back, "p1") == record == parsed
    assert (back.example, back.decision) == (kept.example, kept.decision)
    assert back.check.flipped == kept.check.flipped and back.check.after.probs == pytest.approx(kept.check.after.probs)


def test_probabilities_that_underflow_stay_valid():
    """log(0) would stop the import."""
    found = item(after=0.4)
    sure = replace(found.check, after=replace(found.check.after, logprobs=(0.0, -900.0)))
    record = to_record(replace(found, check=sure))
    assert to_record(from_record(record)) == record


@pytest.mark.parametrize(
    "broken, words",
    [
        (item(changed="a splendid film"), "original text"),
        (item(after=0.8), "does not flip"),
        (item(after=None), "does not flip"),
        (item(after=0.5), "does not flip"),
    ],
)
def test_broken_invariants_are_refused(broken, words):
    with pytest.raises(ValidationError, match=words):
        to_record(broken)


def test_a_stale_check_and_a_wrong_number_of_probabilities_are_refused():
    kept = ITEMS[0]
    with pytest.raises(ValidationError, match="older"):
        to_record(replace(kept, check=replace(kept.check, checked_at="2025-01-01T00:00:00Z")))
    row = to_record(kept).model_dump()
    row["teacher"]["label_names"] = ["a", "b", "c"]
    with pytest.raises(ValidationError, match="differ in number"):
        Record.model_validate(row)
    with pytest.raises(ValidationError, match="extra"):
        Record.model_validate(to_record(kept).model_dump() | {"surprise": 1})


def test_three_classes_and_a_flip_elsewhere():
    labels = ("a", "b", "c")
    check = FlipCheck(
        "x", "t", "1", prediction_of(labels, (0.7, 0.2, 0.1)), prediction_of(labels, (0.2, 0.3, 0.5)), "b", 1, 0.5, 1, None, False, WHEN
    )
    elsewhere = replace(ITEMS[0], check=check, teacher=TEACHER | {"label_names": list(labels)})
    with pytest.raises(ValidationError, match="does not flip to the label aimed at .it says 'c'"):
        to_record(elsewhere)
    told = replace(elsewhere, decision=replace(elsewhere.decision, override_reason="the teacher is wrong"))
    record = to_record(told)
    assert record.verification.flipped and not record.verification.reached_target
    assert kept_records([elsewhere, told])[0] == [record]
    rejected = replace(elsewhere, decision=replace(elsewhere.decision, status="rejected"))
    assert to_record(rejected).decision.status == "rejected"


def prediction_of(labels, probs):
    import math

    return replace(prediction(0.5, labels[:2]), labels=labels, logprobs=tuple(map(math.log, probs)))


@pytest.mark.parametrize(
    "a, b, kind",
    [
        ("it works", "it never works", "negation"),
        ("it does work", "it doesn't work", "negation"),
        ("good film", "bad film", "lexical"),
        ("a film", "a truly dull film", "insert"),
        ("a truly dull film", "a film", "delete"),
        ("dog bites man", "man bites dog", "shuffle"),
        ("same", "same ", None),
    ],
)
def test_edit_types(a, b, kind):
    assert edit_type(a, b) == kind


def test_the_schema_names_every_top_field():
    schema = Record.model_json_schema()
    assert set(schema["required"]) == set(Record.model_fields) and schema["additionalProperties"] is False


def test_numbers_that_json_cannot_hold_are_refused():
    """NaN in a line makes the whole file unreadable elsewhere."""
    kept = ITEMS[0]
    with pytest.raises(ValidationError, match="finite"):
        to_record(replace(kept, check=replace(kept.check, similarity=float("nan"))))
