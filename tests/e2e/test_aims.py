"""The label aimed at and the palette of phrases in real Chromium: the caret and the box are the browser's own."""

import numpy as np
import pytest
from studio import click, open_card, settle

from cod_core.models.choice import read_choice
from cod_core.project.teacher.loader import identity
from cod_core.store import cache, decisions, items, projects
from cod_core.text import text_hash
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, Task, now

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
BOX = ".cod-editor textarea"
LABELS = ("against", "neutral", "for")
TEXT, PROPOSAL, WRITTEN = "The plan is a disaster.", "The plan is on paper.", "The plan is welcome step on paper."


def says(label):
    return Prediction(LABELS, tuple(float(np.log(0.9 if one == label else 0.05)) for one in LABELS))


def test_another_label_a_phrase_at_the_caret_the_verdict_and_accept(app, workspace, tab):
    """A phrase put at the wrong place, twice, or lost under the verdict's redraw would be accepted unseen."""
    w = workspace
    pid = w.create_project("Plans", Task("For or against?", LABELS))
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "news"})
    teacher = identity(read_choice(w.project(pid).row.teacher), LABELS)
    items.add_examples(
        w.db, pid, [Example("p", TEXT, "against"), *(Example(f"f{i}", f"A welcome step, number {i}.", "for") for i in range(3))]
    )
    cf = Counterfactual("c", "p", PROPOSAL, "against", "neutral", Origin("search", "s"), note="1 word replaced", created_at=now())
    items.add_counterfactuals(w.db, pid, [cf])
    items.add_checks(w.db, pid, [FlipCheck("c", *teacher, says("against"), says("neutral"), "neutral", 2, 0.4, 6, 0.9, False, now())])
    known = {TEXT: "against", PROPOSAL: "neutral", WRITTEN: "for"}
    cache.put_predictions(w.db, *teacher, {text_hash(text): says(label).logprobs for text, label in known.items()})
    cache.put_embeddings(w.db, w.models.encoder().id, {text_hash(text): np.eye(1, 384, dtype=np.float32)[0] for text in known})

    open_card(tab, app, pid)
    click(tab.locator("[class*=st-key-aim-pick-] input"))
    click(tab.get_by_role("option", name="Aim at: for"))
    settle(tab)
    tab.get_by_text("Phrases of “for” from your texts").wait_for()
    box = tab.locator(BOX)
    box.evaluate("(el, at) => { el.focus(); el.setSelectionRange(at, at); }", len("The plan is"))
    click(tab.get_by_text("Phrases of “for” from your texts"))
    click(tab.get_by_role("button", name="welcome step"))
    tab.wait_for_function(f"written => document.querySelector('{BOX}').value === written", arg=WRITTEN)
    tab.locator(".cod-badge").get_by_text("It flips: the teacher now says for.").wait_for()
    click(tab.locator(".st-key-accept button"))
    tab.get_by_text("Every proposal is decided").wait_for()
    kept = w.project(pid).pairs.kept()["p"][0]
    assert (kept.text, kept.target) == (WRITTEN, "for") and len(decisions.log(w.db, pid)) == 1
