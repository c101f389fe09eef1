"""Three ways, read off a project as it lies in the store: the room, the command and the page's state."""

import json

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.distill.ways import BOTH, LABELS, LINE, PAIRS, TEACHER
from cod_core.errors import NotEnoughData
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import World


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    return World(Workspace(tmp_path), train=24, test=10)


@pytest.fixture
def full(world):
    """Labelled texts, six pairs, development texts and sixty texts without a label."""
    world.keep(world.ids[:6])
    world.add_texts("validation", 60)
    world.add_texts("unlabelled", 60)
    return world


def test_without_development_texts_nothing_is_measured(world):
    room = world.w.project(world.pid).ways
    assert not room.can_measure() and room.latest() is None
    with pytest.raises(NotEnoughData, match="development texts"):
        room.measure()


def test_a_project_is_measured_in_every_way_that_it_has_rows_for(full):
    room = full.w.project(full.pid).ways
    found = room.measure()
    assert [(way.name, way.rows) for way in found.ways] == [(LABELS, 24), (LINE, 24), (TEACHER, 60), (PAIRS, 12), (BOTH, 72)]
    assert (found.n_dev, found.pairs, found.unlabelled) == (60, 6, 60) and room.latest() == found
    assert all(0.5 < way.share <= 1 for way in found.ways)


def test_a_new_pair_makes_it_old(full):
    room = full.w.project(full.pid).ways
    room.measure()
    full.keep(full.ids[6:8])
    assert room.latest().stale


def test_the_command_measures_once_and_says_what_the_page_says(full):
    told = CliRunner().invoke(app, ["ways", full.pid])
    assert told.exit_code == 0 and "You have 60 texts without a label." in told.stdout
    before = full.w.project(full.pid).ways.path().stat().st_mtime_ns
    said = json.loads(CliRunner().invoke(app, ["ways", full.pid, "--json"]).stdout)
    assert {name: one["decisions"] for name, one in said["work"].items()} == {LABELS: 0, LINE: 0, TEACHER: 0, PAIRS: 6, BOTH: 6}
    assert said["work"][PAIRS]["labels"] == 6 and "6 labels and 6 decisions, about 3 minutes" in told.stdout
    assert "Minutes are assumed" in told.stdout and said["pace"]["timed"] == 0
    assert said["sentences"][0] in told.stdout and full.w.project(full.pid).ways.path().stat().st_mtime_ns == before
    assert CliRunner().invoke(app, ["ways", full.pid, "--again"]).exit_code == 0
    assert full.w.project(full.pid).ways.path().stat().st_mtime_ns > before
