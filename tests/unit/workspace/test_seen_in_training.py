"""A built-in teacher on texts that it was trained on. Every prediction is on record, so no model loads."""

import pytest

from cod_core.distill.settings import SweepPlan
from cod_core.errors import BadInput
from cod_core.models.choice import BuiltinChoice, read_choice
from cod_core.models.seen import fingerprint
from cod_core.project.teacher.loader import identity
from cod_core.store import cache, items, projects
from cod_core.text import text_hash
from cod_core.types import Example, Task
from cod_core.workspace import Workspace

LABELS = ("negative", "positive")
MOVIES = {"kind": "builtin", "name": "movies"}


@pytest.fixture
def w(tmp_path, monkeypatch):
    """The movies teacher was trained on 50 texts: Snippet 0! and so on."""
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    known = frozenset(fingerprint(f"Snippet {i}!") for i in range(50))
    monkeypatch.setattr("cod_core.models.seen.seen_by", lambda folder: known if folder.name == "movies" else frozenset())
    return Workspace(tmp_path)


def project(w, seen: int, fresh: int) -> str:
    """Four training texts, and test texts of which the teacher saw some in other typography."""
    pid = w.create_project("Films", Task("Good?", LABELS))
    items.add_examples(w.db, pid, [Example(f"e{i}", f"A text {i}.", LABELS[i % 2]) for i in range(4)])
    test(w, pid, [f"snippet  {i} ." for i in range(seen)] + [f"Fresh {i}." for i in range(fresh)])
    return pid


def test(w, pid, texts) -> None:
    items.add_examples(w.db, pid, [Example(t, t, LABELS[i % 2], "test") for i, t in enumerate(texts)])
    for known in items.examples(w.db, pid):
        cache.put_predictions(w.db, *identity(read_choice(MOVIES), LABELS), {text_hash(known.text): (-0.1, -2.3)})


test.__test__ = False


def test_a_teacher_that_saw_the_test_texts_is_refused(w):
    """docs/method.md section 9: neither judged, nor used, on the other's test split."""
    pid = project(w, seen=12, fresh=8)
    with pytest.raises(BadInput, match="12 of the 20 test"):
        w.project(pid).teacher.choose(read_choice(MOVIES))
    assert w.project(pid).row.teacher is None
    w.project(pid).teacher.choose(BuiltinChoice("amazon"))


def test_test_texts_that_come_later_are_named_on_the_page_and_stop_a_sweep(w):
    pid = project(w, seen=0, fresh=5)
    w.project(pid).teacher.choose(read_choice(MOVIES))
    assert w.project(pid).trust.report().note == "" and not any(
        "knows their answers" in m for m in w.project(pid).preflight.check().messages
    )
    test(w, pid, [f"SNIPPET {i}" for i in range(10)])
    report, check = w.project(pid).trust.report(), w.project(pid).preflight.check()
    assert "10 of the 15 test" in report.note and report.n == 9 and report.n_left_out == 10, "five test, four training texts"
    assert check.blocked and any("10 of the 15" in m for m in check.messages)
    with pytest.raises(BadInput, match="knows their answers"):
        w.project(pid).plan.cells(SweepPlan(shots=(4,)))


def test_a_few_chance_meetings_are_left_out_of_its_accuracy_only(w):
    """Short texts are the same in any set."""
    pid = project(w, seen=4, fresh=60)
    w.project(pid).teacher.choose(read_choice(MOVIES))
    assert w.project(pid).trust.report().n_left_out == 4 and w.project(pid).teacher.seen_in_training() == ""


def test_only_the_teacher_of_the_sample_itself_was_trained_on_its_training_split(w):
    pid = project(w, seen=0, fresh=5)
    projects.update_settings(w.db, pid, {"sample": "movies"})
    projects.set_teacher(w.db, pid, MOVIES)
    assert w.project(pid).trust.report().n == 5
    projects.set_teacher(w.db, pid, {"kind": "builtin", "name": "amazon"})
    for e in items.examples(w.db, pid):
        cache.put_predictions(w.db, *identity(BuiltinChoice("amazon"), LABELS), {text_hash(e.text): (-0.1, -2.3)})
    assert w.project(pid).trust.report().n == 9
