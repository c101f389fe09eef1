"""Property tests draw the same examples on every run and are not judged by the machine's speed."""

import time

import pytest
from hypothesis import settings

from tests import postgres

settings.register_profile("cod", max_examples=40, derandomize=True, deadline=None)
settings.load_profile("cod")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request, tmp_path):
    """A fresh database of each kind that the app can use: the same tests hold on both."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'cod.db'}"
    if postgres.missing():
        pytest.skip("PostgreSQL is not installed (initdb, pg_ctl)")
    return postgres.new_database()


@pytest.fixture
def db(database_url):
    """The open database; its connections are closed afterwards."""
    from cod_core.store.database import open_database

    opened = open_database(database_url)
    yield opened
    opened.engine.dispose()


@pytest.fixture(scope="session")
def converted(tmp_path_factory):
    """The packaged language model's cache folder, converted once for a run, how many seconds that took, and the parts told of.
    Tests that ask for it are of one group (tests/conftest.py), so that one worker converts."""
    from cod_core.models.gguf import PACKAGED, packaged_llm_installed
    from cod_core.models.local_llm import resolve_llm

    assert packaged_llm_installed(), "pip install -r requirements-dev.txt brings the packaged language model"
    cache, started = tmp_path_factory.mktemp("llm"), time.process_time()
    parts = []
    resolve_llm(PACKAGED, cache, lambda done, of, doing: parts.append((done, of)))
    return cache, time.process_time() - started, parts
