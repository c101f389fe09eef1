"""What a page reads of the store while it is drawn."""

import pytest

from cod_core.project.curation.pairs import Pairs
from cod_core.project.project import Project
from cod_core.store import items
from cod_core.types import Example


@pytest.mark.parametrize("page", ["data", "teacher", "proposals", "curate"])
def test_counts_are_read_once_a_run_and_anew_in_the_next(filled, screen, workspace, monkeypatch, page):
    """Sidebar, page and form each counted every text and proposal again; counts kept too long would show old numbers."""
    read, texts = {"summary": 0, "waiting": 0}, workspace.project(filled).summary().n_texts
    for owner, name in ((Project, "summary"), (Pairs, "waiting")):

        def counted(self, name=name, real=getattr(owner, name)):
            read[name] += 1
            return real(self)

        monkeypatch.setattr(owner, name, counted)
    test = screen(page, filled)
    read.update(summary=0, waiting=0)
    items.add_examples(workspace.db, filled, [Example("late", "A late film.", "positive")])
    test.run()
    assert not test.exception and read["summary"] == 1 and read["waiting"] <= 1
    assert any(f"Data  ·  {texts + 1} texts" in link.proto.label for link in test.sidebar.get("page_link"))
