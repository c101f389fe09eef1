"""A Dask cluster: the same results in the same order, a worker killed in the middle, and refusals in words."""

import os
import signal
import time

import distributed
import pytest

from cod_core.compute import cluster as module
from cod_core.compute.cluster import Cluster
from cod_core.compute.engine import try_out
from cod_core.compute.local import Local
from cod_core.compute.versions import differing, refuse_others, versions
from cod_core.errors import BadInput, Cancelled, CodError
from cod_core.settings import ComputePlace
from tests.unit.compute.clusters import loopback
from tests.unit.compute.jobs import FATAL, PRODUCTS, REFUSING, WAITING


def client_of(address):
    return distributed.Client(address, set_as_default=False)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with loopback(tmp_path_factory.mktemp("dask"), 2, "--resources", "GPU=1") as found:
        yield found


@pytest.mark.slow
def test_a_cluster_gives_the_bits_of_one_process_and_sends_what_is_given_once_a_worker(cluster, tmp_path):
    with Local(1) as local:
        expected = list(local.run(PRODUCTS, (str(tmp_path / "x"), 3.0), range(12), kit=lambda: PRODUCTS.make((str(tmp_path), 3.0))))
    with Cluster(cluster[0]) as there:
        found = list(there.run(PRODUCTS, (str(tmp_path), 3.0), range(12)))
        assert [f.tobytes() for f in found] == [e.tobytes() for e in expected]
        assert there.slots == 2
    made = {int(path.name.split("-")[1]) for path in tmp_path.glob("made-*")}
    assert made - {os.getpid()} == {worker.pid for worker in cluster[1]}


@pytest.mark.slow
def test_the_test_press_tells_who_answered_and_what_is_there(cluster):
    told = try_out(ComputePlace(cluster[0]))
    assert told.answered == 2 and told.same and told.place == f"the cluster at {cluster[0]}"
    assert [m.cores for m in told.machines] == [1, 1] and all(m.versions == versions() and m.memory > 1 << 28 for m in told.machines)


@pytest.mark.slow
def test_a_refusal_of_a_piece_comes_in_its_own_words_and_a_cancel_is_heard(cluster, tmp_path):
    with Cluster(cluster[0]) as there:
        with pytest.raises(BadInput, match="^Piece 0 cannot be done"):
            list(there.run(REFUSING, (str(tmp_path), 1.0), [0]))

        def stop():
            raise Cancelled("stopped")

        with pytest.raises(Cancelled):
            list(there.run(module.Work(_nothing, _slowly), 0, [3.0], tick=stop))


@pytest.mark.slow
def test_what_workers_finished_ahead_is_handed_over_when_the_run_is_stopped(cluster, tmp_path):
    late, done = {}, []

    def stop():  # called once a second: what was done at the last call has come back by now
        if done:
            raise Cancelled("stopped")
        done.extend(tmp_path.glob("did-*"))

    with Cluster(cluster[0]) as there, pytest.raises(Cancelled):
        next(there.run(WAITING, (str(tmp_path), 1.0), range(100), tick=stop, late=late.__setitem__))
    (tmp_path / "go").touch()
    assert (
        len(late) >= len(done)
        and 0 not in late
        and set(late) < set(range(module.AHEAD * 2))
        and all(n == found for n, found in late.items())
    )


@pytest.mark.slow
def test_the_next_job_sends_a_cluster_nothing_that_it_has_and_a_cluster_keeps_few(cluster, tmp_path, monkeypatch):
    """A teacher's files went over the network with every job, and texts would have stayed in the cluster's memory for ever."""
    sent, submit = [], distributed.Client.submit
    monkeypatch.setattr(distributed.Client, "submit", lambda self, do, *a, **kw: (sent.append(do.__name__), submit(self, do, *a, **kw))[1])

    def job(value):
        sent.clear()
        with Cluster(cluster[0]) as there:
            found = list(there.run(PRODUCTS, (str(tmp_path), value), range(2)))
        return sent.count("_same"), found[0].tobytes()

    first, again = job(5.0), job(5.0)
    assert (first[0], again[0]) == (1, 0) and first[1] == again[1]
    assert [job(float(value))[0] for value in range(6, 6 + module.KEPT)] == [1] * module.KEPT
    with client_of(cluster[0]) as client:
        assert len(client.list_datasets()) == module.KEPT
    assert job(5.0) == first and job(9.0)[0] == 0


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_costs_nothing(tmp_path):
    """What is given was scattered to one worker once, and went with it."""
    with loopback(tmp_path, 2) as (address, workers), Cluster(address) as there:
        found = []
        for one in there.run(PRODUCTS, (str(tmp_path), 3.0), range(60)):
            found.append(one)
            if len(found) == 20:
                os.kill(workers[0].pid, signal.SIGKILL)
        assert len(found) == 60 and workers[0].wait() and workers[1].poll() is None
        with Local(1) as local:
            assert [f.tobytes() for f in found] == [e.tobytes() for e in local.run(PRODUCTS, (str(tmp_path), 3.0), range(60))]


@pytest.mark.slow
def test_a_scheduler_killed_in_the_middle_is_said_in_words(tmp_path):
    """The page told of a defect of the app, since what distributed raises then is a cancelled future."""
    with loopback(tmp_path, 2) as (address, _), Cluster(address) as there:
        with client_of(address) as client:
            scheduler = client.run_on_scheduler(os.getpid)
        found = there.run(PRODUCTS, (str(tmp_path), 3.0), range(60))
        next(found)
        os.kill(scheduler, signal.SIGKILL)
        with pytest.raises(CodError, match=f"The Dask scheduler at {address} answers no more. What was finished is kept. Start the"):
            list(found)


@pytest.mark.slow
def test_a_piece_that_takes_its_workers_with_it_is_said_in_words(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TRIES", 0)
    with loopback(tmp_path, 2, "--death-timeout", "60") as (address, _), Cluster(address) as there:
        with client_of(address) as client:
            client.run_on_scheduler(lambda dask_scheduler: setattr(dask_scheduler, "allowed_failures", 0))
        with pytest.raises(CodError, match=f"Several workers of the cluster at {address} died at the same piece of work"):
            list(there.run(FATAL, (str(tmp_path), 1.0), [1]))


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr(module, "CONNECT_S", 1)
    with pytest.raises(BadInput, match="No Dask scheduler answers at tcp://127.0.0.1:9"):
        list(Cluster("tcp://127.0.0.1:9").run(PRODUCTS, ("", 1.0), [1]))
    with pytest.raises(BadInput, match="No Dask scheduler answers at foo"):
        list(Cluster("foo").run(PRODUCTS, ("", 1.0), [1]))


def test_other_versions_are_refused_in_words_and_another_build_of_torch_is_none():
    """Another transformers reads other pieces of words: half of a sweep would be of another student."""
    here = {**versions(), "torch": "2.13.0+cpu"}
    refuse_others({"gpu-1": {**here, "torch": "2.13.0+cu128"}}, here)
    refuse_others({"gpu-1": {**here, "numpy": "1.0"}}, here)
    assert differing({**here, "numpy": "1.0"}, here) == [f"numpy 1.0 (here {here['numpy']})"]
    with pytest.raises(BadInput, match=r"The worker gpu-2 has torch 2.1.0 \(here 2.13.0\+cpu\), and other versions give other results"):
        refuse_others({"gpu-1": here, "gpu-2": {**here, "torch": "2.1.0"}}, here)
    with pytest.raises(BadInput, match="has cod_core 0.1.0"):
        refuse_others({"old": {**here, "cod_core": "0.1.0 (000000)"}}, here)


def _nothing(given):
    return given


def _slowly(kit, seconds):
    time.sleep(seconds)
