"""Three ways on the Distil page: what to expect, the press that measures, what was measured."""

import numpy as np
import pytest
from conftest_app import LABELS, prediction, words

from cod_core.distill.ways import EXPECTED
from cod_core.project.jobs import Jobs
from cod_core.store import cache, items
from cod_core.text import text_hash
from cod_core.types import Example


@pytest.fixture
def measurable(filled, workspace):
    """Ten development texts, ten labelled ones, and twelve without a label, on record, with three accepted pairs."""
    w, teacher = workspace, workspace.project(filled).teacher.classifier()
    workspace.project(filled).curation.accept_unattended()
    for split, n in (("validation", 10), ("train", 10), ("unlabelled", 12)):
        rows = [Example(f"{split}{i}", f"A {split} text, number {i}.", LABELS[i % 2], split) for i in range(n)]
        items.add_examples(w.db, filled, [e if split != "unlabelled" else Example(e.id, e.text, None, split) for e in rows])
        told = {text_hash(e.text): prediction(0.9 if e.label == "positive" else 0.1).logprobs for e in rows}
        cache.put_predictions(w.db, teacher.id, teacher.revision, told)
        unit = {text_hash(e.text): np.eye(2, 384, dtype=np.float32)[LABELS.index(e.label)] for e in rows}
        cache.put_embeddings(w.db, w.models.encoder().id, unit)
    return filled


def small_print(page):
    return " ".join(one.value for one in page.caption)


def test_what_to_expect_stands_where_nothing_was_measured_and_the_press_starts_the_job(measurable, screen, monkeypatch):
    started = []
    monkeypatch.setattr(Jobs, "start", lambda self, kind, *rest: started.append(kind))
    page = screen("distill", measurable)
    said = words(page).replace("&#x27;", "'")
    assert EXPECTED.split(".")[0] in said and "Those 16 counterfactuals take about 7 minutes of yours" in said
    assert "Minutes are assumed: 20 seconds a decision, 8 a label." in small_print(page)
    page.button(key="ways").click().run()
    assert started == ["ways"] and not page.exception


def test_what_was_measured_is_said_with_its_numbers_and_goes_old(measurable, screen, workspace):
    found = workspace.project(measurable).ways.measure()
    page = screen("distill", measurable)
    assert "You have 12 texts without a label." in words(page) and EXPECTED[:20] not in words(page)
    table = next(frame.value for frame in page.dataframe if "learnt from" in frame.value.columns)
    assert list(table["rows"]) == [way.rows for way in found.ways]
    work = dict(zip(table["learnt from"], table["your work"]))
    assert work["the teacher's answers on texts without a label"] == "none"
    assert work["your counterfactuals and their texts"] == f"{found.pairs} labels and {found.pairs} decisions, about 1 minute"
    items.add_examples(workspace.db, measurable, [Example("late", "One text more.", None, "unlabelled")])
    assert "have changed since" in words(screen("distill", measurable))


def test_the_minutes_go_by_the_projects_own_decisions_once_there_are_enough(measurable, screen, workspace):
    """Prevents: an assumption beside a log that knows better."""
    curation, seconds = workspace.project(measurable).curation, [90.0] * 10 + [120.0] * 11
    for lead in seconds:
        curation.decide("c0", "accepted", "ada", lead_time_s=lead)
    page = screen("distill", measurable)
    said = small_print(page)
    assert "your own pace: 120 seconds a decision, the median of 21" in said and "Minutes are assumed" not in said
    assert "take about 34 minutes of yours" in words(page)


def test_a_project_without_development_texts_is_not_bothered(filled, screen):
    assert "Three ways" not in words(screen("distill", filled)) and not [b for b in screen("distill", filled).button if b.key == "ways"]
