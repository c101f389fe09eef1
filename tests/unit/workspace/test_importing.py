"""Texts brought in beside others: nothing on two sides, nothing lost without a word, counts that are true."""

import pytest

from cod_core.data.reading import Table
from cod_core.data.tables import Columns
from cod_core.errors import BadInput, CodError
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import items, schema
from cod_core.types import Counterfactual, Example, Origin, Prediction, Task
from cod_core.workspace import Workspace

LABELS = ("bad", "good")
TRAIN = [(f"Text {i} is fine.", LABELS[i % 2], f"s{i}") for i in range(30)]


@pytest.fixture
def w(tmp_path, monkeypatch):
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    return Workspace(tmp_path)


@pytest.fixture
def pid(w):
    pid = w.create_project("Texts", Task("Good or bad?", LABELS))
    assert len(upload(w, pid, TRAIN).examples) == 30
    return pid


def upload(w, pid, rows, role="labelled"):
    """The Import of a file with these rows (text, label, source); its first row is number 2."""
    table = Table(["text", "label", "source"], [list(row) for row in rows], list(range(2, len(rows) + 2)), [])
    return w.project(pid).uploads.import_table(table, Columns("text", "label", "source"), role, None, [], repr((rows, role)), "rows.csv")


def test_training_texts_in_capitals_are_no_test_texts(w, pid):
    found = upload(w, pid, [(text.upper(), label, "") for text, label, _ in TRAIN] + [("New.", "good", "")], "test")
    assert [e.text for e in found.examples] == ["New."] and w.project(pid).summary().n_test == 1
    assert [p.row for p in found.problems if p.left_out] == list(range(2, 32)) and "other case" in found.problems[1].message


def test_a_test_file_of_the_same_documents_is_named_row_by_row(w, pid):
    found = upload(w, pid, [("Another sentence.", "good", "s3"), ("Of another document.", "bad", "s99")], "test")
    assert [p.row for p in found.problems] == [2] and "'s3'" in found.problems[0].message and w.project(pid).summary().n_test == 1


def test_later_training_texts_keep_away_from_the_test(w, pid):
    upload(w, pid, [("Held out.", "good", "t1"), ("Held out too.", "bad", "t2")], "test")
    found = upload(w, pid, [("HELD OUT.", "good", ""), ("More of it.", "bad", "t2"), ("Really new.", "good", "")])
    assert [e.text for e in found.examples] == ["Really new."] and [p.row for p in found.problems if p.left_out] == [2, 3]


def test_copies_are_not_counted_as_imported(w, pid):
    """30 imported, it said, and none was there."""
    found = upload(w, pid, [(text, label, "") for text, label, _ in TRAIN], "test")
    assert found.examples == [] and found.left_out == 30 and found.label_counts == {} and w.project(pid).summary().n_test == 0
    again = upload(w, pid, TRAIN)
    assert again.seen and again.examples == [] and w.project(pid).summary().n_train == 30


def test_a_label_that_comes_later_reaches_its_text(w, pid):
    upload(w, pid, [(f"Free {i}.", "", "") for i in range(4)], "unlabelled")
    found = upload(w, pid, [("Free 0.", "good", ""), ("Free 1.", "bad", "")], "test")
    assert len(found.examples) == 2 and found.problems == [] and "have got it: 2" in found.note
    assert {e.text: e.label for e in w.project(pid).texts.examples("test")} == {"Free 0.": "good", "Free 1.": "bad"}
    assert w.project(pid).summary().n_unlabelled == 2


def test_a_second_upload_is_divided_beside_the_first(w, pid):
    """Fewer than 40 texts stay in training; a file of the same documents must not then be tested on."""
    rows = [(f"Further {i}.", LABELS[i % 2], f"s{i % 30}") for i in range(60)] + [(f"Own {i}.", LABELS[i % 2], f"n{i}") for i in range(60)]
    found = upload(w, pid, rows)
    assert len(found.examples) == 120 and not found.problems
    sources = {split: {e.source_id for e in w.project(pid).texts.examples(split)} for split in ("train", "validation", "test")}
    assert sources["test"] and not sources["train"] & (sources["test"] | sources["validation"])
    assert {f"s{i}" for i in range(30)} <= sources["train"]


def test_a_public_set_is_checked_as_a_file_is(w, monkeypatch):
    pid = w.create_project("Films", Task("Good or bad?", ("Negative", "Positive")))
    upload(w, pid, [("Text 0 is fine.", "negative", ""), ("Text 1 is fine.", "positive", "")])
    rows = [
        Example("x", "Text 0 is fine.", "negative", "test"),
        Example("y", "TEXT 1 IS FINE.", "positive", "test"),
        Example("z", "New.", "positive", "test"),
    ]
    monkeypatch.setattr("cod_core.data.hub.load_hub", lambda *_: rows)
    found = w.project(pid).uploads.import_hub("sst2", "test", 3)
    assert [e.text for e in found.examples] == ["New."] and [p.row for p in found.problems] == [1, 2]
    assert [(e.id, e.label) for e in items.examples(w.db, pid, split="test")] == [("z", "Positive")]


def test_a_public_set_with_other_labels_is_refused(w, pid, monkeypatch):
    """Its rows went in under labels that the project does not have, and no draw was possible any more."""
    monkeypatch.setattr("cod_core.data.hub.load_hub", lambda *_: [Example("z", "New.", "positive", "train")])
    with pytest.raises(BadInput, match="negative, positive; the project has bad, good"):
        w.project(pid).uploads.import_hub("sst2", "train", 3)
    assert w.project(pid).summary().n_train == 30


def test_a_source_that_comes_with_the_label_ties_its_text(w, pid):
    """The label was kept and the source lost: a test file of the same documents went in."""
    upload(w, pid, [(f"Free {i}.", "", "") for i in range(4)], "unlabelled")
    upload(w, pid, [(f"Free {i}.", LABELS[i % 2], f"f{i}") for i in range(4)])
    found = upload(w, pid, [(f"Of the same document {i}.", LABELS[i % 2], f"f{i}") for i in range(4)], "test")
    assert found.examples == [] and found.left_out == 4 and w.project(pid).summary().n_test == 0


def test_a_source_that_came_before_the_label_ties_its_text(w, pid):
    upload(w, pid, [(f"Free {i}.", "", f"f{i}") for i in range(4)], "unlabelled")
    upload(w, pid, [(f"Of the same document {i}.", LABELS[i % 2], f"f{i}") for i in range(4)], "test")
    found = upload(w, pid, [(f"Free {i}.", LABELS[i % 2], "") for i in range(4)])
    assert found.examples == [] and "'f0'" in found.problems[0].message and w.project(pid).summary().n_unlabelled == 4


def test_a_file_can_be_read_again_with_other_columns_and_other_labels(w, pid):
    """Who had left out a label, or taken the wrong column, was told that the file was there already."""
    table = Table(["title", "text", "label"], [["One", "First of all.", "1"], ["Two", "Second.", "0"]], [2, 3], [])

    def read(column, meaning):
        return w.project(pid).uploads.import_table(table, Columns(column, "label"), "labelled", meaning, [], "sha", "rows.csv")

    assert len(read("text", {"1": "good"}).examples) == 1
    assert [e.text for e in read("text", {"1": "good", "0": "bad"}).examples] == ["Second."]
    assert len(read("title", {"1": "good", "0": "bad"}).examples) == 2
    assert read("text", {"1": "good", "0": "bad"}).seen


@pytest.mark.parametrize("descriptions", [("It is bad.",), ("It is bad.", "It is good.", "It is neither.")])
def test_descriptions_are_one_a_label_or_none(w, descriptions):
    """The project was made, and every prompt ended with a traceback."""
    with pytest.raises(BadInput, match="2 labels and"):
        w.create_project("Texts", Task("Good or bad?", LABELS, descriptions))
    assert w.projects() == []


def exported(w, rows) -> bytes:
    """A bundle of accepted pairs on training texts (text, label, source)."""
    other = w.create_project("Other", Task("Good or bad?", LABELS))
    items.add_examples(w.db, other, [Example(f"b{i}", *row[:2], "train", row[2]) for i, row in enumerate(rows)])
    for e in w.project(other).texts.examples():
        target = next(label for label in LABELS if label != e.label)
        items.add_counterfactuals(
            w.db,
            other,
            [
                Counterfactual(
                    f"c{e.id}", e.id, f"{e.text} Not at all.", e.label, target, Origin("search", "s"), created_at="2026-01-01T00:00:00Z"
                )
            ],
        )
        w.project(other).curation.decide(f"c{e.id}", "accepted", "ann", override_reason="no teacher at hand")
    return w.project(other).exports.bundle()


def test_the_pairs_of_a_bundle_keep_away_from_the_test_as_an_upload_does(w, pid):
    """A test text came in once more, in other case, as a training text with its counterfactual."""
    upload(w, pid, [("Held out.", "good", "t1")], "test")
    upload(w, pid, [("Free.", "", "")], "unlabelled")
    free = w.project(pid).texts.examples("unlabelled")[0]
    data = exported(w, [("HELD  out.", "good", None), ("Of the same document.", "bad", "t1"), ("Really new.", "good", "n1")])
    left = w.project(pid).bundles.open(data)
    assert [p.row for p in left] == [1, 2] and "other case" in left[0].message and "'t1'" in left[1].message
    assert (
        w.project(pid).summary().n_train == 31
        and set(w.project(pid).pairs.state().outcome) == {"b2"}
        and not w.project(pid).pairs.state().stale - 1
    )
    assert w.project(pid).texts.examples("unlabelled") == [free]


def test_a_decision_made_here_later_stands_beside_a_bundle(w, pid):
    """The older decision of the set was put behind it in the log, and was the text's from then on."""
    data = exported(w, [("One.", "good", None), ("Two.", "bad", None)])
    w.project(pid).bundles.open(data)
    w.project(pid).curation.decide("cb0", "rejected", "ann", reasons=("other",))
    left = w.project(pid).bundles.open(data)
    assert left == [] and w.project(pid).pairs.state().outcome["b0"].status == "rejected"
    with w.db.begin() as c:  # a set that another colleague exported, with a decision that is not on record here
        c.execute(schema.decisions.delete().where(schema.decisions.c.status == "accepted", schema.decisions.c.example_id == "b0"))
    w = Workspace(w.settings.home)
    left = w.project(pid).bundles.open(data)
    assert [p.row for p in left] == [1] and "decided here later" in left[0].message
    assert w.project(pid).pairs.state().outcome["b0"].status == "rejected"


def test_a_bundle_of_other_labels_is_refused_and_leaves_nothing(w, pid):
    """Its texts came in under labels that the project does not know."""
    other = w.create_project("Yes or no", Task("q", ("yes", "no")))
    with pytest.raises(BadInput, match="labels of the bundle"):
        w.project(other).bundles.open(exported(w, [("Really new.", "good", "")]))
    assert w.project(other).texts.examples() == []


def test_a_bundle_that_cannot_be_stored_leaves_no_half_project(w, monkeypatch):
    data, before = exported(w, [("Really new.", "good", "")]), len(w.projects())

    def full(*_):
        raise CodError("The disk is full.")

    monkeypatch.setattr(items, "add_checks", full)
    with pytest.raises(CodError, match="full"):
        w.open_bundle(data)
    assert len(w.projects()) == before


def test_prompts_that_get_a_label_keep_away_from_the_test_as_an_upload_does(w, pid, monkeypatch):
    upload(w, pid, [("Held out.", "good", "t1")], "test")
    upload(w, pid, [("Of the same document.", "", "t1"), ("Really new.", "", "")], "unlabelled")
    items.add_examples(w.db, pid, [Example("older", "HELD  out.", None, "unlabelled")])

    class Sure:
        id = "answers"

        def predict(self, texts, progress=None):
            return [Prediction(LABELS, (-3.0, -0.05))] * len(texts)

    monkeypatch.setattr(Teacher, "generates", lambda self: True)
    monkeypatch.setattr(Teacher, "classifier", lambda self: Sure())
    assert w.project(pid).answers.label_prompts() == {"labelled": 1, "undecided": 0, "apart": 2}
    assert [e.text for e in w.project(pid).texts.examples("train")][30:] == ["Really new."] and w.project(pid).summary().n_unlabelled == 2


def test_a_label_that_another_process_gave_is_on_the_card(w, pid, tmp_path):
    """A worker labels the prompts; the server went on showing texts without a label until it was started again."""
    upload(w, pid, [("Free.", "", "")], "unlabelled")
    free = w.project(pid).texts.examples("unlabelled")[0]
    items.add_counterfactuals(w.db, pid, [Counterfactual("c", free.id, "Not free.", "good", "bad", Origin("import", "x"))])
    assert w.project(pid).cards.all()[0].example.label is None
    upload(Workspace(tmp_path), pid, [("Free.", "good", "")], "test")
    assert (w.project(pid).cards.all()[0].example.label, w.project(pid).cards.one(free.id).example.split) == ("good", "test")


MANY, TESTS = [(f"Text {i} is fine.", LABELS[i % 2], "") for i in range(60)], [(f"Judge {i}.", LABELS[i % 2], "") for i in range(10)]


def sides(w, order):
    """Split -> its texts, of a new project with these files in order: (rows, role, whether a test file was announced)."""
    pid, found = w.create_project("Order", Task("Good or bad?", LABELS)), {}
    for rows, role, own_test in order:
        table = Table(["text", "label"], [list(row[:2]) for row in rows], list(range(2, len(rows) + 2)), [])
        w.project(pid).uploads.import_table(table, Columns("text", "label"), role, None, [], repr((rows, role)), "f.csv", own_test=own_test)
    for e in items.examples(w.db, pid):
        found.setdefault(e.split, set()).add(e.text)
    return found


def test_which_rows_train_does_not_depend_on_when_the_test_file_comes(w):
    """A third of the rows would be lost to an automatic test that nobody needs any more."""
    train, test = (MANY, "labelled", False), (TESTS, "test", False)
    late, first, announced = sides(w, [train, test]), sides(w, [test, train]), sides(w, [(MANY, "labelled", True), test])
    assert late == first == announced
    assert len(late["train"]) == 52 and late["test"] == {text for text, *_ in TESTS}


def test_texts_that_students_were_compared_on_stay_test_texts(w, monkeypatch):
    """What was chosen on, or reported, must not turn into training text behind one's back."""
    monkeypatch.setattr("cod_core.store.runs.runs", lambda db, pid: ["a student"])
    assert len(sides(w, [(MANY, "labelled", False), (TESTS, "test", False)])["test"]) == 28
