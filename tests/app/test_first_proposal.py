"""Proposals are on the screen while the run that makes them goes on."""

import os

import pytest
import streamlit as st

from cod_core.jobs import queue
from ui.proposals import coming


def running(workspace, pid) -> str:
    """A run of proposals that is at work."""
    job = queue.enqueue(workspace.db, pid, "generate")
    assert queue.claim(workspace.db, job, os.getpid(), workspace.settings.limits)
    return job


def test_the_newest_proposal_is_shown_while_the_run_goes_on(filled, screen, workspace):
    """Nothing but a bar was there until the last text was done, or somebody loaded the page anew."""
    job = running(workspace, filled)
    test = screen("proposals", filled)
    assert not test.exception and any("What changes" in h.value and "<ins>" in h.value for h in test.main.get("html"))
    assert any(b.label == "Curate those that are ready" for b in test.button)
    queue.finish(workspace.db, job, os.getpid(), state="done")
    test.run()
    assert not any("What changes" in h.value for h in test.main.get("html"))


def test_the_first_proposal_draws_the_page_anew(filled, empty, workspace, monkeypatch):
    """The way to Curate belongs to the page, which is drawn when the run starts and has nothing then."""
    drawn = []
    monkeypatch.setattr(st, "rerun", lambda: drawn.append("anew"))
    coming._newest(empty, False)
    assert not drawn
    coming._newest(filled, True)
    assert not drawn
    coming._newest(filled, False)
    assert drawn == ["anew"]


@pytest.mark.parametrize("kind", ["recheck", "tighten"])
def test_other_work_shows_no_newest_proposal(filled, screen, workspace, kind):
    job = queue.enqueue(workspace.db, filled, kind)
    assert queue.claim(workspace.db, job, os.getpid(), workspace.settings.limits)
    test = screen("proposals", filled)
    assert not test.exception and not any("What changes" in h.value for h in test.main.get("html"))
