"""The Data page as a place to work: find a text, correct it, take it out; rename, merge and add labels."""

from conftest_app import words

from cod_core.store import items


def test_a_text_is_found_by_its_words(filled, screen, workspace):
    some = items.examples(workspace.db, filled)[0]
    page = screen("data", filled)
    page = page.text_input(key="browse-words").input(some.text).run()
    assert "of 1" in words(page) and not page.exception
    page = page.text_input(key="browse-words").input("no such words anywhere").run()
    assert "No texts match" in words(page)


def test_a_label_is_renamed_everywhere(filled, screen, workspace):
    old = workspace.project(filled).row.task.labels[0]
    page = screen("data", filled)
    page = page.text_input(key=f"labels-new-{old}").input("not good").run().button(key="labels-go").click().run()
    assert workspace.project(filled).row.task.labels[0] == "not good"
    assert "is called “not good” now" in words(page) and not page.exception
    assert {e.label for e in items.examples(workspace.db, filled) if e.label} == set(workspace.project(filled).row.task.labels)


def test_what_adding_a_label_costs_is_said_before(filled, screen, workspace):
    """Whoever adds a label loses the teacher: that must not be news afterwards."""
    page = screen("data", filled)
    page = page.segmented_control(key="labels-act").set_value("add").run()
    assert "The teacher has to be trained again" in words(page)
    page = page.text_input(key="labels-name").input("mixed").run().button(key="labels-go").click().run()
    assert workspace.project(filled).row.task.labels[-1] == "mixed" and workspace.project(filled).row.teacher is None
    assert not page.exception


def test_two_labels_cannot_be_merged(filled, screen):
    page = screen("data", filled)
    page = page.segmented_control(key="labels-act").set_value("merge").run()
    assert "nothing to merge" in words(page)


def test_texts_that_were_taken_out_can_be_put_back_from_the_page(filled, screen, workspace):
    project = workspace.project(filled)
    ids = [e.id for e in project.texts.examples()][:2]
    project.editing.take_out(ids, "ann")
    page = screen("data", filled)
    page = page.button(key="browse-restore").click().run()
    assert project.editing.taken_out() == [] and "2 texts put back" in words(page)
