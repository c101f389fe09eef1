"""Deciding and taking back: checks that a decision may stand, then appends it to the log."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cod_core.errors import BadInput
from cod_core.said import say, together
from cod_core.store import decisions, items
from cod_core.store.database import Database
from cod_core.types import KEPT, PURPOSES, REJECT_REASONS, STATUSES, Decision, FlipCheck, now

MAX_COMMENT = 2000


def allowed(decision: Decision, check: FlipCheck | None) -> None:
    """Raises BadInput where the decision may not stand.

    Keeping a text (accepted, edited) needs a valid flip by the present teacher, or an override_reason:
    such a text is exported with its reason and never trained on as a counterfactual.
    """
    _well_formed(decision)
    if check is not None and check.counterfactual_id != decision.counterfactual_id:
        raise BadInput(say("The teacher's verdict belongs to another text than the decision. Open the text again."))
    if decision.status in KEPT and not (decision.override_reason or "").strip():
        _must_flip(check)


def _well_formed(decision: Decision) -> None:
    """Raises BadInput where the decision itself, whatever the teacher says, is not one."""
    if decision.status not in STATUSES:
        raise BadInput(f"Unknown decision {decision.status!r}. Choose one of: {', '.join(STATUSES)}.")
    if decision.purpose not in PURPOSES:
        raise BadInput(f"Unknown purpose {decision.purpose!r}. Choose one of: {', '.join(PURPOSES)}.")
    if decision.undoes is not None:
        raise BadInput("A decision cannot take back another one. Use undo.")
    if not decision.annotator.strip():
        raise BadInput(say("It is not said who decides. Give a name or a pseudonym."))
    unknown = [r for r in decision.reasons if r not in REJECT_REASONS]
    if unknown:
        raise BadInput(f"Unknown reason {unknown[0]!r}. Choose among: {', '.join(REJECT_REASONS)}.")
    if (n := len(decision.comment)) > MAX_COMMENT:
        raise BadInput(say("The comment has {n:,} characters; at most {most:,} are kept. Shorten it.", n=n, most=MAX_COMMENT))
    if (n := len(decision.override_reason or "")) > MAX_COMMENT:
        raise BadInput(say("The reason for keeping it has {n:,} characters; at most {most:,} are kept. Shorten it.", n=n, most=MAX_COMMENT))


def _must_flip(check: FlipCheck | None) -> None:
    remedy = say("Change another word, reject it, or say why it should be kept all the same (it will not be used for training).")
    if check is None:
        raise BadInput(together([say("The teacher has not read this text yet, so nobody knows whether its answer changes."), remedy]))
    if not check.flipped:
        raise BadInput(together([say("The teacher does not change its mind on this text, so it is not a counterfactual."), remedy]))
    if not check.reached_target:
        other = say(
            "The teacher changes its mind to {label!r}, but {target!r} was aimed at, so it does not count.",
            label=check.after.label,
            target=check.target,
        )
        raise BadInput(together([other, remedy]))


def _dated(decision: Decision) -> Decision:
    return decision if decision.decided_at else replace(decision, decided_at=now())


def decide(db: Database, pid: str, decision: Decision, check: FlipCheck | None, seen: int | None = None) -> int:
    """Append a decision; returns its number. Accepting another proposal of a text takes the former one's place.

    check: the present teacher's verdict on the text. seen: the text's version that the person saw, None to decide
    whatever happened since. Raises BadInput where the decision may not stand (see allowed), Stale where somebody
    else decided in the meantime; nothing is written then.
    """
    allowed(decision, check)
    return decisions.append(db, pid, _dated(decision), seen)


def bulk(
    db: Database, pid: str, many: Sequence[Decision], checks: Mapping[str, FlipCheck] | None = None, seen: Mapping[str, int] | None = None
) -> list[int]:
    """Append many decisions as one act, all or none, which one undo takes back; returns their numbers.

    checks: counterfactual id -> the present teacher's verdict; where not given, the latest on record counts.
    seen: example id -> the version that the person saw. Raises BadInput and Stale as decide does.
    """
    verdicts = items.any_checks(db, pid) if checks is None else checks
    for place, decision in enumerate(many, start=1):
        try:
            allowed(decision, verdicts.get(decision.counterfactual_id))
        except BadInput as error:
            raise BadInput(f"Nothing was decided: item {place} of {len(many)} cannot be. {error}") from error
    return decisions.append_all(db, pid, [_dated(d) for d in many], dict(seen) if seen else None)


def undo(db: Database, pid: str, annotator: str) -> Decision | None:
    """Take back the annotator's latest standing act and return its decision; None where there is none.

    Of a bulk act every decision is taken back and the last one is returned. What others decided stays.
    """
    taken: list[Decision] = []

    def reply(act: list[Decision]) -> list[Decision]:
        taken.extend(act)
        return [
            Decision(
                d.counterfactual_id,
                d.example_id,
                "pending",
                annotator,
                decided_at=now(),
                guideline_version=d.guideline_version,
                undoes=d.seq,
                purpose=d.purpose,
            )
            for d in reversed(act)
        ]

    decisions.take_back(db, pid, annotator, reply)
    return taken[-1] if taken else None
