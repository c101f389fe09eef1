"""Second opinions: who sees what, when two people agree, what settles a difference."""

from cod_core.curation import opinions, state
from cod_core.types import Decision


def log(*acts: tuple) -> list[Decision]:
    """(who, status[, purpose[, undoes]]) -> a log of one text, numbered from 1."""
    return [
        Decision("c1", "e1", act[1], act[0], seq=i, purpose=act[2] if len(act) > 2 else "", undoes=act[3] if len(act) > 3 else None)
        for i, act in enumerate(acts, start=1)
    ]


FLAGGED = log(("ann", "needs_review"))
ONE = log(("ann", "accepted"), ("rob", "needs_review", "request"))


def test_a_flag_asks_for_a_second_opinion_and_the_flagger_may_take_it_back():
    assert opinions.second(FLAGGED).phase == "open"
    assert opinions.purpose_of(FLAGGED, "ann") == "", "working alone, a flag must not be a trap"
    assert opinions.second(log(("ann", "needs_review"), ("ann", "accepted"))) is None
    assert opinions.purpose_of(FLAGGED, "ben") == "opinion"


def test_nobody_sees_the_other_before_both_have_decided():
    """A second opinion that has read the first is no second opinion."""
    assert opinions.seen_by(ONE, "ann").status == "accepted"
    assert opinions.seen_by(ONE, "ben") is None
    assert opinions.hidden_from(ONE, "ben") == {1} and opinions.hidden_from(ONE, "ann") == set()
    both = [*ONE, *log(("ben", "rejected", "opinion"))]
    both[2] = Decision("c1", "e1", "rejected", "ben", seq=3, purpose="opinion")
    assert opinions.second(both).phase == "differ"
    assert opinions.seen_by(both, "ben").status == opinions.seen_by(both, "ann").status == "accepted"
    assert opinions.hidden_from(both, "ben") == set()


def test_an_opinion_moves_nothing_and_an_adjudication_does():
    both = log(("ann", "accepted"), ("rob", "needs_review", "request"), ("ben", "rejected", "opinion"))
    assert state.outcome(both)["e1"].annotator == "ann"
    ended = log(
        ("ann", "accepted"), ("rob", "needs_review", "request"), ("ben", "rejected", "opinion"), ("rob", "rejected", "adjudication")
    )
    assert state.outcome(ended)["e1"].annotator == "rob" and opinions.second(ended).phase == "settled"
    assert opinions.purpose_of(ended, "ann") == ""


def test_a_request_undone_is_gone():
    assert opinions.second(log(("ann", "accepted"), ("rob", "needs_review", "request"), ("rob", "pending", "request", 2))) is None


def test_two_opinions_on_a_flagged_text_agree_or_differ():
    third = log(("ann", "needs_review"), ("ben", "accepted", "opinion"))
    assert opinions.second(third).phase == "open" and opinions.purpose_of(third, "ann") == "opinion"
    assert opinions.second([*third, Decision("c1", "e1", "edited", "cem", seq=3, purpose="opinion")]).phase == "agreed"


def test_the_first_may_still_change_their_mind_before_the_second_has_decided():
    changed = [*ONE, Decision("c1", "e1", "rejected", "ann", seq=3)]
    assert opinions.purpose_of(ONE, "ann") == ""
    assert opinions.second(changed).votes["ann"].status == "rejected"


def test_a_flag_that_was_settled_stays_known():
    ended = log(
        ("ann", "needs_review"), ("ben", "accepted", "opinion"), ("cem", "accepted", "opinion"), ("cem", "accepted", "adjudication")
    )
    assert opinions.second(ended).phase == "settled" and state.outcome(ended)["e1"].status == "accepted"


def test_what_asks_is_the_last_request_or_the_flag_the_text_stands_at():
    acts = log(("ann", "needs_review"), ("rob", "needs_review", "request"), ("ann", "needs_review"))
    assert opinions.asked(acts, {"e1": acts[2]}, settled=False) is acts[2]
    assert opinions.asked(acts, {}, settled=False) is acts[1], "a flag that was decided over asks no more"
    assert opinions.asked(acts[:1], {}, settled=False) is None
    assert opinions.asked(acts[:1], {}, settled=True) is acts[0], "the adjudication took the flag's place"


def test_phase_of_votes():
    kept, edited, rejected = log(("ann", "accepted"), ("ben", "edited"), ("cem", "rejected"))
    assert opinions.phase_of({"ann": kept}) == "open"
    assert opinions.phase_of({"ann": kept, "ben": edited}) == "agreed"
    assert opinions.phase_of({"ann": kept, "cem": rejected}) == "differ"
