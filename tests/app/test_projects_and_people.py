"""Start and Settings: going on where one was, putting away, copying; roles and what they keep from whom."""

import pytest
from conftest_app import words

from cod_core.jobs import queue
from cod_core.roles import Actor
from ui.settings import under_way


def press(test, label):
    next(b for b in test.button if b.label.startswith(label)).click().run()
    assert not test.exception and "cod-box cod-error" not in words(test), words(test)
    return test


def test_start_leads_back_to_the_page_and_text_where_each_person_was(filled, screen, workspace):
    workspace.project(filled).presence.record_location("ann", "review", "e1")
    test = screen("start", by="ann")
    label = next(b.label for b in test.button if b.key == f"open-{filled}")
    assert label.endswith("Review")
    press(test, label)
    assert test.query_params["item"] in ("e1", ["e1"])


def test_a_project_put_away_leaves_the_list_and_comes_back(filled, screen, workspace):
    press(screen("settings", filled), "Put away")
    test = screen("start")
    assert not any(b.key == f"open-{filled}" for b in test.button)
    assert not any(s.label == "Project" for s in test.sidebar.selectbox), "nothing is left to switch to"
    press(test, "Bring back")
    assert workspace.project(filled).row.archived_at is None


def test_a_copy_is_opened(filled, screen, workspace):
    test = screen("settings", filled)
    next(t for t in test.text_input if t.key == "copy-name").set_value("Second reading").run()
    press(test, "Make the copy")
    made = next(p for p in workspace.projects() if p.name == "Second reading")
    assert test.query_params["project"] in (made.id, [made.id])
    assert len(workspace.project(made.id).cards.all()) == len(workspace.project(filled).cards.all())


@pytest.fixture
def roles(workspace):
    workspace.people.set_role("ann", "curator", "rob")
    workspace.people.set_role("rev", "reviewer", "rob")


def test_only_an_owner_sets_an_endpoint_a_key_or_a_model_folder(filled, screen, roles):
    """Whoever sets the endpoint decides where everybody's texts go."""
    for kind in ("transformers", "llm"):
        test = screen("teacher", filled, by="ann")
        next(g for g in test.button_group if g.key == "teacher-kind").set_value(kind).run()
        assert "needs the role owner" in words(test)
        assert not any("folder" in t.label or "Address" in t.label or "Key" in t.label for t in test.text_input)
        owner = screen("teacher", filled, by="rob")
        next(g for g in owner.button_group if g.key == "teacher-kind").set_value(kind).run()
        assert any("folder" in t.label or "Address" in t.label for t in owner.text_input)
    test = screen("proposals", filled, by="rev")
    next(g for g in test.button_group if g.key == "way").set_value("llm").run()
    assert "needs the role owner" in words(test) and not any("Address" in t.label for t in test.text_input)


def test_only_an_owner_deletes_a_project_and_changes_roles(filled, screen, roles, workspace):
    test = screen("settings", filled, by="rev")
    assert not any(b.label in ("Delete this project", "Take this person off") for b in test.button)
    owner = screen("settings", filled, by="rob")
    assert any(b.label == "Delete this project" for b in owner.button)
    next(t for t in owner.text_input if t.label.startswith("Name, or mail")).set_value("Eva@Example.org")
    press(owner, "Save")
    assert workspace.people.roles()["eva@example.org"] == "curator"


def test_a_data_folder_that_others_can_read_is_named_with_the_command_that_closes_it(filled, screen, home):
    """It kept the modes that it was made with, and nobody was told."""
    assert "chmod" not in words(screen("settings", filled))
    home.chmod(0o755)
    assert "chmod" in words(screen("settings", filled))


def test_an_owner_sees_and_tests_where_heavy_work_runs(filled, screen, roles, monkeypatch):
    monkeypatch.setenv("COD_WORKERS", "1")
    assert not any(b.label == "Test it" for b in screen("settings", filled, by="ann").button)
    test = screen("settings", filled, by="rob")
    assert "run in one process on this computer" in words(test)
    press(test, "Test it")
    assert "1 process answered within" in words(test) and "all with the same numbers" in words(test)


def test_work_of_others_is_listed_and_an_owner_stops_it(filled, screen, roles, workspace):
    assert any("Nothing runs or waits" in c.value for c in screen("settings", filled, by="ann").caption)
    job_id, _ = queue.enqueue_alone(workspace.db, filled, "distill", None, Actor("ben"))
    assert [under_way.called(name) for name in ("ben", "unnamed-386c", "")] == ["ben", "no name given", "command line"]
    assert not any(b.key == f"under-way-{job_id}" for b in screen("settings", filled, by="ann").button)
    press(screen("settings", filled, by="rob"), "Cancel: Distilling students")
    assert queue.get(workspace.db, job_id).state == "cancelled"
