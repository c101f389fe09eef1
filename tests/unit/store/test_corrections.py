"""The log of corrected labels: written with the label in one step, taken back, kept in order, erased with the project."""

from dataclasses import asdict

import pytest
from sqlalchemy import insert, text

from cod_core.errors import BadInput, Stale
from cod_core.store import corrections, items, portable, projects, schema
from cod_core.store.database import _migrate, open_database
from cod_core.types import Example, Task
from tests import postgres
from tests.unit.store.test_store_database import bare

TASK = Task("sentiment", ("good", "bad", "mixed"))


@pytest.fixture
def pid(db):
    made = projects.create_project(db, "mine", TASK)
    items.add_examples(db, made, [Example("a", "A film.", "good"), Example("b", "B film.", "bad", "test"), Example("u", "?", None)])
    return made


def label(db, pid, example_id="a"):
    return items.example(db, pid, example_id).label


def labellings(db, pid):
    return projects.get_project(db, pid).settings.get("labellings", 0)


def test_a_correction_changes_the_label_and_renews_every_index(db, pid):
    """Other processes hold the texts in memory: without the count they would go on with the wrong label."""
    made = corrections.correct(db, pid, "a", "bad", "ann")
    assert (made.old_label, made.new_label, made.annotator, made.seq is not None) == ("good", "bad", "ann", True)
    assert (label(db, pid), labellings(db, pid)) == ("bad", 1)
    corrections.correct(db, pid, "b", None, "ann")
    assert (label(db, pid, "b"), labellings(db, pid)) == ("bad", 1), "a confirmed label is no news"
    assert {i: c.label for i, c in corrections.standing(db, pid).items()} == {"a": "bad", "b": "bad"}


def test_taking_back_restores_the_label_and_loses_no_row(db, pid):
    """Who corrected what must stay on record, or nobody can tell how a label came about."""
    corrections.correct(db, pid, "a", "bad", "ann")
    corrections.correct(db, pid, "a", "mixed", "ann")
    corrections.correct(db, pid, "b", None, "bob")
    assert corrections.take_back(db, pid, "ann").new_label == "mixed" and label(db, pid) == "bad"
    assert corrections.standing(db, pid)["a"].label == "bad"
    assert corrections.take_back(db, pid, "ann") and label(db, pid) == "good"
    assert corrections.take_back(db, pid, "ann") is None and corrections.standing(db, pid).keys() == {"b"}
    assert corrections.take_back(db, pid, "bob") and label(db, pid, "b") == "bad"
    assert corrections.written(db, pid) == len(corrections.log(db, pid)) == 6


def test_nobody_overwrites_what_another_person_corrected(db, pid):
    """Two people look at the same list: the second press, and an undo, must not silently win."""
    corrections.correct(db, pid, "a", "bad", "ann", seen="good")
    with pytest.raises(Stale, match="'bad'"):
        corrections.correct(db, pid, "a", "mixed", "bob", seen="good")
    corrections.correct(db, pid, "a", "mixed", "bob", seen="bad")
    with pytest.raises(Stale, match="after you"):
        corrections.take_back(db, pid, "ann")
    assert label(db, pid) == "mixed" and corrections.written(db, pid) == 2


@pytest.mark.parametrize("example_id", ["u", "nowhere"])
def test_a_text_without_a_label_has_none_to_correct(db, pid, example_id):
    """A label on an unlabelled text would count as a gold label on a split that has none."""
    with pytest.raises(BadInput, match="labelled texts"):
        corrections.correct(db, pid, example_id, "good", "ann")
    assert corrections.written(db, pid) == 0


def test_a_backup_brings_corrections_back_in_order_with_their_undos(db, pid):
    """Numbers are the database's own: an undo that kept the old one would take back somebody else's correction."""
    other = projects.create_project(db, "other", TASK)
    items.add_examples(db, other, [Example("a", "A film.", "good")])
    corrections.correct(db, pid, "a", "bad", "ann")
    corrections.correct(db, other, "a", "bad", "eve")
    corrections.correct(db, pid, "b", "mixed", "ann")
    corrections.take_back(db, pid, "ann")
    with db.read() as c:
        rows = {name: list(portable.rows(c, pid, name)) for name in ("projects", *portable.OWN, "predictions")}
    back = portable.load(db, rows["projects"][0], rows.__getitem__, lambda old: "feedfeedfeedfeed")
    plain = [(c.example_id, c.new_label, c.annotator, c.undoes is not None) for c in corrections.log(db, back)]
    assert back == "feedfeedfeedfeed" and plain == [("a", "bad", "ann", False), ("b", "mixed", "ann", False), ("b", "bad", "ann", True)]
    assert corrections.standing(db, back).keys() == {"a"} and corrections.take_back(db, back, "ann").example_id == "a"


def test_a_deleted_project_leaves_no_correction_behind(db, pid):
    """Names of people and their acts are erased with their project."""
    corrections.correct(db, pid, "a", "bad", "ann")
    projects.delete_project(db, pid)
    with db.read() as c:
        assert c.execute(text("SELECT count(*) FROM label_corrections")).scalar() == 0


def test_a_database_from_before_corrections_opens_and_takes_one(database_url):
    """An update of the app must never cost a person's work."""
    address = database_url if database_url.startswith("sqlite") else postgres.new_database(empty=True)
    old = bare(address)
    _migrate(old, "0004")
    row = {"id": "00000000000000aa", "name": "old", "task": asdict(TASK), "settings": {}, "created_at": "2025"}
    with old.begin() as c:
        c.execute(insert(schema.projects).values(row))
    pid = row["id"]
    items.add_examples(old, pid, [Example("a", "A film.", "good")])
    old.engine.dispose()
    db = open_database(address)
    assert corrections.written(db, pid) == 0 and label(db, pid) == "good"
    corrections.correct(db, pid, "a", "bad", "ann")
    assert label(db, pid) == "bad"
    db.engine.dispose()
