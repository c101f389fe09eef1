"""The two buttons that compute, pressed in real Chromium on an app whose heavy work runs on a Dask cluster of two processes."""

import os
import signal
import time
from itertools import product

import pytest
from studio import App, click, settle

from cod_core.jobs import queue
from cod_core.models.choice import BuiltinChoice
from cod_core.store import items, runs
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.unit.compute.clusters import loopback

pytestmark = [pytest.mark.e2e, pytest.mark.slow]
WORDS = {"positive": ("amazing", "wonderful", "excellent", "superb"), "negative": ("terrible", "awful", "horrible", "worthless")}
THINGS = ("battery", "screen", "phone", "camera", "charger")


def rows(frame: str, split: str) -> list[Example]:
    """Twenty texts of either label."""
    found = [(label, frame.format(t, w)) for label, words in WORDS.items() for t, w in product(THINGS, words)]
    return [Example(f"{split}{i}", text, label, split) for i, (label, text) in enumerate(found)]


@pytest.fixture
def cluster(tmp_path):
    with loopback(tmp_path, 2) as found:
        yield found


@pytest.fixture
def app(tmp_path, cluster):
    """An app of the test's own, on the cluster."""
    made = App(tmp_path / "home", COD_SCHEDULER=cluster[0]).start()
    yield made
    made.stop()


def wait(tab, w: Workspace, pid: str, until, seconds: float = 150) -> None:
    """Until the latest job is so far; the page lives meanwhile."""
    end = time.monotonic() + seconds
    while not until(job := queue.newest(w.db, pid)):
        assert job is None or job.state in ("queued", "running"), (job.state, job.error)
        assert time.monotonic() < end, job
        tab.wait_for_timeout(50)


def test_a_search_and_a_sweep_on_a_cluster_end_complete_though_a_worker_is_killed(tab, app, cluster, tmp_path):
    """The button stayed in the app's own process, and a machine that went away took the job with it."""
    address, workers = cluster
    w = Workspace(app.home)
    pid = w.create_project("Phones", Task("Is it good?", ("negative", "positive")))
    items.add_examples(w.db, pid, rows("The {} I bought is {}.", "train") + rows("To me this {} is {}.", "test"))
    project = w.project(pid)
    project.teacher.choose(BuiltinChoice("amazon"))
    tab.goto(f"{app.url}/proposals?project={pid}")
    slider = tab.get_by_role("slider").first
    slider.wait_for()
    settle(tab)
    slider.focus()
    tab.keyboard.press("Home")
    click(tab.get_by_role("button", name="Propose changes for 8 texts"))
    wait(tab, w, pid, lambda job: job and job.done >= 1 and job.message.startswith(("searching", "two ways")))
    os.kill(workers[0].pid, signal.SIGKILL)
    assert queue.newest(w.db, pid).state == "running", "the worker was to die in the middle"
    tab.get_by_role("button", name="Go on to Curate").wait_for(timeout=150_000)
    job = queue.newest(w.db, pid)
    assert job.state == "done" and job.result["texts"] == job.result["tried"] == 8, job.result
    assert workers[0].wait() == -signal.SIGKILL and project.curation.accept_unattended() >= 4
    tab.goto(f"{app.url}/distill?project={pid}")
    click(tab.get_by_role("button", name="Distil and compare"))
    tab.get_by_role("button", name="See the results").wait_for(timeout=150_000)
    job = queue.newest(w.db, pid)
    assert job.state == "done" and job.result["new"] == job.result["students"] == len(runs.runs(w.db, pid)) > 0
    assert not app.bugs() and workers[1].poll() is None
    with cluster_client(address) as client:
        assert len([name for name in client.list_datasets() if str(name).startswith("cod-parcel-")]) >= 2, "both were done there"


def cluster_client(address: str):
    from distributed import Client

    return Client(address, set_as_default=False)
