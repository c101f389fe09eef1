"""The label that a text is aimed at, and the palette of its phrases, through the real page."""

import pytest
from conftest_app import PLAN, plans_for, says, words

from cod_core.store import items
from cod_core.types import Counterfactual, FlipCheck, Origin, now

PROPOSAL = "The plan is on paper."


@pytest.fixture
def plans(workspace):
    w = workspace
    pid, teacher = plans_for(w, {PLAN: "against", PROPOSAL: "neutral", f"{PROPOSAL} welcome step": "for"})
    cf = Counterfactual("c", "p", PROPOSAL, "against", "for", Origin("search", "s"), note="1 word replaced", created_at=now())
    items.add_counterfactuals(w.db, pid, [cf])
    items.add_checks(w.db, pid, [FlipCheck("c", *teacher, says("against"), says("neutral"), "for", 2, 0.4, 6, 0.9, False, now())])
    return pid


def test_a_text_that_flips_to_another_label_is_taken_when_that_was_meant(plans, screen, workspace):
    """A card_arrival written for card_delivery was refused, though the person meant it."""
    test = screen("curate", plans)
    assert test.button(key="accept").disabled and "not to for" in words(test)
    assert "neutral" in test.button(key="take-label").label
    test.button(key="take-label").click().run()
    assert not test.exception and not test.button(key="accept").disabled
    test.button(key="accept").click().run()
    kept, check = workspace.project(plans).pairs.kept()["p"]
    assert (kept.text, kept.target, check.valid) == (PROPOSAL, "neutral", True)


def test_the_target_is_picked_and_its_phrases_go_into_the_box(plans, screen):
    test = screen("curate", plans)
    picker = next(s for s in test.selectbox if s.key.startswith("aim-pick-"))
    assert picker.value == "for" and len(picker.options) == 2, "the label that the teacher sees already is no target"
    welcome = next(b for b in test.button if b.key.startswith("phrase-") and "welcome step" in b.label)
    assert any("Phrases of “for”" in e.label for e in test.expander)
    welcome.click().run()
    assert not test.exception
    box = next(t for t in test.text_area if t.key.startswith("plain-p/"))
    assert box.value.startswith(PROPOSAL) and "welcome step" in box.value
