"""What is held in memory of a project ends with it."""

from cod_core.store import projects
from cod_core.types import Task
from cod_core.workspace import Workspace


def test_nothing_is_held_of_a_project_that_is_gone(tmp_path):
    """Its texts stayed in the server's memory until it was restarted."""
    here, elsewhere = Workspace(tmp_path), Workspace(tmp_path)
    pids = [here.create_project(f"p{i}", Task("q", ("a", "b"))) for i in range(3)]
    kept = [here.project(pid) for pid in pids]
    kept[0].keeping.delete()
    projects.delete_project(elsewhere.db, pids[1])
    here.projects()
    assert list(here._opened) == [pids[2]] and here.project(pids[2]) is kept[2]
