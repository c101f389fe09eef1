"""Trying again for one text, with the search and the teacher handed in: hints, kept phrases, nothing twice."""

import math

import numpy as np
import pytest

from cod_core.counterfactuals.options import SearchOptions
from cod_core.errors import BadInput
from cod_core.store import items, projects
from cod_core.types import Counterfactual, Example, Origin, Prediction, Task
from cod_core.workspace import Workspace

LABELS = ("negative", "positive")


class Teacher:
    """Positive as soon as a text says 'fine'."""

    id, revision, labels = "fake", "1", LABELS

    def logprobs(self, texts):
        return np.log([[0.1, 0.9] if "fine" in t.lower() else [0.9, 0.1] for t in texts])

    def predict(self, texts):
        return [Prediction(LABELS, tuple(map(math.log, np.exp(row)))) for row in self.logprobs(texts)]

    def chars_read(self, text):
        return len(text)

    @property
    def wrapped(self):
        return self


@pytest.fixture
def made(tmp_path, monkeypatch):
    w = Workspace(tmp_path / "home")
    pid = w.create_project("Films", Task("Good?", LABELS))
    items.add_examples(w.db, pid, [Example("e", "A dull and long film.", "negative")])
    projects.set_teacher(w.db, pid, {"kind": "transformers", "name": "fake", "id": "fake", "revision": "1"})
    monkeypatch.setattr(w.project(pid).teacher, "classifier", lambda: Teacher())
    monkeypatch.setattr("cod_core.project.curation.pairs.identity_of", lambda row: ("fake", "1"))
    monkeypatch.setattr(w.models.encoder(), "encode", lambda texts, progress=None: np.ones((len(texts), 1), np.float32))
    asked, name = [], ["s"]

    def searcher(options=None):
        asked.append(options)
        texts = ["A fine and long film.", "A dull and fine film."]
        return lambda example, n, target=None, avoid=(): (
            asked.append(set(avoid))
            or [Counterfactual(f"s{i}", "e", text, "negative", "positive", Origin("search", name[0])) for i, text in enumerate(texts)]
        )

    monkeypatch.setattr(w.project(pid).searcher, "proposer", searcher)
    return w, pid, asked, name


def test_hint_comes_first_and_nothing_is_proposed_twice(made):
    w, pid, *_ = made
    found = w.project(pid).retry.try_again("e", hint="fine")
    assert found.added and found.added[0].origin.name.startswith("your words")
    assert all(w.project(pid).pairs.state().checks[cf.id].valid for cf in found.added)
    texts = [cf.text for cf in items.counterfactuals(w.db, pid)]
    w.project(pid).retry.try_again("e", hint="fine")
    again = [cf.text for cf in items.counterfactuals(w.db, pid)]
    assert again[: len(texts)] == texts and len(set(again)) == len(again)


def test_what_became_of_the_curators_words_is_told(made):
    """Words that could not be used were dropped without a word."""
    w, pid, *_ = made
    assert w.project(pid).retry.try_again("e").hint == ""
    assert [w.project(pid).retry.try_again("e", hint=hint).hint for hint in ("awful", ",;", "fine", "fine")] == [
        "useless",
        "useless",
        "used",
        "known",
    ]


def test_kept_phrases_stay_in_every_proposal_and_reach_the_search(made):
    w, pid, asked, _ = made
    found = w.project(pid).retry.try_again("e", hint="fine", keep=("dull and",))
    assert found.added and all("dull and" in cf.text for cf in found.added)
    assert SearchOptions(frozen=("dull and",)) in asked


def test_where_nothing_else_is_found_the_words_of_earlier_proposals_are_left_out(made):
    """A text that takes several edits has one flip within reach: it would be found for ever."""
    w, pid, asked, _ = made
    w.project(pid).retry.try_again("e")
    assert asked[-1] == set()
    w.project(pid).retry.try_again("e")
    assert asked[-2:] == [set(), {"fine"}]


def test_new_proposals_are_shared_by_a_second_judge_where_the_earlier_ones_were(made):
    """Else the expert who asks for another change of a topic is given one that fools the teacher alone."""
    w, pid, asked, name = made
    name[0] = "teacher-guided search with a second judge (words of the target class)"
    w.project(pid).retry.try_again("e")
    w.project(pid).retry.try_again("e")
    assert asked[-2:] == [SearchOptions(second=True, at_least=0.95), {"fine"}]


def test_phrase_that_is_not_in_the_text_is_refused(made):
    """Kept by nobody, it would look kept."""
    w, pid, *_ = made
    with pytest.raises(BadInput, match="does not occur"):
        w.project(pid).retry.try_again("e", keep=("no such words",))


def test_a_proposal_made_under_another_teacher_does_not_set_the_class_that_the_text_has(made):
    """Its target was the class of the text by now, and nothing that was found could be a flip."""
    w, pid, *_ = made
    items.add_counterfactuals(w.db, pid, [Counterfactual("old", "e", "A long film.", "positive", "negative", Origin("import", "f"))])
    assert w.project(pid).retry.try_again("e", hint="fine").hint == "used"
