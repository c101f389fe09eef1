"""The steps of a run that proposes, each by itself: no model, no store."""

import json
from types import SimpleNamespace

import pytest

from cod_core.counterfactuals.llm import Ask, Outcome, Proposals
from cod_core.counterfactuals.options import TightenRequest
from cod_core.counterfactuals.study import PromptResult, sum_or_none
from cod_core.project.proposals import llm_run
from cod_core.project.proposals.llm_run import LlmRun
from cod_core.project.proposals.prompts import PromptStudy
from cod_core.project.proposals.quality import measure, of_sources
from cod_core.project.proposals.retry import became_of
from cod_core.project.proposals.search import Attempt, report_of, why_none
from cod_core.project.proposals.tightening import TightenReport, to_tighten
from cod_core.types import Counterfactual, Example, FlipCheck, Origin, Prediction

GOOD, BAD = Prediction(("bad", "good"), (-3.0, -0.05)), Prediction(("bad", "good"), (-0.05, -3.0))


def proposal(cf_id: str, example_id: str, text: str, kind: str = "search") -> Counterfactual:
    return Counterfactual(cf_id, example_id, text, "good", "bad", Origin(kind, kind), created_at="2026-01-01")


def verdict_on(cf: Counterfactual, edits: int = 1) -> FlipCheck:
    return FlipCheck(cf.id, "t", "1", GOOD, BAD, "bad", edits, 0.1 * edits, edits, None, False, "2026-01-01")


def test_a_text_has_a_reason_only_where_a_class_was_not_reached():
    """A source that was down is named before the search is blamed."""
    assert why_none({}, "it is so already") == "it is so already"
    assert why_none({"a": Attempt(2)}, "") == "" == why_none({"a": Attempt(1, True, 9), "b": Attempt(3)}, "")
    assert why_none({"a": Attempt(0)}, "") == "no small edit changed the teacher's mind"
    assert why_none({"a": Attempt(0), "b": Attempt(1), "c": Attempt(0)}, "").endswith("mind to a or c")
    assert why_none({"a": Attempt(0), "b": Attempt(0, unanswered="no answer")}, "") == "no answer"
    assert "no small edit" in why_none({"a": Attempt(0), "b": Attempt(1, unanswered="no answer")}, "")


def test_a_searchs_report_counts_what_was_searched_now():
    attempts = {"x": {"a": Attempt(1, True, 40), "b": Attempt(0, True, 60)}, "y": {"a": Attempt(2)}}
    report = report_of(attempts, {"x": "none"}, 2)
    assert report.to_json() == {"texts": 2, "tried": 2, "flipped": 1, "without": 1, "failures": {"x": "none"}, "scored": 100}


def test_what_became_of_a_hint():
    assert became_of(" ", {"a"}, set()) == "" and became_of("dull", set(), {"a"}) == "useless"
    assert became_of("dull", {"a"}, {"a", "b"}) == "known" and became_of("dull", {"a", "c"}, {"a"}) == "used"


def test_a_run_counts_texts_and_asks_again_only_where_nothing_flipped(monkeypatch):
    """A second try that flips is a repair; an answer at the second try is no failure any more."""
    asks = [Ask(Example(i, f"Text {i}.", "good"), "good", "bad") for i in "abc"]
    asked = []

    def answers(generator, asks, n, save, progress):
        asked.append([ask.example.id for ask in asks])
        for ask in asks:
            if ask.example.id != "c":
                save(ask, Proposals((proposal(f"{ask.example.id}{len(asked)}", ask.example.id, f"{ask.example.id} {len(asked)}"),)))
        return Outcome(2, {}, {"c": "no answer"} if len(asked) == 1 else {}, 0, 0.5)

    monkeypatch.setattr(llm_run, "run_asks", answers)
    generator = SimpleNamespace(template=SimpleNamespace(shape="json"), client=SimpleNamespace())
    teacher = SimpleNamespace(predict=lambda texts: [BAD if text in ("a 1", "b 2") else GOOD for text in texts])
    run = LlmRun(generator, lambda pairs: 0, lambda *_: None, teacher, fault_of=lambda original, text: "")
    first = run.run(asks, 1, 3)
    report = run.report(3, first)
    assert asked == [["a", "b", "c"], ["b"]]
    assert (report.tried, report.flipped, report.without, report.repaired) == (2, 2, 0, 1)
    assert report.failures == {"c": "no answer"} and report.cost_usd == 1.0
    assert json.loads(json.dumps(report.to_json())) == report.to_json() and isinstance(report.to_json()["messages"], list)


def test_one_price_that_is_not_known_leaves_the_sum_unknown():
    assert sum_or_none([0.5, 0.25]) == 0.75 and sum_or_none([0.5, None]) is None and sum_or_none([]) is None


@pytest.mark.parametrize(
    "change",
    [{"offered": None}, {"check": None}, {"decision": "accepted"}, {"stale": True}, {"check": verdict_on(proposal("c", "e", "x"))}],
)
def test_only_undecided_flips_of_several_edits_are_tightened(change):
    cf = proposal("c", "e", "Much changed.", "llm")
    card = {"offered": cf, "check": verdict_on(cf, 3), "decision": None, "stale": False}
    assert to_tighten(SimpleNamespace(**card), TightenRequest(sources=("llm",))) == (cf, card["check"])
    assert to_tighten(SimpleNamespace(**card), TightenRequest(sources=("import",))) is None
    assert to_tighten(SimpleNamespace(**card | change), TightenRequest()) is None


def test_a_job_keeps_what_tightening_came_to_as_before():
    assert list(TightenReport(2, 1, 1, 0.4, 0.2).to_json()) == ["texts", "tightened", "unchanged", "fraction_before", "fraction_after"]


def test_a_proposal_offered_before_makes_the_next_one_a_duplicate():
    """Of one text's proposals only the offered one is in the set; its alternatives may repeat each other."""
    texts = {i: Example(i, f"A good {i}.", "good") for i in ("film", "play")}
    first, other, same = (
        proposal("1", "film", "A bad film."),
        proposal("2", "film", "A bad  film!", "llm"),
        proposal("3", "play", "A bad film."),
    )
    measured = measure(
        texts, {"film": [first, other], "play": [same]}, {cf.id: verdict_on(cf) for cf in (first, other, same)}, {}, {"a bad film."}
    )
    assert [one.cf.id for one in measured["film"]] == ["1", "2"] and not measured["film"][0].quality.duplicate
    assert measured["play"][0].quality.duplicate and measured["play"][0].put_in == {"bad", "film"}
    assert {source: set(of) for source, of in of_sources(measured).items()} == {"search": {"film", "play"}, "chat model: llm": {"film"}}


def test_a_study_is_read_back_as_it_was_kept():
    row = PromptResult("base", "Plain", 4, 8, 0.5, 0.25, 0.4, None, 0.9, 10, 20, None, {"empty": 1}, 2)
    study = PromptStudy((row,), "base", "m", 4, "host", "2026-01-01")
    kept = json.loads(json.dumps(study.to_json()))
    assert PromptStudy.of(kept) == study and set(kept) == {"rows", "best", "model", "host", "texts", "made_at"}
