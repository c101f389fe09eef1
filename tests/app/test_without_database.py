"""Every page while the database is away: what is wrong and what to do, never a traceback; and it is there again once that is mended."""

from contextlib import contextmanager

import pytest
from streamlit.testing.v1 import AppTest

from cod_core.disk import CLOSED, FULL
from cod_core.errors import CodError
from cod_core.store.database import Database

PAGES = ["start", "data", "teacher", "proposals", "curate", "review", "distill", "results", "compare", "moons", "export", "settings"]
AWAY = "The database server does not answer."


@contextmanager
def nobody(*_):
    raise CodError(AWAY)
    yield


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_what_is_wrong_and_comes_back(filled, screen, page, monkeypatch):
    """Prevents: a traceback in place of the page, from the frame around it, which asks the database before the page does."""
    with monkeypatch.context() as patch:
        patch.setattr(Database, "read", nobody)
        patch.setattr(Database, "begin", nobody)
        test = screen(page, filled)
        assert not test.exception, test.exception[0].stack_trace
        if page != "moons":
            assert any(AWAY in block.value for block in test.html)
    test.run()
    assert not test.exception and not any(AWAY in block.value for block in test.html)


def full_disk() -> None:
    import errno

    import streamlit as st

    from ui.frame import errors, state

    @errors.callback
    def write() -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    st.button("Write", on_click=write)
    if waiting := state.take_notice():
        errors.box(*waiting)
    with errors.shown():
        raise OSError(errno.EROFS, "Read-only file system", "student.json")


def test_a_disk_that_refuses_a_file_is_no_mistake_of_the_app(caplog):
    """Prevents: "something went wrong inside the app", where a person only has to make room."""
    test = AppTest.from_function(full_disk).run()
    assert any(CLOSED in block.value for block in test.html)
    test.button[0].click().run()
    assert any(FULL in block.value for block in test.html) and not any("inside the app" in block.value for block in test.html)
    assert not [record for record in caplog.records if record.name == "cod.app"]
