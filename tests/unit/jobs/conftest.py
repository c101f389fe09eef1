"""A project in which jobs are started."""

import pytest

from cod_core.store import projects
from cod_core.types import Task


@pytest.fixture
def pid(db):
    return projects.create_project(db, "mine", Task("t", ("a", "b")))
