"""Which card comes next, how long a job takes: the screens' pure parts."""

import re
from pathlib import Path

import pytest

from ui.curate import callbacks
from ui.frame import state
from ui.shared import jobs_panel


def test_neighbour_stays_inside():
    assert callbacks.neighbour(["a", "b"], "b", 1) == "b"
    assert callbacks.neighbour(["a", "b"], "b", -1) == "a"
    assert callbacks.neighbour([], "b", 1) is None


def test_token_names_item_proposal_and_state():
    """A press meant for the card before must not decide this one."""

    def token(example, base, status):
        return callbacks.Shown("p", example, base, "a", "a", "t", status, None, None).token

    assert len({token("e0", "c", "pending"), token("e0", "d", "pending"), token("e1", "c", "pending"), token("e0", "c", "skipped")}) == 4


def test_time_left_counts_from_where_this_session_saw_the_job():
    """A resumed job that starts at 50 of 100 would otherwise seem to have done 50 in no time."""
    assert jobs_panel.estimate((0.0, 50), 10.0, 60, 100) == pytest.approx(40.0)
    assert jobs_panel.estimate((0.0, 50), 10.0, 50, 100) is None


def test_the_time_left_falls_unless_the_work_has_really_grown():
    """The mean speed trembles, and the time left rose by seconds every other second."""
    assert jobs_panel.steadied(None, 40.0) == 40.0 and jobs_panel.steadied(40.0, 38.0) == 38.0
    assert jobs_panel.steadied(40.0, 43.0) == 40.0 and jobs_panel.steadied(40.0, 90.0) == 90.0 and jobs_panel.steadied(40.0, None) is None
    assert jobs_panel.spoken(44) == "about 45 seconds left" and jobs_panel.spoken(None) == ""


def test_every_reject_reason_has_a_button():
    """Or one is stored that nobody can read about, or has no key: the page drops a second press of the keys that it knows."""
    from cod_core.types import REJECT_REASONS, STATUSES

    root = Path(__file__).parents[2]
    assert tuple(callbacks.REASONS) == REJECT_REASONS and len(REJECT_REASONS) <= 9
    assert f"why it was rejected: {', '.join(REJECT_REASONS)} |" in (root / "docs" / "record.md").read_text(encoding="utf-8")
    keys = re.findall(r"/\^\[(?:asfxu)?1-(\d)\]\$/", (root / "ui" / "curate" / "editor" / "editor.js").read_text(encoding="utf-8"))
    assert keys == ["9", "9"]
    assert set(callbacks.STATUS_WORDS) == set(STATUSES)
    assert state.GUARD_SECONDS == 0.25


def test_finished_jobs_say_what_was_not_found():
    """Texts without a proposal would otherwise vanish silently."""
    said = jobs_panel.outcome("generate", {"without": 2, "messages": ["3 replies were empty."]})
    assert [kind for kind, _ in said] == ["info", "warn"] and "2 texts" in said[0][1]
    [(_, fewer)] = jobs_panel.outcome("generate", {"texts": 29}, 32)
    assert "29 texts were worked on instead of 32" in fewer and jobs_panel.outcome("generate", {"texts": 32}, 32) == []
    measured = jobs_panel.outcome("finetune_teacher", {"accuracy": 0.8, "measured_on": "90 test texts", "warning": None})
    assert measured == [], "the report below says how often the teacher is right, on the texts it shows"
    [(_, estimated)] = jobs_panel.outcome("finetune_teacher", {"accuracy": None, "estimate": 0.61, "warning": None})
    assert "A simpler model" in estimated and "61 %" in estimated and "The new teacher is right" not in estimated
    assert jobs_panel.outcome("distill", {}) == []
