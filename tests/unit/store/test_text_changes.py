"""Texts corrected, taken out and put back: one step each, on record, and nothing of a text is left behind or lost."""

import pytest

from cod_core.curation.index import Index
from cod_core.errors import BadInput, Stale
from cod_core.store import decisions, items, portable, projects, text_changes
from cod_core.types import Counterfactual, Decision, Example, FlipCheck, Origin, Prediction, Task

TASK = Task("sentiment", ("good", "bad"))
SAID = Prediction(("good", "bad"), (-0.1, -2.4))


@pytest.fixture
def pid(db):
    """Three texts; each of the first two has a proposal that was checked and accepted."""
    made = projects.create_project(db, "mine", TASK)
    items.add_examples(db, made, [Example(i, f"A {i} film.", "good", metadata={"row": i}) for i in "abc"])
    for i in "ab":
        cf = Counterfactual(f"cf-{i}", i, f"A bad {i} film.", "good", "bad", Origin("human", "ann"))
        items.add_counterfactuals(db, made, [cf])
        items.add_checks(db, made, [FlipCheck(cf.id, "t", "r", SAID, SAID, "bad", 1, 0.25, 3, None, False, "2026-01-01T00:00:00Z")])
        decisions.append(db, made, Decision(cf.id, i, "accepted", "ann"))
    return made


def test_a_text_taken_out_takes_its_proposals_verdicts_and_decisions_along(db, pid):
    """A page that counts pairs of a text that is gone would ask for pairs that nobody can see."""
    assert text_changes.remove(db, pid, ["a", "a", "nobody"], "ann") == 1
    now = Index(db, pid).now()
    assert (list(now.by_example), list(now.counterfactuals), list(now.outcome)) == (["b"], ["cf-b"], ["b"])
    assert set(now.checks["t", "r"]) == {"cf-b"}
    assert [e.id for e in items.examples(db, pid)] == ["b", "c"]


def test_a_text_put_back_is_as_it_was_and_where_it_stood(db, pid):
    before, snapshot = items.examples(db, pid), Index(db, pid).now()
    text_changes.remove(db, pid, ["a"], "ann")
    assert text_changes.restore(db, pid, ["a"], "bob") == 1
    assert items.examples(db, pid) == before
    after = Index(db, pid).now()
    assert (after.by_example, after.outcome, after.checks) == (snapshot.by_example, snapshot.outcome, snapshot.checks)
    assert text_changes.restore(db, pid, ["a"], "bob") == 0 and text_changes.out(db, pid) == []


def test_a_text_that_came_in_again_stays_as_it_came(db, pid):
    text_changes.remove(db, pid, ["a"], "ann")
    items.add_examples(db, pid, [Example("a", "A a film.", "bad")])
    assert text_changes.restore(db, pid, ["a"], "ann") == 0
    assert items.example(db, pid, "a").label == "bad" and "a" in Index(db, pid).now().by_example


def test_corrected_words_lose_the_verdicts_that_were_about_others(db, pid):
    """A pair would count as verified though the teacher never saw its original."""
    assert text_changes.correct(db, pid, "a", "A fine film.", "ann", seen="A a film.") == 1
    assert items.example(db, pid, "a").text == "A fine film."
    now = Index(db, pid).now()
    assert set(now.checks["t", "r"]) == {"cf-b"} and set(now.outcome) == {"a", "b"}


@pytest.mark.parametrize(("text", "seen", "error"), [("A b film.", None, BadInput), ("New.", "What I saw.", Stale)])
def test_a_correction_that_is_refused_changes_nothing(db, pid, text, seen, error):
    with pytest.raises(error):
        text_changes.correct(db, pid, "a", text, "ann", seen)
    with pytest.raises(BadInput):
        text_changes.correct(db, pid, "nobody", "New.", "ann")
    assert items.example(db, pid, "a").text == "A a film." and text_changes.written(db, pid) == 0


def test_each_change_says_who_made_it_and_what_was_there(db, pid):
    text_changes.correct(db, pid, "a", "New.", "ann")
    text_changes.remove(db, pid, ["a"], "bob")
    assert [(c.change, c.row["text"], c.annotator) for c in text_changes.log(db, pid)] == [
        ("corrected", "A a film.", "ann"),
        ("removed", "New.", "bob"),
    ]


def test_a_copy_of_the_project_has_its_changes_and_can_put_texts_back(db, pid):
    text_changes.remove(db, pid, ["a"], "ann")
    with db.read() as c:
        own = {name: list(portable.rows(c, pid, name)) for name in ("projects", *portable.OWN)}
    copy = portable.load(db, own["projects"][0], own.__getitem__, lambda old: projects.new_id())
    assert text_changes.restore(db, copy, ["a"], "ann") == 1 and len(items.examples(db, copy)) == 3
    assert [e.id for e in items.examples(db, pid)] == ["b", "c"]


def test_texts_are_found_by_their_words_split_and_label(db, pid):
    """A percent sign is a percent sign, not "anything"."""
    items.add_examples(db, pid, [Example("p", "100% bad", "bad", "test")])
    assert [e.id for e in items.matching(db, pid, "a B", None, None, 0, 9)] == ["b"]
    assert [e.id for e in items.matching(db, pid, "0%", None, None, 0, 9)] == ["p"]
    assert [e.id for e in items.matching(db, pid, "", "train", "good", 1, 1)] == ["b"]
    assert items.count_matching(db, pid, "", "train") == 3
