"""The Distil button on processes and on a cluster: the same students, bit for bit, whoever dies meanwhile."""

import hashlib
import os
import shutil
import signal
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file
from sqlalchemy import select

from cod_core.distill.settings import SweepPlan
from cod_core.errors import Cancelled
from cod_core.store import runs, schema
from cod_core.workspace import Workspace
from tests.tiny_llm import tiny_llm
from tests.unit.compute.clusters import loopback
from tests.unit.workspace.last_first import LastFirst
from tests.unit.workspace.small_world import World

pytestmark = pytest.mark.slow
LINEAR = SweepPlan(arms=("kd", "cod"), shots=(4, 8), seeds=15)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A data folder with one project that has ten pairs, and the project's id."""
    folder = tmp_path_factory.mktemp("home")
    world = World(Workspace(folder), test=60)
    world.keep(world.ids[:10])
    return folder, world.pid


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with loopback(tmp_path_factory.mktemp("dask"), 2) as found:
        yield found


@pytest.fixture
def opened(home, tmp_path, monkeypatch):
    """A copy of the project opened at a place: opened("a", COD_WORKERS="2")."""

    def open_(name, **place):
        for variable in ("COD_WORKERS", "COD_SCHEDULER"):
            monkeypatch.delenv(variable, raising=False)
        for variable, value in place.items():
            monkeypatch.setenv(variable, value)
        if not (tmp_path / name).exists():
            shutil.copytree(home[0], tmp_path / name)
        return Workspace(tmp_path / name).project(home[1])

    monkeypatch.setattr("cod_core.compute.local.START_S", 0.0)
    return open_


def students(project):
    """run id -> numbers, and what every file that is kept holds. Headers of safetensors have no fixed order, so tensors are read."""
    out = {}
    for run in runs.runs(project.place.db, project.id):
        run_id, folder = run.config.run_id, project.store.folder
        files = [folder / f"{run_id}.safetensors", *sorted((folder / run_id).glob("*"))]
        out[run_id] = (run.test, run.dev, run.history, {path.name: digest(path) for path in files})
    return out


def digest(path):
    arrays = sorted(load_file(path).items()) if path.suffix == ".safetensors" else [(path.name, np.frombuffer(path.read_bytes(), np.uint8))]
    return [(name, array.dtype.str, hashlib.sha256(array.tobytes()).hexdigest()) for name, array in arrays]


def test_a_sweep_gives_the_same_students_here_on_two_processes_and_on_a_cluster(opened, cluster):
    expected = opened("here", COD_WORKERS="1")
    expected.students.run_cells(expected.plan.cells(LINEAR)[0], LINEAR)
    for name, place in (("processes", {"COD_WORKERS": "2"}), ("cluster", {"COD_SCHEDULER": cluster[0]})):
        project = opened(name, **place)
        project.students.run_cells(project.plan.cells(LINEAR)[0], LINEAR)
        assert students(project) == students(expected) and len(students(project)) == 60


def test_students_trained_step_by_step_come_home_from_a_cluster_whole(opened, cluster):
    """A grid keeps numbers only; the page promises a student that reads any text."""
    plan = SweepPlan.of({"student": "finetuned", "layers": [0], "steps": 1, "frozen_layers": 0, "arms": ["kd"], "shots": [4], "seeds": 1})
    here, there = opened("here", COD_WORKERS="1"), opened("cluster", COD_SCHEDULER=cluster[0])
    here.students.distil(plan)
    there.students.distil(plan)
    assert students(here) == students(there) and all(len(kept) > 3 for *_, kept in students(there).values())
    [best] = there.store.kept()
    assert there.store.load(best.config.run_id).predict(["A superb lens."]) == here.store.load(best.config.run_id).predict(
        ["A superb lens."]
    )


def test_the_student_to_take_home_is_the_same_here_on_two_processes_and_on_a_cluster(opened, cluster):
    """It was trained in the app's own process, whatever the place."""
    places = {"here": {"COD_WORKERS": "1"}, "two": {"COD_WORKERS": "2"}, "cluster": {"COD_SCHEDULER": cluster[0]}}
    made = {}
    for name, place in places.items():
        project = opened(name, **place)
        before = students(project)
        run_id = project.product.make()["run_id"]
        made[name] = run_id, students(project)[run_id], students(project).keys() - before.keys()
    assert made["here"] == made["two"] == made["cluster"] and made["here"][2] == {made["here"][0]}


def test_a_language_model_reads_the_same_here_on_two_processes_and_on_a_cluster(opened, cluster, tmp_path, monkeypatch):
    """Reading was done in one process on one core, whatever the place."""
    model = str(tiny_llm(tmp_path / "tiny"))
    monkeypatch.setattr("cod_core.project.models.Models.local_llm_name", lambda self: model)
    monkeypatch.setattr("cod_core.project.proposals.fluency.TEXTS_AT_ONCE", 3)
    read = {}
    for name, place in {"one": {"COD_WORKERS": "1"}, "two": {"COD_WORKERS": "2"}, "dask": {"COD_SCHEDULER": cluster[0]}}.items():
        project, steps = opened(f"reading-{name}", **place), []
        assert project.fluency.measure(lambda *s, told=steps: told.append(s[:2])).read == 10 and steps[-2] == (20, 20)
        with project.place.db.read() as c:
            table = schema.predictions
            rows = c.execute(select(table.c.text_hash, table.c.logprobs).where(table.c.classifier_id == "fluency")).tuples().all()
        read[name] = {key: value for key, value in rows}
    assert len(read["one"]) == 20 and read["one"] == read["two"] == read["dask"]


def test_a_cancelled_sweep_on_a_cluster_goes_on_there_after_a_worker_was_killed(opened, cluster):
    """The last test of the module: it kills a worker of the cluster."""
    project, sweep = opened("cluster", COD_SCHEDULER=cluster[0]), replace(LINEAR, seeds=60)

    def stop(done, total, message=""):
        if done >= 20:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        project.students.distil(sweep, stop)
    first = len(students(project))
    assert 0 < first < 240  # some were finished ahead
    left = iter([cluster[1][0]])

    def kill(done, total, message=""):
        if done and (victim := next(left, None)):  # however many were finished ahead, some are left
            os.kill(victim.pid, signal.SIGKILL)

    assert project.students.distil(sweep, kill)["new"] == 240 - first
    assert cluster[1][0].wait(timeout=60) == -signal.SIGKILL
    expected = opened("here", COD_WORKERS="1")
    expected.students.distil(sweep)
    assert students(project) == students(expected)


def test_students_that_were_finished_ahead_of_a_slow_one_are_kept_by_a_stopped_sweep(opened, monkeypatch):
    project = opened("ahead", COD_WORKERS="1")
    monkeypatch.setattr("cod_core.project.students.students.engine_of", lambda *_, **__: LastFirst())
    with pytest.raises(Cancelled):
        project.students.distil(LINEAR)
    monkeypatch.undo()
    kept, expected = students(project), opened("here", COD_WORKERS="1")
    expected.students.distil(LINEAR)
    whole = students(expected)
    assert len(kept) == 20 and kept == {run_id: whole[run_id] for run_id in kept}
    assert project.students.distil(LINEAR)["new"] == 40 and students(project) == whole
