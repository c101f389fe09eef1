"""Which texts a view of the queue shows, in which order, and what it says of their place: on rows made by hand."""

from dataclasses import replace

import pytest

from cod_core.curation.view import SHOWS, Row, View, belongs, counts, following, narrowed, nth, ordered, place
from cod_core.errors import BadInput
from cod_core.types import STATUSES, Decision


def row(i, status=None, **more):
    """Row e<i>, decided with `status` where given."""
    decision = Decision(f"c{i}", f"e{i}", status, more.pop("who", "me"), more.pop("reasons", ()), seq=i) if status else None
    made = Row(f"e{i}", i, "negative", "negative", "positive", frozenset({"search"}), 1.0, 0.8, 0.1, 1, 0.9, True, decision)
    return replace(made, **more)


def ids(rows):
    return [r.example_id for r in rows]


def test_view_travels_through_a_web_address_unchanged():
    """A shared link must open the same list."""
    view = View(show="kept", sort="boundary", label="negative", find="two words", differs="1")
    assert View.of(view.values()) == view and View().values() == {}


def test_old_or_broken_link_still_opens():
    assert View.of({"show": "nosuch", "sort": "nosuch", "colour": "red", "who": "ann"}) == View(who="ann")


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_in_exactly_one_list_and_in_all(status):
    """A text in no list could never be found again."""
    one = row(1, status)
    assert sum(belongs(one, show) for show in SHOWS if show != "all") == 1 and belongs(one, "all")
    assert counts([one]) == {show: int(belongs(one, show)) for show in SHOWS}


def test_filters_narrow_together():
    rows = [row(1), row(2, source="positive"), row(3, "rejected", reasons=("duplicate",)), row(4, "accepted", who="ann")]
    assert ids(narrowed(rows, View(label="positive"))) == ["e2"]
    assert ids(narrowed(rows, View(differs="1"))) == ["e2"]
    assert ids(narrowed(rows, View(reason="duplicate"))) == ["e3"]
    assert ids(narrowed(rows, View(who="ann", label="negative"))) == ["e4"]
    assert ids(narrowed(rows, View(origin="llm"))) == []
    assert ids(narrowed(rows, View(find="x"), {"e1", "e4"})) == ["e1", "e4"]


def test_orders():
    rows = [
        row(1, margin=-2.0, edit_fraction=0.3, similarity=0.5),
        row(2, "accepted", margin=0.1, edit_fraction=0.2),
        row(3, margin=None, similarity=None),
        row(4, "rejected", margin=1.0, similarity=0.95),
    ]
    assert ids(ordered(rows[::-1], "upload")) == ["e1", "e2", "e3", "e4"]
    assert ids(ordered(rows, "boundary")) == ["e2", "e4", "e1", "e3"], "nearest the line on either side; unchecked last"
    assert ids(ordered(rows, "edit"))[-1] == "e3"
    assert ids(ordered(rows, "similar")) == ["e4", "e2", "e1", "e3"]
    assert ids(ordered(rows, "recent"))[:2] == ["e4", "e2"]
    with pytest.raises(BadInput):
        ordered(rows, "nosuch")


def test_next_goes_round_and_leaves_decided_ones_out():
    rows = [row(0), row(1, "accepted"), row(2), row(3)]
    assert following(rows, "e2", "todo") == "e3"
    assert following(rows, "e3", "todo") == "e0"
    assert following([row(0, "accepted"), row(1)], "e1", "todo") is None


def test_skipped_ones_come_after_those_never_seen():
    """Otherwise skipping two texts would show them in turn for ever."""
    assert following([row(0), row(1, "skipped"), row(2)], "e0", "todo") == "e2"
    assert following([row(0, "accepted"), row(1, "skipped")], "e0", "todo") == "e1"


def test_texts_that_others_work_on_are_passed_over():
    assert following([row(0), row(1), row(2)], "e0", "todo", frozenset({"e1"})) == "e2"


def test_place_is_said_in_words():
    rows = [row(1), row(2, sure=0.52)]
    assert place(rows[1], rows, View(sort="boundary")) == "2nd of 2 to do, closest calls first: the teacher is 52 % sure here."
    assert place(row(9), rows, View()) == ""
    assert [nth(n) for n in (1, 2, 3, 4, 11, 12, 13, 21, 102, 111)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "13th",
        "21st",
        "102nd",
        "111th",
    ]
