"""A disk that is full or may not be written to: said in a sentence wherever it shows, and nothing that was saved is lost."""

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from cod_core import disk
from cod_core.disk import CLOSED, FULL, refused
from cod_core.errors import CodError
from cod_core.store import items, projects
from cod_core.store.database import open_database
from cod_core.types import Example, Task

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "error,sentence",
    [
        (OSError(errno.ENOSPC, "No space left on device"), FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), FULL),
        (OSError(errno.EROFS, "Read-only file system", "student.json"), CLOSED),
        (PermissionError(errno.EACCES, "Permission denied", "student.json"), CLOSED),
        (RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)"), FULL),
    ],
)
def test_what_a_disk_refuses_is_a_sentence(error, sentence):
    """A person was told of a mistake inside the app, and the command line printed a traceback."""
    assert str(refused(error)) == sentence


@pytest.mark.parametrize(
    "error", [ValueError("no"), FileNotFoundError(errno.ENOENT, "No such file"), PermissionError(errno.EACCES, "socket")]
)
def test_what_is_no_matter_of_the_disk_stays_what_it_is(error):
    assert refused(error) is None


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB; to mount one takes root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("a small disk can be mounted by root only")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def filled(folder: Path) -> Path:
    file = folder / "fill"
    with open(file, "wb", buffering=0) as out:
        try:
            while True:
                out.write(b"0" * 4096)
        except OSError:
            return file


def command(home: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    env = {**os.environ, "PYTHONPATH": str(ROOT), "COD_HOME": str(home)}
    env.pop("COD_DATABASE_URL", None)
    return subprocess.run([sys.executable, "-m", "cod_core", *arguments], env=env, capture_output=True, text=True)


def test_a_full_disk_is_said_to_be_full_and_work_goes_on_once_there_is_room(small_disk):
    """SQLite calls it a disk I/O error where it cannot even make the file beside the database: the sentence sent a person to look at
    the rights of the folder."""
    home = small_disk / "home"
    texts = small_disk.parent / "texts.csv"
    texts.write_text("text,label\n" + "".join(f"Text {i} is {w}.,{w}\n" for i in range(20) for w in ("good", "bad")))
    assert command(home, "import", str(texts)).returncode == 0
    file = filled(small_disk)
    for arguments in (["projects"], ["import", str(texts), "--name", "two"]):
        done = command(home, *arguments)
        assert (done.returncode, done.stdout) == (1, "") and done.stderr.strip() == f"Error: {FULL}"
    file.unlink()
    assert command(home, "import", str(texts), "--name", "two").returncode == 0
    assert len(command(home, "projects").stdout.splitlines()) == 2


def test_a_disk_that_fills_up_while_the_app_is_open_loses_nothing(small_disk):
    db = open_database(f"sqlite:///{small_disk}/cod.db")
    pid = projects.create_project(db, "p", Task("Good?", ("good", "bad")))
    items.add_examples(db, pid, [Example("a", "kept", "good")])
    many = [Example(str(i), "x" * 4000, "good") for i in range(2000)]
    with pytest.raises(CodError) as error:
        items.add_examples(db, pid, many)
    assert str(error.value) == FULL and [e.id for e in items.examples(db, pid)] == ["a"]
    assert items.add_examples(db, pid, many[:10]) == 10
    db.engine.dispose()


@pytest.fixture
def of_another():
    """A database that the user of this process may read and not write, in a folder that is open to all."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o777)
        db = open_database(f"sqlite:///{folder}/cod.db")
        projects.create_project(db, "p", Task("Good?", ("good", "bad")))
        db.engine.dispose()
        (folder / "cod.db").chmod(0o444)
        was = os.geteuid()
        if was == 0:
            os.seteuid(65534)
        try:
            yield folder
        finally:
            os.seteuid(was)


def test_a_database_that_may_only_be_read_is_said_so(of_another):
    """The sentence repeated the database's own words: attempt to write a readonly database."""
    db = open_database(f"sqlite:///{of_another}/cod.db")
    with pytest.raises(CodError) as error:
        projects.create_project(db, "q", Task("Good?", ("good", "bad")))
    assert str(error.value) == CLOSED
    assert [row.name for row in projects.list_projects(db)] == ["p"]
    db.engine.dispose()


def test_room_that_cannot_be_measured_is_no_full_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: (_ for _ in ()).throw(FileNotFoundError()))
    assert not disk.no_room(tmp_path)
