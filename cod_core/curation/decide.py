"""Deciding and taking back: checks that a decision may stand, then appends it to the log."""

from cod_core.curation.state import standing
from cod_core.errors import BadInput
from cod_core.store import decisions
from cod_core.store.database import Database
from cod_core.types import KEPT, REJECT_REASONS, STATUSES, Decision, FlipCheck, now

MAX_COMMENT = 2000


def allowed(decision: Decision, check: FlipCheck | None) -> None:
    """Raises BadInput where the decision may not stand.

    Keeping a text (accepted, edited) needs a valid flip by the present teacher, or an override_reason:
    such a text is exported with its reason and never trained on as a counterfactual.
    """
    if decision.status not in STATUSES:
        raise BadInput(f"Unknown decision {decision.status!r}. Choose one of: {', '.join(STATUSES)}.")
    unknown = [r for r in decision.reasons if r not in REJECT_REASONS]
    if unknown:
        raise BadInput(f"Unknown reason {unknown[0]!r}. Choose among: {', '.join(REJECT_REASONS)}.")
    if len(decision.comment) > MAX_COMMENT:
        raise BadInput(f"The comment has {len(decision.comment)} characters; at most {MAX_COMMENT} are kept. Shorten it.")
    if decision.status in KEPT and not (check is not None and check.valid) and not (decision.override_reason or "").strip():
        raise BadInput(
            "The teacher does not change its mind on this text, so it is not a counterfactual. Change another word, "
            "reject it, or say why it should be kept all the same (it will not be used for training)."
        )


def decide(db: Database, pid: str, decision: Decision, check: FlipCheck | None) -> int:
    """Append a decision; returns its number. Accepting another proposal of a text takes the former one's place."""
    allowed(decision, check)
    return decisions.append(db, pid, decision)


def undo(db: Database, pid: str, annotator: str) -> Decision | None:
    """Take back the annotator's latest standing decision and return it; None where there is none."""
    mine = [d for d in standing(decisions.log(db, pid)) if d.annotator == annotator]
    if not mine:
        return None
    last = mine[-1]
    decisions.append(db, pid, Decision(
        last.counterfactual_id, last.example_id, "pending", annotator, decided_at=now(),
        guideline_version=last.guideline_version, undoes=last.seq))
    return last
