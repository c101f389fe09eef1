"""A teacher trained on a cluster's GPU: the files that training here would have written, and nothing sent where there is no GPU."""

import json
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import load_file

from cod_core.compute.work import limited
from cod_core.errors import Cancelled
from cod_core.models.choice import FinetuneOptions
from cod_core.settings import ComputePlace
from cod_core.workspace import Workspace
from tests.unit.compute.clusters import loopback
from tests.unit.workspace.small_world import World

pytestmark = pytest.mark.slow
ONCE = FinetuneOptions(epochs=1)


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    world = World(Workspace(tmp_path_factory.mktemp("home")), train=12, test=4)
    return world.w.project(world.pid)


@pytest.fixture
def trained(project, tmp_path):
    """trained(name, scheduler): the files of a teacher of the project's texts, trained where that is."""
    encoder, rows = project.training._encoder(ONCE), project.training._labelled("train")

    def train(name, scheduler=None, progress=lambda *_: None):
        project.place.settings = replace(project.place.settings, compute=ComputePlace(scheduler, 1))
        texts, labels = [e.text for e, _ in rows], [label for _, label in rows]
        folder = project.training.fit(texts, labels, encoder, tmp_path / name, ONCE, ([], []), progress)
        return load_file(folder / "adapter.safetensors"), json.loads((folder / "teacher.json").read_text())

    return train


def test_a_worker_with_a_gpu_sends_the_teacher_back_that_this_process_would_have_trained(project, trained, tmp_path):
    """The app's own machine, which has no GPU, trained for minutes beside a cluster that has some."""
    with limited(1, torch=True):
        here, about = trained("here")
    said = []
    with loopback(tmp_path, 1, "--resources", "GPU=1") as (address, _):
        there, about_there = trained("there", address, lambda done, total, message="": said.append(message))

        def stop(*_):
            raise Cancelled("stopped")

        with pytest.raises(Cancelled):
            trained("stopped", address, stop)
    assert about_there == about and here.keys() == there.keys()
    assert all(np.array_equal(here[name], there[name]) for name in here)
    assert set(said) == {f"training on a GPU of the cluster at {address}"} and not (tmp_path / "stopped").exists()


def test_a_cluster_without_a_gpu_is_given_no_training(trained, tmp_path):
    """On one thread of a worker it would take longer than here."""
    said = []
    with loopback(tmp_path, 1) as (address, _):
        trained("here", address, lambda done, total, message="": said.append(message))
    assert said and not any("GPU" in message for message in said)
