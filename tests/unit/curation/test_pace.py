"""Seconds a decision: the project's own, or an assumption that says so."""

from dataclasses import replace

from cod_core.curation.pace import DECISION_S, FEWEST, LONGEST_S, Pace, pace
from cod_core.types import UNATTENDED, Decision

ONE = Decision("c", "e", "accepted", "ann", lead_time_s=12.0)


def log(*seconds, **changes):
    return [replace(ONE, lead_time_s=s, **changes) for s in seconds]


def test_the_median_of_the_timed_decisions_counts_whatever_was_decided():
    found = pace([log(*[10.0] * 10), log(*[14.0] * 11, status="rejected")])
    assert (found.decision, found.timed, found.decided) == (14.0, 21, 21)


def test_a_few_decisions_are_no_pace():
    """Prevents: "your own pace" from the first three cards, which were read twice."""
    assert pace([log(*[90.0] * (FEWEST - 1))]) == Pace(decided=FEWEST - 1) and Pace().decision == DECISION_S
    assert pace([log(*[90.0] * FEWEST)]).decision == 90.0


def test_a_coffee_break_is_no_decision():
    """Prevents: cards left open over lunch, which are many where people are called away."""
    assert pace([log(*[10.0] * FEWEST, *[LONGEST_S + 1] * 40)]) == Pace(10.0, timed=FEWEST, decided=FEWEST + 40)
    assert pace([log(*[LONGEST_S + 1] * 40)]).timed == 0


def test_what_nobody_decided_by_hand_is_not_counted():
    nobody = log(*[None] * 30, annotator=UNATTENDED)
    bulk, undone = log(*[None] * 5), log(*[1.0] * 40, undoes=1)
    assert pace([nobody, bulk, undone]) == Pace(decided=5)


def test_minutes_are_of_labels_and_decisions():
    assert Pace(30.0, 6.0).minutes(10, 4) == 3.0
