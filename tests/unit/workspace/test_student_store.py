"""How finished students lie on disk, and how often a plan counts its pairs. Every number is on record: no model loads."""

import json

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from cod_core.distill.cells import Done
from cod_core.distill.settings import SweepPlan
from cod_core.errors import BadInput
from cod_core.project.draws import Draws
from cod_core.project.students.lacking import without_pairs
from cod_core.store import items, runs
from cod_core.types import Example, RunConfig, RunResult, Task
from cod_core.workspace import Workspace
from cod_core.workspace.grids import over_draws
from tests.unit.workspace.small_world import LABELS, World

SAID = np.array([0, 1, 1], np.uint8)


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    return World(Workspace(tmp_path), train=16, test=3)


@pytest.fixture
def store(world):
    return world.w.project(world.pid).store


def result(world, student: str, seed: int = 0, **more) -> RunResult:
    config = RunConfig("kd", "cod", 8, seed, student, world.w.models.encoder().id, *world.identity, "h")
    return RunResult(config, {}, {"accuracy": 0.5 + seed, "n": 3.0}, 0.1, **more)


def test_every_kind_of_student_is_kept_in_one_way(world, store, tmp_path):
    """Three ways of saving had drifted apart: some files said which labels their numbers are of, others did not."""
    linear, vote, slow = result(world, "linear"), result(world, "retrieval"), result(world, "finetuned:x:all", path="/anywhere/at/all")
    told = {"test": SAID}
    store.save([Done(linear, told, np.ones((2, 4), np.float32), np.zeros(2, np.float32)), Done(vote, told), Done(slow, {})], "mark")
    there = {r.config.student: r for r in runs.runs(world.w.db, world.pid)}
    ids = {name: r.config.run_id for name, r in there.items()}
    paths = {"linear": f"{ids['linear']}.safetensors", "retrieval": None, "finetuned:x:all": ids["finetuned:x:all"]}
    assert {name: r.path for name, r in there.items()} == paths and {r.judged for r in there.values()} == {"mark"}
    for run_id in ids.values():
        with safe_open(store.path(run_id), "np") as file:
            assert json.loads(file.metadata()["labels"]) == list(LABELS) and file.metadata()["scale"] == "10.0"
    assert store.answers(ids["linear"]).tolist() == store.answers(ids["retrieval"]).tolist() == [0, 1, 1]
    assert store.answers(ids["finetuned:x:all"]) is None and store.answers(ids["linear"], "unlabelled_predicted") is None
    weight, bias = store.heads([there["linear"].config] * 2)
    assert weight.shape == (2, 2, 4) and weight.dtype == bias.dtype == np.float64
    with pytest.raises(BadInput, match="weights are not kept"):
        store.load(ids["retrieval"])


def test_files_of_an_earlier_version_are_read(world, store):
    """Answers had no labels beside them, and the head its own order of arrays."""
    head, vote, none = (result(world, s, n).config for n, s in enumerate(("linear", "retrieval", "retrieval")))
    save_file({"weight": np.ones((2, 4), np.float32), "bias": np.ones(2, np.float32), "test_predicted": SAID}, store.path(head.run_id))
    save_file({"test_predicted": SAID}, store.path(vote.run_id))
    save_file({"none": np.zeros(1, np.uint8)}, store.path(none.run_id))
    assert [None if a is None else a.tolist() for a in (store.answers(c.run_id) for c in (head, vote, none))] == [[0, 1, 1]] * 2 + [None]
    assert store.heads([head])[1].tolist() == [[1.0, 1.0]] and store.head(head)[0].dtype == np.float32


@pytest.fixture
def counted(monkeypatch):
    """How often pairs were counted: the list grows by one each time."""
    calls, own = [], Draws.fair
    monkeypatch.setattr(Draws, "fair", lambda self, *args: calls.append(args) or own(self, *args))
    return calls


def test_pairs_are_counted_once_a_plan_and_once_a_page(world, counted):
    """Ten thousand pairs were gone through twice for every draw of the page."""
    world.keep(world.ids[:8])
    project = world.w.project(world.pid)
    found, allowed = project.preflight.check(), project.plan.shots_allowed()
    assert len(counted) == 1 and found.shots_allowed == allowed == [8, 16] and (found.n_kept, found.n_pairs) == (8, 8)
    for plan in (SweepPlan(seeds=1, arms=("kd", "cod")), SweepPlan(seeds=1, shots=(8,), arms=("kd", "cod"), only={"annotator": "ann"})):
        del counted[:]
        assert project.plan.cells(plan)[0] and len(counted) <= 1


def test_pairs_are_counted_again_when_one_is_kept_or_a_judged_text_comes(world, counted):
    world.keep(world.ids[:4])
    project = world.w.project(world.pid)
    before, words = project.plan.fair_pairs().allow, "turned train text 0"
    world.keep(world.ids[4:8])
    assert (before, project.plan.fair_pairs().allow) == (4, 8)
    items.add_examples(world.w.db, world.pid, [Example("seen", words, None, "unlabelled")])
    assert project.plan.fair_pairs().allow == 6 and len(counted) == 3


def test_a_missing_teacher_is_said_before_missing_pairs(tmp_path):
    """ "Accept more counterfactuals first" sends a person to a page where nothing can be accepted yet."""
    w = Workspace(tmp_path)
    project = w.project(w.create_project("No teacher", Task("Good or bad?", LABELS)))
    with pytest.raises(BadInput, match="teacher"):
        project.plan.cells(SweepPlan())


def test_a_label_without_a_pair_is_named_where_it_stands_in_the_way():
    """A total says nothing where the rule is one of each label: "3 or more, as many for each label" was a riddle."""
    assert without_pairs(["No harm"]).startswith("There is no accepted pair of “No harm” yet. A comparison needs at least one of each")


def test_a_row_of_a_grid_has_no_deviation_of_a_single_draw(world):
    assert over_draws([result(world, "linear")]) == {"test_accuracy": 0.5, "test_accuracy_sd": None}
    both = over_draws([result(world, "linear"), result(world, "linear", 1)])
    assert both["test_accuracy"] == 1.0 and both["test_accuracy_sd"] == pytest.approx(0.5**0.5)
