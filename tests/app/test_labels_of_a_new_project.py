"""The answers of a new project: one a line, any number, as the file has them."""

import csv
import io

import pytest
from conftest_app import words

NAMES = [f"Lost, late or broken {i}: what was promised did not come" for i in range(77)]


@pytest.fixture
def form(home, screen):
    """The Start page with the box of one's own texts open."""
    test = screen("start")
    test.session_state["own-box"] = True
    return test.run()


def make(test, name="Post"):
    next(t for t in test.text_input if t.label == "Name of the project").set_value(name)
    next(b for b in test.button if b.label == "Create the project").click().run()
    assert not test.exception
    return test


def answers(test):
    return next(t for t in test.text_area if t.label.startswith("Possible answers"))


def test_77_answers_with_commas_come_from_the_file(form, workspace):
    """The box held 300 characters, and split a name at its commas."""
    out = io.StringIO()
    csv.writer(out).writerows([("text", "label"), *((f"Text number {i}.", NAMES[i % 77]) for i in range(154))])
    form.toggle(key="own-answers-ask").set_value(True).run()
    next(g for g in form.button_group if g.key == "own-answers-in-way").set_value("paste").run()
    next(t for t in form.text_area if t.key == "own-answers-in-paste").set_value(out.getvalue()).run()
    assert any("77 answers taken from the file" in c.value for c in form.caption)
    make(form)
    assert set(workspace.projects()[0].task.labels) == set(NAMES)


def test_one_line_with_commas_is_one_answer_and_it_is_said(form, workspace):
    """Prevents: 'yes, always' as two answers, in silence."""
    answers(form).set_value("yes, always\nno")
    assert make(form) and workspace.projects()[0].task.labels == ("yes, always", "no")


def test_commas_instead_of_lines_are_asked_about(form, workspace):
    answers(form).set_value("yes, no")
    assert "one a line" in words(make(form)) and "do not divide" in words(form) and not workspace.projects()
