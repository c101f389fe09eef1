"""Second opinions: asked for, given blind, compared, settled. Pure: a text's log in, its state out.

A flag asks for one, and so does a request (a sample drawn for it). Until two people have decided, each sees only
what they decided themselves. Where the two differ, an adjudication settles it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from cod_core.curation import state
from cod_core.types import KEPT, Decision, now

VOTES = (*KEPT, "rejected")


@dataclass(frozen=True)
class Second:
    """A text with a second opinion wanted. votes: annotator -> their latest decision, at least two to compare.

    phase: open (fewer than two votes), agreed, differ, or settled (adjudicated). asked_by: who wanted it.
    """

    example_id: str
    counterfactual_id: str
    asked_by: str
    asked_at: str
    phase: str
    votes: dict[str, Decision]

    @property
    def blind(self) -> bool:
        """Whether votes are still hidden from everybody but their own maker."""
        return self.phase == "open"


def second(log: Sequence[Decision]) -> Second | None:
    """The second opinion of one text from its log; None where none is asked for (any more)."""
    acts = state.standing(log)
    settled = next((d for d in reversed(acts) if d.purpose == "adjudication"), None)
    ask = asked(acts, state.outcome(log), settled is not None)
    if ask is None:
        return None
    votes = votes_of(acts)
    phase = "settled" if settled is not None and settled.number > ask.number else phase_of(votes)
    return Second(ask.example_id, ask.counterfactual_id, ask.annotator, ask.decided_at, phase, votes)


def asked(acts: Sequence[Decision], outcome: Mapping[str, Decision], settled: bool) -> Decision | None:
    """The act that asks for a second opinion: the last request, or flag that its text stands at; None where there is none.

    acts: the standing ones of one text. outcome: what the text stands at. settled: an adjudication stands, which takes the
    place of the flag before it.
    """
    wanted = [d for d in acts if d.status == "needs_review" and d.purpose in ("", "request")]
    held = {d.number for d in outcome.values()}
    asking = [d for d in wanted if d.purpose == "request" or d.number in held]
    if not asking and settled:
        asking = [d for d in wanted if d.purpose == ""]
    return asking[-1] if asking else None


def phase_of(votes: Mapping[str, Decision]) -> str:
    """open (fewer than two votes), agreed or differ."""
    if len(votes) < 2:
        return "open"
    return "agreed" if len({category(d) for d in votes.values()}) == 1 else "differ"


def votes_of(acts: Iterable[Decision]) -> dict[str, Decision]:
    """annotator -> their latest decision of a text's standing ones, where that keeps or rejects it."""
    latest = {d.annotator: d for d in acts if d.purpose in ("", "opinion")}
    return {who: d for who, d in latest.items() if d.status in VOTES}


def category(decision: Decision) -> str:
    """What two people are compared on: 'kept' or 'rejected'."""
    return "kept" if decision.status in KEPT else "rejected"


def purpose_of(log: Sequence[Decision], annotator: str) -> str:
    """What a decision by this annotator would be: '' where it decides, 'opinion' where it is a second opinion.

    log: of one text. The one who decided it, or flagged it, may still change their mind alone.
    """
    wanted = second(log)
    if wanted is None or wanted.phase in ("agreed", "settled"):
        return ""
    held = state.outcome(log).get(wanted.example_id)
    alone = held is not None and held.annotator == annotator and not set(wanted.votes) - {annotator}
    return "" if alone else "opinion"


def seen_by(log: Sequence[Decision], annotator: str) -> Decision | None:
    """The decision on one text as this annotator may see it; None where it is to do for them.

    While a second opinion is open that is their own latest decision; else what the text stands at.
    """
    wanted = second(log)
    if wanted is None or not wanted.blind:
        return next(iter(state.outcome(log).values()), None)
    mine = [d for d in state.standing(log) if d.annotator == annotator and d.purpose in ("", "opinion")]
    return mine[-1] if mine and mine[-1].status != "pending" else None


def hidden_from(log: Sequence[Decision], annotator: str) -> set[int]:
    """Numbers of a text's entries that this annotator may not see yet: what others decided, while it is open."""
    wanted = second(log)
    if wanted is None or not wanted.blind:
        return set()
    return {
        d.number for d in log if d.annotator != annotator and d.purpose in ("", "opinion") and (d.status in VOTES or d.undoes is not None)
    }


def blind_votes(log: Sequence[Decision]) -> dict[str, Decision]:
    """annotator -> what they decided before anybody could see another's: the votes that agreement is measured on.

    That is, at the moment when the second vote came in. Empty while a second opinion is open or none was asked for.
    """
    for end in range(1, len(log) + 1):
        wanted = second(log[:end])
        if wanted is not None and not wanted.blind:
            return wanted.votes
    return {}


def settling(vote: Decision, by: str, comment: str, version: int) -> Decision:
    """The entry that makes a vote the decision of its text."""
    return Decision(
        vote.counterfactual_id,
        vote.example_id,
        vote.status,
        by,
        vote.reasons,
        vote.override_reason,
        comment,
        now(),
        None,
        version,
        purpose="adjudication",
    )


def settled_by_agreement(log: Sequence[Decision], made: Decision) -> Decision | None:
    """The entry that settles a text once `made` completes two opinions that agree; None where none is due.

    Due where the text stands at something else, such as the flag that asked for the opinions.
    """
    number = max((d.number for d in log), default=0) + 1
    after = [*log, replace(made, seq=number)]
    wanted = second(after)
    if made.purpose != "opinion" or wanted is None or wanted.phase != "agreed":
        return None
    held = state.outcome(after).get(made.example_id)
    if held is not None and held.status in VOTES and category(held) == category(made):
        return None
    return settling(made, made.annotator, "both opinions agree", made.guideline_version)
