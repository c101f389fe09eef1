"""Trying again for one text, with the search and the teacher handed in: hints, kept phrases, nothing twice."""

import math

import numpy as np
import pytest

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
    monkeypatch.setattr(w, "teacher", lambda pid, key=None: Teacher())
    monkeypatch.setattr(w, "_identity", lambda spec, labels: ("fake", "1"))
    monkeypatch.setattr(w.encoder(), "encode", lambda texts, progress=None: np.ones((len(texts), 1), np.float32))
    asked = []

    def searcher(pid, options=None):
        asked.append(options)
        texts = ["A fine and long film.", "A dull and fine film."]
        return lambda example, n, target=None: [
            Counterfactual(f"s{i}", "e", text, "negative", "positive", Origin("search", "s")) for i, text in enumerate(texts)]
    monkeypatch.setattr(w, "searcher", searcher)
    return w, pid, asked


def test_hint_comes_first_and_nothing_is_proposed_twice(made):
    w, pid, _ = made
    found = w.try_again(pid, "e", hint="fine")
    assert found.added and found.added[0].origin.name.startswith("your words")
    assert all(w._state(pid).checks[cf.id].valid for cf in found.added)
    texts = [cf.text for cf in items.counterfactuals(w.db, pid)]
    w.try_again(pid, "e", hint="fine")
    again = [cf.text for cf in items.counterfactuals(w.db, pid)]
    assert again[: len(texts)] == texts and len(set(again)) == len(again)


def test_kept_phrases_stay_in_every_proposal_and_reach_the_search(made):
    w, pid, asked = made
    found = w.try_again(pid, "e", hint="fine", keep=("dull and",))
    assert found.added and all("dull and" in cf.text for cf in found.added)
    assert asked[-1] == {"frozen": ("dull and",)}


def test_phrase_that_is_not_in_the_text_is_refused(made):
    """Kept by nobody, it would look kept."""
    w, pid, _ = made
    with pytest.raises(BadInput, match="does not occur"):
        w.try_again(pid, "e", keep=("no such words",))
