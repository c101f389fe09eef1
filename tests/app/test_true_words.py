"""Sentences of the screens that were not true, or were said twice, or not at all."""

import pytest
from conftest_app import LABELS, words

from cod_core.counterfactuals.options import LlmOptions
from cod_core.jobs import queue
from cod_core.project.proposals.retry import Retry
from cod_core.store import items
from cod_core.types import Counterfactual, Example, Origin
from ui.curate import callbacks, live_strip, more_proposals
from ui.frame import layout
from ui.shared import jobs_panel


@pytest.mark.parametrize(
    ("url", "more"),
    [("http://127.0.0.1:8501/", 0), ("http://127.0.0.1:8501/results", 0), (None, 0), ("http://127.0.0.1:8501/no%20such", 1)],
)
def test_an_address_without_a_page_gets_one_that_leads_to_the_start(home, monkeypatch, url, more):
    """Streamlit's own dialog stood before the app's words. In a browser: tests/e2e/test_first_address.py."""
    monkeypatch.setattr(type(layout.st.context), "url", property(lambda self: url))
    pages = []
    monkeypatch.setattr(layout.st, "navigation", lambda given, position: pages.extend(given))
    monkeypatch.setattr(layout.st, "Page", lambda page, **named: named["url_path"])
    layout.navigate()
    assert len(pages) == len(layout.PAGES) + more and (not more or pages[-1] == "no such")


def test_a_project_that_is_gone_is_said_before_anything_else(home, screen):
    said = words(screen("start", "deadbeef"))
    assert said.index("The project in the address does not exist") < said.index("cod-hero")


def test_what_was_kept_of_a_killed_job_is_said_once(filled, screen, workspace):
    job = queue.enqueue(workspace.db, filled, "distill")
    for why in (queue.INTERRUPTED, "The disk is full."):
        queue.change(workspace.db, job, state="failed", error=why)
        assert words(screen("distill", filled)).count(jobs_panel.KEPT) == 1


def test_development_texts_are_counted_and_the_split_is_told_as_it_is(empty, screen, workspace):
    splits = ("train",) * 4 + ("validation",) * 3 + ("test",) * 2
    items.add_examples(workspace.db, empty, [Example(f"e{i}", f"Text {i}.", LABELS[i % 2], s) for i, s in enumerate(splits)])
    test = screen("data", empty)
    assert "<b>3</b><span>development texts</span>" in words(test)
    told = [c.value for c in test.caption]
    assert any("They join what was set aside for testing before" in c for c in told) and not any("Unless a test file" in c for c in told)


def test_who_brought_test_texts_first_is_asked_for_training_texts_next(empty, screen, workspace):
    """The choice stood at test texts still, with no word of what is missing: the next file became test texts too."""
    items.add_examples(workspace.db, empty, [Example("t", "A test text.", LABELS[0], "test")])
    test = screen("data", empty)
    assert "Now add the texts to learn from" in words(test)
    [role] = [g for g in test.button_group if g.key.startswith("role-")]
    assert role.value == "labelled" and role.key == "role-False-True"


@pytest.mark.parametrize(("n", "hints"), [(9, True), (99, True), (100, False)])
def test_the_strip_says_where_so_few_texts_can_only_hint(n, hints):
    from cod_core.project.results.live import Live

    said = live_strip.words(
        Live(
            **{name: None for name in Live.__dataclass_fields__}
            | {"n": 8, "unread": 0, "n_dev": n, "without": 0.44, "with_": 0.33, "measured_on": "development texts"}
        )
    )
    assert ("so few can only hint" in said) == hints and f"{n} development texts" in said


def test_words_that_were_not_used_are_named_and_a_phrase_that_is_not_there_leaves_the_panel_open(filled, screen, workspace, monkeypatch):
    from cod_core.project.proposals.retry import Again

    monkeypatch.setattr(Retry, "try_again", lambda self, *args: Again([], 5, "useless"))
    test = screen("curate", filled)
    next(t for t in test.text_input if t.key == "keep-e0").set_value("no such words").run()
    assert not test.exception and "so it cannot be kept" in words(test) and test.session_state["again_open"]
    test.button(key="again").click().run()
    assert not test.exception and more_proposals.HINT["useless"].strip() in words(test)


def test_what_the_model_used_last_wrote_when_asked_again_is_said(filled, screen, workspace, monkeypatch):
    from cod_core.project.proposals.llm import AskedAgain, LanguageModel

    monkeypatch.setattr(LanguageModel, "again", lambda self, *args, **how: AskedAgain(2, 1, ("1 × the text came back.",)))
    workspace.project(filled).clients.remember(LlmOptions("http://models.example:8000/v1", "small"))
    test = screen("curate", filled)
    assert test.button(key="again-llm").label == "Ask small again"
    test.button(key="again-llm").click().run()
    assert not test.exception and "2 new proposals. 1 of them flip the teacher. 1 × the text came back." in words(test)


def test_the_effort_of_the_search_is_told_with_the_technical_details_only(monkeypatch):
    cf = Counterfactual("c", "e", "text", *LABELS, Origin("search", "search"), note="replaced “good” with “bad” (13 texts scored)")
    assert callbacks.note(cf) == "replaced “good” with “bad”"
    monkeypatch.setattr(callbacks.state, "technical", lambda: True)
    assert callbacks.note(cf).endswith("(13 texts scored)")
