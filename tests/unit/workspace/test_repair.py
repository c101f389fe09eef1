"""Labels that may be wrong, a person's word on them, a teacher taught by it. No model loads: answers are on record or handed over."""

import json
from dataclasses import replace

import numpy as np
import pytest
from sqlalchemy import delete

from cod_core.distill.settings import SweepPlan
from cod_core.errors import BadInput, NotEnoughData
from cod_core.models.choice import FinetunedChoice, FinetuneOptions, read_choice
from cod_core.project.results.chapters import bought
from cod_core.project.teacher.loader import TeacherLoader
from cod_core.project.teacher.repair import ClassChange, TaughtReport, changes
from cod_core.store import cache, corrections, items, projects, schema
from cod_core.text import text_hash
from cod_core.types import UNATTENDED, Example
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import LABELS, World, sure

OPTIONS = FinetuneOptions()


@pytest.fixture
def world(tmp_path, monkeypatch):
    """40 training texts and 20 test texts that the teacher names right, 8 pairs accepted by ann."""
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    made = World(Workspace(tmp_path), test=20)
    made.keep(made.ids[:8])
    return made


def says(world, example_id: str, label: str, p: float = 0.9) -> None:
    """Put another answer of the teacher on record."""
    e = items.example(world.w.db, world.pid, example_id)
    logs = tuple(float(np.log(p if name == label else 1 - p)) for name in LABELS)
    with world.w.db.begin() as c:
        c.execute(delete(schema.predictions).where(schema.predictions.c.text_hash == text_hash(e.text)))
    cache.put_predictions(world.w.db, *world.identity, {text_hash(e.text): logs})


def mislabel(world, example_id: str) -> str:
    """Give a text the other label without a word on record; returns the right one."""
    e = items.example(world.w.db, world.pid, example_id)
    items.label_examples(world.w.db, world.pid, [replace(e, label=LABELS[1 - LABELS.index(e.label)])])
    return e.label


def trained_here(world) -> None:
    """The teacher becomes one that was trained on the project's training texts, and remembers every label. Texts of even and of
    odd numbers are easy to tell apart."""
    rows = items.examples(world.w.db, world.pid)
    with world.w.db.begin() as c:
        c.execute(delete(schema.embeddings))
    corner, rng = np.eye(16)[:2], np.random.default_rng(1)
    vectors = {text_hash(e.text): corner[int(e.id[-1]) % 2] + rng.normal(0, 0.1, 16) for e in rows}
    cache.put_embeddings(world.w.db, world.w.models.encoder().id, {key: np.float32(v) for key, v in vectors.items()})
    choice = FinetunedChoice("/nowhere", "mine", tuple(world.ids), id="finetuned:x", revision="1")
    projects.set_teacher(world.w.db, world.pid, choice.to_json())
    identity = world.w.project(world.pid).teacher.identity()
    cache.put_predictions(world.w.db, *identity, {text_hash(e.text): sure(LABELS.index(e.label)).logprobs for e in rows})


def test_the_surest_contradiction_comes_first(world):
    """Whoever looks at twenty texts must see the twenty that are most likely wrong."""
    repair = world.w.project(world.pid).repair
    assert repair.disagreements() == []
    for example_id, p in (("train2", 0.7), ("test1", 0.99), ("train5", 0.8)):
        e = items.example(world.w.db, world.pid, example_id)
        says(world, example_id, LABELS[1 - LABELS.index(e.label)], p)
    repair = Workspace(world.w.settings.home).project(world.pid).repair
    found = repair.disagreements()
    assert [d.example.id for d in found] == ["test1", "train5", "train2"] and all(d.by_teacher for d in found)
    assert [round(d.sure, 2) for d in found] == [0.99, 0.8, 0.7] and len(repair.disagreements(limit=2)) == 2


def test_a_wrong_label_that_the_teacher_learnt_by_heart_is_found(world):
    """A fine-tuned teacher agrees with the wrong labels that it was trained on: asked itself, it names none of them."""
    right = {i: mislabel(world, i) for i in ("train9", "train14")}
    trained_here(world)
    found = world.w.project(world.pid).repair.disagreements(2)
    assert {d.example.id: d.said.label for d in found} == right and not any(d.by_teacher for d in found)


def test_an_error_of_the_teacher_alone_stands_behind_a_wrong_label(world):
    """Of the first twenty named on twenty intents, seven were test texts with the right label on which the teacher was wrong."""
    right = mislabel(world, "train9")
    trained_here(world)
    teacher = world.w.project(world.pid).teacher.classifier()
    sentence = text_hash("test text 2")
    with world.w.db.begin() as c:
        c.execute(delete(schema.predictions).where(schema.predictions.c.text_hash == sentence))
    cache.put_predictions(world.w.db, teacher.id, teacher.revision, {sentence: (np.log(0.001), np.log(0.999))})
    found = world.w.project(world.pid).repair.disagreements()
    assert [(d.example.id, d.said.label, d.by_teacher) for d in found[:2]] == [("train9", right, False), ("test2", "positive", True)]
    assert found[1].said.prob("positive") > 0.99 and found[1].sure < 0.5 < found[0].sure


def test_a_corrected_label_is_seen_everywhere_at_once(world):
    """Another process holds the texts in memory, students are judged by the label, reports rest on it."""
    world.sweep(8, 2)
    one, other = world.w.project(world.pid), Workspace(world.w.settings.home).project(world.pid)
    assert other.pairs.snapshot().examples["train3"].label == "positive" and not one.results.latest().stale
    marks = other.results.state_mark()
    one.repair.correct("train3", "negative", "ann", seen="positive")
    assert other.pairs.snapshot().examples["train3"].label == "negative" == other.texts.pool()["train3"].label
    assert other.results.state_mark() != marks and one.results.latest().stale


def test_a_corrected_test_label_makes_students_old(world):
    """Two corrections that balance leave every count as it was, and a student would go on being judged by the old labels."""
    world.sweep(8, 2)
    project = world.w.project(world.pid)
    assert project.store.finished(project.texts.eval_sets())
    project.repair.correct("test0", "positive", "ann")
    project.repair.correct("test1", "negative", "ann")
    assert not project.store.finished(project.texts.eval_sets()) and project.results.latest().stale


def test_what_a_person_answered_for_is_not_asked_again(world):
    """The list would never end: a teacher that is wrong stays wrong."""
    repair = world.w.project(world.pid).repair
    for i in ("train2", "train4"):
        says(world, i, "positive")
    assert {d.example.id for d in repair.disagreements()} == {"train2", "train4"}
    repair.keep("train2", "ann")
    repair.correct("train4", "positive", "ann")
    assert repair.disagreements() == [] and (repair.lesson().corrected, repair.lesson().confirmed) == (1, 1)
    assert repair.undo("ann").example_id == "train4" and [d.example.id for d in repair.disagreements()] == ["train4"]
    assert items.example(world.w.db, world.pid, "train4").label == "negative"


@pytest.mark.parametrize(("label", "said"), [("mixed", "no label of this project"), ("negative", "label that this text has")])
def test_a_label_that_is_none_changes_nothing(world, label, said):
    """A label outside the task would break every draw."""
    with pytest.raises(BadInput, match=said):
        world.w.project(world.pid).repair.correct("train0", label, "ann")
    assert corrections.written(world.w.db, world.pid) == 0


class Fake:
    """A teacher that names 'positive' where the text holds one of these words."""

    id, revision, labels = "finetuned:taught", "2", LABELS

    def __init__(self, *words: str):
        self.words = words

    def predict(self, texts):
        return [sure(int(any(w in t for w in self.words))) for t in texts]

    def chars_read(self, text):
        return len(text)


@pytest.fixture
def trained(monkeypatch):
    """What the training was handed; the model that comes out says 'positive' of texts with an odd number."""
    asked = {}

    def finetune(texts, labels, label_names, encoder, folder, **options):
        folder.mkdir(parents=True)
        (folder / "teacher.json").write_text(json.dumps({"encoder": encoder}))
        asked.update(rows=dict(zip(texts, labels)), encoder=encoder, folder=folder, **options)

    monkeypatch.setattr("cod_core.models.finetune.finetune_teacher", finetune)
    monkeypatch.setattr(TeacherLoader, "load", lambda *_: Fake("1", "3", "5", "7", "9"))
    return asked


def test_nothing_said_is_nothing_to_teach(world, trained):
    """A training of minutes that gives the same teacher again."""
    project = world.w.project(world.pid)
    assert project.repair.lesson().size == 0
    with pytest.raises(NotEnoughData, match="Correct a label"):
        project.jobs.start("teach_teacher", OPTIONS)
    assert not trained and project.jobs.newest() is None


def test_a_word_on_a_test_text_teaches_nothing(world):
    """The teacher is measured on it: it must not learn from it."""
    repair = world.w.project(world.pid).repair
    repair.correct("test0", "positive", "ann")
    assert repair.lesson().size == 0


def test_the_teacher_is_taught_labels_edits_and_overrides(world, trained):
    """What only a person knows has to reach the rows of the training, each with the person's own label."""
    project = world.w.project(world.pid)
    project.repair.correct("train10", "positive", "ann")
    project.curation.decide(f"cf-{world.ids[0]}", "edited", "ann")
    project.curation.decide(f"cf-{world.ids[1]}", "accepted", "ann", override_reason="Everybody reads it so.")
    project.curation.decide(f"cf-{world.ids[2]}", "edited", UNATTENDED)
    report = project.repair.teach(OPTIONS)
    assert trained["rows"]["train text 10"] == "positive" and trained["rows"]["turned train text 0"] == "positive"
    assert trained["rows"]["turned train text 1"] == "negative" and len(trained["rows"]) == 42 == report.rows
    assert (report.corrected, report.confirmed, report.edited, report.kept) == (1, 0, 1, 1)
    assert "your word on 1 labels and 2 changes" in report.name and {"train10", f"cf-{world.ids[0]}"} <= set(report.trained_on)


def test_an_edit_with_the_words_of_a_test_text_is_not_learnt(world, trained):
    """The new teacher would be measured on what it was told."""
    project = world.w.project(world.pid)
    project.curation.decide(f"cf-{world.ids[0]}", "edited", "ann")
    items.add_examples(world.w.db, world.pid, [Example("late", "TURNED train text 0", "negative", "test")])
    assert project.repair.lesson().edited == ()


def test_what_the_new_teacher_changes_is_told_before_it_is_taken(world, trained):
    """A teacher taught wrongly must be seen before every check of the old one goes stale."""
    project = world.w.project(world.pid)
    for i in range(6):
        says(world, f"test{2 * i}", "positive")  # the old teacher is wrong on six of the ten negative test texts
    project.repair.correct("train10", "positive", "ann")
    before = project.teacher.identity()
    report = project.repair.teach(OPTIONS)
    by_label = {c.label: (c.n, c.before, c.after) for c in report.by_class}
    assert by_label["negative"] == (10, 4, 5) and by_label["positive"] == (10, 10, 10)  # 10, 12 … hold a 1
    assert report.measured_on == "20 test texts" and report.accuracy == (0.7, 0.75)
    assert (report.pairs, report.lost, report.won) == (8, 8, 0), "a text and its pair hold the same number: nothing flips"
    assert project.teacher.identity() == before and project.repair.taught() == report and not project.repair.in_use(report)
    assert TaughtReport.of(json.loads(json.dumps(report.to_json()))) == report


def test_taking_the_taught_teacher_makes_old_checks_stale(world, trained):
    """Verdicts of the old teacher would be trained on under the new one's name."""
    project = world.w.project(world.pid)
    project.repair.correct("train10", "positive", "ann")
    report = project.repair.teach(OPTIONS)
    assert project.pairs.state().stale == 0
    project.repair.take(report)
    assert project.repair.in_use(report) and project.pairs.state().stale == 8 and project.pairs.kept() == {}
    assert project.teacher.label().startswith("Teacher fine-tuned on your texts: Small (40 texts, your word on 1 labels")
    with pytest.raises(BadInput, match="learnt all of this already"):
        project.repair.check(OPTIONS)
    again = Workspace(world.w.settings.home).project(world.pid)
    assert again.repair.in_use(again.repair.taught())


def test_a_text_that_the_old_teacher_was_trained_on_is_not_measured(world, trained):
    """The old teacher would look better than it is, and the person would not take the new one."""
    trained_here(world)
    row = read_choice({**world.w.project(world.pid).row.teacher, "trained_on": [*world.ids, "test0", "test1"]})
    projects.set_teacher(world.w.db, world.pid, row.to_json())
    project = world.w.project(world.pid)
    project.repair.correct("train10", "positive", "ann")
    assert project.repair.teach(OPTIONS).measured_on == "18 test texts"


def test_changes_are_counted_a_class_at_a_time():
    """A class that the new teacher never says must not hide in a mean."""
    rows = [("a", "a", "b"), ("a", "b", "a"), ("b", "b", "b"), ("b", "a", "b")]
    assert changes(rows, ("a", "b", "c")) == (ClassChange("a", 2, 1, 1), ClassChange("b", 2, 1, 2))


def rows_of(project, **params):
    """The rows of kd at 16 in three draws, with their soft labels: text's id -> (label, probabilities)."""
    cells, _, _ = project.plan.cells(SweepPlan.of({"arms": ["kd", "cod"], "seeds": 3, "shots": [16], **params}))
    kd = [c for c in cells if c.config.arm == "kd"]
    return cells, {row.example_id: (row.label, np.exp(soft)) for c in kd for row, soft in zip(c.rows, np.asarray(c.soft))}


def test_students_learn_the_experts_label_where_the_teacher_says_another(world):
    """Such rows were left out of every draw: an expert's corrections reached no student."""
    doubted = [i for i in world.ids[8:] if int(i[5:]) % 2 == 0][:14]  # all but two of the negative texts without a pair
    for i in doubted:
        says(world, i, "positive")
    project = Workspace(world.w.settings.home).project(world.pid)
    cells, rows = rows_of(project)
    assert not set(rows) & set(doubted) and project.plan.overruled(cells) == 0
    for i in doubted:
        project.repair.keep(i, "ann")
    cells, rows = rows_of(project)
    mine = set(rows) & set(doubted)
    assert len(mine) >= 2 and all(rows[i][0] == "negative" and rows[i][1] == pytest.approx((0.9, 0.1)) for i in mine)
    assert all(soft.max() == pytest.approx(0.95) for i, (_, soft) in rows.items() if i not in mine)
    assert project.plan.overruled(cells) >= len(mine)
    students = project.students.distil(SweepPlan.of({"arms": ["kd", "cod"], "seeds": 3, "shots": [16]}))
    found = project.results.latest()
    assert students["students"] == len(cells) and found.overruled == project.plan.overruled(cells)
    said = [s.lead for s in bought(found) if "overruled" in s.title]
    assert said == [f"{found.overruled} training texts carry your label where the teacher says another. Students learnt yours."]


def test_proposals_are_made_only_where_the_teacher_agrees(world):
    """A flip of a text that the teacher sees otherwise starts on the wrong side: both halves of the pair would have one label."""
    says(world, "train8", "positive")
    project = Workspace(world.w.settings.home).project(world.pid)
    project.repair.keep("train8", "ann")
    assert "train8" not in {e.id for e in project.draws.candidates(40)}
    assert "train8" in project.draws.sweep_orders([0], 40, 0, {})[0]


def test_a_label_that_was_changed_otherwise_is_nobodys_word(world):
    """An import that gives the label back would be taught as the expert's word."""
    project = world.w.project(world.pid)
    project.repair.correct("train8", "positive", "ann")
    assert project.draws.answered_for(project.texts.pool()) == {"train8"}
    mislabel(world, "train8")
    assert project.draws.answered_for(project.texts.pool()) == frozenset()


def test_a_text_without_a_proposal_is_aimed_away_from_what_the_teacher_says(world):
    """After its label was corrected the card aimed at the class that the teacher sees already: nothing she wrote could flip to it."""
    project, i = world.w.project(world.pid), world.ids[20]
    cache.add_to_reply(world.w.db, world.pid, project.draws.failed_key(), {i: "nothing found"})
    other = next(label for label in LABELS if label != project.cards.one(i).source)
    project.repair.correct(i, other, "ann")
    card = project.cards.one(i)
    assert (card.example.label, card.source, card.offered.target, card.disagrees) == (
        other,
        project.teacher.before(card.example).label,
        other,
        True,
    )
