"""This process and others beside it: the same results in the same order, and only where it is worth a start."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cod_core.compute.local import AHEAD, Local
from cod_core.compute.work import Parcel, Work, limited
from cod_core.errors import BadInput, Cancelled
from tests.unit.compute.jobs import DEADLY, ENVIRONMENT, PRODUCTS, REFUSING, WAITING

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def pair():
    """Two processes at work, this one among them; started once for the module."""
    with Local(2, start_s=0) as local:
        yield local


def alone(work, given, pieces, kit=None):
    with Local(1) as local:
        return list(local.run(work, given, pieces, kit))


def who_did(folder):
    return {int(path.name.split("-")[-1]) for path in folder.glob("did-*")}


def test_nothing_is_started_for_work_that_is_over_before_a_process_is_up(tmp_path):
    with Local(4) as local:
        assert len(list(local.run(PRODUCTS, (str(tmp_path), 2.0), range(5)))) == 5
        assert not local.started and who_did(tmp_path) == {os.getpid()}


def test_what_is_left_decides_whether_others_are_started():
    local = Local(2, start_s=5)
    assert not local.worth_starting(seconds_left=9, kit_s=0) and local.worth_starting(seconds_left=11, kit_s=0)
    assert not local.worth_starting(seconds_left=1.9, kit_s=0, torch=False) and local.worth_starting(seconds_left=2.1, kit_s=0, torch=False)
    assert not local.worth_starting(seconds_left=11, kit_s=2) and not Local(1, start_s=5).worth_starting(1e9, 0)


def test_a_cancel_stops_between_two_pieces_and_keeps_what_came():
    found = []
    with Local(1) as local, pytest.raises(Cancelled):
        for one in local.run(PRODUCTS, ("/tmp", 1.0), range(9), kit=lambda: ("/tmp", np.eye(64))):
            found.append(one)
            if len(found) == 2:
                raise Cancelled("stopped")
    assert len(found) == 2


@pytest.mark.slow
def test_what_other_processes_finished_ahead_of_a_slow_piece_is_handed_over_when_the_run_is_stopped(pair, tmp_path):
    """Minutes of other processes were thrown away by a cancel, since results come in the order of the pieces."""
    late = {}

    def stop():
        raise Cancelled("stopped")

    pieces = pair.run(WAITING, (str(tmp_path), 1.0), range(100), tick=stop, late=late.__setitem__)
    with pytest.raises(Cancelled):
        next(pieces)
    (tmp_path / "go").touch()
    beside = set(range(AHEAD * pair.slots)) - set(late)  # in hand there, and the one that waits behind it
    assert beside in ({0, 1}, {0, 2}) and all(n == found for n, found in late.items())


def test_who_takes_no_more_results_is_handed_none_of_those_it_has(tmp_path):
    late = {}
    with Local(1) as local:
        pieces = local.run(WAITING, (str(tmp_path), 1.0), range(1, 9), late=late.__setitem__)
        assert [next(pieces), next(pieces)] == [1, 2]
        pieces.close()
    assert late == {}


class Handed(Local):
    """Two processes, of which the one beside is played: what it was handed, oldest first, as futures."""

    def __init__(self):
        super().__init__(2, start_s=0)
        self.away = []

    def submit(self, work, parcel, piece):
        self.away.append((piece, Future()))
        return self.away[-1][1]


def test_a_process_beside_has_its_next_piece_before_this_one_looks_up_from_its_own_and_none_waits_there_at_the_end():
    """Handed one at a time, it waited for the longer of two pieces in each round: two processes were 1.5 times as fast as one."""
    local, seen = Handed(), []

    def do(kit, piece):
        seen.append(len(local.away))
        done, future = local.away.pop(0)
        future.set_result(done)
        return piece

    assert list(local.run(Work(lambda given: given, do), 0, range(12))) == list(range(12))
    assert seen == [2, 2, 2, 2, 2, 1]


def test_an_error_of_a_piece_comes_as_it_is():
    with Local(1) as local, pytest.raises(BadInput, match="Piece 0"):
        list(local.run(REFUSING, ("/tmp", 1.0), [0], kit=lambda: None))


@pytest.mark.slow
def test_two_processes_give_the_same_bits_in_the_same_order_and_make_ready_once(pair, tmp_path):
    """Results in order of completion, or sums on other numbers of threads, would change a set from run to run."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir(), two.mkdir()
    expected = alone(PRODUCTS, (str(one), 3.0), range(60))
    for _ in range(2):
        found = list(pair.run(PRODUCTS, (str(two), 3.0), range(60)))
        assert [f.tobytes() for f in found] == [e.tobytes() for e in expected]
        for _ in range(50):  # the start takes seconds, in which this process may have done everything
            if len(who_did(two)) == 2:
                break
            list(pair.run(PRODUCTS, (str(two), 3.0), range(60)))
    assert len(who_did(two)) == 2 and os.getpid() in who_did(two)
    assert len(list(two.glob("made-*"))) == 2


@pytest.mark.slow
def test_a_killed_process_loses_nothing_repeats_nothing_and_its_piece_is_not_done_here(tmp_path):
    """What killed a worker would kill the job as well."""
    with Local(2, start_s=0) as local:  # the first piece goes to the process beside this one
        found = list(local.run(DEADLY, (str(tmp_path), 3.0), range(8)))
    expected = alone(PRODUCTS, (str(tmp_path / "again"), 3.0), range(8), kit=lambda: (str(tmp_path), np.full((64, 64), 3.0)))
    assert [f.tobytes() for f in found] == [e.tobytes() for e in expected]
    assert (tmp_path / "died").exists() and len(list(tmp_path.glob("did-0-*"))) == 2


@pytest.mark.slow
def test_processes_see_no_key_and_have_one_thread_and_never_run_the_running_script(tmp_path, monkeypatch):
    """Streamlit names its app as the main module: every worker ran the whole app once, and died of it."""
    (tmp_path / "app.py").write_text("raise SystemExit('the app was run')\n")
    app = ModuleType("__main__")
    app.__file__ = str(tmp_path / "app.py")
    monkeypatch.setitem(sys.modules, "__main__", app)
    monkeypatch.setenv("COD_LLM_KEY", "sk-secret")
    monkeypatch.setenv("COD_DATABASE_URL", "postgresql://u:pw@h/d")
    with Local(2, start_s=0) as local:
        for _ in range(50):
            found = dict(local.run(ENVIRONMENT, (str(tmp_path), 1.0), range(4)))
            if len(found) == 2:
                break
        found.pop(os.getpid())
    assert sys.modules["__main__"] is app and os.environ["COD_LLM_KEY"] == "sk-secret"
    [seen] = found.values()
    assert seen == {"OMP_NUM_THREADS": "1", "COD_LLM_KEY": None, "COD_DATABASE_URL": None}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="reads /proc")
def test_processes_end_with_one_that_is_killed_and_leave_no_texts(tmp_path):
    """Orphans would hold a gigabyte each, for ever, and the texts would stay in a temporary folder."""
    code = (
        "import os, time; from cod_core.compute.local import Local; from tests.unit.compute.jobs import ENVIRONMENT\n"
        "local = Local(2, start_s=0)\n"
        "while True:\n"
        "    other = {who for who, _ in local.run(ENVIRONMENT, ('/tmp', 1.0), range(4))} - {os.getpid()}\n"
        "    if other: print(*other, flush=True); time.sleep(60)\n"
    )
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=env)
    try:
        child = int(parent.stdout.readline())
        assert list(tmp_path.glob("cod-work-*")) and Path(f"/proc/{child}").exists()
    finally:
        parent.kill()
        parent.wait()
    until = time.monotonic() + 10
    while (Path(f"/proc/{child}").exists() or list(tmp_path.glob("cod-work-*"))) and time.monotonic() < until:
        time.sleep(0.1)
    assert not Path(f"/proc/{child}").exists() and not list(tmp_path.glob("cod-work-*"))


def test_one_gpu_is_not_shared_by_processes_unless_asked_for(monkeypatch):
    """Sixteen processes of a machine with one GPU would each put a model on it."""
    monkeypatch.setattr("cod_core.compute.local.on_gpu", lambda: True)
    assert not Local(4, share_gpu=False).worth_starting(1e6, 0, gpu=True) and Local(4, share_gpu=False).worth_starting(1e6, 0)
    assert Local(4).worth_starting(1e6, 0, gpu=True)


class Pool:
    """In place of a pool: tells what key and main module this process has while others start."""

    def __init__(self):
        self._processes, self.seen = {}, []

    def submit(self, *_):
        self.seen.append((os.environ.get("COD_LLM_KEY"), sys.modules["__main__"]))
        time.sleep(0.05)


def submitting(pool, folder):
    local = Local(2)
    local._pool, local._folder = pool, folder
    return lambda: local.submit(PRODUCTS, Parcel.of(0), 0)


def test_two_people_who_start_processes_at_once_leave_main_module_and_keys_as_they_were(tmp_path, monkeypatch):
    """The second took the first one's empty module for the app's own and put it back for good. And keys and database address were
    taken from the whole app meanwhile: a page drawn then read another database."""
    monkeypatch.setenv("COD_LLM_KEY", "sk-secret")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    main, failed = sys.modules["__main__"], []
    monkeypatch.setitem(sys.modules, "__main__", main)
    monkeypatch.setattr(threading, "excepthook", failed.append)
    pools = [Pool(), Pool()]
    both = [threading.Thread(target=submitting(pool, tmp_path)) for pool in pools]
    for one in both:
        one.start()
        time.sleep(0.02)
    for one in both:
        one.join()
    assert not failed and sys.modules["__main__"] is main
    assert all(key == "sk-secret" and seen is not main for pool in pools for key, seen in pool.seen)
    assert os.environ["COD_LLM_KEY"] == "sk-secret" and "OMP_NUM_THREADS" not in os.environ


BEGUN = """
import os, sys
from cod_core.compute.local import _begin
_begin("/tmp")
print("numpy" in sys.modules, [os.environ.get(name) for name in ("COD_LLM_KEY", "COD_DATABASE_URL", "OMP_NUM_THREADS", "COD_HOME")])
"""


def test_a_process_beside_lets_keys_and_database_go_before_it_loads_anything_that_counts_threads(tmp_path):
    """It inherits the app's own environment, which is never touched; numpy reads its number of threads once, when it is loaded."""
    given = {"COD_LLM_KEY": "sk-secret", "COD_DATABASE_URL": "postgresql://u:pw@h/d", "OMP_NUM_THREADS": "7", "COD_HOME": str(tmp_path)}
    told = subprocess.run([sys.executable, "-c", BEGUN], cwd=ROOT, env={**os.environ, **given}, capture_output=True, text=True)
    assert told.stdout.strip() == f"False [None, None, '1', {str(tmp_path)!r}]", told.stderr


def test_two_who_compute_at_once_leave_the_number_of_threads_as_it_was():
    """The second took the first one's single thread for the process's own and put that back for good."""
    torch = pytest.importorskip("torch")

    before, seen = torch.get_num_threads(), []
    begun, inside, ended = threading.Event(), threading.Barrier(2), threading.Event()

    def first():
        with limited(1, torch=True):
            begun.set()
            inside.wait()
        ended.set()

    def second():
        begun.wait()
        with limited(1, torch=True):
            inside.wait()
            ended.wait()
            seen.append(torch.get_num_threads())
        seen.append(torch.get_num_threads())

    torch.set_num_threads(2)
    try:
        both = [threading.Thread(target=one) for one in (first, second)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert seen == [1, 2]
    finally:
        torch.set_num_threads(before)
