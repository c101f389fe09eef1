"""Several people on one project, on SQLite and PostgreSQL: blind opinions, settling, bulk, audit, guideline.

Every prediction is cached, so no model loads.
"""

import json
import threading

import pytest

from cod_core.curation import audit
from cod_core.curation.filters import Filter
from cod_core.errors import BadInput, CodError, Stale
from cod_core.roles import need
from cod_core.store import decisions, items, projects
from cod_core.types import Counterfactual, Example, FlipCheck, GuidelineExample, Origin, Prediction, Task
from cod_core.workspace import Workspace

LABELS = ("good", "bad")
TEACHER = {"kind": "builtin", "name": "movies"}


@pytest.fixture
def w(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.setenv("COD_DATABASE_URL", database_url)
    opened = Workspace()
    yield opened
    opened.db.engine.dispose()


@pytest.fixture
def pid(w):
    """Twelve texts, two proposals each; of text 11 none flips."""
    pid = w.create_project("Team", Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, TEACHER)
    fill(w, pid, 12)
    return pid


def fill(w, pid, n):
    teacher = w._identity(TEACHER, LABELS)
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
    return {c.example.id: c.decision.status for c in w.cards(pid, annotator=who) if c.decision}


def test_a_decision_on_a_card_that_somebody_changed_is_refused(w, pid):
    """Two people on one queue never overwrite each other."""
    mine = w.card(pid, "e0", "ann")
    w.decide(pid, "c00", "rejected", "ben", reasons=["not_fluent"])
    with pytest.raises(Stale, match="ben"):
        w.decide(pid, mine.offered.id, "accepted", "ann", seen=mine.version)
    assert statuses(w, pid) == {"e0": "rejected"}
    w.decide(pid, mine.offered.id, "accepted", "ann", seen=w.card(pid, "e0", "ann").version)
    assert statuses(w, pid) == {"e0": "accepted"}


def test_a_second_opinion_is_blind_until_both_have_decided(w, pid):
    w.decide(pid, "c00", "accepted", "ann")
    assert w.ask_opinions(pid, "rob", 5) == 1
    assert w.opinions_for(pid, "ben") == ["e0"] and w.opinions_for(pid, "ann") == []
    assert statuses(w, pid, "ann") == {"e0": "accepted"} and statuses(w, pid, "ben") == {}
    assert w.audit(pid, "ben").hidden == 1 and not any(r["annotator"] == "ann" for r in w.audit(pid, "ben").rows)
    assert b'"ann"' not in w.audit_jsonl(pid, "ben") and b",ann," not in w.audit_csv(pid, "ben")
    w.decide(pid, "c00", "rejected", "ben", reasons=["label_wrong"])
    assert [s.phase for s in w.seconds(pid)] == ["differ"] and w.opinions_for(pid, "cem") == []
    assert statuses(w, pid, "ben") == {"e0": "accepted"} and w.audit(pid, "ben").hidden == 0
    (found,) = w.differences(pid)
    assert {who: d.status for who, (d, *_) in found.votes.items()} == {"ann": "accepted", "ben": "rejected"}
    w.adjudicate(pid, "e0", "ben", "rob", seen=found.card.version)
    assert statuses(w, pid) == {"e0": "rejected"} and w.differences(pid) == []
    assert w.agreement(pid).percent.value == 0.0


def test_an_edit_made_for_an_open_opinion_is_hidden_too(w, pid, monkeypatch):
    w.decide(pid, "c00", "accepted", "ann")
    w.ask_opinions(pid, "rob", 1)
    own = Counterfactual("own", "e0", "A dreadful text 0.", "good", "bad", Origin("human", "expert"))
    items.add_counterfactuals(w.db, pid, [own])
    check = w._state(pid).checks["c00"]
    items.add_checks(w.db, pid, [type(check)(**{**check.__dict__, "counterfactual_id": "own"})])
    w.decide(pid, "own", "edited", "ben")
    w.undo(pid, "ben")
    w.decide(pid, "own", "edited", "ben")
    assert w.card(pid, "e0", "ann").second == "agreed"  # kept by both, one with a change
    assert w.agreement(pid, three_way=True).percent.value == 0.0


def test_two_opinions_that_agree_settle_a_flag_and_one_undo_takes_both_back(w, pid):
    w.decide(pid, "c00", "needs_review", "ann")
    w.decide(pid, "c00", "rejected", "ben")
    assert statuses(w, pid, "ann") == {"e0": "needs_review"} and w.opinions_for(pid, "ben") == []
    w.decide(pid, "c00", "rejected", "cem")
    assert statuses(w, pid, "dan") == {"e0": "rejected"} and w.seconds(pid)[0].phase == "settled"
    w.undo(pid, "cem")
    assert w.seconds(pid)[0].phase == "open" and w._state(pid).outcome["e0"].status == "needs_review"


def test_working_alone_a_flag_is_taken_back_by_deciding(w, pid):
    w.decide(pid, "c00", "needs_review", "ann")
    w.decide(pid, "c00", "accepted", "ann")
    assert statuses(w, pid) == {"e0": "accepted"} and w.seconds(pid) == []


def test_a_bulk_act_decides_on_exactly_the_rows_shown_and_says_what_it_leaves(w, pid):
    w.decide(pid, "c10", "accepted", "ann")
    w.decide(pid, "c20", "needs_review", "ann")
    shown = w.review_table(pid, "rob", Filter(), "upload", page=0, size=50)
    plan = w.plan_bulk(pid, "rob", [c.example.id for c in shown.cards], "accepted")
    assert len(plan.cards) == 9 and sum(plan.left_out.values()) == 3 and plan.decided == 0
    assert set(plan.left_out) == {
        "accepted already",
        "a second opinion on it is open",
        "the teacher does not change its mind to the label aimed at",
    }
    assert w.do_bulk(pid, plan, "rob") == 9
    assert sum(s == "accepted" for s in statuses(w, pid, "ann").values()) == 10
    w.undo(pid, "rob")
    assert statuses(w, pid, "ann") == {"e1": "accepted", "e2": "needs_review"}


def test_a_bulk_act_on_rows_that_moved_since_the_preview_writes_nothing(w, pid):
    plan = w.plan_bulk(pid, "rob", ["e0", "e1"], "rejected")
    w.decide(pid, "c10", "accepted", "ann")
    with pytest.raises(Stale):
        w.do_bulk(pid, plan, "rob")
    assert statuses(w, pid) == {"e1": "accepted"}


def test_the_table_is_filtered_sorted_and_cut_into_pages_on_the_server(w, pid):
    w.decide(pid, "c30", "rejected", "ann", reasons=["not_minimal"])
    w.decide(pid, "c40", "rejected", "ben", reasons=["duplicate"])

    def ids(wanted, **more):
        return [c.example.id for c in w.review_table(pid, "rob", wanted, **more).cards]

    assert ids(Filter(status=("rejected",))) == ["e3", "e4"]
    assert ids(Filter(reason="duplicate")) == ["e4"] and ids(Filter(annotator="ann")) == ["e3"]
    assert ids(Filter(flips=False)) == ["e11"] and ids(Filter(text="TEXT 7")) == ["e7"]
    assert ids(Filter(), order="newest")[:2] == ["e4", "e3"]
    assert ids(Filter(), size=5, page=9) == ["e10", "e11"]
    assert ids(Filter(), downwards=True, size=1) == ["e11"]
    assert ids(Filter(label="bad")) == ids(Filter(target="good")) == ids(Filter(source="llm")) == []
    with pytest.raises(BadInput, match="boundary"):
        w.review_table(pid, "rob", order="random")


def test_replaying_the_exported_trail_from_nothing_gives_the_state(w, pid):
    """An audit trail that does not amount to the state proves nothing."""
    w.decide(pid, "c00", "accepted", "ann")
    w.decide(pid, "c01", "rejected", "ann")
    w.do_bulk(pid, w.plan_bulk(pid, "rob", ["e1", "e2", "e3"], "rejected"), "rob", ["duplicate"])
    w.undo(pid, "rob")
    w.decide(pid, "c10", "needs_review", "ann")
    w.decide(pid, "c10", "accepted", "ben")
    w.decide(pid, "c10", "accepted", "cem")
    w.decide(pid, "c20", "rejected", "ben", comment="=1+1")
    assert w.replayed(pid) == (len(decisions.log(w.db, pid)), True)
    rows = [json.loads(line) for line in w.audit_jsonl(pid).splitlines()]
    state = audit.replay(rows)
    assert {i: s["status"] for i, s in state.items()} == statuses(w, pid)
    assert state["e0"]["counterfactual"] == "A bad text 0." and state["e1"]["annotator"] == "cem"
    assert b"'=1+1" in w.audit_csv(pid, "rob")
    assert [r["annotator"] for r in w.audit(pid, "rob", annotator="cem").rows] == ["cem", "cem"]
    assert w.audit(pid, "rob", status="pending").total == 3 and w.audit(pid, "rob", text="text 2").total == 3


def test_the_guideline_is_versioned_and_decisions_made_before_can_be_queued_again(w, pid):
    w.decide(pid, "c00", "accepted", "ann")
    shown = (GuidelineExample("A good text.", "A bad text.", True, "one word"),)
    version = w.write_guideline(pid, "One word only.", "rob", {"other": "None of these"}, shown, "first", base=0)
    w.decide(pid, "c10", "accepted", "ann")
    made = {d.example_id: d.guideline_version for d in decisions.log(w.db, pid)}
    assert version == 2 and made == {"e0": 1, "e1": 2}
    assert [d.example_id for d in w.decided_before(pid)] == ["e0"]
    assert w.queue_again(pid, "rob") == 1
    assert set(statuses(w, pid)) == {"e1"}
    w.undo(pid, "rob")
    assert set(statuses(w, pid)) == {"e0", "e1"}
    with pytest.raises(BadInput, match="Nothing in the guideline changed"):
        w.write_guideline(pid, "One word only.", "rob", {"other": "None of these"}, shown, base=2)
    with pytest.raises(Stale):
        w.write_guideline(pid, "Two words.", "rob", base=0)
    for wrong in ({"reasons": {"ugly": "x"}}, {"reasons": {"other": "x" * 81}}, {"examples": (GuidelineExample("a", " ", True),)}):
        with pytest.raises(BadInput):
            w.write_guideline(pid, "Other.", "rob", **wrong)
    assert w.guideline(pid).text == "One word only." and len(w.guideline_versions(pid)) == 1


def test_who_makes_the_list_of_people_owns(w):
    """Otherwise the first entry of a curator would lock its maker out."""
    w.set_role("ben", "curator", "ann")
    assert w.people() == {"ann": "owner", "ben": "curator"}


def test_roles_say_who_may_do_what(w):
    assert w.join("anybody") == "owner", "on one machine without sign-in nobody is locked out"
    assert w.join("eva@x", signed_in=True) == "owner" and w.join("fred@x", signed_in=True) == "curator"
    assert w.join("gil@x", signed_in=True, owners=["gil@x"]) == "owner"
    assert w.join("anybody") == "curator", "once there is a list, a name that is not on it decides on texts only"
    w.set_role("hal", "reviewer", "eva@x")
    assert w.people() == {"eva@x": "owner", "fred@x": "curator", "gil@x": "owner", "hal": "reviewer"}
    w.remove_person("hal")
    with pytest.raises(BadInput, match="name"):
        w.set_role(" ", "curator", "eva@x")
    need("owner", "endpoint")
    for act in ("endpoint", "people", "delete", "bulk", "adjudicate"):
        with pytest.raises(CodError, match="Ask an owner"):
            need("curator", act)
    need("reviewer", "adjudicate")


def test_a_run_without_a_person_gives_no_second_opinion(w, pid):
    """It voted on flagged texts, agreed with one person, settled the flag and counted in the agreement of people."""
    w.decide(pid, "c00", "accepted", "ann")
    w.decide(pid, "c00", "needs_review", "ben")
    w.decide(pid, "c10", "needs_review", "ann")
    assert w.accept_unattended(pid) == 9
    assert statuses(w, pid)["e2"] == "accepted" and w._state(pid).outcome["e0"].status == "needs_review"
    assert "unattended" not in {d.annotator for i in ("e0", "e1") for d in w._state(pid).logs[i]}


def test_what_a_run_without_a_person_accepted_is_no_opinion(w, pid):
    """Agreement with the machine was reported as that of two people."""
    assert w.accept_unattended(pid) and w.ask_opinions(pid, "rob", 2) == 2
    for example_id in w.opinions_for(pid, "ann"):
        w.decide(pid, w.card(pid, example_id).offered.id, "accepted", "ann")
    assert {s.phase for s in w.seconds(pid)} == {"agreed"} and w.agreement(pid).n == 0


def test_two_opinions_given_at_the_same_moment_settle_their_flag(w, pid, monkeypatch):
    """Each had read the log before the other was in it: both agreed, and the text stayed flagged for ever."""
    from cod_core.curation import opinions

    w.decide(pid, "c00", "needs_review", "ann")
    ready, purpose_of = threading.Barrier(2), opinions.purpose_of

    def together(log, annotator):
        try:
            ready.wait(0.5)
        except threading.BrokenBarrierError:
            pass  # the other one waits for its turn to read
        return purpose_of(log, annotator)

    monkeypatch.setattr(opinions, "purpose_of", together)
    both = [threading.Thread(target=w.decide, args=(pid, "c00", "accepted", who)) for who in ("bob", "cyd")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert w._state(pid).outcome["e0"].status == "accepted" and w.seconds(pid)[0].phase in ("agreed", "settled")
