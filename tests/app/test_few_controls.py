"""Teacher, Proposals and Distil: the main way in plain sight, everything else in one box that is closed."""

import pytest

QUIET = ("markdown", "caption", "html", "heading", "header", "subheader", "text", "dataframe", "arrow_data_frame", "plotly_chart", "code")
BOXES, MOST = ("expander", "popover"), 12


def in_view(block):
    """(kind, label) of every control and closed box, the contents of boxes left out."""
    for child in block.children.values():
        inner = getattr(child, "children", None)
        if child.type in BOXES:
            yield child.type, getattr(child, "label", "")
        elif inner:
            yield from in_view(child)
        elif child.type not in QUIET and hasattr(child, "label") and hasattr(child, "key"):
            yield child.type, child.label


def counted(page):
    assert not page.exception, page.exception
    found = list(in_view(page.main))
    boxes = [label for kind, label in found if kind in BOXES]
    assert 0 < len(found) <= MOST and len(boxes) <= 1, found
    return found


@pytest.mark.parametrize("kind", ["builtin", "finetune", "llm", "transformers", "generative"])
def test_the_teacher_page_before_a_teacher_is_chosen(filled, screen, workspace, kind):
    """Rounds, minutes, base model, temperature, prices and label maps stood beside the one button that a clinician needs."""
    from cod_core.store import projects

    projects.set_teacher(workspace.db, filled, None)
    page = screen("teacher", filled)
    page.segmented_control(key="teacher-kind").set_value(kind).run()
    assert counted(page)


@pytest.mark.parametrize("way", ["search", "llm", "import"])
def test_the_proposals_page(filled, screen, way):
    page = screen("proposals", filled)
    page.segmented_control(key="way").set_value(way).run()
    assert counted(page)


def test_the_distil_page_when_a_comparison_is_ready(filled, screen, workspace):
    workspace.project(filled).curation.accept_unattended()
    assert "Distil and compare" in [label for _, label in counted(screen("distill", filled))]
