"""Heavy jobs at once share the cores of a machine, and who is gone is not counted."""

import subprocess
import sys
from pathlib import Path

import pytest

from cod_core.compute.local import Local
from cod_core.compute.sharing import AtWork
from tests.unit.compute.jobs import WAITING

ROOT = Path(__file__).parents[3]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files are not locked there")
OTHER = (
    "import sys; from pathlib import Path; from cod_core.compute.sharing import AtWork\n"
    "with AtWork(Path(sys.argv[1])).entered(): print('in', flush=True); sys.stdin.readline()\n"
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr("cod_core.compute.sharing.COUNTED_S", 0)
    return tmp_path / "at-work"


@pytest.fixture
def other(folder):
    """Another process at work."""
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, str(folder)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "in\n"
    yield process
    process.kill()
    process.communicate()


def test_jobs_share_the_processes_and_one_that_was_killed_leaves_its_share(folder, other):
    """Two heavy jobs took all cores but one each, and both were slower for it."""
    here = AtWork(folder)
    sharing, asked_for = Local(9, share_cores=True, at_work=here), Local(9, at_work=here)
    with here.entered():
        assert here.count() == 2 and (sharing.beside, asked_for.beside) == (3, 8)
        other.kill()
        other.wait()
        assert here.count() == 1 and sharing.beside == 8
        assert len(list(folder.iterdir())) == 1  # the dead one's file was taken away
    assert not list(folder.iterdir())


def test_who_leaves_in_order_is_not_counted_and_a_process_counts_once(folder, other):
    here = AtWork(folder)
    with here.entered(), here.entered():
        assert here.count() == 2
        other.communicate("\n")
        assert here.count() == 1
    assert here.count() == 1 and not list(folder.iterdir())


def test_a_run_is_at_work_from_its_first_piece_to_its_end(folder):
    here = AtWork(folder)
    with Local(1, at_work=here) as local:
        pieces = local.run(WAITING, None, [1, 2], kit=lambda: (str(folder.parent), None))
        assert not folder.exists()
        next(pieces)
        assert len(list(folder.iterdir())) == 1
        pieces.close()
    assert not list(folder.iterdir())


def test_a_folder_that_is_a_link_is_not_written_to(folder, tmp_path):
    """Its name can be guessed: somebody else may have made it before, to have files made elsewhere."""
    (tmp_path / "elsewhere").mkdir()
    folder.symlink_to(tmp_path / "elsewhere")
    here = AtWork(folder)
    with here.entered():
        assert here.count() == 1
    assert not list((tmp_path / "elsewhere").iterdir())
