"""A label left out of the comparison: every figure is of the same texts, and changes of the label set carry it along."""

import pytest

from cod_core.distill.settings import SweepPlan
from cod_core.errors import BadInput
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import World

LABELS = ("negative", "neutral", "positive")


@pytest.fixture
def world(tmp_path):
    made = World(Workspace(tmp_path), train=45, test=60, labels=LABELS)
    made.keep([i for n, i in enumerate(made.ids[:30]) if n % 3 == 0], "positive")
    made.keep([i for n, i in enumerate(made.ids[:30]) if n % 3 == 2], "negative")
    project = made.w.project(made.pid)
    project.plan.leave_out(["neutral"])
    project.students.distil(SweepPlan(shots=(8,), seeds=4))
    return made


def figures(project):
    return [(e["kd"], e["cod"], e["n_test"]) for e in project.results.latest().effects if e["measure"] == "accuracy"]


def test_comparing_runs_and_the_answers_are_of_the_texts_of_the_headline(world):
    """Students that never saw a neutral text were judged on those of all three labels, beside a table that was not."""
    project = world.w.project(world.pid)
    [(kd, cod, n)] = figures(project)
    sides = {side.about["arm"]: side.id for side in project.comparison.sides()}
    [accuracy] = [m for m in project.comparison.compare(sides["kd"], sides["cod"]).measures if m["name"] == "accuracy"]
    assert (accuracy["first"], accuracy["second"], accuracy["n_rows"]) == pytest.approx((kd, cod, n)) and n == 40
    assert {text["label"] for text in project.maps.answers(8).texts} == {"negative", "positive"}
    assert project.diagnostics.fidelities(project.results.report(), 8)["n"] == 40


def test_it_stays_left_out_under_a_new_name(world):
    project = world.w.project(world.pid)
    before = figures(project)
    project.label_set.rename("neutral", "mixed")
    assert project.plan.left_out() == ["mixed"] and figures(project) == before and not project.results.latest().stale


def test_a_merge_that_would_leave_one_label_brings_all_back(world):
    project = world.w.project(world.pid)
    project.label_set.merge("negative", "positive")
    assert project.plan.left_out() == [] and len(project.plan.compared()) == 2


def test_what_is_merged_into_a_compared_label_is_compared(tmp_path):
    world = World(Workspace(tmp_path), train=8, test=8, labels=("a", "b", "c", "d"))
    project = world.w.project(world.pid)
    project.plan.leave_out(["c", "d"])
    project.label_set.merge("c", "a")
    assert project.plan.left_out() == ["d"]


def test_students_judged_on_other_texts_are_not_compared(tmp_path, monkeypatch):
    """Answers go by the number of the text: after another text was taken out, 0 % stood against 100 %."""
    world = World(Workspace(tmp_path), train=40, test=40)
    project = world.w.project(world.pid)
    first, *_, last = project.texts.examples("test")
    world.keep(world.ids[:8])
    project.editing.take_out([first.id], "ann")
    project.students.distil(SweepPlan(shots=(4,), seeds=3))
    monkeypatch.setattr("cod_core.project.results.results.now", lambda: "2030-01-01T00:00:00Z")  # reports of one second are one
    project.editing.put_back([first.id], "ann")
    project.editing.take_out([last.id], "ann")
    world.keep(world.ids[8:16])
    project.students.distil(SweepPlan(shots=(8,), seeds=3))
    sides = {(side.about["arm"], side.about["k"]): side.id for side in project.comparison.sides()}
    with pytest.raises(BadInput, match="judged on other texts"):
        project.comparison.compare(sides["cod", "4"], sides["cod", "8"])
    assert project.comparison.compare(sides["kd", "8"], sides["cod", "8"]).measures
