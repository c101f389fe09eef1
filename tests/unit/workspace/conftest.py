"""A workspace as the app opens it, on each kind of database."""

import pytest

from cod_core.workspace import Workspace


@pytest.fixture
def w(database_url, tmp_path, monkeypatch):
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.setenv("COD_DATABASE_URL", database_url)
    opened = Workspace()
    yield opened
    opened.db.engine.dispose()
