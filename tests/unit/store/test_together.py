"""Verbs that are done together: all of them are kept, or none."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import select

from cod_core.errors import BadInput
from cod_core.store import items, projects, schema
from cod_core.types import Example, Task

TASK = Task("sentiment", ("good", "bad"))


def test_verbs_together_are_kept_together(db):
    """Each committed by itself leaves half of what a person asked for where the process is killed between them."""
    with db.together():
        pid = projects.create_project(db, "p", TASK)
        items.add_examples(db, pid, [Example("a", "Good.", "good")])
        assert projects.get_project(db, pid).name == "p" and items.counts(db, pid).total == 1
    assert [row.id for row in projects.list_projects(db)] == [pid] and items.counts(db, pid).total == 1


def test_an_error_between_them_keeps_none(db):
    """The project stayed, empty, and the file imported again made a second one."""
    with pytest.raises(ZeroDivisionError), db.together():
        pid = projects.create_project(db, "p", TASK)
        projects.update_settings(db, pid, {"sample": "movies"})
        raise ZeroDivisionError
    assert not projects.list_projects(db)


def test_nobody_sees_a_part_of_it(db):
    """What is remembered for a moment was read inside: another thread would be shown what is rolled back then."""
    seen = []
    with pytest.raises(ZeroDivisionError), db.together():
        pid = projects.create_project(db, "p", TASK)
        projects.get_project(db, pid)
        thread = threading.Thread(target=lambda: seen.append(projects.list_projects(db)) or seen.append(_found(db, pid)))
        thread.start()
        thread.join()
        raise ZeroDivisionError
    assert seen == [[], None] and _found(db, pid) is None


def _found(db, pid):
    try:
        return projects.get_project(db, pid)
    except BadInput:
        return None


def test_a_refused_part_is_not_passed_over(db):
    """A part of it fails, whoever called it goes on, and the rest is kept as if it were the whole."""
    with pytest.raises(RuntimeError, match="without it"), db.together():
        pid = projects.create_project(db, "p", TASK)
        with pytest.raises(BadInput):
            projects.update_settings(db, "0" * 16, {"sample": "movies"})
        items.add_examples(db, pid, [Example("a", "Good.", "good")])
    assert not projects.list_projects(db)


def test_a_reader_that_stops_early_breaks_nothing(db):
    """Whoever takes the first row of many would have all of it undone."""

    def rows():
        with db.read() as c:
            yield from c.execute(select(schema.projects.c.id))

    with db.together():
        for name in "pq":
            projects.create_project(db, name, TASK)
        reading = rows()
        next(reading)
        reading.close()
    assert len(projects.list_projects(db)) == 2


def test_a_block_inside_another_ends_with_it(db):
    """The inner one committed: what the outer one does after it could fail alone."""
    with pytest.raises(ZeroDivisionError), db.together():
        with db.together():
            projects.create_project(db, "p", TASK)
        raise ZeroDivisionError
    assert not projects.list_projects(db)


KILLED = """
import os, signal
from cod_core.store import items
from cod_core.store.database import Database

written = items.add_examples
def once(*given):
    number = written(*given)
    os.kill(os.getpid(), signal.SIGKILL)
    return number
items.{verb} = {how}
from cod_core.__main__ import app
app({arguments}, standalone_mode=False)
"""


@pytest.mark.parametrize("verb,how", [("add_examples", "lambda *_: os.kill(os.getpid(), signal.SIGKILL)"), ("add_examples", "once")])
def test_an_import_killed_between_project_and_rows_leaves_nothing(tmp_path, verb, how):
    """An empty project stayed, and the import begun again stood beside it: one kill in ten."""
    from cod_core.workspace import Workspace

    file = tmp_path / "texts.csv"
    file.write_text("text,label\n" + "".join(f"Text {i} is {w}.,{w}\n" for i in range(20) for w in ("good", "bad")))
    asked = ["import", str(file), "--labels", "good,bad", "--home", str(tmp_path / "home")]
    code = KILLED.format(verb=verb, how=how, arguments=asked)
    path = {"PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, **path}, capture_output=True, text=True)
    assert done.returncode == -9, done.stderr
    w = Workspace(tmp_path / "home")
    assert not w.projects()
    w.db.engine.dispose()
