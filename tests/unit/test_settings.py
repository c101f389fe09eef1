"""The data folder: whose files are whose, and who may read them."""

import os
import stat

import pytest

from cod_core.settings import Settings, files_of, open_to_others

SHORT, LONG = "0123456789abcdef", "0123456789abcdef01234567"


@pytest.fixture
def home(tmp_path):
    settings = Settings(tmp_path / "home", f"sqlite:///{tmp_path / 'home' / 'cod.db'}")
    for pid in (SHORT, LONG):
        for room in ("teachers", "students", "exports"):
            (settings.folder(room, pid) / "model.json").write_text(pid)
        (settings.folder("tmp") / f"{pid}ab12_x9z").write_text(pid)
    return settings.home


def test_deleting_a_project_takes_its_own_files_only(home):
    """Prevents (proven): files were found by how their names begin, so the models of another project went with them."""
    for pid, other in ((SHORT, LONG), (LONG, SHORT)):
        names = {path.relative_to(home).as_posix() for path in files_of(home, pid)}
        assert names == {f"teachers/{pid}", f"students/{pid}", f"exports/{pid}", f"tmp/{pid}ab12_x9z"}
        assert not any(name.endswith(other) for name in names)


@pytest.mark.parametrize("bad", ["", "*", "..", "0123456*", "a/b", "cod.db", "ABCDEF0123456789"])
def test_what_is_no_id_deletes_nothing(home, bad):
    """Prevents: an empty or strange id, from a damaged row, erases everybody's files."""
    with pytest.raises(ValueError, match="no id"):
        files_of(home, bad)


def test_a_link_in_the_data_folder_is_not_followed(home, tmp_path):
    """Prevents: a link to a folder elsewhere is taken for a room, and what lies there is erased."""
    (tmp_path / "elsewhere" / SHORT).mkdir(parents=True)
    (home / "linked").symlink_to(tmp_path / "elsewhere")
    assert not any("linked" in path.parts for path in files_of(home, SHORT))


@pytest.fixture
def usual_mask():
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_what_the_app_writes_is_its_own_users_alone(tmp_path, usual_mask):
    """Prevents: a COD_HOME that exists with mode 0755 gets files of mode 0644 that everybody on the machine can read."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    settings = Settings.load(home)
    (settings.folder("exports") / "set.jsonl").write_text("texts")
    assert stat.S_IMODE((home / "exports" / "set.jsonl").stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="modes of POSIX")
def test_a_folder_that_others_can_read_is_told_with_the_command_that_mends_it(tmp_path, usual_mask):
    """Prevents: nobody learns that the folder made by hand, or by an earlier version, is open."""
    home = tmp_path / "my home"
    home.mkdir(mode=0o755)
    settings = Settings.load(home)
    assert f"chmod -R go-rwx '{home}'" in open_to_others(settings)
    home.chmod(0o700)
    assert open_to_others(settings) == ""
    database = tmp_path / "elsewhere.db"
    database.touch(0o644)
    database.chmod(0o644)
    assert str(database) in open_to_others(Settings(home, f"sqlite:///{database}"))
    assert open_to_others(Settings(home, "postgresql://host/db")) == ""
