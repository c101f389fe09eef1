"""Search, judged offers, embedding and a teacher's answers on two processes: what one process gives, bit for bit."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from cod_core.compute.local import Local
from cod_core.counterfactuals.options import GenerateRequest
from cod_core.errors import Cancelled
from cod_core.models.cached import CachedClassifier
from cod_core.models.choice import BuiltinChoice, FinetunedChoice
from cod_core.models.encoder import DEFAULT_ENCODER
from cod_core.models.portable import ANSWERING, EMBEDDING, encoder_spec, load_teacher, teacher_spec
from cod_core.models.teachers import BUILTIN
from cod_core.settings import ComputePlace
from cod_core.store import items
from cod_core.types import Example, Task
from cod_core.workspace import Workspace
from tests.unit.workspace.last_first import LastFirst

pytestmark = pytest.mark.slow
LABELS = ("negative", "positive")
GOOD, BAD = ("amazing", "wonderful", "excellent", "superb"), ("terrible", "awful", "horrible", "worthless")
THINGS = ("battery", "screen", "phone", "camera", "charger")
ROWS = [(f"The {t} I bought is {w}.", label) for t in THINGS for of, label in ((GOOD, "positive"), (BAD, "negative")) for w in of]
SECOND = {"by": "anything", "k": 2, "second": True, "budget": 80}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    w = Workspace(folder)
    pid = w.create_project("Phones", Task("Is it good?", LABELS))
    items.add_examples(w.db, pid, [Example(f"t{i}", text, label) for i, (text, label) in enumerate(ROWS)])
    w.project(pid).teacher.choose(BuiltinChoice("amazon"))
    return folder, pid


@pytest.fixture(scope="module")
def pair():
    """The one pool of this module: every engine is this one, and it stays open."""
    with Local(2, start_s=0) as local:
        yield local


def proposed(home, folder, place, **request):
    """What a run proposes, each as it is stored, without its second."""
    shutil.copytree(home[0], folder)
    project = Workspace(folder).project(home[1])
    project.place.settings = replace(project.place.settings, compute=place)
    report = project.proposals.generate(GenerateRequest.of(request))
    return report, [replace(cf, created_at="") for cf in items.counterfactuals(project.place.db, project.id)]


class Kept:
    """An engine that outlives its `with`, and counts what it hands over."""

    def __init__(self, local):
        self.local, self.handed = local, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def run(self, *args):
        before, self.local.submit = self.local.submit, self._submit
        try:
            yield from self.local.run(*args)
        finally:
            self.local.submit = before

    def _submit(self, *args):
        self.handed += 1
        return Local.submit(self.local, *args)


@pytest.mark.parametrize("way", [{"by": "anything", "k": 4}, {"by": "best", "k": 12}, SECOND], ids=["search", "offers", "second judge"])
def test_proposals_are_the_same_on_two_processes(home, pair, tmp_path, monkeypatch, way):
    """Who runs twice on another machine would curate another set."""
    monkeypatch.setenv("COD_READ_PROPOSALS", "1")
    monkeypatch.setattr("cod_core.project.models.Models.local_llm_name", lambda self: None)
    expected = proposed(home, tmp_path / "here", ComputePlace(workers=1), generator="search", **way)
    kept = Kept(pair)
    for module in ("searcher", "offers"):
        monkeypatch.setattr(f"cod_core.project.proposals.{module}.engine_of", lambda place: kept)
    found = proposed(home, tmp_path / "two", ComputePlace(workers=2), generator="search", **way)
    assert kept.handed > 0 and expected[1] and found == expected


def test_held_out_pairs_are_the_same_on_two_processes_and_searched_once(home, pair, tmp_path, monkeypatch):
    """Pairs that depend on the place would put another gap on the same page."""
    found, kept = {}, Kept(pair)
    for name, engine in (("here", None), ("two", kept)):
        shutil.copytree(home[0], tmp_path / name)
        project = Workspace(tmp_path / name).project(home[1])
        rows = [Example(f"h{i}", f"This {t} is {w} to me.", None, "test") for i, (t, w) in enumerate(zip(THINGS, GOOD + BAD))]
        items.add_examples(project.place.db, project.id, rows)
        if engine:
            monkeypatch.setattr("cod_core.project.proposals.searcher.engine_of", lambda place: kept)
        steps = []
        found[name] = project.diagnostics.held_out_pairs(lambda *s, told=steps: told.append(s[:2]), wanted=3)
        assert len(found[name]) == 3 and steps == sorted(steps)
        monkeypatch.setattr("cod_core.project.proposals.searcher.engine_of", lambda place: pytest.fail("searched again"))
        assert project.diagnostics.held_out_pairs(wanted=3) == found[name]
        monkeypatch.undo()
    assert found["here"] == found["two"] and kept.handed > 0


def test_a_stopped_search_keeps_what_was_found_ahead_and_ends_as_one_that_was_not_stopped(home, tmp_path, monkeypatch):
    """Texts searched by other processes were searched again; saved without the classes aimed at, the others would get other ones."""
    expected = proposed(home, tmp_path / "whole", ComputePlace(workers=1), generator="search", by="anything", k=1, budget=60)
    shutil.copytree(home[0], tmp_path / "stopped")
    project = Workspace(tmp_path / "stopped").project(home[1])
    request = GenerateRequest.of({"generator": "search", "by": "anything", "k": 1, "budget": 60})
    monkeypatch.setattr("cod_core.project.proposals.searcher.engine_of", lambda place: LastFirst())
    with pytest.raises(Cancelled):
        project.proposals.generate(request)
    monkeypatch.undo()
    ahead = items.counterfactuals(project.place.db, project.id)
    assert ahead and len({cf.example_id for cf in ahead}) == 1
    report = project.proposals.generate(request)
    found = sorted((replace(cf, created_at="") for cf in items.counterfactuals(project.place.db, project.id)), key=lambda cf: cf.id)
    assert report.tried == expected[0].tried - 1 and report.flipped == expected[0].flipped
    assert found == sorted(expected[1], key=lambda cf: cf.id)


def test_answers_that_came_ahead_are_looked_up_after_a_stop(tmp_path, monkeypatch):
    monkeypatch.setattr("cod_core.models.cached.SPREAD_FROM", 1)
    db, teacher = Workspace(tmp_path).db, load_teacher(teacher_spec(BuiltinChoice("amazon"), LABELS))
    texts = [text for text, _ in ROWS[:6]]

    def ahead(chunks, tick, late):
        yield from LastFirst().run(ANSWERING, None, chunks, lambda: teacher, tick, late)

    cached = CachedClassifier(db, "t", "r", LABELS, lambda: teacher, chunk=2, spread=ahead)
    with pytest.raises(Cancelled):
        cached.predict(texts)
    assert [p is not None for p in cached.on_record(texts)] == [False] * 4 + [True] * 2


def test_answers_and_embeddings_are_the_same_on_two_processes(pair):
    chunks = [[text for text, _ in ROWS[at : at + 8]] for at in range(0, len(ROWS), 8)]
    for work, spec in ((ANSWERING, teacher_spec(BuiltinChoice("amazon"), LABELS)), (EMBEDDING, encoder_spec(DEFAULT_ENCODER))):
        with Local(1) as one:
            expected = list(one.run(work, spec, chunks))
        found = list(pair.run(work, spec, chunks))
        assert [rows.tobytes() for rows in found] == [rows.tobytes() for rows in expected] and found[0].shape[0] == 8


def test_a_teacher_of_a_project_travels_as_bytes_and_another_weight_is_refused(tmp_path):
    """A worker elsewhere has no such folder; with an older file of the same name it would be another teacher."""
    folder = tmp_path / "own"
    shutil.copytree(BUILTIN / "amazon", folder)
    spec = teacher_spec(FinetunedChoice(str(folder)), LABELS)
    shutil.rmtree(folder)
    texts = [ROWS[0][0], ROWS[5][0]]
    expected = load_teacher(teacher_spec(BuiltinChoice("amazon"), LABELS)).logprobs(texts)
    assert np.array_equal(load_teacher(spec).logprobs(texts), expected)
    with pytest.raises(Exception, match="holds other weights"):
        load_teacher(replace(spec, revision="0" * 16))
