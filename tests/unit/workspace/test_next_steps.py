"""What is next, read off a project as it lies in the store: the page, the command and the job say and do the same."""

import json

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.errors import BadInput, NotEnoughData
from cod_core.project.next_steps import NextSteps
from cod_core.store import cache, items
from cod_core.text import text_hash
from cod_core.types import Example
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import LABELS, World, sure


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    return World(Workspace(tmp_path), train=12, test=10)


def test_a_label_without_pairs_is_counted_by_what_can_be_done_for_it(world):
    project = world.w.project(world.pid)
    world.keep(world.ids[0:8:2])  # four of the first label, none of the second
    stubborn = Example("odd", "an odd text", LABELS[1])
    items.add_examples(world.w.db, world.pid, [stubborn])
    cache.put_predictions(world.w.db, *world.identity, {text_hash(stubborn.text): sure(0).logprobs})
    thin = project.next.standing().labels[1]
    assert (thin.texts, thin.pairs, thin.untouched, thin.otherwise) == (7, 0, 6, 1)
    [step] = [s for s in project.next.steps() if s.blocks]
    assert step.act == "propose" and step.n == 6 and step.labels == (LABELS[1],)
    assert {e.label for e in project.draws.candidates(step.n, step.labels)} == {LABELS[1]}
    with pytest.raises(NotEnoughData, match=LABELS[1]):
        project.plan.shots_of(type("P", (), {"shots": None})())


def test_what_was_proposed_for_is_not_proposed_for_again(world):
    world.keep(world.ids[:4])
    untouched = {e.id for e in world.w.project(world.pid).draws.candidates(20, LABELS)}
    assert untouched == set(world.ids[4:])
    with pytest.raises(BadInput, match="no label 'neutral'"):
        world.w.project(world.pid).draws.candidates(2, ["neutral"])


def test_the_command_says_what_the_page_says(world):
    world.keep(world.ids[:2])
    told = CliRunner().invoke(app, ["next", world.pid])
    said = json.loads(CliRunner().invoke(app, ["next", world.pid, "--json"]).stdout)
    assert told.exit_code == 0 and [s["sentence"] for s in said["steps"]] == [s.sentence for s in world.w.project(world.pid).next.steps()]
    assert said["steps"][0]["sentence"] in told.stdout and f"generate {world.pid}" in told.stdout


def test_a_new_decision_is_counted_at_once_and_nothing_is_counted_twice(world):
    project = world.w.project(world.pid)
    before = project.next.standing()
    assert project.next.standing() is before
    world.keep(world.ids[:1])
    assert project.next.standing().labels[0].pairs == 1


def test_a_decision_does_not_read_the_texts_that_nobody_touched_and_an_answer_does(world, monkeypatch):
    """Every decision of ten people read every training text of the project; kept too long, the teacher's new answers would not count."""
    project, read, real = world.w.project(world.pid), [], NextSteps._seen_otherwise
    monkeypatch.setattr(NextSteps, "_seen_otherwise", lambda *asked: read.append(1) or real(*asked))
    world.keep(world.ids[:2])
    assert sum(one.pairs for one in project.next.standing().labels) == 2 and read == [1]
    project.curation.decide(project.pairs.snapshot().by_example[world.ids[0]][0].id, "rejected", "ann", reasons=("other",))
    now = project.next.standing()
    assert sum(one.pairs for one in now.labels) == 1 and read == [1]
    odd = Example("odd", "an odd text", LABELS[1])
    items.add_examples(world.w.db, world.pid, [odd])
    before = project.next.standing().labels[1]
    cache.put_predictions(world.w.db, *world.identity, {text_hash(odd.text): sure(0).logprobs})
    after = project.next.standing().labels[1]
    assert (after.otherwise, after.untouched) == (before.otherwise + 1, before.untouched - 1) and read == [1, 1, 1]
