"""Three classes through the whole journey: a change to each other class, both budget rules. The teacher is a word list."""

import numpy as np
import pytest

from cod_core.counterfactuals.options import GenerateRequest, SearchOptions
from cod_core.distill.settings import SweepPlan
from cod_core.models.cached import CachedClassifier
from cod_core.models.choice import BuiltinChoice
from cod_core.project.students.preflight import thin_targets
from cod_core.project.teacher.loader import identity
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import items, projects
from cod_core.text import short_hash
from cod_core.types import Example, Prediction, Task
from cod_core.workspace import Workspace

pytestmark = pytest.mark.slow
LABELS = ("negative", "neutral", "positive")
WORDS = {"negative": ("awful", "bad", "terrible"), "neutral": ("usual", "average", "ordinary"), "positive": ("great", "good", "lovely")}
THINGS = ("film", "meal", "hotel", "concert", "garden", "lecture")


class WordTeacher:
    id, revision, labels = "words", "1", LABELS

    def logprobs(self, texts):
        counts = np.array([[sum(w in t.lower().split() for w in WORDS[x]) for x in LABELS] for t in texts], dtype=float)
        counts[:, 1] += 0.5
        logits = 3 * counts
        return logits - np.log(np.exp(logits).sum(1, keepdims=True))

    def predict(self, texts):
        return [Prediction(self.labels, tuple(row)) for row in self.logprobs(texts).tolist()]

    def chars_read(self, text):
        return len(text)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    patch = pytest.MonkeyPatch()
    w = Workspace(tmp_path_factory.mktemp("home"))
    pid = w.create_project("Tone", Task("What is the tone?", LABELS))
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "movies"})
    name, revision = identity(BuiltinChoice("movies"), LABELS)
    teacher = CachedClassifier(w.db, name, revision, LABELS, WordTeacher)
    patch.setattr(Teacher, "classifier", lambda self: teacher)
    rows = [
        (f"It was a {WORDS[x][i % 3]} {thing} in the old town", x, "train" if i < 4 else "test")
        for x in LABELS
        for i, thing in enumerate(THINGS)
    ]
    items.add_examples(w.db, pid, [Example(short_hash(t), t, x, split) for t, x, split in rows])
    yield w, pid
    patch.undo()


def test_every_other_class_is_reached(made):
    """With "nearest" alone, students of three classes see one border of two."""
    w, pid = made
    out = w.project(pid).proposals.generate(GenerateRequest.of({"k": 12, "generator": "search", "targets": "all"}))
    assert out.flipped == 12 and out.scored > 0
    reached = {}
    current = w.project(pid).pairs.state()
    for cf in current.counterfactuals:
        assert current.checks[cf.id].valid
        reached.setdefault(cf.example_id, set()).add(cf.target)
    for example in w.project(pid).draws.candidates(12):
        assert reached[example.id] == set(LABELS) - {example.label}


def test_targets_are_ranked_by_the_teacher_and_checked(made):
    from cod_core.errors import BadInput

    w, pid = made
    example = next(e for e in w.project(pid).draws.candidates(12) if e.label == "positive")
    assert w.project(pid).search.targets(example, "nearest") == ["neutral"]
    assert w.project(pid).search.targets(example, "all") == ["neutral", "negative"]
    assert w.project(pid).search.targets(example, "negative") == ["negative"] and w.project(pid).search.targets(example, "positive") == []
    with pytest.raises(BadInput, match="Targets"):
        w.project(pid).search.targets(example, "somewhere")


def test_texts_that_are_of_the_target_already_are_not_counted_as_flipped(made):
    w, pid = made
    out = w.project(pid).proposals.generate(GenerateRequest.of({"k": 12, "generator": "search", "targets": "positive"}))
    assert (out.flipped, out.without) == (8, 4) and set(out.failures.values()) == {"the teacher sees it as positive already"}
    assert not w.project(pid).draws.failed()


def test_in_turn_every_class_is_aimed_at_as_often_and_a_text_keeps_its_class(made):
    """Nearest classes leave some class without counterfactuals, and students then hardly see it."""
    w, pid = made
    texts = sorted(w.project(pid).draws.candidates(12), key=lambda e: e.label)
    w = Workspace(w.settings.home)
    aims = {}
    first = {e.id: w.project(pid).search.targets(e, "in turn", aims)[0] for e in texts}
    again = {e.id: w.project(pid).search.targets(e, "in turn", aims)[0] for e in reversed(texts)}
    assert first == again
    for label in LABELS:
        aimed = [first[e.id] for e in texts if e.label == label]
        assert all(aimed.count(other) == 2 for other in set(LABELS) - {label}), aimed


def test_where_nothing_else_is_asked_for_the_search_aims_at_the_labels_in_turn(made, tmp_path):
    """On news editorials that taught students twice as much as nearest classes."""
    w, pid = made
    fresh = w.create_project("Fresh", w.project(pid).row.task)
    projects.set_teacher(w.db, fresh, {"kind": "builtin", "name": "movies"})
    items.add_examples(w.db, fresh, [e for e in items.examples(w.db, pid) if e.split == "train"])
    w.project(fresh).proposals.generate(GenerateRequest.of({"k": 12, "generator": "search"}))
    aimed = [(cf.source, cf.target) for i, found in w.project(fresh).pairs.snapshot().by_example.items() for cf in found[:1]]
    assert {pair: aimed.count(pair) for pair in aimed} == {(a, b): 2 for a in LABELS for b in LABELS if a != b}


def test_a_text_without_a_flip_keeps_the_class_it_was_aimed_at(made):
    """Each further run took the next class, and searched again what was searched before."""
    w, pid = made
    stuck = w.create_project("Stuck", w.project(pid).row.task)
    projects.set_teacher(w.db, stuck, {"kind": "builtin", "name": "movies"})
    rows = [(f"It was a {WORDS[x][i % 3]} {thing} in the old town", x) for x in LABELS for i, thing in enumerate(THINGS)]
    rows += [(f"{' '.join(WORDS['positive'] * 4)} {thing}", "positive") for thing in THINGS]
    items.add_examples(w.db, stuck, [Example(short_hash(t), t, x) for t, x in rows])
    asked = GenerateRequest(24, search=SearchOptions(budget=60))
    first = w.project(stuck).proposals.generate(asked)
    assert first.tried == 24 and first.without == 6
    again = w.project(stuck).proposals.generate(asked)
    assert again.tried == again.scored == 0 and again.without == first.without


def test_a_second_judge_with_too_few_texts_stops_before_anything_is_searched(made):
    from cod_core.errors import NotEnoughData

    w, pid = made
    with pytest.raises(NotEnoughData, match="second judge"):
        w.project(pid).proposals.generate(GenerateRequest.of({"k": 12, "generator": "search", "second": True}))


def test_both_budget_rules_train_and_stand_at_their_k(made):
    w, pid = made
    assert w.project(pid).curation.accept_unattended() == 12
    done = w.project(pid).students.distil(SweepPlan(arms=("kd", "cod", "cod_all"), shots=(6, 12), seeds=2))
    table = {(row["arm"], row["k"]): row for row in w.project(pid).results.latest().table}
    assert done["new"] == 12
    for k in (6, 12):
        assert table["cod_all", k]["rows"] == k and table["cod", k]["rows"] == k
    assert table["cod_all", 12]["mean"] is not None


def test_a_label_that_hardly_any_counterfactual_is_aimed_at_is_named_before_the_start():
    labels = ("world", "sports", "business", "sci/tech")
    told = thin_targets(labels, ["world"] * 10 + ["business"] * 8 + ["sci/tech"] * 9 + ["sports"])
    assert len(told) == 1 and "Only 1 of 28" in told[0] and "“sports”" in told[0]
    assert thin_targets(labels, ["world", "sports", "business"] * 3)[0].startswith("None of the 9 accepted counterfactuals turn a")
    assert thin_targets(labels, ["world", "sports", "business", "sci/tech"] * 3) == []
    assert thin_targets(("no", "yes"), ["yes"] * 9) == [], "with two labels the balanced draw sees to it"
    assert thin_targets(labels, ["world"] * 4) == [], "too few to tell"
