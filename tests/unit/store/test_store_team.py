"""Guidelines, people, leases, places: what several people on one project rely on."""

import threading

import pytest

from cod_core.errors import BadInput, Stale
from cod_core.roles import Actor
from cod_core.store import decisions, guidelines, leases, people, projects
from cod_core.types import Decision, Guideline, GuidelineExample, Task


@pytest.fixture
def pid(db):
    return projects.create_project(db, "mine", Task("sentiment", ("good", "bad")))


def together(n: int, act) -> list:
    """What n threads get that call act(i) at the same moment."""
    out, line = [None] * n, threading.Barrier(n)

    def go(i):
        line.wait()
        try:
            out[i] = act(i)
        except Stale as error:
            out[i] = error

    threads = [threading.Thread(target=go, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return out


def test_two_people_who_decide_on_one_text_at_once_do_not_overwrite_each_other(db, pid):
    """The later one would silently win, and the first would believe that theirs stands."""
    got = together(4, lambda i: decisions.append(db, pid, Decision(f"c{i}", "e1", "accepted", f"p{i}"), seen=0))
    assert sum(isinstance(g, int) for g in got) == 1
    assert sum(isinstance(g, Stale) for g in got) == 3
    log = decisions.log(db, pid)
    assert len(log) == 1 and decisions.versions(db, pid, ["e1", "e2"]) == {"e1": log[0].seq}
    assert log[0].annotator in str(next(g for g in got if isinstance(g, Stale)))


def test_a_bulk_act_on_texts_that_moved_writes_nothing(db, pid):
    decisions.append(db, pid, Decision("c2", "e2", "rejected", "ann"))
    many = [Decision("c1", "e1", "accepted", "ben"), Decision("c2", "e2", "accepted", "ben")]
    with pytest.raises(Stale, match="ann"):
        decisions.append_all(db, pid, many, seen={"e1": 0, "e2": 0})
    assert len(decisions.log(db, pid)) == 1


def test_an_opinion_does_not_make_the_first_persons_screen_stale(db, pid):
    first = decisions.append(db, pid, Decision("c1", "e1", "accepted", "ann"))
    decisions.append(db, pid, Decision("c1", "e1", "rejected", "ben", purpose="opinion"))
    assert decisions.versions(db, pid, ["e1"]) == {"e1": first}


def test_the_log_can_be_read_in_parts(db, pid):
    numbers = [decisions.append(db, pid, Decision(f"c{i}", f"e{i % 3}", "accepted", "me")) for i in range(7)]
    assert [d.seq for d in decisions.log(db, pid, after=numbers[4])] == numbers[5:]
    assert [d.seq for d in decisions.log(db, pid, example_ids=["e0"])] == numbers[0::3]
    assert list(decisions.stream(db, pid, chunk=2)) == decisions.log(db, pid)


def test_people_on_one_queue_never_get_the_same_text(db, pid):
    queue = [f"e{i}" for i in range(4)]
    got = together(5, lambda i: leases.take(db, pid, f"browser {i}", f"p{i}", queue))
    assert sorted(g for g in got if g) == queue and got.count(None) == 1
    assert leases.others(db, pid, "browser 0").keys() == set(queue) - {got[0]}


def test_going_on_to_the_next_text_frees_the_one_before(db, pid):
    assert leases.take(db, pid, "a", "ann", ["e1", "e2"]) == "e1"
    assert leases.take(db, pid, "b", "ben", ["e1", "e2"]) == "e2"
    assert leases.take(db, pid, "a", "ann", ["e3"]) == "e3"
    assert leases.take(db, pid, "b", "ben", ["e1"]) == "e1"
    assert leases.others(db, pid, "a") == {"e1": "ben"}
    leases.release(db, pid, "b")
    assert leases.others(db, pid, "a") == {}


def test_who_has_nothing_left_to_do_holds_nothing(db, pid):
    """The last text of a list stayed held, and the next person was told that it is on another screen."""
    assert leases.take(db, pid, "a", "ann", ["e1"]) == "e1"
    assert leases.take(db, pid, "a", "ann", []) is None and leases.others(db, pid, "b") == {}


def test_a_text_left_open_is_free_again_after_a_while(db, pid):
    """A closed laptop must not block a text for good."""
    assert leases.take(db, pid, "a", "ann", ["e1"], seconds=-1) == "e1"
    assert leases.take(db, pid, "b", "ben", ["e1"]) == "e1"


def test_every_version_of_a_guideline_is_kept_and_decisions_know_theirs(db, pid):
    shown = (GuidelineExample("fine", "poor", True, "one word"),)
    assert guidelines.get(db, pid) is None
    assert guidelines.add(db, pid, Guideline(0, "Be brief.", {"other": "None of these"}, shown, author="ann"), base=0) == 1
    assert guidelines.add(db, pid, Guideline(0, "Be briefer.", author="ben"), base=1) == 2
    assert [g.text for g in guidelines.versions(db, pid)] == ["Be briefer.", "Be brief."]
    first = guidelines.get(db, pid, 1)
    assert (first.reasons, first.examples, first.author) == ({"other": "None of these"}, shown, "ann")
    assert projects.get_project(db, pid).task.guideline_version == 2


def test_two_who_write_the_guideline_at_once_do_not_lose_a_version(db, pid):
    got = together(3, lambda i: guidelines.add(db, pid, Guideline(0, f"text {i}"), base=0))
    assert sum(g == 1 for g in got) == 1 and sum(isinstance(g, Stale) for g in got) == 2


def test_what_was_decided_before_the_first_guideline_is_older_than_it(db, pid):
    """Otherwise nobody could queue again what was decided without any guideline."""
    decisions.append(db, pid, Decision("c1", "e1", "accepted", "ann"))
    assert guidelines.add(db, pid, Guideline(0, "Be brief.")) == 2


def test_the_first_person_owns_and_the_last_owner_stays(db):
    for name in ("ann", "ben", "ben"):
        people.admit(db, Actor(name, "https://id.example", name, True))
    assert people.roles(db) == {"ann": "owner", "ben": "curator"}
    with pytest.raises(BadInput, match="only owner"):
        people.set_role(db, "ann", "curator", "ann")
    with pytest.raises(BadInput, match="only owner"):
        people.remove(db, "ann")
    people.set_role(db, "ben", "owner", "ann")
    people.set_role(db, "ann", "reviewer", "ben")
    assert people.roles(db) == {"ann": "reviewer", "ben": "owner"}
    people.remove(db, "ann")
    assert people.roles(db) == {"ben": "owner"}
    with pytest.raises(BadInput, match="Unknown role"):
        people.set_role(db, "ben", "king", "ben")


def test_each_person_comes_back_to_their_own_place(db, pid):
    people.be_at(db, pid, "ann", "curate", "e1")
    people.be_at(db, pid, "ann", "curate", "e2")
    people.be_at(db, pid, "ben", "review", None)
    assert people.places(db, "ann")[pid][:2] == ("curate", "e2")
    assert people.places(db, "ben")[pid][:2] == ("review", None)
