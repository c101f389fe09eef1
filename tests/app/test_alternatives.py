"""What a proposal is called in the row of alternatives."""

import pytest

from cod_core.types import Counterfactual, Origin
from ui.alternatives import kind


@pytest.mark.parametrize("note,said", [
    ("replaced “good” with “bad” (13 texts scored)", "another word"),
    ("added “not” (13 texts scored)", "negation"),
    ("replaced “good” with “bad”; deleted “very” (40 texts scored)", "2 changes"),
    ("9 replaced, 1 added, 4 left out (79 texts scored)", "14 changes"),
])
def test_a_search_proposal_is_called_by_what_it_does(note, said):
    cf = Counterfactual("c", "e", "text", "a", "b", Origin("search", "search"), note=note)
    assert kind(cf) == said
