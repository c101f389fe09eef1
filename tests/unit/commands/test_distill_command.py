"""`distill`: a comparison that nothing can judge is refused before a student is trained."""

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.errors import NotEnoughData
from cod_core.store import runs
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import World


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    world = World(Workspace(tmp_path), train=8, test=0)
    world.keep(world.ids)
    return world


def test_without_a_text_to_judge_on_it_says_so_and_fails(world):
    """Students were trained, nothing could be said of them, and a script that asked went on."""
    done = CliRunner().invoke(app, ["distill", world.pid, "--seeds", "2"])
    assert done.exit_code == 1 and isinstance(done.exception, NotEnoughData) and "no test texts" in str(done.exception)
    assert "no test texts" in " ".join(world.w.project(world.pid).preflight.check().messages) and runs.runs(world.w.db, world.pid) == []


def test_texts_without_a_label_are_enough_to_judge_on(world):
    world.add_texts("unlabelled", 4)
    assert CliRunner().invoke(app, ["distill", world.pid, "--seeds", "2"]).exit_code == 0
