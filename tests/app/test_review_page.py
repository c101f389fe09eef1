"""The page Review: bulk with a preview and undo, blind second opinions, settling, guideline, history."""

import pytest
from conftest_app import words

from cod_core.store import decisions, schema
from cod_core.types import Decision


def press(test, label):
    """Press the button whose label starts so."""
    next(b for b in test.button if b.label.startswith(label)).click().run()
    assert not test.exception and "cod-box cod-error" not in words(test), words(test)
    return test


def open_section(test, name):
    next(g for g in test.button_group if g.key == "review-section").set_value(name).run()
    assert not test.exception, [e.message for e in test.exception]
    return test


@pytest.fixture
def as_person(screen):
    """A function (page, project, name) -> the page as this person sees it."""
    return lambda page, pid, name: screen(page, pid, by=name)


def test_bulk_accept_shows_what_it_will_do_then_does_it_then_takes_it_back(filled, screen, workspace):
    test = press(screen("review", filled), "Accept the 4 shown")
    assert "Accept 3 texts?" in words(test)
    assert any("1 left alone: the teacher does not change its mind" in c.value for c in test.caption)
    assert not workspace.project(filled).pairs.state().outcome, "a preview decides nothing"
    press(test, "Accept these 3")
    assert sorted(workspace.project(filled).pairs.state().outcome) == ["e0", "e1", "e3"] and "3 texts accepted" in words(test)
    press(test, "Undo my last act")
    assert not workspace.project(filled).pairs.state().outcome


def test_bulk_acts_on_the_filtered_rows_only(filled, screen, workspace):
    test = screen("review", filled)
    next(t for t in test.text_input if t.key == "table-text").set_value("drags").run()
    press(press(test, "Reject the 1 shown"), "Reject these 1")
    assert {i: d.status for i, d in workspace.project(filled).pairs.state().outcome.items()} == {"e1": "rejected"}


def test_a_curator_may_not_decide_in_bulk(filled, as_person, workspace):
    workspace.people.set_role("rob", "owner", "rob")
    workspace.people.set_role("ann", "curator", "rob")
    test = as_person("review", filled, "ann")
    assert next(b for b in test.button if b.label.startswith("Accept the")).disabled


def test_a_second_opinion_is_given_blind_then_settled_and_measured(filled, as_person, workspace):
    workspace.project(filled).curation.decide("c0", "accepted", "ann")
    test = open_section(as_person("review", filled, "rob"), "opinions")
    press(test, "Draw and ask")
    ben = open_section(as_person("review", filled, "ben"), "opinions")
    assert "The rest is on other screens just now" in words(ben), "rob has the text on the screen"
    with workspace.db.begin() as c:
        c.execute(schema.leases.delete())  # rob closed the page long ago
    ben = open_section(as_person("review", filled, "ben"), "opinions")
    assert "wait for your opinion" in words(ben) and "ann" not in words(ben)
    assert "Label: " in words(ben), "else nobody could say that the label is wrong"
    press(ben, "Label is wrong")
    assert "differ" in words(ben) and not workspace.project(filled).presence.claimed_by_others("rob's"), "ben is done with it"
    rob = open_section(as_person("review", filled, "rob"), "opinions")
    assert "ann: Accepted" in words(rob) and "ben: Rejected" in words(rob)
    press(rob, "Settle it as ben did")
    assert workspace.project(filled).pairs.state().outcome["e0"].status == "rejected"
    open_section(rob, "agreement")
    assert "1 text was decided by two people or more" in words(rob) and "hint" in words(rob)


def test_the_guideline_is_written_and_older_decisions_are_queued_again(filled, screen, workspace):
    workspace.project(filled).curation.decide("c0", "accepted", "ada")
    test = open_section(screen("review", filled), "guideline")
    next(a for a in test.text_area if a.key == "guide-text-0").set_value("Change <b>one</b> word.")
    next(t for t in test.text_input if t.key == "guide-other-0").set_value("None of these")
    press(test, "Save as a new version")
    made = workspace.project(filled).guideline.current()
    assert (made.version, made.text, made.reasons) == (2, "Change <b>one</b> word.", {"other": "None of these"})
    assert "&lt;b&gt;one&lt;/b&gt;" in words(test)
    press(test, "Queue these 1 again")
    assert not workspace.project(filled).pairs.state().outcome


def test_the_history_is_filtered_and_replayed(filled, screen, workspace):
    workspace.project(filled).curation.decide("c0", "accepted", "ann")
    workspace.project(filled).curation.decide("c1", "rejected", "ben", reasons=["duplicate"])
    workspace.project(filled).curation.undo("ben")
    test = open_section(screen("review", filled), "history")
    assert "3 acts" in words(test)
    next(s for s in test.selectbox if s.key == "h-by").set_value(2).run()
    assert "2 acts" in words(test)
    press(test, "Check: replay it from nothing")
    assert "they give exactly the present state" in words(test)


def test_what_others_decided_is_not_in_the_history_while_an_opinion_is_open(filled, as_person, workspace):
    workspace.project(filled).curation.decide("c0", "accepted", "ann")
    decisions.append(workspace.db, filled, Decision("c0", "e0", "needs_review", "rob", purpose="request"))
    test = open_section(as_person("review", filled, "ben"), "history")
    assert "1 act," in words(test) and any("not shown yet" in c.value for c in test.caption)
