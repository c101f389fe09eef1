"""Which rows and pairs an arm may train on. Every prediction is on record, so no model loads."""

from collections import Counter
from types import SimpleNamespace

import pytest

from cod_core.distill.settings import SweepPlan
from cod_core.models.choice import read_choice
from cod_core.project.curation.pairs import failed_keys
from cod_core.project.models import Models
from cod_core.project.teacher.loader import identity
from cod_core.project.teacher.teacher import Teacher
from cod_core.store import cache, items, projects
from cod_core.text import text_hash
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction, Task
from cod_core.workspace import Workspace

LABELS = ("bad", "good")
TEACHER = {"kind": "builtin", "name": "movies"}
GOOD, BAD = Prediction(LABELS, (-2.3, -0.1)), Prediction(LABELS, (-0.1, -2.3))
WHEN = "2026-01-01T00:00:00Z"


@pytest.fixture
def w(tmp_path, monkeypatch):
    monkeypatch.delenv("COD_DATABASE_URL", raising=False)
    return Workspace(tmp_path)


def told(w, pid, said: dict[str, Prediction]) -> None:
    """Put the teacher's answers on record."""
    cache.put_predictions(w.db, *identity(read_choice(TEACHER), LABELS), {text_hash(t): p.logprobs for t, p in said.items()})


def project(w, n: int = 8, wrong: tuple[int, ...] = (), keep: int | None = None) -> str:
    """n good and n bad training texts e0, e1, ... in turn, each of the first `keep` with an accepted counterfactual; on the
    texts in `wrong` the teacher says the other label."""
    pid = w.create_project("Fair", Task("Good or bad?", LABELS))
    projects.set_teacher(w.db, pid, TEACHER)
    texts = [Example(f"e{i}", f"Text {i} is {LABELS[i % 2]}.", LABELS[i % 2]) for i in range(2 * n)]
    tests = [Example(f"t{i}", f"Test {i} is {LABELS[i % 2]}.", LABELS[i % 2], "test") for i in range(4)]
    items.add_examples(w.db, pid, texts + tests)
    said = {e.text: (GOOD if (e.label == "good") != (i in wrong) else BAD) for i, e in enumerate(texts)}
    said |= {e.text: GOOD if e.label == "good" else BAD for e in tests}
    told(w, pid, said)
    for e in texts[:keep]:
        accept(w, pid, e, f"{e.text[:-1]} no more.", said[e.text])
    return pid


def propose(w, pid, example: Example, text: str, before: Prediction, flips: bool = True, kind: str = "import") -> str:
    after = (BAD if before is GOOD else GOOD) if flips else before
    target = "bad" if before is GOOD else "good"
    told(w, pid, {text: after})
    cf = Counterfactual(
        f"c-{example.id}-{text_hash(text)[:6]}", example.id, text, before.label, target, Origin(kind, "hand"), created_at=WHEN
    )
    items.add_counterfactuals(w.db, pid, [cf])
    items.add_checks(
        w.db, pid, [FlipCheck(cf.id, *identity(read_choice(TEACHER), LABELS), before, after, target, 2, 0.3, 9, 0.9, False, WHEN)]
    )
    return cf.id


def accept(w, pid, example: Example, text: str, before: Prediction) -> str:
    cf_id = propose(w, pid, example, text, before)
    w.project(pid).curation.decide(cf_id, "accepted", "ann")
    return cf_id


def rows_of(w, pid, **params):
    """(cells, sentences) of a sweep of three draws."""
    cells, sentences, _ = w.project(pid).plan.cells(SweepPlan.of({"arms": ["kd", "cod"], "seeds": 3, **params}))
    return cells, sentences


def test_pairs_whose_label_the_teacher_does_not_share_enter_no_arm(w):
    """In such a pair x and x' carry one and the same label, and every arm draws x."""
    pid = project(w, wrong=(0, 1, 2, 3), keep=10)
    cells, sentences = rows_of(w, pid, shots=[8])
    drawn = Counter(row.example_id for cell in cells for row in cell.rows)
    assert not set(drawn) & {"e0", "e1", "e2", "e3"} and {c.config.arm for c in cells} == {"kd", "cod"}
    assert any("4 of 10 counterfactuals" in s and "as it is labelled" in s for s in sentences)


def test_pairs_on_such_texts_are_not_counted_either(w):
    """Else a k is offered that can only be reached with them."""
    pid = project(w, wrong=(0, 1, 2, 3), keep=10)
    assert w.project(pid).draws.pairs_allow(w.project(pid).pairs.kept()) == 6 and w.project(pid).plan.shots_allowed() == [8, 12]
    found = w.project(pid).preflight.check()
    assert (found.n_kept, found.n_pairs) == (10, 6) and any("4 of 10" in m for m in found.messages)
    assert w.project(pid).draws.pairs_allow({}) == 0


def test_counting_pairs_reads_verdicts_and_asks_no_teacher(w, monkeypatch):
    """The count stands on pages: ten thousand pairs must not be looked up one chunk after another."""
    pid = project(w, wrong=(0,), keep=10)
    monkeypatch.setattr(Teacher, "classifier", lambda *_: pytest.fail("the teacher was asked"))
    assert w.project(pid).draws.pairs_allow(w.project(pid).pairs.kept()) == 8


@pytest.mark.parametrize("split", ["test", "validation", "unlabelled"])
def test_a_counterfactual_that_students_are_judged_on_is_not_trained_on(w, split):
    """It may be kept by hand; a student that learns it has seen an answer."""
    pid = project(w, keep=16)
    assert rows_of(w, pid, shots=[16])[1] == []
    items.add_examples(w.db, pid, [Example("seen", "TEXT 0 is  bad no more.", None if split == "unlabelled" else "good", split)])
    cells, sentences = rows_of(w, pid, shots=[8])
    assert not any(row.text == "Text 0 is bad no more." for cell in cells for row in cell.rows)
    assert any("1 of 16" in s and "judged on" in s for s in sentences) and "e0" in w.project(pid).pairs.kept()
    assert w.project(pid).draws.pairs_allow(w.project(pid).pairs.kept()) == 14


def test_a_text_whose_every_proposal_was_judged_and_none_flips_is_lost_whoever_proposed(w):
    """Only search counted as having tried: kd kept the rows that a language model or an import could not flip."""
    pid = project(w, keep=8)
    for i in (9, 11):
        propose(w, pid, items.example(w.db, pid, f"e{i}"), f"Unflipped {i}.", GOOD, flips=False, kind="llm")
    propose(w, pid, items.example(w.db, pid, "e11"), "Flipped 11.", GOOD)
    assert w.project(pid).draws.unusable_rows() == {"e9"}
    unchecked = Counterfactual("c", "e9", "Not judged yet.", "good", "bad", Origin("llm", "m"), created_at=WHEN)
    items.add_counterfactuals(w.db, pid, [unchecked])
    assert w.project(pid).draws.unusable_rows() == set(), "the verdict is still out"


def test_what_an_earlier_version_could_not_flip_stays_lost(w):
    pid = project(w, keep=8)
    cache.put_reply(w.db, pid, failed_keys(pid, w.project(pid).teacher.identity())[1], {"e9": "no flip found"})
    cache.add_to_reply(w.db, pid, w.project(pid).draws.failed_key(), {"e10": "no flip found", "e0": "no flip found"})
    assert w.project(pid).draws.unusable_rows() == {"e9", "e10"} and w.project(pid).draws.failed().keys() == {"e0", "e9", "e10"}


def test_a_second_judge_reads_no_text_that_students_are_judged_on(w, monkeypatch):
    """Below 100 labelled test texts, agreement on the unlabelled ones is the number that leads."""
    pid, read = project(w, n=4), []
    items.add_examples(w.db, pid, [Example("u", "Text u is good.", None, "unlabelled")])
    told(w, pid, {"Text u is good.": GOOD})
    monkeypatch.setattr(Teacher, "sensitivity", lambda *_: None)
    monkeypatch.setattr(Models, "encoder", lambda *_: SimpleNamespace(id="e", wrapped=None, encode=read.extend))
    monkeypatch.setattr("cod_core.models.surrogate.fit_surrogate", lambda *_: SimpleNamespace(logprobs=None))
    monkeypatch.setattr("cod_core.models.sensitivity.FirstOrder", lambda made: made)
    w.project(pid).searcher.surrogate()
    assert sorted(read) == sorted(e.text for e in w.project(pid).texts.pool().values())
    items.add_examples(w.db, pid, [Example(f"more{i}", f"Test number {i}.", "good", "test") for i in range(100)])
    w.project(pid).searcher.surrogate()
    assert "Text u is good." in read
