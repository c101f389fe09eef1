"""The timeline of one text: everything that happened, also what was taken back."""

from cod_core.curation.history import timeline
from cod_core.types import Counterfactual, Decision, Origin


def cf(i, kind="search", at="2026-01-01T00:00:00Z", base=None):
    return Counterfactual(i, "e", f"text {i}", "a", "b", Origin(kind, "n"), derived_from=base, note="changed", created_at=at)


def decision(seq, cf_id, status, at, who="ann", undoes=None):
    return Decision(cf_id, "e", status, who, decided_at=at, undoes=undoes, seq=seq)


def test_events_come_in_order_and_undone_ones_stay():
    """A history that forgets what was taken back is no audit."""
    log = [
        decision(1, "c1", "accepted", "2026-01-02T00:00:00Z"),
        decision(2, "c1", "pending", "2026-01-03T00:00:00Z", undoes=1),
        decision(3, "c2", "edited", "2026-01-05T00:00:00Z", who="bob"),
    ]
    found = timeline([cf("c1"), cf("c2", "human", "2026-01-04T00:00:00Z", "c1")], log, [("2026-01-06T00:00:00Z", "ann", "half a sent")])
    assert [(e.kind, e.who, e.undone) for e in found] == [
        ("proposed", "n", False),
        ("decided", "ann", True),
        ("undone", "ann", False),
        ("written", "bob", False),
        ("decided", "bob", False),
        ("draft", "ann", False),
    ]


def test_reasons_and_overrides_are_told():
    one = Decision("c1", "e", "rejected", "ann", ("duplicate",), "irony", "see e2", "2026-01-02T00:00:00Z", seq=1)
    event = timeline([cf("c1")], [one])[-1]
    assert event.reasons == ("duplicate",) and "see e2" in event.detail and "irony" in event.detail
