"""The start page: one's own file is read, proposed and confirmed in one place; projects say how far they are."""

import pytest
from conftest_app import words

from cod_core.store import items

TABLE = "Fall-Nr,note,category\n" + "".join(
    f"N{i},Patient number {i} slipped here.,{('Fall', 'Medication', 'Near miss')[i % 3]}\n" for i in range(12)
)


@pytest.fixture
def pasted(home, screen):
    """The page with a table pasted into it."""
    test = screen("start")
    next(g for g in test.button_group if g.key == "own-file-0-way").set_value("paste").run()
    test.text_area[0].set_value(TABLE).run()
    return test


def test_a_file_becomes_a_project_without_being_asked_what_it_says(pasted, workspace):
    """Labels, columns and names that the file holds must not be typed again."""
    assert not any(b.key == "try-sample" for b in pasted.button)
    next(t for t in pasted.text_input if t.label == "Name of the project").set_value("Notes").run()
    next(b for b in pasted.button if b.label == "Create the project").click().run()
    (row,) = workspace.projects()
    assert (row.name, row.task.labels) == ("Notes", ("Fall", "Medication", "Near miss"))
    found = items.examples(workspace.db, row.id)
    assert len(found) == 12 and found[3].metadata == {"Fall-Nr": "N3"} and found[3].label == "Fall"
    assert "12 texts added" in words(pasted) and "The teacher is the larger model" in words(pasted)


def test_a_file_without_a_name_makes_no_project(pasted, workspace):
    next(b for b in pasted.button if b.label == "Create the project").click().run()
    assert "Give the project a name" in words(pasted) and not workspace.projects()


def test_a_card_says_how_far_its_project_is_and_what_is_next(filled, screen):
    """Thirty names alone say nothing of what waits where."""
    said = words(screen("start"))
    assert "4 texts · 0 pairs" in said and "Done: texts, teacher" in said and "<b>Next</b>" in said
