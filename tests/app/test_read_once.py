"""What a page reads of the store while it is drawn."""

import pytest

from cod_core.project.curation.pairs import Pairs
from cod_core.project.project import Project
from cod_core.store import items
from cod_core.store.database import Database
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


def test_a_card_change_costs_few_transactions(filled, screen, monkeypatch):
    """Eighty of them stood between a press and the next card, and every one held up the other nine people of a team."""
    test = screen("curate", filled)
    test.button(key="skip").click().run()
    asked: list[str] = []
    for name in ("read", "begin"):

        def counted(self, name=name, real=getattr(Database, name)):
            asked.append(name)
            return real(self)

        monkeypatch.setattr(Database, name, counted)
    test.button(key="skip").click().run()
    assert not test.exception and asked.count("begin") <= 6 and asked.count("read") <= 45, (asked.count("begin"), asked.count("read"))


def test_no_run_ends_with_a_collection_of_all_garbage():
    """Streamlit walks all objects after each run of a script, models' among them: half a second in which nobody's page moves."""
    from streamlit import config

    config.get_config_options(force_reparse=True)
    assert config.get_option("runner.postScriptGC") is False
