"""A clock that jumps back: what was decided last still counts."""

from cod_core.project.curation import curation
from cod_core.store import decisions, items
from cod_core.types import Counterfactual, Example, Origin, Task
from cod_core.workspace import Workspace


def test_decisions_keep_their_order_when_the_clock_jumps_back(tmp_path, monkeypatch):
    """Ordered by the clock, an older decision would win over the one that a person made after it."""
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    w = Workspace()
    pid = w.create_project("Clock", Task("Good?", ("good", "bad")))
    items.add_examples(w.db, pid, [Example("e", "Good.", "good")])
    origin = Origin("search", "s")
    items.add_counterfactuals(w.db, pid, [Counterfactual("c", "e", "Bad.", "good", "bad", origin, created_at="2026-01-01T00:00:00Z")])
    for clock, reason in (("2026-01-01T12:00:00Z", "not_fluent"), ("2026-01-01T11:00:00Z", "not_minimal")):
        monkeypatch.setattr(curation, "now", lambda clock=clock: clock)
        w.project(pid).curation.decide("c", "rejected", "ann", reasons=[reason])
    assert [d.reasons for d in decisions.log(w.db, pid)] == [("not_fluent",), ("not_minimal",)]
    w.db.engine.dispose()
