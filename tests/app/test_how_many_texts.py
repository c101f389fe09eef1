"""How many texts are proposed for next: the first choice is what comes next, and what a person chose stays."""

import pytest

from cod_core.store import items
from cod_core.types import Counterfactual, Example, Origin


@pytest.fixture
def many(workspace, filled):
    """The project with 40 training texts more."""
    rows = [Example(f"more{i}", f"Number {i} is a {'good' if i % 2 else 'bad'} film.", ("negative", "positive")[i % 2]) for i in range(40)]
    items.add_examples(workspace.db, filled, rows)
    return filled


def test_a_choice_stays_while_texts_are_tried_and_every_text_can_be_chosen(many, screen, workspace):
    """It began anew with every text that a run finished, and 8, 16, 32 were all there was with 44 texts."""
    page = screen("proposals", many)
    slider = page.select_slider(key="texts")
    assert slider.options[-1] == "44" and int(slider.value) > 4
    slider.set_value(44).run()
    tried = Counterfactual("c-more0", "more0", "Number 0 is a good film.", "negative", "positive", Origin("human", "expert", "1"))
    workspace.project(many).pairs.add([(items.example(workspace.db, many, "more0"), tried)])
    page.run()
    assert page.select_slider(key="texts").value == 44 and "5 were tried" in page.select_slider(key="texts").label
