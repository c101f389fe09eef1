"""Decisions: what may stand, what an undo takes back, in which order cards come."""

import threading
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cod_core.curation import decide as deciding
from cod_core.curation import queue, state
from cod_core.errors import BadInput
from cod_core.store import decisions, items, projects
from cod_core.types import Decision, FlipCheck, Prediction, Task

LABELS = ("good", "bad", "so-so")


@pytest.fixture
def pid(db):
    return projects.create_project(db, "mine", Task("sentiment", LABELS))


def check(cf="c1", after=(-2.0, -0.2, -3.0), fraction=0.2, similarity=0.9) -> FlipCheck:
    return FlipCheck(
        cf,
        "t",
        "r",
        Prediction(LABELS, (-0.1, -3.0, -3.0)),
        Prediction(LABELS, after),
        "bad",
        1,
        fraction,
        4,
        similarity,
        False,
        "2026-01-01T00:00:00Z",
    )


FLIPS, STAYS, ELSEWHERE = check(), check(after=(-0.1, -3.0, -3.0)), check(after=(-3.0, -2.0, -0.2))


def act(cf="c1", example="e1", status="accepted", who="me", **more) -> Decision:
    return Decision(cf, example, status, who, **more)


def test_a_decision_comes_back_as_it_was_made(db, pid):
    made = act(
        status="rejected",
        reasons=("not_fluent", "other"),
        comment="clumsy",
        decided_at="2026-01-01T00:00:00Z",
        lead_time_s=2.5,
        guideline_version=3,
    )
    seq = deciding.decide(db, pid, made, STAYS)
    assert decisions.log(db, pid) == [replace(made, seq=seq)]


@pytest.mark.parametrize("status", ["accepted", "edited"])
@pytest.mark.parametrize(("verdict", "says"), [(STAYS, "does not change its mind"), (ELSEWHERE, "so-so"), (None, "not read this text")])
def test_a_text_that_does_not_flip_to_its_target_is_kept_only_with_a_reason(db, pid, status, verdict, says):
    """An unverified text that counts as a counterfactual spoils every student trained on it."""
    with pytest.raises(BadInput, match=says):
        deciding.decide(db, pid, act(status=status), verdict)
    with pytest.raises(BadInput):
        deciding.decide(db, pid, act(status=status, override_reason="  "), verdict)
    assert decisions.log(db, pid) == []
    deciding.decide(db, pid, act(status=status, override_reason="the teacher is wrong here"), verdict)
    assert decisions.log(db, pid)[0].override_reason == "the teacher is wrong here"


@pytest.mark.parametrize(
    "wrong",
    [
        act(status="maybe"),
        act(status="rejected", reasons=("ugly",)),
        act(status="rejected", comment="x" * 2001),
        act(who=" "),
        act(status="pending", undoes=1),
        act(cf="another"),
    ],
)
def test_a_malformed_decision_is_refused_and_nothing_is_written(db, pid, wrong):
    with pytest.raises(BadInput):
        deciding.decide(db, pid, wrong, FLIPS)
    assert decisions.log(db, pid) == []


def test_accepting_another_proposal_takes_the_former_ones_place(db, pid):
    """Two kept counterfactuals of one text would make k more than k."""
    deciding.decide(db, pid, act("c1"), check("c1"))
    deciding.decide(db, pid, act("c2"), check("c2"))
    assert {i: d.counterfactual_id for i, d in state.outcome(decisions.log(db, pid)).items()} == {"e1": "c2"}


def test_rejecting_another_proposal_leaves_the_kept_one_kept(db, pid):
    """Looking through the alternatives after accepting one must not throw it away."""
    deciding.decide(db, pid, act("c1"), check("c1"))
    for status in ("rejected", "skipped", "needs_review", "pending"):
        deciding.decide(db, pid, act("c2", status=status), check("c2"))
    kept = state.outcome(decisions.log(db, pid))["e1"]
    assert (kept.counterfactual_id, kept.status) == ("c1", "accepted")
    deciding.decide(db, pid, act("c1", status="rejected"), check("c1"))
    assert state.outcome(decisions.log(db, pid))["e1"].status == "rejected"


def test_rejecting_the_edit_that_took_a_proposals_place_does_not_bring_that_back(db, pid):
    for one in (act("c1"), act("c2", status="edited"), act("c2", status="rejected")):
        deciding.decide(db, pid, one, check(one.counterfactual_id))
    assert state.outcome(decisions.log(db, pid))["e1"].status == "rejected"


def test_undo_takes_back_ones_own_last_act_down_to_nothing(db, pid):
    deciding.decide(db, pid, act("c1", status="rejected"), STAYS)
    deciding.decide(db, pid, act("c1"), FLIPS)
    deciding.decide(db, pid, act("c9", "e9", who="you"), check("c9"))
    assert deciding.undo(db, pid, "me").status == "accepted"
    assert state.outcome(decisions.log(db, pid))["e1"].status == "rejected"
    assert deciding.undo(db, pid, "me").status == "rejected"
    assert deciding.undo(db, pid, "me") is None
    log = decisions.log(db, pid)
    assert set(state.outcome(log)) == {"e9"} and state.current(log)["c1"].status == "pending"
    assert len(log) == 5  # nothing is ever removed


def test_a_decision_after_an_undo_stands(db, pid):
    deciding.decide(db, pid, act(), FLIPS)
    deciding.undo(db, pid, "me")
    deciding.decide(db, pid, act(status="rejected"), FLIPS)
    log = decisions.log(db, pid)
    assert state.outcome(log)["e1"].status == state.current(log)["c1"].status == "rejected"


def test_undo_pressed_in_two_tabs_at_once_takes_back_two_acts_not_one_twice(db, pid):
    """Both tabs read the same last act, unless reading and writing are one step."""
    for i in range(6):
        deciding.decide(db, pid, act(f"c{i}", f"e{i}"), check(f"c{i}"))
    threads = [threading.Thread(target=deciding.undo, args=(db, pid, "me")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(state.outcome(decisions.log(db, pid))) == {"e0", "e1"}


def test_a_bulk_act_is_all_or_nothing_and_one_undo_takes_it_back(db, pid):
    deciding.decide(db, pid, act("c0", "e0"), check("c0"))
    items.add_checks(db, pid, [check("c1"), check("c2"), replace(STAYS, counterfactual_id="c3")])
    with pytest.raises(BadInput, match="item 2 of 2"):
        deciding.bulk(db, pid, [act("c1", "e1"), act("c3", "e3")])
    assert set(state.outcome(decisions.log(db, pid))) == {"e0"}
    assert len(deciding.bulk(db, pid, [act("c1", "e1"), act("c2", "e2")])) == 2
    assert set(state.outcome(decisions.log(db, pid))) == {"e0", "e1", "e2"}
    assert deciding.undo(db, pid, "me").counterfactual_id == "c2"
    assert set(state.outcome(decisions.log(db, pid))) == {"e0"}
    assert deciding.undo(db, pid, "me").counterfactual_id == "c0"


def test_decisions_of_another_project_are_not_mixed_in(db, pid):
    other = projects.create_project(db, "other", Task("t", LABELS))
    deciding.decide(db, other, act(), FLIPS)
    assert decisions.log(db, pid) == [] and deciding.undo(db, pid, "me") is None


@given(
    st.lists(st.one_of(st.tuples(st.integers(0, 3), st.sampled_from(["accepted", "rejected", "skipped"])), st.just("undo")), max_size=20)
)
def test_replay_equals_a_stack_of_acts(steps):
    """Invariant: with one annotator the log is a stack; its replay is the stack's last act a text."""
    log, stack = [], []
    for seq, step in enumerate(steps, start=1):
        if step != "undo":
            made = act(f"c{step[0]}", f"e{step[0]}", step[1], seq=seq)
            stack.append(made)
        elif stack:
            gone = stack.pop()
            made = replace(gone, status="pending", undoes=gone.seq, seq=seq)
        else:
            continue
        log.append(made)
    assert state.standing(log) == stack
    assert state.outcome(log) == {d.example_id: d for d in stack}


@dataclass(frozen=True)
class Card:
    name: str
    check: FlipCheck | None


CARDS = [
    Card("unread", None),
    Card("sure", check(after=(-5.0, -0.01, -9.0), fraction=0.3, similarity=0.7)),
    Card("near", check(after=(-0.8, -0.6, -9.0), fraction=0.5, similarity=0.8)),
    Card("tied", check(after=(-0.8, -0.6, -9.0), fraction=0.1, similarity=None)),
]


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("upload", ["unread", "sure", "near", "tied"]),
        ("boundary", ["near", "tied", "sure", "unread"]),
        ("edit", ["tied", "sure", "near", "unread"]),
        ("similar", ["near", "sure", "tied", "unread"]),
    ],
)
def test_cards_come_in_the_order_asked_for(sort, expected):
    assert [card.name for card in queue.order(CARDS, sort)] == expected


def test_an_unknown_order_is_refused():
    with pytest.raises(BadInput, match="boundary"):
        queue.order(CARDS, "random")
