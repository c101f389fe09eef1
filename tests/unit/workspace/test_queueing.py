"""The queue against the store: brought up to date by what changed, whoever changed it. No model is loaded."""

import math

import pytest

from cod_core.curation.view import View
from cod_core.errors import BadInput
from cod_core.models.choice import read_choice
from cod_core.project.teacher.loader import identity
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
                *identity(read_choice(w.project(pid).row.teacher), LABELS),
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
    queue = w.project(pid).cards.queue()
    assert ids(queue) == ["e0", "e1", "e2"] and queue.counts["todo"] == queue.total == 3
    assert (w.project(pid).summary().n_proposed_texts, w.project(pid).summary().n_valid) == (3, 2)


def test_decisions_of_another_process_are_seen(made):
    """Two people curate with two processes: neither may be shown what the other decided as undecided."""
    w, pid = made
    other = Workspace(w.settings.home)
    w.project(pid).cards.queue()
    other.project(pid).curation.decide("c0", "accepted", "ann")
    assert ids(w.project(pid).cards.queue()) == ["e1", "e2"] and w.project(pid).cards.queue().kept == 1
    other.project(pid).curation.undo("ann")
    assert ids(w.project(pid).cards.queue()) == ["e0", "e1", "e2"]


def test_new_proposals_join_and_better_ones_take_the_lead(made):
    w, pid = made
    w.project(pid).cards.queue()
    propose(w, pid, "e3", "c3", 0.8)
    propose(w, pid, "e2", "c4", 0.95, kind="llm")
    rows = {r.example_id: r for r in w.project(pid).cards.queue().rows}
    assert list(rows) == ["e0", "e1", "e2", "e3"]
    assert rows["e2"].valid and rows["e2"].origins == {"search", "llm"}


def test_the_queue_brought_up_to_date_equals_one_made_from_nothing(made):
    w, pid = made
    for i in range(5):
        w.project(pid).cards.queue()
        propose(w, pid, f"e{i % 4}", f"n{i}", 0.3 + i / 10)
        if i % 2:
            w.project(pid).curation.decide(f"n{i}", "rejected", "me", reasons=("duplicate",))
    assert w.project(pid).cards.queue() == Workspace(w.settings.home).project(pid).cards.queue()


def test_another_teacher_makes_every_check_stale_but_loses_no_text(made):
    w, pid = made
    w.project(pid).cards.queue()
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "amazon"})
    assert len(w.project(pid).cards.queue().rows) == 3 and w.project(pid).summary().stale == 3 and w.project(pid).summary().n_valid == 0


def test_words_are_found_in_originals_and_proposals_as_they_stand(made):
    """% and _ are characters of a text, not wildcards."""
    w, pid = made
    propose(w, pid, "e3", "c9", 0.8, text="100 % dull_ness")
    assert ids(w.project(pid).cards.queue(View(find="number 1"))) == ["e1"]
    assert ids(w.project(pid).cards.queue(View(find="100 %"))) == ["e3"] and ids(w.project(pid).cards.queue(View(find="l_ness"))) == ["e3"]
    assert ids(w.project(pid).cards.queue(View(find="d%m"))) == []


def test_one_card_equals_the_same_card_among_all(made):
    w, pid = made
    w.project(pid).curation.decide("c1", "skipped", "me")
    assert [w.project(pid).cards.one(c.example.id) for c in w.project(pid).cards.all()] == w.project(pid).cards.all()
    with pytest.raises(BadInput):
        w.project(pid).cards.one("e3")


def test_flagged_text_is_to_do_for_everybody_else_and_shows_nothing_of_the_first_opinion(made):
    """A second opinion that knows the first one is none."""
    w, pid = made
    w.project(pid).curation.decide("c0", "needs_review", "ann")
    w.project(pid).curation.decide("c0", "rejected", "ann", reasons=("duplicate",))
    w.project(pid).curation.decide("c1", "needs_review", "ann")
    w.project(pid).curation.decide("c1", "accepted", "bob")
    own = {r.example_id: r.status for r in w.project(pid).cards.queue(View(show="all"), "ann").rows}
    other = {r.example_id: r.status for r in w.project(pid).cards.queue(View(show="all"), "cid").rows}
    assert own["e1"] == "needs_review" and other["e1"] == "pending"
    assert not any(e.who == "bob" for e in w.project(pid).cards.history("e1", "cid"))


def test_history_holds_drafts_decisions_and_undos(made):
    w, pid = made
    w.project(pid).curation.decide("c0", "accepted", "ann")
    w.project(pid).curation.undo("ann")
    w.project(pid).curation.save_draft("e0", "bob", "c0", "A draft")
    assert {e.kind for e in w.project(pid).cards.history("e0")} == {"proposed", "decided", "undone", "draft"}
    assert w.project(pid).curation.draft_of("e0", "bob")[:2] == ("c0", "A draft")
