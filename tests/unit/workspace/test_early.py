"""Whether counterfactuals pay, read off a project as it lies in the store."""

import numpy as np
import pytest

from cod_core.diagnostics import early as arrays
from cod_core.project.results import early
from cod_core.store import cache, items
from cod_core.text import text_hash
from cod_core.types import Example
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import LABELS, TURN, World


class Mislabelled(World):
    """Counterfactuals that the teacher takes for the other label and that read as their text did."""

    def _read(self, text, at, vector):
        super()._read(text, at, np.asarray(vector) * TURN if text.startswith("turned") else vector)


def project_of(tmp_path, kind=World, pairs=20, dev=60, train=60):
    made = kind(Workspace(tmp_path), train=train)
    made.keep(made.ids[:pairs])
    made.add_texts("validation", dev)
    return made, made.w.project(made.pid)


def test_it_warns_of_one_project_and_not_of_the_other(tmp_path):
    (_, good), (_, bad) = project_of(tmp_path / "a"), project_of(tmp_path / "b", Mislabelled)
    told, warned = good.live.measure().early, bad.live.measure().early
    assert not told.warns and told.gain > 0 and warned.warns and warned.gain < 0
    assert (warned.pairs, warned.rows, warned.n_dev) == (20, 20, 60)


@pytest.mark.parametrize(("pairs", "dev"), [(19, 60), (20, 29)])
def test_too_little_says_nothing(tmp_path, pairs, dev):
    assert project_of(tmp_path, pairs=pairs, dev=dev)[1].live.measure().early is None


def test_what_was_measured_is_of_these_pairs_and_measured_once(tmp_path, monkeypatch):
    made, project = project_of(tmp_path)
    asked = []
    monkeypatch.setattr(early, "measured", lambda *given: asked.append(1) or arrays.measured(*given))
    first = project.live.measure().early
    assert project.live.measure().early == first and asked == [1]
    made.keep(made.ids[20:24])
    later = project.live.measure().early
    assert later.pairs == 24 and asked == [1, 1]
    project.curation.undo("ann")
    assert project.live.measure().early.pairs == 23


def test_no_teacher_is_asked(tmp_path):
    """A paid teacher would be asked of texts that nobody looked at."""
    made, project = project_of(tmp_path)
    new = [Example(f"new{i}", f"never read {i}", LABELS[i % 2]) for i in range(4)]
    items.add_examples(made.w.db, made.pid, new)
    assert project.live.measure().early is not None
    assert {e.id for e in project.early._others()} == set(made.ids), "all that it knows, and none of the new ones"
    assert not cache.get_predictions(made.w.db, *made.identity, [text_hash(e.text) for e in new])


def test_what_it_may_draw_from_is_read_again_once_the_teacher_knows_more(tmp_path):
    made, project = project_of(tmp_path, train=24)
    assert len(project.early._others()) == 24
    made.add_texts("train", 6)
    assert len(project.early._others()) == 30


def test_it_reads_development_texts_and_no_test_text(tmp_path, monkeypatch):
    """A rule that read the texts on which it is judged would flatter itself."""
    _, project = project_of(tmp_path)
    read = []
    monkeypatch.setattr(type(project.early), "measure", lambda self, judged: read.append(judged.texts))
    project.live.measure()
    assert len(read[0]) == 60 and all(text.startswith("validation") for text in read[0])


def test_pairs_whose_teacher_is_on_record_nowhere_say_nothing(tmp_path, monkeypatch):
    """The strip would end in an error, and with it what it says of everything else."""
    _, project = project_of(tmp_path)
    monkeypatch.setattr(type(project.early), "_others", lambda self: [])
    live = project.live.measure()
    assert live.early is None and live.with_ is not None
