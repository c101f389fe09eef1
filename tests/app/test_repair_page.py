"""Correcting labels on the Teacher page: one text after the other, saved at once, then one button."""

import pytest
from conftest_app import LABELS, prediction, words

from cod_core.models.choice import FinetuneOptions
from cod_core.project.teacher.repair import ClassChange, Repair, TaughtReport
from cod_core.store import cache, corrections, items, projects
from cod_core.text import text_hash
from cod_core.types import Example, Task
from ui.teacher import repair


@pytest.fixture
def doubted(filled, workspace):
    """Two texts that the teacher sees otherwise: d0 is a training text, d1 a test text."""
    teacher = workspace.project(filled).teacher.classifier()
    rows = [Example("d0", "Doubted *one*.", LABELS[0]), Example("d1", "Doubted two.", LABELS[1], "test")]
    items.add_examples(workspace.db, filled, rows)
    said = {text_hash(e.text): prediction(p).logprobs for e, p in zip(rows, (0.98, 0.2))}
    cache.put_predictions(workspace.db, teacher.id, teacher.revision, said)
    return filled


def looking(screen, pid):
    return screen("teacher", pid).button(key="repair-look").click().run()


def test_an_answer_is_saved_at_once_and_the_next_text_comes(doubted, screen, workspace):
    """A list that is saved at its end is lost with the browser."""
    page = looking(screen, doubted)
    assert "98 % sure that it is positive" in words(page) and "80 % sure that it is negative" in words(page)
    assert page.button(key="repair-other-d0").label == "It is “positive”"
    page = page.button(key="repair-other-d0").click().run()
    assert items.example(workspace.db, doubted, "d0").label == "positive" and "Doubted *one*" not in words(page)
    page = page.button(key="repair-right-d1").click().run()
    assert items.example(workspace.db, doubted, "d1").label == "positive" and "No label stands out" in words(page)
    assert [c.annotator for c in corrections.log(workspace.db, doubted)] == ["ada", "ada"]
    assert page.button(key="repair-teach").label == "Teach the teacher my corrections (1)", "a test text teaches nothing"
    page = page.button(key="repair-undo").click().run().button(key="repair-undo").click().run()
    assert items.example(workspace.db, doubted, "d0").label == "negative" and not [b for b in page.button if b.key == "repair-undo"]


def test_an_answer_on_a_label_that_somebody_changed_is_refused(doubted, screen, workspace):
    """Two people with one list: the slower press would undo the other's correction unseen."""
    page = looking(screen, doubted)
    workspace.project(doubted).repair.correct("d0", "positive", "bob")
    page = page.button(key="repair-right-d0").click().run()
    assert "Somebody changed this label" in words(page) and len(corrections.log(workspace.db, doubted)) == 1


def test_nothing_is_looked_for_before_somebody_asks(doubted, screen, monkeypatch):
    """The first look reads every text: the page must not wait for that."""
    monkeypatch.setattr(Repair, "disagreements", lambda *_: pytest.fail("it looked"))
    page = screen("teacher", doubted)
    assert not page.exception and not [b for b in page.button if b.key == "repair-teach"]


def test_what_changes_stands_above_the_button_that_takes(doubted, screen, monkeypatch):
    """Whoever takes a worse teacher unseen loses every check."""
    report = TaughtReport("f", "Mine", 42, 3, 1, 1, 0, "12 test texts", (ClassChange("negative", 12, 6, 9),), 8, 2, 1, ("d0",))
    taken = []
    monkeypatch.setattr(Repair, "taught", lambda self: report)
    monkeypatch.setattr(Repair, "take", lambda self, chosen: taken.append(chosen))
    page = screen("teacher", doubted)
    assert "right on 9 of 12 test texts; the teacher in use is right on 6" in words(page)
    assert "Of 8 accepted pairs, 2 no longer flip and 1 flip for the first time" in words(page)
    page.button(key="repair-take").click().run()
    assert taken == [report]


def test_teaching_is_queued_as_a_job(doubted, screen, workspace, monkeypatch):
    """Minutes of training in the page itself would be lost with the next press."""
    workspace.project(doubted).repair.correct("d0", "positive", "ann")
    queued = []
    monkeypatch.setattr(repair.jobs_panel, "start", lambda project, kind, options: queued.append((kind, options)))
    screen("teacher", doubted).button(key="repair-teach").click().run()
    assert queued == [("teach_teacher", FinetuneOptions())]


def test_a_third_label_is_picked_and_saved(workspace, screen):
    """With more than two labels the teacher's class is not the only other one: the right one must be within reach."""
    labels = ("negative", "neutral", "positive")
    pid = workspace.create_project("Three", Task("Tone?", labels))
    projects.set_teacher(workspace.db, pid, {"kind": "builtin", "name": "news"})
    identity = workspace.project(pid).teacher.identity()
    items.add_examples(workspace.db, pid, [Example(f"e{i}", f"Text {i}.", labels[i % 3]) for i in range(3)])
    cache.put_predictions(workspace.db, *identity, {text_hash(f"Text {i}."): (-0.01, -5.3, -5.3) for i in range(3)})
    page = looking(screen, pid)
    picker = page.selectbox(key="repair-pick-e1")
    assert picker.options == ["positive"] and page.button(key="repair-other-e1").label == "It is “negative”"
    picker.set_value("positive").run()
    [made] = corrections.log(workspace.db, pid)
    assert (made.example_id, made.old_label, made.new_label) == ("e1", "neutral", "positive")
    assert items.example(workspace.db, pid, "e1").label == "positive"
