"""Judged proposals of a project: two sources compete on the first texts, the better one does the rest, nobody is left with nothing."""

import pytest

from cod_core.counterfactuals.batch import Found
from cod_core.counterfactuals.competing import TRIAL
from cod_core.counterfactuals.grading import Draft, Grade
from cod_core.counterfactuals.options import SearchOptions
from cod_core.project.proposals.offers import Offers
from cod_core.project.proposals.search import Search, SearchReport
from cod_core.types import Counterfactual, Origin
from cod_core.workspace import Workspace
from tests.unit.workspace.small_world import LABELS, World

BEST = SearchOptions(by="best")


@pytest.fixture
def project(tmp_path, monkeypatch):
    world = World(Workspace(tmp_path), train=2 * TRIAL, test=2)
    monkeypatch.setattr(Offers, "_unjudged", lambda *_: "")
    monkeypatch.setattr("cod_core.project.curation.pairs.Pairs.add", lambda self, pairs: len(pairs))
    return world.w.project(world.pid)


@pytest.fixture
def asked(monkeypatch):
    """(source, text's id) of every attempt; what each source gives is in `gives`."""
    attempts = []

    def attempt(kit, source, piece):
        attempts.append((source, piece.example.id))
        return Found([offer(piece.example, source)] if source in GIVES else [], 0.0, 1)

    monkeypatch.setattr("cod_core.counterfactuals.batch._by", attempt)
    monkeypatch.setattr(Offers, "_kit", lambda *_: None)
    monkeypatch.setattr(Offers, "_spec", lambda *_: None)
    return attempts


GIVES: set[str] = set()


def offer(example, source):
    other = next(label for label in LABELS if label != example.label)
    cf = Counterfactual(f"{source}-{example.id}", example.id, f"{source} {example.text}", example.label, other, Origin("search", source))
    return cf, Grade(Draft(cf.text, other), 0.9, 0.9, True, 0.2)


def rest_by(asked):
    """Sources of the attempts after the trial."""
    return [source for source, _ in asked[2 * TRIAL :]]


def test_the_source_that_gives_more_does_the_rest_and_is_named(project, asked, monkeypatch):
    monkeypatch.setattr("tests.unit.workspace.test_offers.GIVES", {"splices"})
    report = project.offers.run(project.texts.examples("train"), options=BEST)
    assert rest_by(asked) == ["splices"] * TRIAL and report.source == "splices" and report.flipped == 2 * TRIAL
    assert "pieces of your own texts gave 8 good proposals and single changed words 0" in report.messages[0]


def test_a_text_tried_before_is_not_tried_again_and_the_trial_is_remembered(project, asked, monkeypatch):
    monkeypatch.setattr("tests.unit.workspace.test_offers.GIVES", {"words"})
    texts = project.texts.examples("train")
    project.offers.run(texts[:TRIAL], options=BEST)
    assert len(asked) == 2 * TRIAL
    project.offers.run(texts, options=BEST)
    assert len(asked) == 3 * TRIAL and rest_by(asked) == ["words"] * TRIAL


def test_where_nothing_reads_well_any_flip_is_offered_after_the_trial(project, asked, monkeypatch):
    """News: half an hour of trying, and not one proposal."""
    monkeypatch.setattr("tests.unit.workspace.test_offers.GIVES", set())
    searched = []

    def search(self, texts, n, progress, options):
        searched.append((len(texts), options.by))
        return SearchReport(len(texts), len(texts), len(texts), 0, {}, 9)

    monkeypatch.setattr(Search, "run", search)
    report = project.offers.run(project.texts.examples("train"), options=BEST)
    assert searched == [(2 * TRIAL, "anything")] and len(asked) == 2 * TRIAL
    assert report.flipped == 2 * TRIAL and report.messages == (
        "Here nothing that reads well was found for 8 texts. So any small change that flips the teacher is offered.",
    )
    project.offers.run(project.texts.examples("train"), options=BEST)
    assert len(asked) == 2 * TRIAL, "the next run does not try again what gave nothing"
