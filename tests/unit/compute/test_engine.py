"""The choice of a place from the environment, and what a place is expected to take."""

import pytest

from cod_core.compute import cluster, engine
from cod_core.compute.engine import engine_of, expected_seconds, processes_of, slots_of
from cod_core.compute.local import START_S, WORTH
from cod_core.errors import CodError
from cod_core.settings import ComputePlace


def test_the_environment_names_the_place(monkeypatch):
    monkeypatch.setenv("COD_WORKERS", "3")
    monkeypatch.delenv("COD_SCHEDULER", raising=False)
    assert ComputePlace.load() == ComputePlace(None, 3)
    assert engine_of(ComputePlace.load()).place == "3 processes on this computer"
    assert engine_of(ComputePlace(workers=1)).place == "this process"
    monkeypatch.setenv("COD_SCHEDULER", " tcp://10.0.0.1:8786 ")
    assert engine_of(ComputePlace.load()).place == "the cluster at tcp://10.0.0.1:8786"
    monkeypatch.setenv("COD_WORKERS", "many")
    with pytest.raises(CodError, match="COD_WORKERS must be a whole number"):
        ComputePlace.load()


@pytest.mark.parametrize(("cores", "gigabytes", "processes"), [(1, 64, 1), (2, 64, 1), (16, 64, 15), (16, 16, 4), (4, 2, 1)])
def test_processes_leave_a_core_and_half_of_the_memory(monkeypatch, cores, gigabytes, processes):
    """Sixteen copies of a model on a laptop of 16 GB would end in the kernel's killing."""
    monkeypatch.setattr(engine, "cores", lambda: cores)
    monkeypatch.setattr(engine, "memory_bytes", lambda: gigabytes << 30)
    assert processes_of(ComputePlace()) == processes and processes_of(ComputePlace(workers=5)) == 5


def test_the_expected_time_is_for_the_place(monkeypatch):
    long = 2 * WORTH * START_S
    assert expected_seconds(ComputePlace(workers=4), 1.0, int(long)) == int(long) / 4
    assert expected_seconds(ComputePlace(workers=4), 1.0, 5) == 5, "nothing is started for it"
    assert expected_seconds(ComputePlace(workers=4), 1.0, 8, torch=False) == 2, "a process for numbers alone is there in a second"
    assert expected_seconds(ComputePlace(workers=4), 60.0, 2) == 60, "two pieces keep two processes busy"


def test_a_cluster_that_is_away_is_asked_once_a_minute_and_said_in_words(monkeypatch):
    """A page asks at every press: each would wait ten seconds."""
    monkeypatch.setattr(cluster, "CONNECT_S", 1)
    place, asked = ComputePlace("tcp://127.0.0.1:9"), []
    monkeypatch.setattr(engine, "_asked", {})
    real = engine.engine_of
    monkeypatch.setattr(engine, "engine_of", lambda p: asked.append(p) or real(p))
    for _ in range(3):
        assert slots_of(place).count == 0 and "No Dask scheduler answers" in slots_of(place).problem
    assert asked == [place] and expected_seconds(place, 2.0, 10) == 20
