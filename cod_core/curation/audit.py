"""The audit trail: every act in order, with the texts it was about; and the state it amounts to, replayed from it.

A row is complete: replaying rows needs no database.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from cod_core.curation import state
from cod_core.types import Counterfactual, Decision, Example

FIELDS = (
    "seq",
    "decided_at",
    "annotator",
    "purpose",
    "status",
    "undoes",
    "example_id",
    "counterfactual_id",
    "original",
    "counterfactual",
    "target",
    "derived_from",
    "reasons",
    "override_reason",
    "comment",
    "lead_time_s",
    "guideline_version",
)


def row(decision: Decision, example: Example | None, proposal: Counterfactual | None) -> dict[str, Any]:
    """One act as plain values. Texts are empty where they are not in the project any more."""
    return {
        "seq": decision.seq,
        "decided_at": decision.decided_at,
        "annotator": decision.annotator,
        "purpose": decision.purpose,
        "status": decision.status,
        "undoes": decision.undoes,
        "example_id": decision.example_id,
        "counterfactual_id": decision.counterfactual_id,
        "original": example.text if example else "",
        "counterfactual": proposal.text if proposal else "",
        "target": proposal.target if proposal else "",
        "derived_from": proposal.derived_from if proposal else None,
        "reasons": list(decision.reasons),
        "override_reason": decision.override_reason,
        "comment": decision.comment,
        "lead_time_s": decision.lead_time_s,
        "guideline_version": decision.guideline_version,
    }


def decision_of(values: Mapping[str, Any]) -> Decision:
    """The act that a row records."""
    return Decision(
        values["counterfactual_id"],
        values["example_id"],
        values["status"],
        values["annotator"],
        tuple(values.get("reasons") or ()),
        values.get("override_reason"),
        values.get("comment") or "",
        values["decided_at"],
        values.get("lead_time_s"),
        int(values.get("guideline_version") or 1),
        values.get("undoes"),
        values["seq"],
        values.get("purpose") or "",
    )


def replay(rows: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, str]]:
    """example id -> {status, annotator, original, counterfactual, target}: the state, from the rows alone."""
    kept = sorted(rows, key=lambda r: r["seq"])
    texts = {r["counterfactual_id"]: r for r in kept}
    return {
        i: {
            "status": d.status,
            "annotator": d.annotator,
            **{name: texts[d.counterfactual_id][name] for name in ("original", "counterfactual", "target")},
        }
        for i, d in state.outcome([decision_of(r) for r in kept]).items()
    }
