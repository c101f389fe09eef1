"""Few and skewed pairs: there is a comparison all the same, and what could not be compared is said with it."""

import json

import pytest
from typer.testing import CliRunner

import cod_core.__main__  # noqa: F401  registers every command
from cod_core.commands.shell import app
from cod_core.distill.settings import SweepPlan
from cod_core.errors import BadInput, NotEnoughData
from cod_core.store import runs
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import World

KINDS = ("Fall", "Medication", "No harm")


@pytest.fixture
def three(tmp_path, monkeypatch):
    """Three labels: eight pairs of the first, four of the second, none of the third yet."""
    monkeypatch.setenv("COD_HOME", str(tmp_path))
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    world = World(Workspace(tmp_path), train=60, test=30, labels=KINDS)
    world.keep(world.ids[0:24:3])
    world.keep(world.ids[1:12:3], to="Fall")
    return world


def configs(world):
    return {(r.config.arm, r.config.plotted_k, r.config.seed): r.config for r in runs.runs(world.w.db, world.pid)}


def test_skewed_pairs_are_compared_with_all_of_them_and_the_balanced_draws_stay(three):
    """8, 4 and 1 pairs gave "3 or more, as many for each label" and no comparison beyond 6 rows."""
    three.keep(three.ids[2:3])
    project = three.w.project(three.pid)
    assert project.plan.shots_allowed() == [6, 8, 16, 26]
    project.students.distil(SweepPlan(seeds=2))
    made = configs(three)
    assert made["cod", 26, 0].class_weights and made["kd", 16, 1].class_weights
    found = project.results.latest()
    assert [(e["k"], e.get("weighted", False)) for e in found.effects] == [(6, False), (8, True), (16, True), (26, True)]


def test_offering_all_pairs_changes_no_balanced_draw(three):
    """Ids of students are what a cache of a week's work hangs on."""
    three.keep(three.ids[2:12:3])
    project = three.w.project(three.pid)
    even = {c.config.run_id for c in project.plan.cells(SweepPlan(shots=(8, 16), seeds=3))[0]}
    assert project.plan.shots_allowed() == [8, 16, 32]
    assert even == {c.config.run_id for c in project.plan.cells(SweepPlan(seeds=3))[0] if c.config.plotted_k <= 16}


def test_small_draws_lie_within_the_large_ones(three):
    three.keep(three.ids[2:3])
    project = three.w.project(three.pid)
    cells = {c.config.plotted_k: c for c in project.plan.cells(SweepPlan(seeds=1, arms=("cod",)))[0]}
    rows = {k: {r.text for r in cell.rows} for k, cell in cells.items()}
    assert rows[16] < rows[26] and len(rows[26]) == 26


def test_a_label_nobody_has_pairs_for_is_named_and_left_out_in_one_act(three):
    project = three.w.project(three.pid)
    with pytest.raises(NotEnoughData, match="“No harm”"):
        project.students.distil(SweepPlan(seeds=1))
    [step] = [s for s in project.next.steps() if s.blocks]
    assert step.labels == ("No harm",) and step.may_leave_out
    project.plan.leave_out(["No harm"])
    assert not any(s.blocks for s in project.next.steps())
    project.students.distil(SweepPlan(seeds=2, shots=(8,)))
    found = project.results.latest()
    assert found.without == ["No harm"] and found.effects[0]["n_test"] == 20, "its ten test texts judge nobody"
    assert any("Left out of the comparison: “No harm”" in m for m in found.messages) and not found.stale
    assert {r.label for c in project.plan.cells(SweepPlan(seeds=1, shots=(8,)))[0] for r in c.rows} == {"Fall", "Medication"}
    project.plan.leave_out([])
    assert project.results.latest().stale, "another question now"


def test_two_labels_have_to_remain(three):
    plan = three.w.project(three.pid).plan
    with pytest.raises(BadInput, match="two labels or more"):
        plan.leave_out(["Fall", "No harm"])
    with pytest.raises(BadInput, match="no label 'Other'"):
        plan.leave_out(["Other"])


def test_the_command_says_what_it_could_not_compare_and_exits_so(three):
    run = CliRunner().invoke(app, ["distill", three.pid, "--seeds", "1", "--shots", "8,64", "--without", "No harm", "--json"])
    assert run.exit_code == 3, run.output
    said = json.loads(run.stdout)
    assert said["not_compared"] == [64] and said["without"] == ["No harm"] and [e["k"] for e in said["effects"]] == [8]


def test_skewed_labels_have_macro_f1_beside_accuracy(three):
    three.keep(three.ids[2:3])
    three.labels = ("Fall", "Fall", "Fall")  # forty more test texts of one label
    three.add_texts("test", 40)
    project = three.w.project(three.pid)
    project.students.distil(SweepPlan(seeds=2, shots=(8,)))
    assert "Counting every label alike (macro-F1)" in project.results.latest().sentence


def test_fewer_than_two_rows_of_each_label_are_called_neither_gain_nor_loss(three):
    three.keep(three.ids[2:12:3])
    project = three.w.project(three.pid)
    project.students.distil(SweepPlan(seeds=8, shots=(4,), arms=("kd", "cod")))
    [effect] = project.results.latest().effects
    assert not effect["clear"] and "too few rows of each label to compare" in effect["sentence"]


def test_what_the_work_added_is_measured_on_the_same_texts_without_and_with_their_counterfactuals(three):
    three.keep(three.ids[2:3])
    project = three.w.project(three.pid)
    project.students.distil(SweepPlan(seeds=2))
    worth = project.results.latest().worth
    assert worth.pairs == 13 and worth.n_rows == 30, "all pairs, all test texts"
    half, cod = (
        [r.test["accuracy"] for r in runs.runs(three.w.db, three.pid) if (r.config.arm, r.config.plotted_k) == (arm, 26)]
        for arm in ("half", "cod")
    )
    assert worth.before == pytest.approx(sum(half) / len(half)) and worth.after == pytest.approx(sum(cod) / len(cod))


def test_pairs_kept_against_the_teacher_have_an_arm_of_their_own_with_her_label(three):
    """The method's arms stay as they are: a text that does not flip is no counterfactual of theirs."""
    three.keep(three.ids[2:12:3])
    project = three.w.project(three.pid)
    with pytest.raises(NotEnoughData, match="repeat 'cod'"):
        project.plan.cells(SweepPlan(seeds=1, shots=(8,), arms=("cod", "override")))
    before = {c.config.run_id for c in project.plan.cells(SweepPlan(seeds=2, shots=(8,), arms=("cod",)))[0]}
    three.keep_against_the_teacher(three.ids[30], "No harm")
    assert list(project.plan.overrides()) == [three.ids[30]]
    cells = project.plan.cells(SweepPlan(seeds=8, shots=(8, 32), arms=("cod", "override")))[0]
    mine = [
        (c, at) for c in cells if c.config.arm == "override" for at, r in enumerate(c.rows) if r.is_cf and r.example_id == three.ids[30]
    ]
    assert mine, "of eight draws none held it"
    cell, at = mine[0]
    assert cell.rows[at].label == "No harm" and cell.soft[at].argmax() == KINDS.index("No harm")
    assert before <= {c.config.run_id for c in project.plan.cells(SweepPlan(seeds=2, shots=(8,), arms=("cod", "override")))[0]}
    assert ("override", 1) in [(i.name, i.rows) for i in project.product.ready()]
