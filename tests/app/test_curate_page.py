"""Curating through the real screen on a real store: decide, edit, undo, resume."""

import pytest
from conftest_app import EDITED, words

from cod_core.curation.view import View
from cod_core.store import decisions, items


def item(test):
    """The text on the card, as the URL names it."""
    value = test.query_params.get("item")
    return value[0] if isinstance(value, list) else value


def log(w, pid):
    return [(d.counterfactual_id, d.status) for d in decisions.log(w.db, pid)]


def test_card_shows_diff_and_verdict_in_plain_words(filled, screen):
    test = screen("curate", filled)
    said = words(test)
    assert "<del>" in said and "<ins>" in said
    assert "Teacher: 95 % sure this is negative; was 4 %." in said
    assert "0 of 4 texts decided" in str(test.get("progress")[0].proto)


def test_accept_decides_and_moves_on(filled, screen, workspace):
    test = screen("curate", filled)
    assert item(test) == "e0"
    test.button(key="accept").click().run()
    assert log(workspace, filled) == [("c0", "accepted")]
    assert item(test) == "e1" and "Saved" in words(test)


def test_reject_asks_for_a_reason_and_keeps_it(filled, screen, workspace):
    test = screen("curate", filled)
    test.button(key="reject").click().run()
    assert log(workspace, filled) == []
    test.button(key="reason-not_minimal").click().run()
    last = decisions.log(workspace.db, filled)[-1]
    assert (last.status, last.reasons) == ("rejected", ("not_minimal",)) and item(test) == "e1"


def test_a_text_that_was_decided_in_another_window_is_not_overwritten_by_a_reason(filled, screen, workspace):
    """Opening the row of reasons drew the card anew, so that nothing looked decided meanwhile."""
    test = screen("curate", filled)
    workspace.project(filled).curation.decide("c0", "accepted", "ada")
    test.button(key="reject").click().run()
    test.button(key="reason-not_minimal").click().run()
    assert not test.exception and log(workspace, filled) == [("c0", "accepted")]
    assert "decided by you, in another window, at" in words(test)
    test.button(key="reject").click().run()
    test.button(key="reason-not_minimal").click().run()
    assert log(workspace, filled)[-1] == ("c0", "rejected"), "seen and meant, it counts"


def test_undo_brings_the_card_back(filled, screen, workspace):
    test = screen("curate", filled)
    test.button(key="accept").click().run()
    test.button(key="undo").click().run()
    assert item(test) == "e0" and workspace.project(filled).summary().n_accepted == 0


def test_press_meant_for_the_card_before_does_nothing(filled, screen, workspace, monkeypatch):
    """A key held down would otherwise decide a row of cards that nobody read."""
    monkeypatch.setattr("ui.frame.state.GUARD_SECONDS", 1e9)
    test = screen("curate", filled)
    test.button(key="accept").click().run()
    assert log(workspace, filled) == [] and item(test) == "e0"


def test_edit_is_saved_as_draft_verified_and_accepted(filled, screen, workspace):
    test = screen("curate", filled)
    test.text_area(key="plain-e0/c0/0").set_value(EDITED).run()
    assert workspace.project(filled).curation.draft("e0", "ada") == EDITED
    assert "Teacher: 93 % sure this is negative" in words(test)
    test.button(key="accept").click().run()
    kept = workspace.project(filled).pairs.kept()["e0"][0]
    assert (kept.text, kept.derived_from) == (EDITED, "c0")


def test_draft_survives_a_new_session(filled, screen):
    screen("curate", filled).text_area(key="plain-e0/c0/0").set_value(EDITED).run()
    assert screen("curate", filled).text_area(key="plain-e0/c0/0").value == EDITED


def test_refresh_resumes_at_the_same_text(filled, screen):
    assert item(screen("curate", filled, item="e2")) == "e2"


def test_proposal_that_does_not_flip_needs_a_reason(filled, screen, workspace):
    """Kept without one it would be counted as a counterfactual, which it is not."""
    test = screen("curate", filled, item="e2")
    assert test.button(key="accept").disabled
    test.button(key="override").click().run()
    assert log(workspace, filled) == [] and "Say in a few words" in words(test)
    test.text_input(key="override-e2-c2").set_value("Irony").run()
    test.button(key="override").click().run()
    assert decisions.log(workspace.db, filled)[-1].override_reason == "Irony"
    assert "e2" not in workspace.project(filled).pairs.kept()


@pytest.mark.parametrize(("key", "status"), [("skip", "skipped"), ("flag", "needs_review")])
def test_skip_and_flag(filled, screen, workspace, key, status):
    test = screen("curate", filled)
    test.button(key=key).click().run()
    assert log(workspace, filled) == [("c0", status)] and item(test) == "e1"


def test_all_rejected_leads_to_where_something_can_be_done(filled, screen, workspace):
    """It led on to Distil, which has nothing to train on then."""
    for cf in items.counterfactuals(workspace.db, filled):
        workspace.project(filled).curation.decide(cf.id, "rejected", "ada")
    test = screen("curate", filled)
    assert "Every proposal is decided. You can still" in words(test)
    assert [b.label for b in test.main.button if b.proto.type == "primary"] == ["Add texts"]
    assert "The teacher turns none of its 2 texts" in words(test)


def test_all_decided_leads_on_to_distil(filled, screen, workspace):
    workspace.project(filled).curation.accept_unattended()
    for card in workspace.project(filled).cards.all():
        if card.decision is None:
            workspace.project(filled).curation.decide(card.offered.id, "rejected", "ada")
    test = screen("curate", filled)
    assert "Go on to Distil" in [b.label for b in test.main.button]


def test_the_end_of_the_list_names_what_waits_for_somebody_else(filled, screen, workspace):
    for at, cf in enumerate(items.counterfactuals(workspace.db, filled)):
        workspace.project(filled).curation.decide(cf.id, "rejected" if at else "needs_review", "ada")
    assert "1 text flagged for a second opinion" in words(screen("curate", filled))


def test_changed_teacher_is_said_on_the_card(filled, screen, workspace):
    from cod_core.store import projects

    projects.set_teacher(workspace.db, filled, {"kind": "builtin", "name": "amazon"})
    assert "the verdict of another teacher" in words(screen("curate", filled))


def test_texts_on_other_screens_are_not_called_decided(filled, screen, workspace):
    """The last text was open elsewhere: the page said that every proposal was decided, under "To do 1"."""
    project = workspace.project(filled)
    left = [row.example_id for row in project.cards.queue(View()).rows]
    for number, text in enumerate(left):
        assert project.presence.claim(f"browser {number}", "Ben", [text]) == text
    page = screen("curate", filled)
    assert not page.exception and "on the screen just now" in words(page) and "Every proposal is decided" not in words(page)
    project.presence.release("browser 0")
    page.button(key="look-again").click().run()
    assert [b for b in page.button if b.key == "accept"] and "on the screen just now" not in words(page)
