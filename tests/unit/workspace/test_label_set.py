"""A label set that changes while a project is at work: what follows, what goes, and what nobody loses."""

import pytest

from cod_core.errors import BadInput
from cod_core.models.choice import FinetunedChoice, GenerativeChoice, TransformersChoice
from cod_core.project.labels import Consequences, renamed_choice
from cod_core.store import items, projects, runs, text_changes
from cod_core.types import Counterfactual, Example, Origin, Task
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import LABELS, World


@pytest.fixture
def three(tmp_path):
    """A project of three labels with two texts each, two proposals, and a language model as teacher."""
    w = Workspace(tmp_path)
    pid = w.create_project("Incidents", Task("What happened?", ("Fall", "Drug", "No harm"), ("fell", "wrong drug", "nothing")))
    items.add_examples(w.db, pid, [Example(f"{at}{i}", f"text {at} {i}", at) for at in w.project(pid).row.task.labels for i in (0, 1)])
    made = [("a", "Fall0", "Fall", "Drug"), ("b", "Drug0", "Drug", "No harm")]
    items.add_counterfactuals(
        w.db, pid, [Counterfactual(i, e, f"text {i}", source, target, Origin("human", "ann")) for i, e, source, target in made]
    )
    projects.set_teacher(w.db, pid, {"kind": "finetuned", "path": "gone", "id": "finetuned:gone"})
    return w.project(pid)


def test_a_renamed_label_takes_verdicts_decisions_and_results_along(tmp_path):
    """Renaming is a matter of words: an afternoon of decisions must not wait for a teacher to check it all again."""
    world = World(Workspace(tmp_path), train=16, test=40)
    world.keep(world.ids[:8])
    world.sweep(4, 2)
    project = world.w.project(world.pid)
    before, kept = project.results.latest(), set(project.pairs.kept())
    assert project.label_set.rename("negative", " bad  film ") == 8
    assert project.row.task.labels == ("bad film", "positive")
    assert set(project.pairs.kept()) == kept and project.pairs.state().stale == 0
    assert project.summary().n_accepted == 8
    after = project.results.latest()
    assert (after.effects, after.stale, before.stale) == (before.effects, False, False)
    assert {e.label for e in project.texts.examples()} == {"bad film", "positive"}


def test_two_names_may_be_swapped_by_way_of_a_third(three):
    for old, new in (("Fall", "x"), ("Drug", "Fall"), ("x", "Drug")):
        three.label_set.rename(old, new)
    assert three.row.task.labels == ("Drug", "Fall", "No harm")
    assert [e.label for e in three.texts.examples() if e.id.startswith("Fall")] == ["Drug", "Drug"]


def test_a_text_that_is_out_comes_back_under_the_new_name(three):
    text_changes.remove(three.place.db, three.id, ["Fall0"], "ann")
    three.label_set.rename("Fall", "Tumble")
    three.editing.put_back(["Fall0"], "ann")
    assert items.example(three.place.db, three.id, "Fall0").label == "Tumble"


def test_merging_says_what_it_does_and_does_it(three):
    told = three.label_set.of_merging("Drug", "Fall")
    assert told == Consequences(texts=2, pairs=1, teacher=True, students=0)
    assert three.label_set.merge("Drug", "Fall") == told
    assert three.row.task.labels == ("Fall", "No harm") and three.row.task.descriptions == ("fell", "nothing")
    assert three.texts.counts().per_label("train", ("Fall", "No harm")) == {"Fall": 4, "No harm": 2}
    assert three.row.teacher is None, "a classifier of three labels cannot answer for two"
    assert [(cf.source, cf.target) for cf in three.pairs.state().counterfactuals] == [("Fall", "Fall"), ("Fall", "No harm")]


def test_finished_students_go_with_the_labels_that_they_answer_with(tmp_path):
    """A head with two outputs, read as one with three, would give every text a wrong name."""
    world = World(Workspace(tmp_path), train=16, test=20)
    world.keep(world.ids[:8])
    world.sweep(4, 1)
    project = world.w.project(world.pid)
    assert project.label_set.of_adding().students == project.label_set.add("mixed", "both at once").students > 0
    assert runs.runs(world.w.db, world.pid) == [] and project.results.latest() is None
    assert project.row.task.descriptions == ("", "", "both at once")


@pytest.mark.parametrize(
    "act",
    [
        lambda labels: labels.rename("Fall", "drug"),
        lambda labels: labels.rename("Fall", "  "),
        lambda labels: labels.rename("Fall", "Fall"),
        lambda labels: labels.rename("Nothing", "New"),
        lambda labels: labels.merge("Fall", "Fall"),
        lambda labels: labels.merge("Fall", "Nothing"),
        lambda labels: labels.add("FALL"),
        lambda labels: labels.describe({"Nothing": "x"}),
    ],
)
def test_what_makes_no_label_set_is_refused_and_changes_nothing(three, act):
    before = three.row
    with pytest.raises(BadInput):
        act(three.label_set)
    assert three.row == before


def test_two_labels_are_the_fewest(tmp_path):
    project = World(Workspace(tmp_path), train=4, test=2).w.projects()[0]
    with pytest.raises(BadInput, match="two labels"):
        Workspace(tmp_path).project(project.id).label_set.merge(*LABELS)


def test_a_description_is_kept_beside_the_others(three):
    three.label_set.describe({"Fall": " slipped or fell "})
    assert three.row.task.descriptions == ("slipped or fell", "wrong drug", "nothing")


def test_every_classifier_goes_on_under_the_new_names():
    """The map leads from the classifier's own labels, also through a second renaming."""
    labels, renamed = ("a", "b"), {"a": "c"}
    once = renamed_choice(FinetunedChoice("folder"), labels, renamed)
    assert once.label_map == {"a": "c", "b": "b"}
    assert renamed_choice(once, ("c", "b"), {"c": "d"}).label_map == {"a": "d", "b": "b"}
    hub = TransformersChoice("hub", {"LABEL_0": "a", "LABEL_1": "b"})
    assert renamed_choice(hub, labels, renamed).label_map == {"LABEL_0": "c", "LABEL_1": "b"}
    assert renamed_choice(GenerativeChoice(judge=hub, temperature=1.0), labels, renamed).judge.label_map["LABEL_0"] == "c"
    assert renamed_choice(None, labels, renamed) is None
