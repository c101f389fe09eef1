"""Who is speaking: the name is asked at the first decision, remembered, shown and changed; nothing is recorded without one."""

import pytest
from conftest_app import EDITED

from cod_core.store import decisions


@pytest.fixture
def nameless(monkeypatch, home):
    """A first start: no variable names anybody."""
    monkeypatch.delenv("COD_NAME")
    return home


def press(test, key):
    return next(b for b in test.button if b.key == key).click().run()


def give(test, name):
    """The dialog's one field, and its button."""
    next(t for t in test.text_input if t.key == "name-asked").set_value(name)
    return next(b for b in test.button if b.label == "Save and go on").click().run()


def test_the_first_decision_asks_for_a_name_and_then_stands_under_it(nameless, workspace, filled, screen):
    """A decision lost behind the question would be made twice; one recorded before the answer would be nobody's."""
    test = press(screen("curate", filled, item="e0"), "accept")
    assert not decisions.log(workspace.db, filled)
    test = give(test, "Dr Grün")
    assert [(d.annotator, d.status) for d in decisions.log(workspace.db, filled)] == [("Dr Grün", "accepted")]
    assert (nameless / "name.txt").read_text(encoding="utf-8") == "Dr Grün"
    assert test.query_params["by"] == "Dr Grün" and not [t for t in test.text_input if t.key == "name-asked"]
    again = press(screen("curate", filled, item="e1"), "skip")  # another start of the app: not asked again
    assert [d.annotator for d in decisions.log(workspace.db, filled)] == ["Dr Grün", "Dr Grün"] and not again.exception


@pytest.mark.parametrize("name", ["", "me", "unnamed-1"])
def test_no_word_that_names_nobody_is_taken(nameless, workspace, filled, screen, name):
    """A second reader could not ask "me" back."""
    test = give(press(screen("curate", filled, item="e0"), "accept"), name)
    assert not decisions.log(workspace.db, filled) and not (nameless / "name.txt").exists()
    assert [t for t in test.text_input if t.key == "name-asked"]


def test_what_was_typed_before_the_name_is_kept_under_it(nameless, workspace, filled, screen):
    """The draft of somebody who was asked for a name must be there when they come back."""
    test = screen("curate", filled, item="e0")
    test.text_area[0].set_value(EDITED).run()
    give(press(test, "skip"), "ada")
    assert workspace.project(filled).curation.draft("e0", "ada") == EDITED


def test_a_name_can_be_changed_in_the_sidebar_and_old_records_keep_theirs(workspace, filled, screen):
    """A changed name must not rewrite who decided."""
    test = press(screen("curate", filled, item="e0"), "accept")
    field = next(t for t in test.sidebar.text_input if t.label == "Your name")
    field.set_value("eve").run()
    press(test, "skip")
    assert [d.annotator for d in decisions.log(workspace.db, filled)] == ["ada", "eve"]
