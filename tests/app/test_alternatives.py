"""What a proposal is called in the row of alternatives, and which stand there."""

from types import SimpleNamespace

import pytest

from cod_core.types import Counterfactual, Origin
from ui.curate.alternatives import MOST, kind, offered


@pytest.mark.parametrize(
    "note,said",
    [
        ("replaced “good” with “bad” (13 texts scored)", "another word"),
        ("added “not” (13 texts scored)", "negation"),
        ("replaced “good” with “bad”; deleted “very” (40 texts scored)", "2 changes"),
        ("9 replaced, 1 added, 4 left out (79 texts scored)", "14 changes"),
    ],
)
def test_a_search_proposal_is_called_by_what_it_does(note, said):
    cf = Counterfactual("c", "e", "text", "a", "b", Origin("search", "search"), note=note)
    assert kind(cf) == said


def test_what_was_just_found_is_offered_however_many_stand_before_it():
    """“4 new proposals; the first is shown”, said the page, and showed none of them."""
    cfs = [Counterfactual(f"c{i}", "e", f"text {i}", "a", "b", Origin("search", "search"), note="replaced “x”") for i in range(9)]
    card = SimpleNamespace(offered=cfs[0], check=None, alternatives=[(cf, None) for cf in cfs[1:]])
    assert list(offered(card)) == ["c0", "c1", "c2", "c3"] and MOST == 4
    assert list(offered(card, {"c6", "c8"})) == ["c0", "c1", "c2", "c3", "c6", "c8"]
