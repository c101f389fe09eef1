"""What a person asks for in one press is kept as a whole or not at all: an error, or a kill, between its parts leaves nothing."""

import os
import time
from dataclasses import replace

import pytest

from cod_core.data.reading import Table
from cod_core.data.tables import Columns
from cod_core.errors import CodError
from cod_core.store import decisions, items, projects
from cod_core.types import Task
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import LABELS, World

TASK = Task("Good?", ("good", "bad"))


class Killed(BaseException):
    """In place of a kill: nothing may catch it and go on."""


@pytest.fixture
def w(tmp_path, monkeypatch):
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    opened = Workspace()
    yield opened
    opened.db.engine.dispose()


def killed(*_given, **_named):
    raise Killed


def table(n=40):
    rows = [[f"Text {i} is {word}.", word] for i in range(n // 2) for word in ("good", "bad")]
    return Table(["text", "label"], rows, list(range(1, n + 1)), guideline="Bad is what hurts.")


def own(w, **changes):
    given = {"author": "ann"} | changes
    return w.create_from_table("Mine", TASK, table(), Columns("text", "label"), "labelled", None, [], "sha", "rows.csv", **given)


@pytest.mark.parametrize("verb", ["add_examples", "record_upload"])
def test_a_project_of_a_file_comes_with_all_that_the_file_brings(w, monkeypatch, verb):
    """A project without its texts, or without the file's guideline, looks like one that was made so."""
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(items, verb, killed)
        own(w)
    assert not w.projects() and not w._opened
    pid, added = own(w)
    assert len(added.examples) == 40 and w.project(pid).guideline.current().text == "Bad is what hurts."
    assert w.project(pid).guideline.current().author == "ann"


def test_a_guideline_that_fails_takes_the_project_along(w):
    """The project stood there without it, and the file, added again, brought nothing new."""
    long = replace(table(), guideline="x" * 10**6)
    with pytest.raises(CodError):
        w.create_from_table("Mine", TASK, long, Columns("text", "label"), "labelled", None, [], "sha", "rows.csv")
    assert not w.projects()


def test_rows_are_checked_before_others_have_to_wait(w, monkeypatch):
    """Checked inside, 200,000 rows keep everybody else from saving a decision for as long as that takes."""
    from cod_core.workspace import workspace

    open_then = []
    monkeypatch.setattr(workspace, "checked_rows", lambda *a, f=workspace.checked_rows: open_then.append(w.db._mine.open) or f(*a))
    own(w)
    assert open_then == [None]


def test_a_second_file_is_taken_whole(w, monkeypatch):
    """Killed before the note that texts are held out for want of a test file: added again, its rows were here already and nobody
    ever let the held-out ones train."""
    pid = w.create_project("Mine", TASK)
    uploads = w.project(pid).uploads

    def add():
        return uploads.import_table(table(), Columns("text", "label"), "labelled", None, [], "sha", "rows.csv")

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(projects, "update_settings", killed)
        add()
    assert items.counts(w.db, pid).total == 0
    assert len(add().examples) == 40 and uploads.train_again() > 0


def test_a_sample_comes_with_its_teacher(w, monkeypatch):
    """A sample without the mark that it is one was made anew by every press, and the first stayed without a teacher."""
    from cod_core.project.teacher.teacher import Teacher

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Teacher, "choose", killed)
        w.create_sample("movies")
    assert not w.projects()
    pid = w.create_sample("movies")
    assert w.project(pid).teacher.choice() is not None and w.create_sample("movies") == pid


def pair(w):
    world = World(w, train=4, test=0)
    world.keep(world.ids[:1])
    return world.pid


@pytest.mark.parametrize("verb", ["add_counterfactuals", "record_upload"])
def test_an_exported_set_comes_back_whole(w, monkeypatch, tmp_path, verb):
    """Its texts without their pairs are a project that nobody exported."""
    pid = pair(w)
    w.project(pid).exports.write(tmp_path / "set.zip")
    data = (tmp_path / "set.zip").read_bytes()
    other = w.create_project("Other", Task("Good?", LABELS))
    for open_it in (lambda: w.open_bundle(data), lambda: w.project(other).bundles.open(data)):
        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(items, verb, killed)
            open_it()
        assert {row.id for row in w.projects()} == {pid, other} and items.counts(w.db, other).total == 0
    made, _ = w.open_bundle(data)
    assert len(decisions.log(w.db, made)) == 1


def test_a_restored_project_counts_to_whoever_restored_it(w, monkeypatch):
    """Killed before the upload was noted, its texts counted to nobody's limit."""
    data = w.project(pair(w)).keeping.backup()
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(items, "record_upload", killed)
        w.restore(data)
    assert len(w.projects()) == 1


def test_files_go_before_the_project_is_gone(w, monkeypatch):
    """Killed between the two, the files of a project that is not listed any more stayed, and nobody could erase them."""
    from cod_core.project import keeping

    pid = pair(w)
    file = w.settings.folder("students", pid) / "student.json"
    file.write_text("{}")
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(keeping, "files_of", killed)
        w.project(pid).keeping.delete()
    assert [row.id for row in w.projects()] == [pid] and items.counts(w.db, pid).total == 4
    w.project(pid).keeping.delete()
    assert not w.projects() and not file.exists()


def test_what_killed_restores_left_goes_with_the_next(w):
    """Each left the unpacked files of a backup, gigabytes of them, in a folder that nobody looks into."""
    data, tmp = w.project(pair(w)).keeping.backup(), w.settings.folder("tmp")
    for name, hours in (("old", 30), ("new", 1)):
        (tmp / name).mkdir()
        (tmp / name / "model.safetensors").write_bytes(b"0")
        os.utime(tmp / name, (time.time() - hours * 3600,) * 2)
    w.restore(data)
    assert {path.name for path in tmp.iterdir()} == {"new"}
