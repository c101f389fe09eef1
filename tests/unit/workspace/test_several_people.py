"""Several people on one project, on SQLite and PostgreSQL: blind opinions, settling, bulk, audit, guideline.

Every prediction is cached, so no model loads.
"""

import json
import threading
from dataclasses import replace

import pytest

from cod_core.curation import audit
from cod_core.curation.filters import Filter
from cod_core.errors import BadInput, CodError, Stale
from cod_core.models.choice import read_choice
from cod_core.project.teacher.loader import identity
from cod_core.roles import UNNAMED, Actor, need
from cod_core.store import decisions, items, projects
from cod_core.types import Counterfactual, Example, FlipCheck, GuidelineExample, Origin, Prediction, Task

LABELS = ("good", "bad")
TEACHER = {"kind": "builtin", "name": "movies"}


@pytest.fixture
def pid(w):
    """Twelve texts, two proposals each; of text 11 none flips."""
    pid = w.create_project("Team", Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, TEACHER)
    fill(w, pid, 12)
    return pid


def fill(w, pid, n):
    teacher = identity(read_choice(TEACHER), LABELS)
    before, after = Prediction(LABELS, (-0.1, -2.3)), Prediction(LABELS, (-1.6, -0.2))
    items.add_examples(w.db, pid, [Example(f"e{i}", f"A good text {i}.", "good") for i in range(n)])
    cfs = [
        Counterfactual(f"c{i}{j}", f"e{i}", f"A {word} text {i}.", "good", "bad", Origin("search", "s"), created_at="2026-01-01T00:00:00Z")
        for i in range(n)
        for j, word in enumerate(("bad", "really bad"))
    ]
    items.add_counterfactuals(w.db, pid, cfs)
    items.add_checks(
        w.db,
        pid,
        [
            FlipCheck(
                cf.id,
                *teacher,
                before,
                before if cf.example_id == "e11" else after,
                "bad",
                1 + int(cf.id[-1]),
                0.2,
                3,
                0.9,
                False,
                "2026-01-01T00:00:01Z",
            )
            for cf in cfs
        ],
    )


def statuses(w, pid, who="me"):
    return {c.example.id: c.decision.status for c in w.project(pid).cards.all(annotator=who) if c.decision}


def test_a_decision_on_a_card_that_somebody_changed_is_refused(w, pid):
    """Two people on one queue never overwrite each other."""
    mine = w.project(pid).cards.one("e0", "ann")
    w.project(pid).curation.decide("c00", "rejected", "ben", reasons=["not_fluent"])
    with pytest.raises(Stale, match="ben"):
        w.project(pid).curation.decide(mine.offered.id, "accepted", "ann", seen=mine.version)
    assert statuses(w, pid) == {"e0": "rejected"}
    w.project(pid).curation.decide(mine.offered.id, "accepted", "ann", seen=w.project(pid).cards.one("e0", "ann").version)
    assert statuses(w, pid) == {"e0": "accepted"}


def test_an_edit_that_is_refused_leaves_nothing(w, pid, monkeypatch):
    """Its text stood on the first person's card, while a blind second opinion was still open."""
    project = w.project(pid)
    mine = project.cards.one("e0", "ann")
    known = project.pairs.snapshot().counterfactuals
    check = next(iter(project.pairs.state().checks.values()))
    monkeypatch.setattr(type(project.pairs), "verdict", lambda self, example, cf: replace(check, counterfactual_id=cf.id, target=cf.target))
    monkeypatch.setattr(type(project.curation), "_written", lambda self, e, text, aim, base: replace(known[base], id="mine", text=text))
    project.curation.decide("c00", "rejected", "ben", reasons=["not_fluent"])
    with pytest.raises(Stale, match="ben"):
        project.curation.edit_and_accept("e0", mine.offered.id, "my own words", "ann", override_reason="so it is", seen=mine.version)
    assert project.pairs.snapshot().counterfactuals == known
    again = project.cards.one("e0", "ann").version
    project.curation.edit_and_accept("e0", mine.offered.id, "my own words", "ann", override_reason="so it is", seen=again)
    assert project.cards.one("e0", "ann").offered.text == "my own words"


def test_a_second_opinion_is_blind_until_both_have_decided(w, pid):
    w.project(pid).curation.decide("c00", "accepted", "ann")
    assert w.project(pid).review.ask_opinions("rob", 5) == 1
    assert w.project(pid).review.opinions_for("ben") == ["e0"] and w.project(pid).review.opinions_for("ann") == []
    assert statuses(w, pid, "ann") == {"e0": "accepted"} and statuses(w, pid, "ben") == {}
    assert w.project(pid).audit.page("ben").hidden == 1 and not any(r["annotator"] == "ann" for r in w.project(pid).audit.page("ben").rows)
    assert b'"ann"' not in w.project(pid).audit.jsonl("ben") and b",ann," not in w.project(pid).audit.csv("ben")
    w.project(pid).curation.decide("c00", "rejected", "ben", reasons=["label_wrong"])
    assert [s.phase for s in w.project(pid).review.second_opinions()] == ["differ"] and w.project(pid).review.opinions_for("cem") == []
    assert statuses(w, pid, "ben") == {"e0": "accepted"} and w.project(pid).audit.page("ben").hidden == 0
    (found,) = w.project(pid).review.differences()
    assert {who: d.status for who, (d, *_) in found.votes.items()} == {"ann": "accepted", "ben": "rejected"}
    assert w.project(pid).review.settlers(found.votes) == ["rob"]
    with pytest.raises(CodError, match="settled by somebody else: rob"):  # nobody is the judge of their own case
        w.project(pid).review.adjudicate("e0", "ann", "ann", seen=found.card.version)
    w.project(pid).review.adjudicate("e0", "ben", "rob", seen=found.card.version)
    assert statuses(w, pid) == {"e0": "rejected"} and w.project(pid).review.differences() == []
    assert w.project(pid).review.agreement().percent.value == 0.0


def test_an_edit_made_for_an_open_opinion_is_hidden_too(w, pid, monkeypatch):
    w.project(pid).curation.decide("c00", "accepted", "ann")
    w.project(pid).review.ask_opinions("rob", 1)
    own = Counterfactual("own", "e0", "A dreadful text 0.", "good", "bad", Origin("human", "expert"))
    items.add_counterfactuals(w.db, pid, [own])
    check = w.project(pid).pairs.state().checks["c00"]
    items.add_checks(w.db, pid, [type(check)(**{**check.__dict__, "counterfactual_id": "own"})])
    w.project(pid).curation.decide("own", "edited", "ben")
    w.project(pid).curation.undo("ben")
    w.project(pid).curation.decide("own", "edited", "ben")
    assert w.project(pid).cards.one("e0", "ann").second == "agreed"  # kept by both, one with a change
    assert w.project(pid).review.agreement(three_way=True).percent.value == 0.0


def test_two_opinions_that_agree_settle_a_flag_and_one_undo_takes_both_back(w, pid):
    w.project(pid).curation.decide("c00", "needs_review", "ann")
    w.project(pid).curation.decide("c00", "rejected", "ben")
    assert statuses(w, pid, "ann") == {"e0": "needs_review"} and w.project(pid).review.opinions_for("ben") == []
    w.project(pid).curation.decide("c00", "rejected", "cem")
    assert statuses(w, pid, "dan") == {"e0": "rejected"} and w.project(pid).review.second_opinions()[0].phase == "settled"
    w.project(pid).curation.undo("cem")
    assert (
        w.project(pid).review.second_opinions()[0].phase == "open" and w.project(pid).pairs.state().outcome["e0"].status == "needs_review"
    )


def test_working_alone_a_flag_is_taken_back_by_deciding(w, pid):
    w.project(pid).curation.decide("c00", "needs_review", "ann")
    w.project(pid).curation.decide("c00", "accepted", "ann")
    assert statuses(w, pid) == {"e0": "accepted"} and w.project(pid).review.second_opinions() == []


def test_a_bulk_act_decides_on_exactly_the_rows_shown_and_says_what_it_leaves(w, pid):
    w.project(pid).curation.decide("c10", "accepted", "ann")
    w.project(pid).curation.decide("c20", "needs_review", "ann")
    shown = w.project(pid).review.table("rob", Filter(), "upload", page=0, size=50)
    plan = w.project(pid).review.plan_bulk("rob", [c.example.id for c in shown.cards], "accepted")
    assert len(plan.cards) == 9 and sum(plan.left_out.values()) == 3 and plan.decided == 0
    assert set(plan.left_out) == {
        "accepted already",
        "a second opinion on it is open",
        "the teacher does not change its mind to the label aimed at",
    }
    assert w.project(pid).review.do_bulk(plan, "rob") == 9
    assert sum(s == "accepted" for s in statuses(w, pid, "ann").values()) == 10
    w.project(pid).curation.undo("rob")
    assert statuses(w, pid, "ann") == {"e1": "accepted", "e2": "needs_review"}


def test_a_bulk_act_on_rows_that_moved_since_the_preview_writes_nothing(w, pid):
    plan = w.project(pid).review.plan_bulk("rob", ["e0", "e1"], "rejected")
    w.project(pid).curation.decide("c10", "accepted", "ann")
    with pytest.raises(Stale):
        w.project(pid).review.do_bulk(plan, "rob")
    assert statuses(w, pid) == {"e1": "accepted"}


def test_the_table_is_filtered_sorted_and_cut_into_pages_on_the_server(w, pid):
    w.project(pid).curation.decide("c30", "rejected", "ann", reasons=["not_minimal"])
    w.project(pid).curation.decide("c40", "rejected", "ben", reasons=["duplicate"])

    def ids(wanted, **more):
        return [c.example.id for c in w.project(pid).review.table("rob", wanted, **more).cards]

    assert ids(Filter(status=("rejected",))) == ["e3", "e4"]
    assert ids(Filter(reason="duplicate")) == ["e4"] and ids(Filter(annotator="ann")) == ["e3"]
    assert ids(Filter(flips=False)) == ["e11"] and ids(Filter(text="TEXT 7")) == ["e7"]
    assert ids(Filter(), order="newest")[:2] == ["e4", "e3"]
    assert ids(Filter(), size=5, page=9) == ["e10", "e11"]
    assert ids(Filter(), downwards=True, size=1) == ["e11"]
    assert ids(Filter(label="bad")) == ids(Filter(target="good")) == ids(Filter(source="llm")) == []
    with pytest.raises(BadInput, match="boundary"):
        w.project(pid).review.table("rob", order="random")


def test_replaying_the_exported_trail_from_nothing_gives_the_state(w, pid):
    """An audit trail that does not amount to the state proves nothing."""
    w.project(pid).curation.decide("c00", "accepted", "ann")
    w.project(pid).curation.decide("c01", "rejected", "ann")
    w.project(pid).review.do_bulk(w.project(pid).review.plan_bulk("rob", ["e1", "e2", "e3"], "rejected"), "rob", ["duplicate"])
    w.project(pid).curation.undo("rob")
    w.project(pid).curation.decide("c10", "needs_review", "ann")
    w.project(pid).curation.decide("c10", "accepted", "ben")
    w.project(pid).curation.decide("c10", "accepted", "cem")
    w.project(pid).curation.decide("c20", "rejected", "ben", comment="=1+1")
    assert w.project(pid).audit.replayed() == (len(decisions.log(w.db, pid)), True)
    rows = [json.loads(line) for line in w.project(pid).audit.jsonl().splitlines()]
    state = audit.replay(rows)
    assert {i: s["status"] for i, s in state.items()} == statuses(w, pid)
    assert state["e0"]["counterfactual"] == "A bad text 0." and state["e1"]["annotator"] == "cem"
    assert b"'=1+1" in w.project(pid).audit.csv("rob")
    assert [r["annotator"] for r in w.project(pid).audit.page("rob", annotator="cem").rows] == ["cem", "cem"]
    assert w.project(pid).audit.page("rob", status="pending").total == 3 and w.project(pid).audit.page("rob", text="text 2").total == 3


def test_the_guideline_is_versioned_and_decisions_made_before_can_be_queued_again(w, pid):
    w.project(pid).curation.decide("c00", "accepted", "ann")
    shown = (GuidelineExample("A good text.", "A bad text.", True, "one word"),)
    version = w.project(pid).guideline.write("One word only.", "rob", {"other": "None of these"}, shown, "first", base=0)
    w.project(pid).curation.decide("c10", "accepted", "ann")
    made = {d.example_id: d.guideline_version for d in decisions.log(w.db, pid)}
    assert version == 2 and made == {"e0": 1, "e1": 2}
    assert [d.example_id for d in w.project(pid).guideline.decided_before()] == ["e0"]
    assert w.project(pid).guideline.queue_again("rob") == 1
    assert set(statuses(w, pid)) == {"e1"}
    w.project(pid).curation.undo("rob")
    assert set(statuses(w, pid)) == {"e0", "e1"}
    with pytest.raises(BadInput, match="Nothing in the guideline changed"):
        w.project(pid).guideline.write("One word only.", "rob", {"other": "None of these"}, shown, base=2)
    with pytest.raises(Stale):
        w.project(pid).guideline.write("Two words.", "rob", base=0)
    for wrong in ({"reasons": {"ugly": "x"}}, {"reasons": {"other": "x" * 81}}, {"examples": (GuidelineExample("a", " ", True),)}):
        with pytest.raises(BadInput):
            w.project(pid).guideline.write("Other.", "rob", **wrong)
    assert w.project(pid).guideline.current().text == "One word only." and len(w.project(pid).guideline.versions()) == 1


def test_who_makes_the_list_of_people_owns(w):
    """Otherwise the first entry of a curator would lock its maker out."""
    w.people.set_role("ben", "curator", "ann")
    assert w.people.roles() == {"ann": "owner", "ben": "curator"}


def test_roles_say_who_may_do_what(w, monkeypatch):
    def role(name, signed_in=True):
        people = w.acting(Actor(name, "https://id.example", name, signed_in)).people
        people.admit()
        return people.role()

    assert role("anybody", signed_in=False) == "owner", "on one machine without sign-in nobody is locked out"
    assert role("eva@x") == "owner" and role("fred@x") == "curator"
    monkeypatch.setenv("COD_OWNERS", "Gil@X ")
    assert role("gil@x") == "owner"
    assert role("anybody", signed_in=False) == "curator", "once there is a list, a name that is not on it decides on texts only"
    w.people.set_role("hal", "reviewer", "eva@x")
    assert w.people.roles() == {"eva@x": "owner", "fred@x": "curator", "gil@x": "owner", "hal": "reviewer"}
    w.people.remove("hal")
    with pytest.raises(BadInput, match="name"):
        w.people.set_role(" ", "curator", "eva@x")
    need("owner", "endpoint")
    for act in ("endpoint", "people", "delete", "bulk", "adjudicate"):
        with pytest.raises(CodError, match="Ask an owner"):
            need("curator", act)
    need("reviewer", "adjudicate")


def test_a_run_without_a_person_gives_no_second_opinion(w, pid):
    """It voted on flagged texts, agreed with one person, settled the flag and counted in the agreement of people."""
    w.project(pid).curation.decide("c00", "accepted", "ann")
    w.project(pid).curation.decide("c00", "needs_review", "ben")
    w.project(pid).curation.decide("c10", "needs_review", "ann")
    assert w.project(pid).curation.accept_unattended() == 9
    assert statuses(w, pid)["e2"] == "accepted" and w.project(pid).pairs.state().outcome["e0"].status == "needs_review"
    assert "unattended" not in {d.annotator for i in ("e0", "e1") for d in w.project(pid).pairs.state().logs[i]}


def test_what_a_run_without_a_person_accepted_is_no_opinion(w, pid):
    """Agreement with the machine was reported as that of two people."""
    assert w.project(pid).curation.accept_unattended() and w.project(pid).review.ask_opinions("rob", 2) == 2
    for example_id in w.project(pid).review.opinions_for("ann"):
        w.project(pid).curation.decide(w.project(pid).cards.one(example_id).offered.id, "accepted", "ann")
    assert {s.phase for s in w.project(pid).review.second_opinions()} == {"agreed"} and w.project(pid).review.agreement().n == 0


def test_two_opinions_given_at_the_same_moment_settle_their_flag(w, pid, monkeypatch):
    """Each had read the log before the other was in it: both agreed, and the text stayed flagged for ever."""
    from cod_core.curation import opinions

    w.project(pid).curation.decide("c00", "needs_review", "ann")
    ready, purpose_of = threading.Barrier(2), opinions.purpose_of

    def together(log, annotator):
        try:
            ready.wait(0.5)
        except threading.BrokenBarrierError:
            pass  # the other one waits for its turn to read
        return purpose_of(log, annotator)

    monkeypatch.setattr(opinions, "purpose_of", together)
    both = [threading.Thread(target=w.project(pid).curation.decide, args=("c00", "accepted", who)) for who in ("bob", "cyd")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert w.project(pid).pairs.state().outcome["e0"].status == "accepted" and w.project(pid).review.second_opinions()[0].phase in (
        "agreed",
        "settled",
    )


def test_who_is_the_only_one_settles_their_own_case(w, pid):
    """Two people alone must not be left with a difference that nobody may settle."""
    w.project(pid).curation.decide("c00", "accepted", "ann")
    w.project(pid).review.ask_opinions("ann", 1)
    w.project(pid).curation.decide("c00", "rejected", "ben", reasons=["label_wrong"])
    w.project(pid).review.adjudicate("e0", "ben", "ann")
    assert statuses(w, pid) == {"e0": "rejected"}


def test_nothing_is_recorded_under_the_mark_of_a_browser(w, pid):
    """A record that names nobody could never be asked back; what was typed waits for the name."""
    mark = f"{UNNAMED}1234"
    nameless = w.acting(Actor(mark))
    project = nameless.project(pid)
    project.curation.save_draft("e0", mark, "c00", "A dreadful text.")
    with pytest.raises(CodError, match="not said who decides"):
        project.curation.decide("c00", "accepted", mark)
    nameless.people.take_over(mark, "ann")
    assert w.project(pid).curation.draft("e0", "ann") == "A dreadful text."
    with pytest.raises(CodError, match="stay theirs"):
        nameless.people.take_over("ann", "ben")
