"""An exported set that was opened: every page says the same about its missing teacher, and one press checks it again."""

import pytest
from conftest_app import words

from cod_core.project.curation.pairs import Pairs
from cod_core.project.jobs import Jobs
from cod_core.project.teacher.trust import Trust
from cod_core.store import projects

PAGES = ("teacher", "proposals", "curate", "distill", "export")


@pytest.fixture
def opened(filled, workspace):
    """The accepted set of another project, read back: decided, checked by a teacher that this project does not have."""
    workspace.project(filled).curation.accept_unattended()
    return workspace.open_bundle(workspace.project(filled).exports.bundle())[0]


def test_every_page_says_that_a_teacher_is_missing_and_none_that_nothing_was_accepted(opened, screen):
    for page in PAGES:
        test = screen(page, opened)
        said = words(test)
        assert not test.exception and said.count("This set has no teacher yet. Choose one on the page Teacher") == 1, page
        assert "0 counterfactuals" not in said and "another teacher. Check" not in said, page
        ways_on = {b.label for b in test.button if b.key in ("next-teacher", "next-distill", "distil")}
        assert ways_on == (set() if page == "teacher" else {"Choose a teacher"}), page


def test_once_a_teacher_is_chosen_checking_again_is_one_press_on_every_page(opened, screen, workspace, monkeypatch):
    projects.set_teacher(workspace.db, opened, {"kind": "builtin", "name": "amazon"})
    started = []
    monkeypatch.setattr(Jobs, "start", lambda self, kind, params, key=None: started.append(kind))
    for page in PAGES:
        monkeypatch.setattr(Trust, "report", lambda *_: None)
        test = screen(page, opened)
        assert not test.exception and words(test).count("not checked by this teacher yet") == 1, page
        assert "0 counterfactuals" not in words(test), page
        next(b for b in test.button if b.key == "recheck").click().run()
        assert not test.exception and started.pop() == "recheck", page


def test_nothing_is_asked_for_where_the_teacher_has_checked_everything(filled, screen, workspace):
    assert workspace.project(filled).pairs.waiting() == ""
    assert "Check again" not in {b.label for b in screen("proposals", filled).button}


def test_accepted_pairs_that_the_new_teacher_does_not_turn_around_are_counted_as_such(filled, workspace, monkeypatch):
    workspace.project(filled).curation.accept_unattended()
    monkeypatch.setattr(Pairs, "kept", lambda self: {})
    said = " ".join(workspace.project(filled).preflight.check().messages)
    assert "0 of the 3 accepted counterfactuals turn this teacher's verdict around" in said
