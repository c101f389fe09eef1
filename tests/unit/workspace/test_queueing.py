"""The queue against the store: brought up to date by what changed, whoever changed it. No model is loaded."""

import math

import pytest

from cod_core.curation.view import View
from cod_core.errors import BadInput
from cod_core.store import items, projects
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, Task, now
from cod_core.workspace import Workspace

LABELS = ("negative", "positive")


def prediction(p):
    return Prediction(LABELS, (math.log(1 - p), math.log(p)))


def propose(w, pid, example_id, cf_id, after, text="A fine film.", kind="search", at=None):
    """One checked proposal; after: p(positive) of it."""
    cf = Counterfactual(cf_id, example_id, text, "negative", "positive", Origin(kind, "n"), created_at=now())
    items.add_counterfactuals(w.db, pid, [cf])
    items.add_checks(
        w.db,
        pid,
        [
            FlipCheck(
                cf_id,
                *w._identity(w.project(pid).teacher, LABELS),
                prediction(0.1),
                prediction(after),
                "positive",
                1,
                0.2,
                3,
                0.9,
                False,
                at or now(),
            )
        ],
    )


@pytest.fixture
def made(tmp_path):
    w = Workspace(tmp_path / "home")
    pid = w.create_project("Films", Task("Good?", LABELS))
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "movies"})
    items.add_examples(w.db, pid, [Example(f"e{i}", f"A dull film, number {i}.", "negative") for i in range(4)])
    for i, after in enumerate((0.9, 0.55, 0.2)):
        propose(w, pid, f"e{i}", f"c{i}", after)
    return w, pid


def ids(queue):
    return [r.example_id for r in queue.rows]


def test_only_texts_with_proposals_are_listed_and_counted(made):
    w, pid = made
    queue = w.queue(pid)
    assert ids(queue) == ["e0", "e1", "e2"] and queue.counts["todo"] == queue.total == 3
    assert (w.summary(pid).n_proposed_texts, w.summary(pid).n_valid) == (3, 2)


def test_decisions_of_another_process_are_seen(made):
    """Two people curate with two processes: neither may be shown what the other decided as undecided."""
    w, pid = made
    other = Workspace(w.settings.home)
    w.queue(pid)
    other.decide(pid, "c0", "accepted", "ann")
    assert ids(w.queue(pid)) == ["e1", "e2"] and w.queue(pid).kept == 1
    other.undo(pid, "ann")
    assert ids(w.queue(pid)) == ["e0", "e1", "e2"]


def test_new_proposals_join_and_better_ones_take_the_lead(made):
    w, pid = made
    w.queue(pid)
    propose(w, pid, "e3", "c3", 0.8)
    propose(w, pid, "e2", "c4", 0.95, kind="llm")
    rows = {r.example_id: r for r in w.queue(pid).rows}
    assert list(rows) == ["e0", "e1", "e2", "e3"]
    assert rows["e2"].valid and rows["e2"].origins == {"search", "llm"}


def test_the_queue_brought_up_to_date_equals_one_made_from_nothing(made):
    w, pid = made
    for i in range(5):
        w.queue(pid)
        propose(w, pid, f"e{i % 4}", f"n{i}", 0.3 + i / 10)
        if i % 2:
            w.decide(pid, f"n{i}", "rejected", "me", reasons=("duplicate",))
    assert w.queue(pid) == Workspace(w.settings.home).queue(pid)


def test_another_teacher_makes_every_check_stale_but_loses_no_text(made):
    w, pid = made
    w.queue(pid)
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "amazon"})
    assert len(w.queue(pid).rows) == 3 and w.summary(pid).stale == 3 and w.summary(pid).n_valid == 0


def test_words_are_found_in_originals_and_proposals_as_they_stand(made):
    """% and _ are characters of a text, not wildcards."""
    w, pid = made
    propose(w, pid, "e3", "c9", 0.8, text="100 % dull_ness")
    assert ids(w.queue(pid, View(find="number 1"))) == ["e1"]
    assert ids(w.queue(pid, View(find="100 %"))) == ["e3"] and ids(w.queue(pid, View(find="l_ness"))) == ["e3"]
    assert ids(w.queue(pid, View(find="d%m"))) == []


def test_one_card_equals_the_same_card_among_all(made):
    w, pid = made
    w.decide(pid, "c1", "skipped", "me")
    assert [w.card(pid, c.example.id) for c in w.cards(pid)] == w.cards(pid)
    with pytest.raises(BadInput):
        w.card(pid, "e3")


def test_flagged_text_is_to_do_for_everybody_else_and_shows_nothing_of_the_first_opinion(made):
    """A second opinion that knows the first one is none."""
    w, pid = made
    w.decide(pid, "c0", "needs_review", "ann")
    w.decide(pid, "c0", "rejected", "ann", reasons=("duplicate",))
    w.decide(pid, "c1", "needs_review", "ann")
    w.decide(pid, "c1", "accepted", "bob")
    own = {r.example_id: r.status for r in w.queue(pid, View(show="all"), "ann").rows}
    other = {r.example_id: r.status for r in w.queue(pid, View(show="all"), "cid").rows}
    assert own["e1"] == "needs_review" and other["e1"] == "pending"
    assert not any(e.who == "bob" for e in w.history(pid, "e1", "cid"))


def test_history_holds_drafts_decisions_and_undos(made):
    w, pid = made
    w.decide(pid, "c0", "accepted", "ann")
    w.undo(pid, "ann")
    w.save_draft(pid, "e0", "bob", "c0", "A draft")
    assert {e.kind for e in w.history(pid, "e0")} == {"proposed", "decided", "undone", "draft"}
    assert w.draft_of(pid, "e0", "bob")[:2] == ("c0", "A draft")
