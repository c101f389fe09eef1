"""A text that nothing was found for is no dead end: what flips anyway is offered, or the person writes it herself."""

import pytest
from conftest_app import PLAN, plans_for, words

from cod_core.curation.view import View
from cod_core.errors import BadInput
from cod_core.project.curation.pairs import failed_keys
from cod_core.store import cache

OWN = "The plan is a welcome step."


@pytest.fixture
def stuck(workspace):
    """A project whose one tried text got no proposal."""
    pid, teacher = plans_for(workspace, {PLAN: "against", OWN: "for"})
    cache.put_reply(workspace.db, pid, failed_keys(pid, teacher)[0], {"p": "no change was found that all judges accept"})
    return pid


def test_the_list_without_proposals_holds_what_was_tried_and_nothing_else(stuck, workspace):
    cards = workspace.project(stuck).cards
    queue = cards.queue(View(show="own"))
    assert [row.example_id for row in queue.rows] == ["p"] and queue.counts["own"] == 1
    assert (queue.total, queue.decided, queue.counts["all"]) == (0, 0, 0), "no proposal is to be decided"
    assert cards.one("p").bare
    with pytest.raises(BadInput, match="no proposal"):
        cards.one("f0")


def test_a_text_without_a_proposal_is_written_by_hand_with_phrases_at_hand(stuck, screen, workspace):
    """It stood on no list, though the page Proposals sent people to Curate for it."""
    test = screen("curate", stuck)
    assert "No proposal was found for 1 text" in words(test)
    assert not test.get("progress"), "a bar of 0 of 0 texts says nothing"
    test.button(key="write-own").click().run()
    assert not test.exception and "write it yourself" in words(test) and "nothing yet" in words(test)
    assert test.button(key="accept").disabled and not [b for b in test.button if b.key in ("reject", "skip", "flag")]
    next(s for s in test.selectbox if s.key.startswith("aim-pick-")).set_value("for").run()
    assert any(b.key.startswith("phrase-") for b in test.button)
    next(t for t in test.text_area if t.key.startswith("plain-p/")).set_value(OWN).run()
    assert not test.button(key="accept").disabled
    test.button(key="accept").click().run()
    kept, check = workspace.project(stuck).pairs.kept()["p"]
    assert (kept.text, kept.target, check.valid, kept.origin.kind) == (OWN, "for", True, "human")
    assert workspace.project(stuck).cards.queue(View(show="own")).rows == []
    test.button(key="undo").click().run()
    assert not test.exception and not workspace.project(stuck).pairs.kept()


def test_what_flips_anyway_is_asked_for_with_one_press(stuck, screen, workspace, monkeypatch):
    from ui.shared import jobs_panel

    asked = []
    monkeypatch.setattr(jobs_panel, "start", lambda project, kind, request, **more: asked.append((kind, request)))
    test = screen("proposals", stuck)
    assert "1 text: no proposal flips the teacher yet" in words(test)
    test.button(key="anyway").click().run()
    ((kind, request),) = asked
    assert kind == "generate" and request.k == 1 and request.search.by == "anything" and request.search.missing
