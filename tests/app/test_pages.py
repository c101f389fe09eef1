"""Every page in every state of a project: it draws, says what to do next, and never shows a traceback."""

import os
import subprocess
import sys

import pytest
from conftest_app import EVIL, PAIRS, ROOT, words

from cod_core.project.curation.cards import Cards
from cod_core.project.teacher.trust import Trust

PAGES = ["start", "data", "teacher", "proposals", "curate", "review", "distill", "results", "export", "settings"]


def sound(test):
    """No exception, no red box."""
    assert not test.exception, [e.message for e in test.exception]
    assert "cod-box cod-error" not in words(test), words(test)


def primaries(test):
    """Labels of the primary buttons in the page itself."""
    return [b.label for b in test.main.button if b.proto.type == "primary"]


def test_start_offers_the_sample_first(home, screen):
    """The five-minute start is one click away on a fresh machine."""
    test = screen("start")
    sound(test)
    assert primaries(test) == ["Try the sample project"]


@pytest.mark.parametrize("page", PAGES[1:-1])
def test_without_a_project_every_page_leads_to_the_start(home, screen, page):
    test = screen(page)
    sound(test)
    assert primaries(test) == ["Go to the start screen"]


@pytest.mark.parametrize("page", PAGES)
def test_empty_project_says_what_to_do_next(empty, screen, page):
    test = screen(page, empty)
    sound(test)
    assert len(primaries(test)) <= 1


@pytest.mark.parametrize("page", PAGES)
def test_filled_project_draws_with_one_primary_action(filled, screen, page):
    test = screen(page, filled)
    sound(test)
    assert len(primaries(test)) <= 1
    assert test.query_params["project"] in (filled, [filled])


@pytest.mark.parametrize("page", PAGES)
def test_untrusted_text_never_reaches_markdown(filled, screen, page):
    """An image in Markdown fetches a foreign address the moment a text is shown."""
    test = screen(page, filled)
    for kind in ("markdown", "caption", "title", "subheader", "error", "warning", "info", "success"):
        assert not any("leak.png" in e.value and "](" in e.value for e in getattr(test, kind))
    labels = [w.label for kind in ("button", "selectbox", "text_area", "text_input", "expander") for w in getattr(test, kind)]
    assert not any("](" in label or "<img" in label for label in labels)
    assert "<img src=x" not in "".join(h.value for h in test.html)


def test_unknown_project_in_the_address_is_said_plainly(home, screen):
    test = screen("start", "nosuch")
    assert not test.exception and "does not exist" in words(test)


def test_bug_keeps_its_text_to_itself(filled, screen, monkeypatch, caplog):
    """A traceback on screen or a person's text in the log would both be leaks."""

    def broken(*_args, **_more):
        raise RuntimeError(f"broken at {EVIL}")

    monkeypatch.setattr(Cards, "queue", broken)
    test = screen("curate", filled)
    assert not test.exception and "Something went wrong" in words(test)
    assert "leak.png" not in caplog.text and "RuntimeError" in caplog.text


def test_known_error_is_shown_as_it_is(filled, screen, monkeypatch):
    from cod_core.errors import ModelUnavailable

    def down(*_args, **_more):
        raise ModelUnavailable("The service <b>x</b> cannot be reached.")

    monkeypatch.setattr(Trust, "report", down)
    test = screen("teacher", filled)
    assert not test.exception and "The service &lt;b&gt;x&lt;/b&gt; cannot be reached." in words(test)


def test_chat_model_shows_its_plan_before_anything_is_sent(filled, screen):
    """Texts must not leave the computer before the person has seen where to and what."""
    test = screen("proposals", filled)
    next(g for g in test.button_group if g.key == "way").set_value("llm").run()
    assert "before anything is" in words(test)
    next(t for t in test.text_input if t.label == "Model").set_value("some-model").run()
    sound(test)
    assert "receives your texts" in words(test) and "127.0.0.1" in words(test)
    assert any(original.split(".")[0] in c.value for original, *_ in PAIRS for c in test.code)


def test_pasted_table_is_imported_and_bad_rows_are_listed(empty, screen, workspace):
    test = screen("data", empty)
    next(g for g in test.button_group if g.key.endswith("-way")).set_value("paste").run()
    test.text_area[0].set_value("text,label\nA fine film.,positive\n,positive\nA poor film.,negative\n").run()
    next(b for b in test.button if b.label == "Add these texts").click().run()
    sound(test)
    assert workspace.project(empty).summary().n_train == 2
    assert "2 texts added. 1 row was left out" in words(test)
    assert "The text is empty." in words(test)


def test_deleting_needs_the_name(filled, screen, workspace):
    test = screen("settings", filled)
    delete = next(b for b in test.button if b.label == "Delete this project")
    assert delete.disabled
    test.text_input(key=f"confirm-{filled}").set_value(workspace.project(filled).row.name).run()
    next(b for b in test.button if b.label == "Delete this project").click().run()
    assert filled not in [p.id for p in workspace.projects()]


def test_first_paint_loads_no_model_library(home):
    """Importing torch alone takes longer than the two seconds that the first screen may take."""
    code = (
        "from streamlit.testing.v1 import AppTest\nimport sys\n"
        "test = AppTest.from_file('app.py', default_timeout=30).run()\nassert not test.exception\n"
        "print([m for m in ('torch', 'transformers', 'datasets', 'openai', 'sklearn', 'scipy') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, env={**os.environ, "COD_HOME": str(home)}
    )
    assert done.stdout.strip().splitlines()[-1] == "[]", done.stdout + done.stderr[-500:]


def test_projects_of_one_name_stay_apart(filled, screen, workspace):
    """Streamlit takes two options of one name for the first: a press on the card then opened the other project."""
    from cod_core.types import Task

    name = workspace.project(filled).row.name
    workspace.create_project(name, Task("Good or bad?", ("negative", "positive")))
    test = screen("curate", filled)
    switch = next(s for s in test.selectbox if s.label == "Project")
    assert len(set(switch.options)) == len(switch.options)
    test.button(key="skip").click().run()
    assert test.query_params["project"] in (filled, [filled])
