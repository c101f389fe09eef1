"""What is held in memory is what the store holds, whoever wrote it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cod_core.curation import state
from cod_core.curation.index import Index, by_teacher, newest, texts_of
from cod_core.store import decisions, items, projects
from cod_core.store.database import open_database
from cod_core.types import Counterfactual, Decision, Example, FlipCheck, Origin, Prediction, Task

LABELS = ("good", "bad")


@pytest.fixture
def pid(db):
    return projects.create_project(db, "mine", Task("t", LABELS))


def proposal(i: int, example: str) -> Counterfactual:
    return Counterfactual(f"c{i}", example, f"text {i}", "good", "bad", Origin("search", "s"))


def verdict(i: int, revision="r1", edits=1) -> FlipCheck:
    made = Prediction(LABELS, (-2.0, -0.2))
    return FlipCheck(f"c{i}", "t", revision, made, made, "bad", edits, 0.1, 1, None, False, f"2026-01-01T00:00:0{edits}Z")


def same(index: Index, db, pid: str) -> None:
    """The snapshot against a fresh reading of everything."""
    found = index.now()
    cfs = items.counterfactuals(db, pid)
    assert list(found.counterfactuals.values()) == cfs
    assert found.checks.get(("t", "r1"), {}) == items.checks(db, pid, "t", "r1")
    assert found.latest == items.any_checks(db, pid)
    assert found.outcome == state.outcome(decisions.log(db, pid))
    assert list(found.by_example) == [e.id for e in items.examples(db, pid, ids=list({c.example_id for c in cfs}))]


def test_news_of_every_kind_are_seen_and_old_snapshots_stay_as_they_were(db, pid):
    """A page that still draws the old list must not see it change under its hands."""
    index = Index(db, pid)
    items.add_examples(db, pid, [Example(f"e{i}", f"text {i}") for i in range(3)])
    same(index, db, pid)
    items.add_counterfactuals(db, pid, [proposal(1, "e2"), proposal(2, "e0")])
    items.add_checks(db, pid, [verdict(1), verdict(2)])
    before = index.now()
    same(index, db, pid)
    items.add_counterfactuals(db, pid, [proposal(3, "e1"), proposal(4, "e0")])
    items.add_checks(db, pid, [verdict(1, edits=2), verdict(3, "r2"), verdict(4)])
    decisions.append(db, pid, Decision("c1", "e2", "accepted", "ann"))
    same(index, db, pid)
    assert set(before.counterfactuals) == {"c1", "c2"} and before.outcome == {}
    assert index.now() is index.now(), "nothing new, nothing made"
    assert index.now().touched["e0"] > before.touched["e0"]


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["accepted", "rejected", "pending", "undo"])), max_size=12))
def test_reading_only_the_news_ends_where_reading_everything_ends(tmp_path_factory, steps):
    from cod_core.curation.decide import undo

    db = open_database(f"sqlite:///{tmp_path_factory.mktemp('db') / 'cod.db'}")
    pid = projects.create_project(db, "mine", Task("t", LABELS))
    index = Index(db, pid)
    for i, act in steps:
        if act == "undo":
            undo(db, pid, "me")
        else:
            decisions.append(db, pid, Decision(f"c{i}", f"e{i % 2}", act, "me"))
        assert index.now().outcome == state.outcome(decisions.log(db, pid))
    db.engine.dispose()


def test_flipped_texts_are_those_with_a_valid_verdict_of_that_teacher(db, pid):
    index = Index(db, pid)
    items.add_examples(db, pid, [Example("e0", "text 0"), Example("e1", "text 1")])
    items.add_counterfactuals(db, pid, [proposal(1, "e0"), proposal(2, "e0"), proposal(3, "e1")])
    stays, flips = Prediction(LABELS, (-0.2, -2.0)), Prediction(LABELS, (-2.0, -0.2))

    def read(i, after):
        return FlipCheck(f"c{i}", "t", "r1", stays, after, "bad", 1, 0.1, 1, None, False, "2026-01-01T00:00:00Z")

    items.add_checks(db, pid, [read(1, stays), read(2, flips), read(3, stays)])
    assert index.now().flipped == {("t", "r1"): {"e0"}}
    items.add_checks(db, pid, [read(3, flips)])
    assert index.now().flipped == {("t", "r1"): {"e0", "e1"}}
    items.add_checks(db, pid, [read(2, stays)])
    assert index.now().flipped == {("t", "r1"): {"e1"}}


def test_checks_by_teacher_keep_the_last_of_each_proposal():
    news = by_teacher([verdict(1), verdict(2, "r2"), verdict(1, edits=2)])
    assert news == {("t", "r1"): {"c1": verdict(1, edits=2)}, ("t", "r2"): {"c2": verdict(2, "r2")}}


def test_the_newest_verdict_wins_and_a_tie_goes_to_the_later_written():
    """An old teacher that is asked again must not hide what the present one said later."""
    held = {"c1": verdict(1, edits=2)}
    assert newest(held, [verdict(1, edits=1)]) == held
    assert newest(held, [verdict(1, "r2", edits=2)]) == {"c1": verdict(1, "r2", edits=2)} and held == {"c1": verdict(1, edits=2)}
    assert newest(held, []) is held


def test_texts_of_proposals_pass_over_unknown_ones():
    assert texts_of(["c1", "c9"], {"c1": proposal(1, "e1")}) == {"e1"}
