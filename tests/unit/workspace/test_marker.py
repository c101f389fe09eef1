"""What the caches of the pages go by: it has to change with all that they show, and with nothing else."""

from dataclasses import replace

import pytest

from cod_core.jobs import queue
from cod_core.models.choice import BuiltinChoice
from cod_core.store import corrections, items
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import LABELS, World

NEWS = {
    "a decision": lambda world: world.w.project(world.pid).curation.decide(f"cf-{world.ids[0]}", "rejected", "ann", reasons=("other",)),
    "a proposal": lambda world: world.keep(world.ids[8:9]),
    "a check made again": lambda world: world.check(items.counterfactuals(world.w.db, world.pid)[:1]),
    "a training text": lambda world: world.add_texts("train", 1),
    "a test text": lambda world: world.add_texts("test", 1),
    "unlabelled texts that got labels": lambda world: items.label_examples(
        world.w.db, world.pid, [replace(e, split="train") for e in world.w.project(world.pid).texts.examples("unlabelled")]
    ),
    "a corrected label": lambda world: corrections.correct(world.w.db, world.pid, world.ids[12], LABELS[1], "ann"),
    "results": lambda world: world.sweep(8, 2),
    "results computed again": lambda world: world.w.project(world.pid).results.renew_report(),
    "another teacher": lambda world: world.w.project(world.pid).teacher.choose(BuiltinChoice("amazon")),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(Workspace(tmp_path_factory.mktemp("home")), test=20)
    made.add_texts("unlabelled", 3)
    made.keep(made.ids[:8])
    return made


@pytest.mark.parametrize("news", NEWS)
def test_the_marker_changes_with_all_news(world, news):
    """Results and the strip went on showing the old teacher's verdicts after a recheck, and the old texts after an upload."""
    before = world.w.project(world.pid).results.marker()
    assert world.w.project(world.pid).results.marker() == before, "no news, no change"
    NEWS[news](world)
    assert world.w.project(world.pid).results.marker() != before


def test_the_strip_does_not_wait_for_what_a_job_finds_until_the_job_is_done(world):
    """Its numbers were made anew with every proposal of a search, on every server: they are of what somebody kept."""
    project = world.w.project(world.pid)
    idle = project.live.marker()
    job = queue.enqueue(world.w.db, world.pid, "recheck")
    before = project.live.marker()
    world.check(items.counterfactuals(world.w.db, world.pid)[:1])
    assert project.live.marker() == before
    NEWS["a decision"](world)
    assert project.live.marker() != before
    queue.change(world.w.db, job, state="done")
    assert project.live.marker() not in (idle, before)
